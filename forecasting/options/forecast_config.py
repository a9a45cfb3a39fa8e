"""`ForecastConfig`: new data for a trained model, and where its forecast goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from features.choices import AbsentFlows, Decimal, FlowDirection, LateReports, NegativeFlows, Unit
from forecasting.options import kinds
from forecasting.options.option import Option, declares_options, option
from forecasting.options.run_config import FORECAST, MODEL, OUTPUT, RunConfig


@declares_options(like=RunConfig)
@dataclass(frozen=True, slots=True)
class ForecastConfig:
    """New data for a trained model; what is None is as it was when the model was trained.

    {options}

    Notes
    -----
    The trade file holds the history too, which features look back to. A feature whose data are not
    given is missing. A run in the output folder is never replaced.
    """

    OPTIONS: ClassVar[Mapping[str, Option]]

    trade: Path | str
    indicators: Path | str | None = None
    indicator_catalogue: Path | str | None = None
    pairs: tuple[Path | str, ...] = ()
    sectors: Path | str | None = None
    reports: Path | str | None = None
    report_delays: Path | str | None = None
    report_revisions: float | None = None
    monthly: tuple[Path | str, ...] = ()
    store: Path | str | None = None
    largest: int | None = None
    absent: AbsentFlows | None = None
    late: LateReports | None = None
    strict: bool = False
    accept: tuple[str, ...] = ()
    negatives: NegativeFlows | None = None
    columns: Mapping[str, str] | str | None = None
    unit: Unit | None = None
    flow: FlowDirection | None = None
    decimal: Decimal | None = None
    extra_codes: tuple[str, ...] | None = None
    # fmt: off
    learner: str | None = option(
        None, kinds.LEARNER, MODEL,
        "the model's learner as the run named it, where it is code of your own, which is loaded"
        " only if you say so")
    features: tuple[str, ...] = option(
        (), kinds.MODULES, MODEL, "modules of features that the model was trained with")
    horizons: tuple[int, ...] | None = option(
        None, kinds.HORIZONS, FORECAST, "years ahead, of those the model was fitted for")
    as_of: date | str | None = option(
        None, kinds.DAY, FORECAST,
        "day of the forecast (default: as long after the last trade year as the model's was after "
        "its own)")
    trade_lag_months: int | None = None
    pair_lag_months: int | None = None
    out: Path | str = option(Path("gravicast-forecast"), kinds.PATH, OUTPUT, "output folder")
    overwrite: bool = option(
        False, kinds.SWITCH, OUTPUT, "replace the forecast in the output folder")
    quiet: bool = False
    # fmt: on

    def run_config(self, about: Mapping[str, Any]) -> RunConfig:
        """The configuration of a run on the new data, filled up with the model's.

        Raises
        ------
        InputError
            For a value that does not fit.
        """
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        # A model of an earlier version lacks the newest options, which then had their default.
        trained = {
            name: about["config"][name]
            for name, declared in RunConfig.OPTIONS.items()
            if declared.trained and name in about["config"]
        }
        return RunConfig.from_mapping(
            {
                **trained,
                "horizons": about["horizons"],
                **{name: value for name, value in given.items() if value is not None},
                "settings": [about["setting"]],
                "experiment": None,
            }
        )
