"""The scoreboard: metrics by setting, model, horizon, origin and stratum, and skill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.channels.economic_mass import income
from features.feature import CountryValues
from features.information import InformationSet
from forecasting.evaluation import metrics
from forecasting.evaluation.fold import FoldForecast
from forecasting.evaluation.metric_labels import METRICS as COMPARED_METRICS
from forecasting.evaluation.outside import Outside
from models.intervals import Bounds
from models.registry import LAST_VALUE

CRISIS_YEARS = frozenset({2009, 2020})
DECILES = 10
BY_REPORTS = ("reported_by_none", "reported_by_one", "reported_by_both")
"""Strata of a nowcast, by the number of countries that have reported a flow."""
SKILL_METRICS = tuple(COMPARED_METRICS)
METRICS = (
    *SKILL_METRICS,
    "r2_shift",
    "coverage_50",
    "coverage_90",
    "width_50",
    "width_90",
    "pinball",
    "crps",
    "brier",
    "auprc_births",
    "auprc_deaths",
)
KEYS = ["setting", "model", "horizon", "stratum"]


def strata(info: InformationSet, value_origin: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """Masks of flows by name: all, zero at the origin, size deciles, income of the exporter."""
    out = {"all": np.ones(value_origin.shape, dtype=np.bool_), "zero_origin": value_origin == 0}
    positive = value_origin > 0
    if positive.any():
        edges = np.quantile(value_origin[positive], np.linspace(0, 1, DECILES + 1)[1:-1])
        decile = np.searchsorted(edges, value_origin)
        for number in range(DECILES):
            out[f"decile_{number + 1}"] = positive & (decile == number)
    out |= _income_groups(info, income)
    return {name: mask for name, mask in out.items() if mask.any()}


def reported_strata(reported: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """Masks of a nowcast's flows by how many of the two countries have reported them."""
    masks = {name: reported == number for number, name in enumerate(BY_REPORTS)}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _income_groups(info: InformationSet, of: CountryValues) -> dict[str, NDArray[np.bool_]]:
    """Exporters below and above the median GDP per head, where it is known."""
    level = of(info)
    if np.isnan(level).all():
        return {}
    exporters = level[info.flows.exporter]
    median = float(np.nanmedian(level))
    return {"low_income_exporter": exporters < median, "high_income_exporter": exporters >= median}


def score_forecast(
    forecast: FoldForecast,
    masks: Mapping[str, NDArray[np.bool_]],
    bounds: Bounds | None,
    outside: Mapping[str, Outside] = MappingProxyType({}),
) -> Iterator[dict[str, object]]:
    """One row of metrics per stratum; flows with an unknown outcome are left out.

    Flows ``outside`` the origin's universe count where they can: their forecast is 0, and they
    have neither intervals nor a probability.
    """
    known, nothing = ~np.isnan(forecast.actual), Outside.nothing()
    for stratum, mask in masks.items():
        rows = known & mask
        if not rows.any():
            continue
        beyond = outside.get(stratum, nothing)
        values = _metrics(forecast, rows, bounds, beyond)
        yield {
            "setting": forecast.setting,
            "model": forecast.model,
            "horizon": forecast.horizon,
            "origin": forecast.origin,
            "stratum": stratum,
            **{name: values.get(name, float("nan")) for name in METRICS},
            "n": int(rows.sum() + beyond.actual.size + beyond.silent.sum()),
        }


def _metrics(
    forecast: FoldForecast, rows: NDArray[np.bool_], bounds: Bounds | None, beyond: Outside
) -> dict[str, float]:
    actual, predicted = forecast.actual[rows], forecast.forecast[rows]
    every, base = (actual, predicted), forecast.base[rows]
    if beyond.actual.size:
        zeros = np.zeros(beyond.actual.size)
        every = np.concatenate([actual, beyond.actual]), np.concatenate([predicted, zeros])
        base = np.concatenate([base, zeros])
    # A silent flow has no error, and counts in the mean.
    scored = every[0].size / (every[0].size + beyond.silent.sum())
    out = {
        "wape": metrics.wape(*every),
        "pattern_distance": metrics.pattern_distance(*every),
        "midpoint_mae": metrics.midpoint_mae(*every) * scored,
        "log_mae": metrics.log_mae(*every),
        "r2_shift": metrics.r2_shift(*every, base),
    }
    if bounds is not None:
        quantiles = {0.5: predicted}
        for level, (low, high) in bounds.items():
            out[f"coverage_{level}"] = metrics.coverage(actual, low[rows], high[rows])
            out[f"width_{level}"] = metrics.width(actual, low[rows], high[rows])
            tail = (1 - level / 100) / 2
            quantiles |= {tail: low[rows], 1 - tail: high[rows]}
        out["pinball"] = metrics.pinball(actual, quantiles)
        # The CRPS is twice the pinball loss integrated over quantiles, here approximated by five.
        out["crps"] = 2.0 * out["pinball"]
    if forecast.probability is not None:
        out |= _extensive_margin(forecast, rows)
    return out


def _extensive_margin(forecast: FoldForecast, rows: NDArray[np.bool_]) -> dict[str, float]:
    assert forecast.probability is not None
    chance, before = forecast.probability[rows], forecast.value_origin[rows] > 0
    traded = forecast.actual[rows] > 0
    return {
        "brier": metrics.brier(traded, chance),
        "auprc_births": metrics.average_precision(traded[~before], chance[~before]),
        "auprc_deaths": metrics.average_precision(~traded[before], 1 - chance[before]),
    }


def summarise(by_origin: pd.DataFrame) -> pd.DataFrame:
    """Means over origins, also by crisis and calm target years, and skill against the last value.

    Parameters
    ----------
    by_origin
        Rows of `score_forecast`.

    Returns
    -------
    DataFrame
        Keys, metrics, ``n`` (flows over all origins), ``origins`` and ``skill_*``; skill is
        ``1 - metric / metric of the last value`` of the same setting, horizon and stratum; NaN
        where the last value has no error.
    """
    everything = by_origin[by_origin["stratum"] == "all"]
    crisis = (everything["origin"] + everything["horizon"]).isin(CRISIS_YEARS)
    parts = [
        by_origin,
        everything[crisis].assign(stratum="crisis"),
        everything[~crisis].assign(stratum="calm"),
    ]
    grouped = pd.concat(parts, ignore_index=True).groupby(KEYS, sort=False)
    table = grouped[list(METRICS)].mean()
    table["n"] = grouped["n"].sum()
    table["origins"] = grouped["origin"].nunique()
    table = table.reset_index()
    reference = table[table["model"] == LAST_VALUE].drop(columns="model")
    keys = [key for key in KEYS if key != "model"]
    against = table[keys].merge(reference, on=keys, how="left")
    for metric in SKILL_METRICS:
        ours, theirs = table[metric].to_numpy(), against[metric].to_numpy()
        table[f"skill_{metric}"] = 1.0 - metrics.ratio_of_errors(ours, theirs)
    return table
