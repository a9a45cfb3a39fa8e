"""The joint distribution of a finished run, made of its forecasts and its back-test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.errors import InputError
from forecasting.distribution.selections import Selection
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.results.record_setting import record_setting
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


def joint_draws(run: RunResult, *, n_draws: int = 200) -> RunDraws:
    """Joint distribution of all flows and horizons of a run.

    Parameters
    ----------
    run
        Finished, with a back-test.
    n_draws
        Number of draws, a multiple of 20 from 40 up: the bounds of 50 and 90 % then fall between
        two of them.

    Raises
    ------
    InputError
        If the run has no back-test, and so no past errors, or ``n_draws`` is not possible.
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
    codes = _codes(keys, countries, sectors)
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


def _codes(keys: pd.DataFrame, countries: Sequence[str], sectors: Sequence[str]) -> FlowCodes:
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
    if run.provenance["kind"] == "forecast":
        raise InputError(
            "this folder holds a forecast without a back-test, and so no past errors",
            remedy="Give the folder of the run that trained the model",
            file=run.out,
        )
    columns = ["origin", "horizon", *flow_columns(run), "forecast", "actual"]
    setting = record_setting(run)
    rows = read_backtest(run.out, columns=columns, where=[("setting", "==", setting)])
    found = {}
    for horizon in horizons:
        past = [
            _past(block, countries, sectors)
            for _, block in rows[rows["horizon"] == horizon].groupby("origin", sort=True)
        ]
        found[horizon] = fit_error_factors(
            past,
            world=world_error_of(run.world_errors, setting, origin_of(run), horizon),
            horizon=horizon,
            flows=flows,
            countries=len(countries),
            sectors=len(sectors),
        )
    return found


def world_error_of(table: pd.DataFrame, setting: str, origin: int, horizon: int) -> WorldError:
    """The world's error behind the intervals of one forecast, of ``world_errors.csv``."""
    wanted = {"setting": setting, "origin": origin, "horizon": horizon}
    rows = table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    if rows.empty:
        return PUBLISHED
    return WorldError(*rows[["scale", "freedom"]].iloc[0].astype(float))


def _past(block: pd.DataFrame, countries: Sequence[str], sectors: Sequence[str]) -> PastForecasts:
    return PastForecasts(
        forecast=block["forecast"].to_numpy(dtype=np.float64),
        actual=block["actual"].to_numpy(dtype=np.float64),
        codes=_codes(block, countries, sectors),
    )
