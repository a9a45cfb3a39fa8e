"""Findings on their way to people: stderr, run.json, the report; what is strict, what accepted."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from features.findings import Finding
from forecasting import RunConfig, simulate_world
from forecasting.cli.main import main
from forecasting.inputs.findings import MOST_LINES, show_findings
from forecasting.inputs.load import LoadedData, load
from forecasting.reports.data import _findings

QUICK = ["--horizons", "1", "--rounds", "3", "--workers", "1", "--no-tracking"]
LATE = "XAC"


@pytest.fixture(scope="module")
def sound() -> pd.DataFrame:
    return simulate_world(seed=3, n_countries=10, n_years=13).trade


@pytest.fixture(scope="module")
def late(sound) -> pd.DataFrame:
    gone = (sound["exporter"] == LATE) & (sound["year"] == sound["year"].max())
    return sound.assign(value_usd=sound["value_usd"].where(~gone, 0.0))


@pytest.fixture
def read(tmp_path) -> Callable[..., LoadedData]:
    def go(frame: pd.DataFrame, **options: object) -> LoadedData:
        frame.to_csv(tmp_path / "trade.csv", index=False)
        return load(RunConfig(trade=tmp_path / "trade.csv", **options))

    return go


def test_a_late_reporter_is_told_kept_and_forecast(
    late, tmp_path, capsys, draw_nothing, few_measures
):
    late.to_csv(tmp_path / "trade.csv", index=False)
    out = tmp_path / "out"
    assert main(["run", "--trade", str(tmp_path / "trade.csv"), *QUICK, "--quiet",
                 "--out", str(out)]) == 0  # fmt: skip
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert printed.startswith(f"warning: {LATE} has no exports in ")
    (finding,) = json.loads((out / "run.json").read_text())["findings"]
    assert (finding["code"], finding["names"]) == ("late-reporter", [LATE])
    forecasts = pd.read_parquet(out / "forecasts.parquet")
    late_exports = forecasts[forecasts["exporter"] == LATE]
    before = late[(late["exporter"] == LATE) & (late["year"] == late["year"].max() - 1)]
    assert late_exports["forecast"].sum() > 0.5 * before["value_usd"].sum()
    assert (late_exports["upper_90"] > 0).any()


def test_the_simulated_world_holds_nothing_to_notice():
    assert load(RunConfig()).findings == ()


def test_what_was_silent_is_unknown_unless_the_user_knows_better(late, read):
    last = {option: read(late, late=option).bundle.panel for option in ("auto", "missing", "zero")}
    unknown = {option: int(np.isnan(panel.values[-1]).sum()) for option, panel in last.items()}
    assert unknown == {"auto": 9, "missing": 9, "zero": 0}


@pytest.mark.parametrize(
    ("options", "ends"),
    [
        ({"strict": True}, True),
        ({"strict": True, "late": "missing"}, False),
        ({"strict": True, "late": "zero"}, False),
        ({"strict": True, "accept": ("late-reporter",)}, False),
        ({"strict": True, "accept": ("succession",)}, True),
        ({}, False),
    ],
)
def test_strict_ends_what_the_user_has_not_settled(late, read, options, ends):
    if not ends:
        read(late, **options)
        return
    with pytest.raises(InputError, match=f"{LATE} has no exports") as caught:
        read(late, **options)
    assert "--late" in caught.value.remedy


def test_an_unknown_code_is_no_acceptance():
    with pytest.raises(InputError, match="accept"):
        RunConfig(accept=("late-reporters",))


def test_a_world_among_the_traders_ends_the_run(sound, read):
    row = sound.groupby(["importer", "year"], as_index=False)["value_usd"].sum()
    with pytest.raises(InputError, match="exports of ROW equal the sum of all other"):
        read(pd.concat([sound, row.assign(exporter="ROW")]))


def test_the_remedy_for_an_unknown_country_makes_no_trader_of_the_world(sound, read):
    with pytest.raises(InputError) as caught:
        read(sound.replace({"XAC": "WLD"}))
    assert "ROW" not in str(caught.value)


def test_pairs_listed_once_are_told(sound, read, tmp_path):
    names = sorted(set(sound["exporter"]))
    pairs = pd.DataFrame([(a, b, 1.0) for a in names for b in names if a < b],
                         columns=["iso3_o", "iso3_d", "dist"])  # fmt: skip
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    data = read(sound, pairs=(tmp_path / "pairs.csv",))
    assert [one.code for one in data.findings] == ["pairs-once"]
    assert np.isnan(data.bundle.pairs.static["dist"]).sum() == len(names)


def test_what_the_table_decided_of_absent_cells_is_said(sound, read):
    data = read(sound[sound["value_usd"] > 0])
    (statement,) = [one for one in data.sources[0].statements if "without a row" in one]
    assert "read as zero: the table lists trade only" in statement
    assert "--absent" in statement


def finding(severity: str, message: str = "XAC jumps") -> Finding:
    return Finding("trader-jump", severity, 1, ("XAC",), (2010,), message, "Correct it")


@pytest.mark.parametrize(("notes", "lines"), [(True, 2), (False, 1)])
def test_warnings_are_told_without_progress_too(notes, lines, capsys):
    show_findings([finding("warning"), finding("note")], notes=notes)
    assert capsys.readouterr().err.count("\n") == lines


def test_of_many_findings_the_rest_is_counted(capsys):
    show_findings([finding("warning")] * (MOST_LINES + 3), notes=True)
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == MOST_LINES + 1
    assert printed[-1] == "and 3 more in run.json"


def test_the_report_shows_them_as_text():
    (table,) = _findings({"findings": [finding("warning", "<b> jumps").to_dict()]})
    assert "&lt;b&gt; jumps" in table
    assert "<b>" not in table
    assert "wrong" in _findings({"findings": []})[0]
    assert _findings({}) == []


def test_options_of_the_findings_are_in_the_help(capsys):
    for command in ("run", "forecast"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown = capsys.readouterr().out
        assert all(option in shown for option in ("--late", "--strict", "--accept"))
