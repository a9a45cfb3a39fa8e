"""Effects that a scenario asks of the run's own data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from forecasting import read_run
from forecasting.results.result import RunResult
from forecasting.scenarios.result import ScenarioResult
from forecasting.scenarios.scenario import answer_scenario
from forecasting.scenarios.scenario_file import read_scenario

pytest.importorskip("pyfixest", reason="needs the extra `gravity`")

Ask = Callable[..., ScenarioResult]


@pytest.fixture(scope="module")
def run(review_run: Path) -> RunResult:
    return read_run(review_run)


@pytest.fixture
def ask(run: RunResult, tmp_path: Path) -> Ask:
    def go(changes: str, *, of: RunResult = run) -> ScenarioResult:
        file = tmp_path / "question.yaml"
        file.write_text(f"changes:\n{changes}draws: 0\n")
        return answer_scenario(of, read_scenario(file))

    return go


@pytest.fixture
def apart(run: RunResult, review_files) -> tuple[str, str]:
    """Two countries that never had an agreement."""
    agreed = pd.read_csv(review_files.others["pairs"][1])
    had = set(zip(agreed["iso3_o"], agreed["iso3_d"], strict=True))
    codes = sorted(run.forecasts["exporter"].astype(str).unique())
    return next((a, b) for a in codes for b in codes if a < b and not {(a, b), (b, a)} & had)


def test_an_agreement_moves_flows_by_what_the_run_says_of_agreements(ask: Ask, apart):
    one, other = apart
    found = ask(f"  - {{agreement: [{one}, {other}], effect: from_model}}\n")
    (change,) = found.record["changes"]
    effect = change["effect"]
    assert effect["standard_error"] > 0
    assert "PPML" in effect["source"]
    assert "not an experiment" in effect["source"]
    touched = (found.flows["exporter"] == one) & (found.flows["importer"] == other)
    ratio = found.flows.loc[touched, "partial"] / found.flows.loc[touched, "baseline"]
    np.testing.assert_allclose(ratio, np.exp(effect["value"]))
    assert change["support"].startswith("support: ")


def test_beyond_what_the_data_span_is_a_warning(ask: Ask, run, apart):
    year = int(run.forecasts["target_year"].max())
    path = f"exporters: {apart[0]}, importers: {apart[1]}, change: {{{year}: 40}}"
    with pytest.raises(InputError, match="does not say whose"):
        ask(f"  - {{indicator: n_treaties, semi_elasticity: from_model, {path}}}\n")
    alone = path.replace(f"importers: {apart[1]}, ", "")
    found = ask(f"  - {{indicator: n_treaties, semi_elasticity: from_model, {alone}}}\n")
    support = found.record["changes"][0]["support"]
    assert support.startswith("WARNING: outside the data")
    assert "standard deviations away" in support


def test_a_mistake_is_one_line(ask: Ask, run, apart):
    year = int(run.forecasts["target_year"].max())
    path = f"exporters: {apart[0]}, change: {{{year}: 1}}, semi_elasticity: from_model"
    for name, says in (("IT.NET.USER.ZX", "no indicator or pair attribute"),
                       ("IT.NET.USER.ZS", "without domestic sales")):  # fmt: skip
        with pytest.raises(InputError, match=says) as caught:
            ask(f"  - {{indicator: {name}, {path}}}\n")
        assert "\n" not in str(caught.value)
    moved = replace(run, provenance={**run.provenance, "data": run.provenance["data"][1:]})
    with pytest.raises(InputError, match="has changed since it was made"):
        ask(f"  - {{indicator: rta, {path}}}\n", of=moved)


def test_without_pyfixest_the_extra_is_named(ask: Ask, apart, monkeypatch):
    monkeypatch.setattr("forecasting.scenarios.from_model.find_spec", lambda _: None)
    with pytest.raises(InputError, match="pyfixest") as caught:
        ask(f"  - {{agreement: [{apart[0]}, {apart[1]}], effect: from_model}}\n")
    assert "gravicast[gravity]" in caught.value.remedy
