"""A session's autologging is off while a run is at work, and afterwards as it was."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from forecasting import RunConfig, run
from forecasting.tracking.autologging import autologging_off

pytestmark = pytest.mark.usefixtures("elsewhere")


def logged() -> int:
    """Parameters that MLflow logs of a fit by itself."""
    import mlflow

    with mlflow.start_run() as started:
        LinearRegression().fit(np.eye(3), [1, 2, 3])
    return len(mlflow.MlflowClient().get_run(started.info.run_id).data.params)


def test_autologging_is_off_in_the_block_and_back_after_it(store):
    import mlflow

    mlflow.sklearn.autolog(silent=True, log_models=False)
    try:
        before = logged()
        with autologging_off():
            with autologging_off():
                pass
            assert logged() == 0
        assert logged() == before > 0
    finally:
        mlflow.sklearn.autolog(disable=True)


def test_a_run_switches_it_off_and_gives_it_back(tmp_path, monkeypatch):
    from mlflow.utils import autologging_utils

    seen = []

    def load(_: object) -> None:
        seen.append(autologging_utils._AUTOLOGGING_GLOBALLY_DISABLED)
        raise RuntimeError

    monkeypatch.setattr("forecasting.job.load", load)
    with pytest.raises(RuntimeError):
        run(RunConfig(out=tmp_path / "run", experiment=None), show_progress=False)
    assert seen == [True]
    assert not autologging_utils._AUTOLOGGING_GLOBALLY_DISABLED
