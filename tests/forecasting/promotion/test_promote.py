"""Champion and challenger: what it takes to be promoted, and what is recorded of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.cli.main import main
from forecasting.evaluation.scores import SKILL_METRICS
from forecasting.evaluation.significance import significance_table, why_untested
from forecasting.promotion.evidence import Evidence, another_model, read_evidence, unlike
from forecasting.promotion.gates import against_baseline, against_champion, gates
from forecasting.promotion.promote import promote
from forecasting.promotion.record import LONGEST, describe, reasons
from forecasting.run_folder.record import run_digest
from forecasting.tracking.track import RUN_DIGEST

CELL = ["setting", "horizon", "origin"]
AUDIT = {
    "origins": [2003, 2006],
    "cells_altered": 5,
    "features_changed": [],
    "totals_changed": [],
    "additivity": 1e-9,
    "adds_up": 1e-9,
}


def evidence(
    errors: dict[str, float] | None = None,
    *,
    coverage: float = 0.9,
    origins: tuple[int, ...] = tuple(range(2000, 2010)),
    noise: float = 0.0,
    **about: Any,
) -> Evidence:
    """A run whose models have these errors, in every setting, horizon and metric."""
    rng = np.random.default_rng(0)
    rows = []
    levels = {"gravicast": 0.9, "last_value": 1.1, "last_value_raked": 1.0, **(errors or {})}
    for model, error in levels.items():
        for setting in ("totals_known", "ex_ante"):
            for horizon in (1, 2):
                for origin in origins:
                    value = error * (1 + noise * rng.normal())
                    row = dict.fromkeys(SKILL_METRICS, value)
                    keys = {"setting": setting, "model": model, "horizon": horizon}
                    rows.append({**keys, "origin": origin, "coverage_90": coverage, "n": 90, **row})
    return Evidence(
        run_id="r",
        run_name="r",
        model_id="m-0",
        about={
            "as_of": "2012-07-01",
            "data": [{"role": "trade", "sha256": "abc", "statements": []}],
            "config": {"rounds": 80, "max_rows": 9, "params": {}, "tune_every": 2, "seed": 1},
            "versions": {"gravicast": "0.1.0"},
            "audit": AUDIT,
            **about,
        },
        scores=pd.DataFrame(rows),
    )


# Gates --------------------------------------------------------------------------------------------


def failed(found: Evidence) -> list[str]:
    return [gate.name for gate in gates(found) if not gate.passed]


@pytest.mark.parametrize(
    ("coverage", "passes"),
    [(0.855, False), (0.86, True), (0.9, True), (0.94, True), (0.945, False), (np.nan, False)],
)
def test_intervals_must_cover_what_they_say(coverage, passes):
    assert failed(evidence(coverage=coverage)) == ([] if passes else ["coverage"])


def test_one_horizon_that_covers_too_little_is_enough_and_is_named():
    found = evidence()
    scores = found.scores
    worst = (scores["setting"] == "ex_ante") & (scores["horizon"] == 2)
    scores.loc[worst & (scores["origin"] < 2005), "coverage_90"] = 0.7
    assert failed(found) == ["coverage"]
    (gate,) = [gate for gate in gates(found) if gate.name == "coverage"]
    assert gate.found == "outside in 1 of 4: ex_ante h2: 80.0%"


def test_coverage_of_baselines_does_not_count():
    found = evidence()
    found.scores.loc[found.scores["model"] != "gravicast", "coverage_90"] = np.nan
    assert failed(found) == []


@pytest.mark.parametrize(
    "change",
    [
        {"features_changed": ["distance"]},
        {"totals_changed": [2]},
        {"cells_altered": 0},
        {"origins": []},
    ],
)
def test_a_leak_or_no_check_for_one_fails(change):
    assert failed(evidence(audit=AUDIT | change)) == ["no leak"]


@pytest.mark.parametrize(("gap", "passes"), [(1e-6, True), (1.1e-6, False), (float("nan"), False)])
def test_reasons_must_add_up(gap, passes):
    assert failed(evidence(audit=AUDIT | {"additivity": gap})) == ([] if passes else ["additivity"])


@pytest.mark.parametrize("audit", [None, {}])
def test_what_was_not_recorded_fails(audit):
    found = evidence(audit=audit)
    assert failed(found) == ["no leak", "additivity"]
    assert [g.found for g in gates(found) if not g.passed] == ["not recorded"] * 2


def test_a_run_passes_its_own_gates(review_run):
    about = json.loads((review_run / "run.json").read_text())
    scores = pd.read_csv(review_run / "scores_by_origin.csv")
    found = gates(Evidence("r", "r", "m", about, scores))
    assert [gate.name for gate in found if gate.passed] == ["coverage", "no leak", "additivity"]


# Comparison ---------------------------------------------------------------------------------------


def slow_score(ours: pd.DataFrame, theirs: pd.DataFrame) -> float:
    ratios = []
    for cell, selected in ours.groupby(["setting", "horizon"]):
        other = theirs.set_index(["setting", "horizon"]).loc[[cell]]
        ratios += [selected[metric].mean() / other[metric].mean() for metric in SKILL_METRICS]
    return float(np.mean(ratios))


@settings(max_examples=15, deadline=None)
@given(ours=st.floats(0.1, 2), theirs=st.floats(0.1, 2), noise=st.floats(0, 0.3))
def test_the_score_is_the_mean_ratio_of_errors(ours, theirs, noise):
    one = evidence({"gravicast": ours}, noise=noise)
    other = evidence({"gravicast": theirs, "drift": 1.0}, noise=noise / 2)
    found = against_champion(one, other, name="the champion")
    wanted = slow_score(one.of("gravicast"), other.of("gravicast"))
    assert found.score == pytest.approx(wanted)
    assert found.won is (wanted < 1 and not found.worse)
    assert found.cells["origins"].tolist() == [10] * 4


def test_against_itself_nothing_is_won_or_lost():
    found = against_champion(evidence(), evidence(), name="itself")
    assert (found.score, found.won) == (1.0, False)
    assert not found.worse | found.better


def test_baselines_are_those_of_the_same_run():
    found = evidence({"gravicast": 0.5, "last_value": 2.0})
    assert against_baseline(found, "last_value", name="it").score == pytest.approx(0.25)
    assert against_baseline(found, "last_value_raked", name="it").score == pytest.approx(0.5)


def test_surely_worse_in_one_cell_is_not_won():
    ours, theirs = evidence({"gravicast": 0.5}), evidence({"gravicast": 0.9})
    worst = (ours.scores["setting"] == "ex_ante") & (ours.scores["horizon"] == 2)
    ours.scores.loc[worst, "wape"] = 1.0
    found = against_champion(ours, theirs, name="the champion")
    assert found.score < 1
    assert found.worse == {("ex_ante", 2, "wape")}
    assert len(found.better) == 2 * 2 * 4 - 1
    assert not found.won
    assert "worse than the champion" in reasons((), [found], first=False)[0]
    # A first champion has to beat the baselines by the score alone.
    assert reasons((), [found], first=True) == ()


def test_the_test_of_equal_accuracy_is_the_scoreboards():
    ours, theirs = evidence(noise=0.2), evidence({"gravicast": 0.8}, noise=0.1)
    both = pd.concat(
        [ours.of("gravicast"), theirs.of("gravicast").assign(model="champion")], ignore_index=True
    )
    table = significance_table(both, model="gravicast", others=["champion"], metrics=SKILL_METRICS)
    found = against_champion(ours, theirs, name="the champion")
    for verdict, cells in (("worse", found.worse), ("better", found.better)):
        rows = table[table["verdict"] == verdict]
        assert cells == set(rows[["setting", "horizon", "metric"]].itertuples(index=False))


def test_few_origins_are_compared_but_not_tested():
    few = (2000, 2001, 2002)
    found = against_champion(
        evidence({"gravicast": 0.5}, origins=few), evidence(origins=few), name="the champion"
    )
    assert found.won
    assert not found.tested
    text = describe("v", (), (), [found], notes=())
    assert why_untested(origins=3) in text
    same = against_champion(evidence(), evidence(), name="itself")
    assert not same.tested
    assert why_untested(origins=9) in describe("v", (), (), [same], notes=())


def test_a_metric_nobody_has_is_left_out_and_none_at_all_is_no_win():
    ours, theirs = evidence({"gravicast": 0.5}), evidence()
    for run in (ours, theirs):
        run.scores["log_mae"] = np.nan
    found = against_champion(ours, theirs, name="it")
    assert found.score == pytest.approx(0.5 / 0.9)
    for run in (ours, theirs):
        run.scores[list(SKILL_METRICS)] = np.nan
    found = against_champion(ours, theirs, name="it")
    assert np.isnan(found.score)
    assert not found.won
    assert "not below 1" in reasons((), [found], first=False)[0]


# The same data ------------------------------------------------------------------------------------


def changed(change: Callable[[pd.DataFrame], Any]) -> Evidence:
    found = evidence()
    rows = change(found.scores)
    return replace(found, scores=found.scores if rows is None else rows)


def set_known(scores: pd.DataFrame, name: str, value: float) -> None:
    scores.loc[scores["model"] == "last_value", name] = value


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (evidence(data=[{"role": "trade", "sha256": "x", "statements": []}]), "other trade data"),
        (evidence(as_of="2013-07-01"), "other as-of dates"),
        (evidence(origins=tuple(range(2001, 2010))), "other origins"),
        (changed(lambda s: s[s["setting"] == "ex_ante"]), "other settings"),
        (changed(lambda s: s[s["horizon"] == 1]), "other horizons"),
        (changed(lambda s: s[(s["horizon"] == 1) | (s["origin"] > 2000)]), "other combinations"),
        (changed(lambda s: set_known(s, "n", 89)), "read differently"),
        (changed(lambda s: set_known(s, "wape", 1.11)), "read differently"),
    ],
)
def test_runs_on_other_data_cannot_be_compared(other, says):
    assert says in unlike(evidence(), other)
    assert says in unlike(other, evidence())


def test_runs_on_the_same_data_can():
    assert unlike(evidence({"gravicast": 3.0}), evidence()) == ""
    shuffled = changed(lambda s: s.sample(frac=1, random_state=0))
    assert unlike(evidence(), shuffled) == ""


def test_a_simulated_world_is_known_by_its_seed():
    def simulated(seed: int) -> Evidence:
        statements = [f"simulated with seed {seed}: no real country"]
        source = {"role": "trade", "path": "simulated", "sha256": "", "statements": statements}
        return evidence(data=[source])

    assert unlike(simulated(1), simulated(1)) == ""
    assert "simulated-seed-2" in unlike(simulated(1), simulated(2))


@pytest.mark.parametrize(
    ("name", "value"), [("rounds", 9), ("params", {"max_bin": 9}), ("seed", 2), ("max_rows", 1)]
)
def test_a_stand_in_has_the_champions_configuration(name, value):
    config = evidence().about["config"]
    assert name in another_model(evidence(config=config | {name: value}), evidence())
    assert another_model(evidence(config=config | {"trade": "new.csv"}), evidence()) == ""
    assert "0.2" in another_model(evidence(versions={"gravicast": "0.2"}), evidence())


# The description ----------------------------------------------------------------------------------


def test_the_description_fits_into_mlflow_and_says_where_it_was_cut():
    found = [against_champion(evidence(), evidence(), name="x" * 900) for _ in range(5)]
    text = describe("Version 1 was not promoted", ("because",), gates(evidence()), found, notes=())
    assert len(text) == LONGEST
    assert text.endswith("(cut)")


def test_the_description_holds_gates_ratios_and_what_is_sure():
    ours, theirs = evidence({"gravicast": 0.45}), evidence(audit=None)
    found = against_champion(ours, theirs, name="the champion, version 3")
    text = describe("Version 4 became the champion", (), gates(theirs), [found], notes=["A note."])
    lines = text.replace("&emsp;", "").splitlines()
    assert lines[0] == "Version 4 became the champion"
    assert any(line.startswith("| no leak |") and line.endswith("| **no** |") for line in lines)
    row = "| totals_known | 1 | 10 | 0.500 better | 0.500 better | 0.500 better | 0.500 better |"
    assert row in lines
    assert "version 3" in text
    assert lines[-1] == "A note."


# In the registry ----------------------------------------------------------------------------------

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture(scope="module")
def shared_store(migrated_store, tmp_path_factory) -> str:
    """One store for all: opening one takes MLflow a second. Tests differ by the model's name."""
    file = tmp_path_factory.mktemp("registry") / "some.db"
    shutil.copy(migrated_store, file)
    return f"sqlite:///{file.as_posix()}"


@pytest.fixture
def client(shared_store, monkeypatch) -> Any:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", shared_store)
    return mlflow.MlflowClient(shared_store)


@pytest.fixture
def name(request) -> str:
    """A registered model for this test alone."""
    return request.node.name.replace("[", "-").rstrip("]")


def log_folder(client: Any, folder: Path) -> str:
    """Log what a promotion reads of a run folder.

    `track` logs the same among much else; test_tracking_server.py promotes what it logged.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    digest = {RUN_DIGEST: run_digest(folder)}
    run_id = client.create_run("0", tags=digest, run_name=folder.name).info.run_id
    for file in ("run.json", "scores_by_origin.csv"):
        client.log_artifact(run_id, str(folder / file))
    model_id = client.create_logged_model("0", source_run_id=run_id).model_id
    client.finalize_logged_model(model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
    client.set_terminated(run_id)
    return str(run_id)


@pytest.fixture
def log(client, review_run, tmp_path) -> Callable[..., tuple[str, Path]]:
    """Log the run after altering its errors or its account of itself."""
    count = iter(range(9))

    def go(*, better: float = 1.0, **about: Any) -> tuple[str, Path]:
        folder = tmp_path / f"run{next(count)}"
        folder.mkdir()
        scores = pd.read_csv(review_run / "scores_by_origin.csv")
        scores.loc[scores["model"] == "gravicast", list(SKILL_METRICS)] *= better
        scores.to_csv(folder / "scores_by_origin.csv", index=False)
        content = json.loads((review_run / "run.json").read_text())
        content |= {"seconds": {"of": str(folder)}, **about}
        (folder / "run.json").write_text(json.dumps(content))
        return log_folder(client, folder), folder

    return go


def aliases(client: Any, name: str) -> dict[str, str]:
    return {
        alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()
    }


def versions(client: Any, name: str) -> list[str]:
    return sorted(str(v.version) for v in client.search_model_versions(f"name = '{name}'"))


def test_the_first_champion_has_beaten_the_baselines(log, client, name):
    run_id, _ = log()
    done = promote(run_id, name=name)
    assert (done.promoted, done.version, done.reasons) == (True, "1", ())
    assert aliases(client, name) == {"champion": "1"}
    assert [c.against for c in done.comparisons] == ["repeating the last value", "the raked base"]
    version = client.get_model_version(name, "1")
    assert version.tags["gravicast.verdict"] == "promoted"
    assert version.tags["gravicast.gates"] == "passed"
    assert "against the raked base" in version.tags["gravicast.score"]
    assert version.description.startswith("Version 1 became the champion\n")
    assert version.run_id == run_id
    assert client.get_run(run_id).data.tags["gravicast.promotion"] == (
        f"{name}: Version 1 became the champion"
    )
    model = client.get_logged_model(client.get_run(run_id).outputs.model_outputs[0].model_id)
    assert '"version": "1"' in str(model.tags) or '"version": 1' in str(model.tags)


def test_promoting_again_registers_nothing_twice(log, client, name):
    run_id, folder = log()
    promote(run_id, name=name)
    again = promote(folder, name=name)
    assert (again.promoted, again.version) == (True, "1")
    assert "already" in again.verdict
    assert (versions(client, name), aliases(client, name)) == (["1"], {"champion": "1"})


def test_a_model_worse_than_the_raked_base_is_no_first_champion(log, client, name):
    run_id, _ = log(better=1.5)
    done = promote(run_id, name=name)
    assert not done.promoted
    assert "the raked base" in done.reasons[-1]
    assert aliases(client, name) == {"challenger": "1"}
    promote(run_id, name=name)
    assert versions(client, name) == ["1"]


def test_a_better_challenger_follows_the_champion(log, client, name):
    promote(log()[0], name=name)
    run_id, _ = log(better=0.9)
    done = promote(run_id, name=name)
    assert (done.promoted, done.version) == (True, "2")
    assert done.comparisons[0].score == pytest.approx(0.9)
    assert aliases(client, name) == {"champion": "2"}
    assert client.get_model_version(name, "1").tags["gravicast.followed_by"] == "2"
    assert "version 1" in client.get_model_version(name, "2").description


@pytest.mark.parametrize("better", [1.0, 1.05])
def test_an_equal_or_worse_challenger_stays_one(log, client, better, name):
    first, _ = log()
    promote(first, name=name)
    run_id, _ = log(better=better)
    done = promote(run_id, name=name)
    assert not done.promoted
    assert "not below 1" in done.reasons[0]
    assert aliases(client, name) == {"champion": "1", "challenger": "2"}
    tags = client.get_model_version(name, "2").tags
    assert tags["gravicast.verdict"] == "not promoted"
    assert "not below 1" in tags["gravicast.reasons"]
    assert "not promoted" in client.get_run(run_id).data.tags["gravicast.promotion"]


def test_a_better_challenger_that_leaks_stays_one(log, client, review_run, name):
    promote(log()[0], name=name)
    audit = json.loads((review_run / "run.json").read_text())["audit"]
    run_id, _ = log(better=0.5, audit=audit | {"features_changed": ["distance"]})
    done = promote(run_id, name=name)
    assert not done.promoted
    assert len(done.reasons) == 1
    assert "distance" in done.reasons[0]
    tags = client.get_model_version(name, "2").tags
    assert tags["gravicast.gates"] == "failed: no leak"
    assert aliases(client, name)["champion"] == "1"


def test_names_are_apart(log, client, name):
    run_id, _ = log()
    promote(run_id, name=name)
    promote(run_id, name="goods")
    assert aliases(client, "goods") == {"champion": "1"}
    assert versions(client, name) == ["1"]


def other_data(review_run: Path, digest: str = "f" * 64) -> list[dict[str, Any]]:
    data = json.loads((review_run / "run.json").read_text())["data"]
    return [source | ({"sha256": digest} if source["role"] == "trade" else {}) for source in data]


def test_other_data_are_refused_and_nothing_is_registered(log, client, review_run, stops, name):
    first, _ = log()
    promote(first, name=name)
    run_id, _ = log(better=0.5, data=other_data(review_run))
    error = stops(lambda: promote(run_id, name=name), says="other trade data")
    assert "config.yaml" in error.remedy
    assert first in error.remedy
    assert "--against" in error.remedy
    assert (versions(client, name), aliases(client, name)) == (["1"], {"champion": "1"})
    assert "gravicast.promotion" not in client.get_run(run_id).data.tags


def test_the_champions_configuration_on_the_new_data_stands_in(
    log, client, review_run, stops, name
):
    first, _ = log()
    promote(first, name=name)
    new = other_data(review_run)
    run_id, _ = log(better=0.9, data=new)
    _, stand_in = log(better=0.95, data=new)
    done = promote(run_id, against=stand_in, name=name)
    assert done.promoted
    assert done.comparisons[0].score == pytest.approx(0.9 / 0.95)
    text = client.get_model_version(name, "2").description
    assert "configuration was run on the challenger's data" in text
    # Another configuration does not.
    config = json.loads((review_run / "run.json").read_text())["config"]
    other, _ = log(data=new, config=config | {"rounds": 9})
    third, _ = log(better=0.8, data=new)
    stops(lambda: promote(third, against=other, name=name), says="rounds is 9 and the champion's 8")
    stops(lambda: promote(third, against=first, name=name), says="other trade data")


def test_without_a_champion_nothing_can_stand_in_for_one(log, stops, name):
    run_id, folder = log()
    stops(lambda: promote(run_id, against=folder, name=name), says="no champion")


# What is refused ----------------------------------------------------------------------------------


def test_a_folder_that_was_never_tracked_is_refused(log, review_run, client, stops, name):
    log()
    error = stops(lambda: promote(review_run, name=name), says="no finished run of this folder")
    assert f"gravicast track {review_run}" in error.remedy


def test_the_last_run_of_a_folder_counts(log, client):
    first, folder = log()
    assert read_evidence(client, str(folder)).run_id == first
    second = log_folder(client, folder)
    assert read_evidence(client, str(folder)).run_id == second
    client.set_terminated(second, "FAILED")
    assert read_evidence(client, str(folder)).run_id == first


@pytest.mark.parametrize("run", ["0123456789abcdef", "nowhere/run", "."])
def test_no_run_is_refused(log, run, stops, name):
    log()
    stops(lambda: promote(run, name=name))


def test_a_run_that_failed_is_refused(log, client, stops, name):
    run_id, _ = log()
    client.set_terminated(run_id, "FAILED")
    error = stops(lambda: promote(run_id, name=name), says="is failed, not finished")
    assert "gravicast track" in error.remedy


def test_a_run_of_something_else_is_refused(log, client, stops, name):
    log()
    run = client.create_run("0")
    client.set_terminated(run.info.run_id)
    stops(lambda: promote(run.info.run_id, name=name), says="was not logged by `gravicast`")


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a@b", "a'b"])
def test_a_name_the_registry_cannot_keep_is_refused(log, name, stops):
    run_id, _ = log()
    stops(lambda: promote(run_id, name=name), says="cannot be named")


def test_without_a_store_there_is_nothing_to_promote(monkeypatch, stops, name):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    stops(lambda: promote("0123", name=name), says="there is no MLflow store yet")
    assert list(Path.cwd().iterdir()) == []


# The command --------------------------------------------------------------------------------------


def test_the_command_says_why_and_ends_with_0_1_or_2(log, capsys, client):
    _, folder = log()
    assert main(["promote", str(folder)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("Version 1 became the champion (gravicast)\n")
    assert "gate coverage: passed" in printed.out
    assert "mean error ratio to the raked base: 0." in printed.out
    assert printed.err == ""
    worse, _ = log(better=1.2)
    assert main(["promote", worse]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("Version 2 was not promoted (gravicast)\n")
    assert "not yet: mean error ratio to the champion, version 1: 1.2000" in printed.out
    assert printed.err == ""
    assert main(["promote", "feedbeef"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("gravicast: ")
    assert printed.err.count("\n") == 1
