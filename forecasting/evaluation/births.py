"""Births by exporter and importer in each sector: the forecast, and how well it did before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from features.data.panel import TradePanel
from forecasting.evaluation.folds import Fold
from forecasting.run_folder.csv_files import write_csv
from forecasting.run_folder.files import BIRTHS, BIRTHS_SCORES
from models.births import SIDES, Births, Side, forecast_births, last_births, started


def births_table(panel: TradePanel, *, origin: int, horizons: Sequence[int]) -> pd.DataFrame:
    """Forecast births of every group.

    Returns
    -------
    DataFrame
        ``side`` (exporter, importer), ``country``, ``sector`` where there are sectors, ``origin,
        horizon, target_year``, ``births`` (flows that trade for the first time) and ``usd``, and
        what their intervals are computed from (`births_of`): ``shape, value, variation``.
    """
    flows = panel.flows
    country, sector = np.divmod(np.arange(flows.margins), len(flows.sectors))
    parts = []
    for side in SIDES:
        for horizon in horizons:
            found = forecast_births(panel, side=side, origin=origin, horizon=horizon)
            table = pd.DataFrame(
                {
                    "side": side,
                    "country": pd.Categorical.from_codes(country, list(flows.countries)),
                    "sector": pd.Categorical.from_codes(sector, list(flows.sectors)),
                    "origin": np.int16(origin),
                    "horizon": np.int8(horizon),
                    "target_year": np.int16(origin + horizon),
                    "births": found.mean,
                    "usd": found.usd,
                    "shape": found.shape,
                    "value": found.value,
                    "variation": found.variation,
                }
            )
            parts.append(table if flows.has_sectors else table.drop(columns="sector"))
    out = pd.concat(parts, ignore_index=True)
    return out.assign(side=out["side"].astype("category"))


def births_of(rows: pd.DataFrame) -> Births:
    """The forecast that rows of one `births_table` hold; it computes intervals when asked."""
    shape, mean, value = (
        rows[name].to_numpy(dtype=np.float64) for name in ("shape", "births", "value")
    )
    return Births(shape, mean, value, variation=float(rows["variation"].iloc[0]))


def births_scores(panel: TradePanel, folds: Sequence[Fold]) -> pd.DataFrame:
    """Errors of forecast births at the origins of a back-test, beside those of the last count.

    Returns
    -------
    DataFrame
        ``side, horizon, origins``; mean over origins of the sum of absolute errors over groups, per
        birth (``wape_births``) and per dollar of births (``wape_usd``), and of the births of as
        many years up to the origin (``last_wape_births, last_wape_usd``); share of groups whose
        births lie in their 90 % interval.
    """
    rows = [
        _score(panel, side, fold.origin, horizon)
        for fold in folds
        for horizon in fold.horizons
        for side in SIDES
        if fold.origin - horizon > panel.first_year
    ]
    table = pd.DataFrame(rows)
    grouped = table.groupby(["side", "horizon"], sort=False)
    means = grouped.mean().drop(columns="origin")
    means.insert(0, "origins", grouped["origin"].nunique())
    return means.reset_index()


def _score(panel: TradePanel, side: Side, origin: int, horizon: int) -> dict[str, object]:
    came = started(panel, side=side, origin=origin, year=origin + horizon)
    found = forecast_births(panel, side=side, origin=origin, horizon=horizon)
    last = last_births(panel, side=side, origin=origin, horizon=horizon)
    low, high = found.counts(0.9)
    births, usd = max(came.count.sum(), 1.0), max(came.usd.sum(), 1.0)
    return {
        "side": side,
        "horizon": horizon,
        "origin": origin,
        "wape_births": float(np.abs(found.mean - came.count).sum() / births),
        "last_wape_births": float(np.abs(last.count - came.count).sum() / births),
        "wape_usd": float(np.abs(found.usd - came.usd).sum() / usd),
        "last_wape_usd": float(np.abs(last.usd - came.usd).sum() / usd),
        "coverage_90": float(((low <= came.count) & (came.count <= high)).mean()),
    }


def write_births(
    panel: TradePanel, folds: Sequence[Fold], *, origin: int, horizons: Sequence[int], stage: Path
) -> None:
    """Write the forecast and its scores, where the panel's flows are active ones alone."""
    if panel.known is None:
        return
    table = births_table(panel, origin=origin, horizons=horizons)
    table.to_parquet(stage / BIRTHS, compression="zstd", index=False)
    write_csv(births_scores(panel, folds), stage / BIRTHS_SCORES)
