"""A scenario is a child of its run in MLflow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mlflow
import pytest

from features.errors import InputError
from forecasting import read_run, scenario
from forecasting.run_folder.record import run_digest
from forecasting.scenarios.track import track_scenario
from forecasting.tracking.track import RUN_DIGEST

TARIFF = "draws: 0\nchanges:\n  - tariff: 25%\n    exporters: USA\n    importers: CHN\n"


@pytest.fixture
def asked(finished_run, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    for path in finished_run.iterdir():
        (out / path.name).symlink_to(path)
    (tmp_path / "tariff.yaml").write_text(TARIFF)
    run = replace(read_run(finished_run), out=out)
    return run, scenario(run, tmp_path / "tariff.yaml")


def test_it_is_logged_below_its_run(store: Path, elsewhere, asked):
    run, result = asked
    with pytest.raises(InputError, match="no finished run"):
        track_scenario(result, run.out)
    client = mlflow.MlflowClient()
    tags = {RUN_DIGEST: run_digest(run.out)}
    parent = client.create_run(client.create_experiment("of the test"), tags=tags).info.run_id
    client.set_terminated(parent)
    found = client.get_run(track_scenario(result, run.out))
    assert found.data.tags["mlflow.parentRunId"] == parent
    assert found.data.tags["kind"] == "scenario"
    assert found.data.params["answer"] == "conditional"
    assert found.data.metrics["moved_percent"] > 0
