"""A plan is a child of the MLflow run that it rests on."""

from dataclasses import replace

import pytest

from forecasting.planning.plan import answer_plan
from forecasting.planning.tracked import plan_metrics, track_plan
from forecasting.run_folder.record import run_digest
from forecasting.tracking.mlflow_store import at_store
from forecasting.tracking.track import RUN_DIGEST


@pytest.fixture
def answered(sectors_read, bound):
    return answer_plan(sectors_read, bound())


def test_without_a_store_nothing_is_logged_and_no_store_is_made(
    answered, sectors_read, monkeypatch, tmp_path
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{(tmp_path / 'none.db').as_posix()}")
    run = replace(sectors_read, config=replace(sectors_read.config, experiment="x"))
    assert track_plan(answered, run, tmp_path) is None
    assert not (tmp_path / "none.db").exists()


def test_a_plan_is_a_child_of_its_run(answered, sectors_read, monkeypatch, tmp_path):
    uri = f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tags = {RUN_DIGEST: run_digest(sectors_read.out)}
    with at_store(problem="", remedy="") as client:
        experiment = client.create_experiment("x", artifact_location=(tmp_path / "a").as_uri())
        parent = client.create_run(experiment, tags=tags).info.run_id
        client.set_terminated(parent)
    folder = tmp_path / "plan"
    folder.mkdir()
    (folder / "plan.html").write_text("page")
    run = replace(sectors_read, config=replace(sectors_read.config, experiment="x"))
    run_id = track_plan(answered, run, folder)
    with at_store(problem="", remedy="") as client:
        child = client.get_run(run_id)
        files = [file.path for file in client.list_artifacts(run_id)]
    assert child.data.tags["mlflow.parentRunId"] == parent
    assert child.info.status == "FINISHED"
    assert child.data.metrics == pytest.approx(plan_metrics(answered))
    assert files == ["plan.html"]
