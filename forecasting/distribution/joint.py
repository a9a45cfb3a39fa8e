"""The joint distribution of a finished run, made of its forecasts and its back-test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.choices import REPORTS_KNOWN, TOTALS_KNOWN
from features.errors import InputError
from forecasting.distribution.past_forecasts import past_forecasts
from forecasting.distribution.selections import Selection
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import countries_of, flow_columns, origin_of
from models.error_factors import ErrorFactors, FlowCodes, PastForecasts, fit_error_factors
from models.flow_margins import margins_of_bounds
from models.intervals import LEVELS
from models.joint_draws import JointDraws

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RunDraws:
    """Joint draws of a run, with what names its flows.

    Attributes
    ----------
    run
        The run.
    keys
        ``exporter, importer, [sector]``, one row a flow.
    last_known
        Value in the origin year, USD, shape ``[flow]``; NaN where unknown.
    forecast
        USD, shape ``[horizon, flow]``.
    joint
        The distribution.
    """

    run: RunResult
    keys: pd.DataFrame
    last_known: NDArray[np.float64]
    forecast: NDArray[np.float64]
    joint: JointDraws

    def membership(self, chosen: Sequence[Selection]) -> csr_array:
        """Which flows each selection sums, shape ``[selection, flow]``."""
        origin = origin_of(self.run)
        return csr_array(
            np.stack([one.rows(self.keys, origin) for one in chosen]).astype(np.float64)
        )

    def sums(self, groups: csr_array) -> Singles:
        """Draws of many sums at once, see `JointDraws.sums`."""
        return self.joint.sums(groups)


def joint_draws(run: RunResult, *, n_draws: int = 200) -> RunDraws:
    """Joint distribution of all flows and horizons of a run.

    Parameters
    ----------
    run
        Finished, or a forecast by its model.
    n_draws
        Number of draws, a multiple of 20 from 40 up: the bounds of 50 and 90 % then fall between
        two of them.

    Raises
    ------
    InputError
        If the model was saved without its past errors, or ``n_draws`` is not possible.
    """
    if n_draws < 40 or n_draws % 20:
        raise InputError(
            f"{n_draws} draws cannot have bounds of 50 and 90 % between two of them",
            remedy="Give a multiple of 20 from 40 up, such as 200",
        )
    table, names = run.forecasts, flow_columns(run)
    horizons = sorted(int(h) for h in table["horizon"].unique())
    parts = [table[table["horizon"] == horizon].reset_index(drop=True) for horizon in horizons]
    keys = parts[0][names]
    countries = countries_of(table)
    sectors = sorted(keys["sector"].astype(str).unique()) if "sector" in keys else [""]
    margins = {
        horizon: margins_of_bounds(
            part["forecast"].to_numpy(),
            _bounds(part),
            chance=part["probability_of_trade"].to_numpy(),
        )
        for horizon, part in zip(horizons, parts, strict=True)
    }
    codes = flow_codes(keys, countries, sectors)
    joint = JointDraws(
        codes=codes,
        factors=_factors(run, codes, countries, sectors, horizons),
        margins=margins,
        n_draws=n_draws,
        seed=run.config.seed,
    )
    return RunDraws(
        run=run,
        keys=keys,
        last_known=parts[0]["value_origin"].to_numpy(dtype=np.float64),
        forecast=np.stack([part["forecast"].to_numpy(dtype=np.float64) for part in parts]),
        joint=joint,
    )


def _bounds(table: pd.DataFrame) -> dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return {
        level: (table[f"lower_{level}"].to_numpy(), table[f"upper_{level}"].to_numpy())
        for level in LEVELS
    }


def flow_codes(keys: pd.DataFrame, countries: Sequence[str], sectors: Sequence[str]) -> FlowCodes:
    """Integer keys; -1 for what the forecast lacks."""
    exporter, importer = (_places(keys[side], countries) for side in ("exporter", "importer"))
    sector = np.zeros(len(keys), dtype=np.int32)
    if "sector" in keys:
        sector = _places(keys["sector"], sectors)
    return FlowCodes(exporter, importer, sector)


def _places(column: pd.Series, known: Sequence[str]) -> NDArray[np.int32]:
    column = column.astype("category")
    place = pd.Index(known).get_indexer(column.cat.categories.astype(str))
    return np.append(place, -1)[column.cat.codes.to_numpy()].astype(np.int32)


def _factors(
    run: RunResult,
    flows: FlowCodes,
    countries: Sequence[str],
    sectors: Sequence[str],
    horizons: Sequence[int],
) -> dict[int, ErrorFactors]:
    rows, setting = past_forecasts(run), record_setting(run)
    world = _world_totals(rows, run)
    found = {}
    for horizon in horizons:
        past = [
            _past(block, countries, sectors)
            for _, block in rows[rows["horizon"] == horizon].groupby("origin", sort=True)
        ]
        unknown = horizon - (setting in (REPORTS_KNOWN, TOTALS_KNOWN))
        growth = np.log(world).diff(unknown).dropna() if unknown else world[:0]
        found[horizon] = fit_error_factors(
            past,
            history=growth.tolist(),
            flows=flows,
            countries=len(countries),
            sectors=len(sectors),
        )
    return found


def _world_totals(rows: pd.DataFrame, run: RunResult) -> pd.Series:
    """Trade of the world by year, from the back-test's first origin to the run's, USD."""
    nearest = rows["horizon"] == rows["horizon"].min()
    past = rows.loc[nearest, ["origin", "value_origin"]].astype(np.float64)
    totals = past.groupby("origin")["value_origin"].sum().to_dict()
    table = run.forecasts
    last = table.loc[table["horizon"] == table["horizon"].min(), "value_origin"]
    totals[origin_of(run)] = float(last.sum())
    years = range(int(min(totals)), origin_of(run) + 1)
    return pd.Series([totals.get(year, np.nan) for year in years], index=years)


def _past(block: pd.DataFrame, countries: Sequence[str], sectors: Sequence[str]) -> PastForecasts:
    """Past forecasts of one origin and horizon between countries that are still forecast."""
    codes = flow_codes(block, countries, sectors)
    kept = (codes.exporter >= 0) & (codes.importer >= 0) & (codes.sector >= 0)
    return PastForecasts(
        forecast=block["forecast"].to_numpy(dtype=np.float64)[kept],
        actual=block["actual"].to_numpy(dtype=np.float64)[kept],
        codes=FlowCodes(codes.exporter[kept], codes.importer[kept], codes.sector[kept]),
    )
