"""New reports for a finished run: its forecasts again, and what the reports changed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.choices import REPORTS_KNOWN
from features.errors import InputError
from features.information import DataBundle, InformationSet
from forecasting.inputs.load import load
from forecasting.options.forecast_config import ForecastConfig
from forecasting.options.run_config import RunConfig
from forecasting.results.read import read_run
from forecasting.results.result import RunResult
from forecasting.serving.serving import forecast_with

OTHER = "(no new report)"


@dataclass(frozen=True, slots=True)
class NowcastUpdate:
    """Forecasts of a run with the reports of a later day.

    Attributes
    ----------
    before, after
        The run, and the forecast by its model with the new reports.
    news
        One row per reporter that has filed since, and one for everything else: ``reporter``, and
        the change of world trade by target year, USD. Columns sum to the change of the forecasts.
    """

    before: RunResult
    after: RunResult
    news: pd.DataFrame


def nowcast(
    run: Path | str,
    *,
    reports: Path | str | None = None,
    as_of: Any = None,
    show_progress: bool = True,
    **options: Any,
) -> NowcastUpdate:
    """Forecast the years of a run again, from the reports of another file or a later day.

    The fitted models of the run are used as they are; the nowcast is fitted anew, in seconds.

    Parameters
    ----------
    run
        Folder of a run with the setting `reports_known`.
    reports
        Its reports now; by default the file that the run read.
    as_of
        Day of the forecast; by default the run's.
    show_progress
        Whether stages are written to stderr.
    options
        Of `ForecastConfig`, such as ``out``.

    Raises
    ------
    InputError
        If the run has no nowcast, or for anything wrong with the data.
    """
    before = read_run(run)
    about = before.provenance
    if about["setting"] != REPORTS_KNOWN:
        raise InputError(
            "the run forecasts without reports",
            remedy="Train one with `gravicast run --reports FILE`",
            file=run,
        )
    given = {"reports": reports, "as_of": as_of or about["as_of"], **options}
    config = ForecastConfig(
        **{**_inputs(before.config), **{k: v for k, v in given.items() if v is not None}}
    )
    full_config = config.run_config(about)
    assert full_config.as_of is not None
    bundle = load(full_config).bundle
    if bundle.origin(full_config.as_of) != about["origin"]:
        raise InputError(
            f"on {full_config.as_of} flows of {bundle.origin(full_config.as_of)} are known, and "
            f"the run starts from {about['origin']}",
            remedy="Choose another day, or train a new run",
        )
    after = forecast_with(run, config, show_progress=show_progress)
    same = full_config.reports == before.config.reports
    then = bundle if same else load(before.config).bundle
    new = _filed(bundle, after) - _filed(then, before)
    return NowcastUpdate(before, after, _news(before, after, new))


def _inputs(config: RunConfig) -> dict[str, Any]:
    """Options of a run that say what it read."""
    names = {field.name for field in fields(ForecastConfig)}
    own = {"horizons", "as_of", "out", "overwrite", "quiet", "strict"}
    return {name: getattr(config, name) for name in sorted(names - own)}


def _news(before: RunResult, after: RunResult, new: set[tuple[str, str]]) -> pd.DataFrame:
    """What each new report changed, see `NowcastUpdate`; two new reports of a flow share alike."""
    keys = ["exporter", "importer", "target_year"]
    both = before.forecasts[[*keys, "forecast"]].merge(
        after.forecasts[[*keys, "forecast"]], on=keys, suffixes=("_before", "_after")
    )
    change = (both["forecast_after"] - both["forecast_before"]).to_numpy()
    sides = [both["exporter"].astype(str), both["importer"].astype(str)]
    fresh = [
        np.array([(name, side) in new for name in names], dtype=np.float64)
        for names, side in zip(sides, ("exporter", "importer"), strict=True)
    ]
    count = np.maximum(sum(fresh), 1.0)
    parts = [
        pd.DataFrame({"reporter": names, "year": both["target_year"], "usd": change * mark / count})
        for names, mark in zip(sides, fresh, strict=True)
    ]
    rest = change * (sum(fresh) == 0)
    parts.append(pd.DataFrame({"reporter": OTHER, "year": both["target_year"], "usd": rest}))
    table = pd.concat(parts).pivot_table(
        index="reporter", columns="year", values="usd", aggfunc="sum"
    )
    named = {name for name, _ in new} | {OTHER}
    table = table[table.index.isin(named)]
    order = table.iloc[:, 0].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index().rename_axis(columns=None)


def _filed(bundle: DataBundle, run: RunResult) -> set[tuple[str, str]]:
    """Reporters whose year after the origin was out, as exporter or importer."""
    about = run.provenance
    as_of = pd.Timestamp(about["as_of"]).date()
    info = InformationSet(bundle, as_of=as_of, origin=about["origin"], setting=REPORTS_KNOWN)
    assert info.reports is not None
    found = set()
    names = info.flows.countries
    for side, ends in (("exporter", info.flows.exporter), ("importer", info.flows.importer)):
        known = ~np.isnan(info.reports.at(side, info.origin + 1))  # type: ignore[arg-type]
        found |= {(names[code], side) for code in np.unique(ends[known])}
    return found
