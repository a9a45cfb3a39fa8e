"""The joint distribution of a finished run, made of its forecasts and its back-test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.errors import InputError
from forecasting.distribution.past_forecasts import past_forecasts, past_world_errors
from forecasting.distribution.selections import Selection
from forecasting.results.result import RunResult
from forecasting.results.subjects import countries_of, flow_columns, origin_of
from models.error_factors import ErrorFactors, FlowCodes, PastForecasts, fit_error_factors
from models.flow_margins import margins_of_bounds
from models.intervals import LEVELS
from models.joint_draws import JointDraws
from models.world_growth import PUBLISHED, WorldError

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


def joint_draws(run: RunResult, *, n_draws: int = 200, until: int | None = None) -> RunDraws:
    """Joint distribution of all flows and horizons of a run.

    Parameters
    ----------
    run
        Finished, or a forecast by its model.
    n_draws
        Number of draws, a multiple of 20 from 40 up: the bounds of 50 and 90 % then fall between
        two of them.
    until
        Last target year that is needed; all by default. Draws of the years up to it are the same.

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
    if until is not None:
        table = table[table["target_year"] <= until]
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


def joint_of(
    run: RunResult | RunDraws, *, n_draws: int = 200, until: int | None = None
) -> RunDraws:
    """`joint_draws` of a run, or those that are given in its place."""
    return run if isinstance(run, RunDraws) else joint_draws(run, n_draws=n_draws, until=until)


def _bounds(table: pd.DataFrame) -> dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return {
        level: (table[f"lower_{level}"].to_numpy(), table[f"upper_{level}"].to_numpy())
        for level in LEVELS
    }


def flow_codes(keys: pd.DataFrame, countries: Sequence[str], sectors: Sequence[str]) -> FlowCodes:
    """Integer keys; -1 for what the forecast lacks."""
    sector = np.zeros(len(keys), dtype=np.int32)
    if "sector" in keys:
        sector = _places(keys["sector"], sectors)
    return FlowCodes(
        _places(keys["exporter"], countries), _places(keys["importer"], countries), sector
    )


def _places(words: pd.Series, known: Sequence[str]) -> NDArray[np.int32]:
    """Position of every word among the known ones, or -1: looked up once a word, not a row."""
    found = words.astype("category").cat
    places = pd.Index(list(known)).get_indexer(found.categories.astype(str))
    return np.append(places, -1)[found.codes].astype(np.int32)


def _factors(
    run: RunResult,
    flows: FlowCodes,
    countries: Sequence[str],
    sectors: Sequence[str],
    horizons: Sequence[int],
) -> dict[int, ErrorFactors]:
    rows, errors = past_forecasts(run), past_world_errors(run)
    setting = run.config.settings[0]
    found = {}
    for horizon in horizons:
        past = [
            _past(block, countries, sectors)
            for _, block in rows[rows["horizon"] == horizon].groupby("origin", sort=True)
        ]
        found[horizon] = fit_error_factors(
            past,
            world=world_error_of(errors, setting, horizon),
            horizon=horizon,
            flows=flows,
            countries=len(countries),
            sectors=len(sectors),
        )
    return found


def world_error_of(errors: pd.DataFrame, setting: str, horizon: int) -> WorldError:
    """The world's error behind intervals of the last origin, of ``world_errors.csv``."""
    rows = errors[(errors["setting"] == setting) & (errors["horizon"] == horizon)]
    last = rows[rows["origin"] == errors["origin"].max()]
    if last.empty:
        return PUBLISHED
    return WorldError(*last[["scale", "freedom"]].iloc[0].astype(float))


def _past(block: pd.DataFrame, countries: Sequence[str], sectors: Sequence[str]) -> PastForecasts:
    """Past forecasts of one origin and horizon between countries that are still forecast."""
    codes = flow_codes(block, countries, sectors)
    kept = (codes.exporter >= 0) & (codes.importer >= 0) & (codes.sector >= 0)
    return PastForecasts(
        forecast=block["forecast"].to_numpy(dtype=np.float64)[kept],
        actual=block["actual"].to_numpy(dtype=np.float64)[kept],
        codes=FlowCodes(codes.exporter[kept], codes.importer[kept], codes.sector[kept]),
    )
