"""Past forecasts and their outcomes: a run's are in its back-test, and some of them in its model.

Joint draws learn from them how flows move together. A back-test is too large to go with a model, so
each model has the few columns that draws read, in the setting of its forecasts.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from features.errors import InputError
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.results.record_setting import poorer_settings, record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import flow_columns
from forecasting.run_folder.files import BACKTEST, MODEL
from forecasting.run_folder.record import check_file
from forecasting.run_folder.whole_file import write_whole

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

FILE = f"{MODEL}/past_forecasts.parquet"
"""Below the folder of a run, a forecast or a logged model."""
WORLD = f"{MODEL}/world_errors.csv"
"""How far forecasts of world trade may be off, of the model's own origin."""
PAST = (FILE, WORLD)
"""What each forecast by a model gets a copy of."""


def has_past(run: RunResult) -> bool:
    """Whether there are past forecasts: of a run always, of a forecast if its model has them."""
    return run.provenance["kind"] == "run" or (run.out / FILE).is_file()


def past_forecasts(run: RunResult) -> pd.DataFrame:
    """Past forecasts in the setting that knew as much as the run's or forecast's own do.

    Returns
    -------
    DataFrame
        ``origin, horizon, exporter, importer, [sector], forecast, actual``, USD.

    Raises
    ------
    InputError
        If it is a forecast by a model that was saved without them.
    """
    columns, setting = _columns(run), record_setting(run)
    if run.provenance["kind"] == "run":
        return read_backtest(run.out, columns=columns, where=[("setting", "==", setting)])
    if not has_past(run):
        raise InputError(
            "this folder holds a forecast by a model that was saved without its past errors",
            remedy="Train the model again with `gravicast run`, and forecast with that one",
            file=run.out,
        )
    check_file(run.out, FILE)
    return pd.read_parquet(run.out / FILE, columns=columns, filters=[("setting", "==", setting)])


def past_world_errors(run: RunResult) -> pd.DataFrame:
    """How far forecasts of world trade may be off, see `Calibration.world_errors`."""
    if run.provenance["kind"] == "run":
        return run.world_errors
    check_file(run.out, WORLD)
    return pd.read_csv(run.out / WORLD)


def write_past_forecasts(run: RunResult, stage: Path) -> None:
    """Write what forecasts by the run's model will need into the folder of the model."""
    import pyarrow.parquet as pq

    setting, errors = run.config.settings[0], run.world_errors
    errors = errors[errors["origin"] == errors["origin"].max()]
    write_whole(stage / WORLD, errors.to_csv(index=False, lineterminator="\n").encode())
    kept = poorer_settings(setting, run.config.settings)
    columns = ["setting", *_columns(run)]
    with pq.ParquetFile(stage / BACKTEST) as opened, ExitStack() as stack:
        write = None
        # A block at a time: the back-test of a large universe would not fit into memory.
        for number in range(opened.num_row_groups):
            (of,) = opened.read_row_group(number, columns=["setting"]).column(0)[:1].to_pylist()
            if of in kept:
                rows = opened.read_row_group(number, columns=columns)
                write = write or stack.enter_context(_writer(stage / FILE, rows))
                write.write_table(rows.cast(write.schema))


def _writer(file: Path, rows: pa.Table) -> pq.ParquetWriter:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Numbers seldom repeat: a dictionary of them takes room and time.
    keys = [field.name for field in rows.schema if not pa.types.is_float32(field.type)]
    return pq.ParquetWriter(file, rows.schema, compression="zstd", use_dictionary=keys)


def _columns(run: RunResult) -> list[str]:
    return ["origin", "horizon", *flow_columns(run), "forecast", "actual"]
