"""Gravity baselines: three-way and dynamic PPML, estimated by pyfixest.

Neither uses country-year effects of the future. In PPML with exporter-year and importer-year
effects fitted totals equal actual totals (Fally 2015, doi:10.1016/j.jinteco.2015.05.005), so the
effects of a target year are those that make the fitted matrix add up to that year's totals: raking
to forecast totals *is* forecasting the effects. With the true totals instead the same function
gives the "oracle" bound that papers often report as a forecast.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.channels.trade_costs import COSTS, DISTANCE
from features.channels.trade_policy import AGREEMENT
from features.errors import InputError
from features.feature import static_pair
from features.information import InformationSet
from models.design import origin_value
from models.flow_model import FlowModel, Known
from models.known_totals import Totals
from models.raking import rake

Vector = NDArray[np.float64]

WINDOW = 10
"""Years used for an estimate: pair effects are not constant for longer."""
UNIT = 1e6
"""USD: PPML's weights do not depend on it, its convergence in single dollars does."""
CONVERGED = 1e-6
"""Relative change of the deviance at which PPML stops; 1e-8 changes no forecast's fourth digit."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Coefficients and standard errors by regressor, and the observations used."""

    coefficients: Mapping[str, float]
    standard_errors: Mapping[str, float]
    observations: int


def ppml(
    table: pd.DataFrame, formula: str, *, cluster: str | None = None, tolerance: float = 1e-8
) -> Estimate:
    """Poisson pseudo-maximum likelihood with fixed effects.

    Parameters
    ----------
    table, formula
        Data and pyfixest formula, ``y ~ x | effects``.
    cluster
        Column standard errors are clustered by; heteroskedasticity-robust without.
    tolerance
        Relative change of the deviance at which the iterations stop.

    Raises
    ------
    InputError
        If pyfixest is not installed.

    Notes
    -----
    Santos Silva and Tenreyro (2006), doi:10.1162/rest.88.4.641; separated observations are left
    out as in Correia, Guimaraes and Zylkin (2020), doi:10.1177/1536867X20909691.
    """
    return _estimate(_fit(table, formula, cluster=cluster, tolerance=tolerance))


def least_squares(table: pd.DataFrame, formula: str, *, cluster: str | None = None) -> Estimate:
    """Ordinary least squares with fixed effects; arguments as in `ppml`."""
    return _estimate(_pyfixest().feols(formula, table, vcov=_errors(cluster)))


def three_way(info: InformationSet, *, totals: Mapping[int, Totals]) -> dict[int, Vector]:
    """Exporter-year, importer-year and pair effects, and trade agreements.

    Parameters
    ----------
    info
        What is known; the last `WINDOW` years of its trade are used.
    totals
        Totals of the target years by horizon.

    Returns
    -------
    dict
        USD by horizon, shape ``[flow]``. Pairs that never traded in the window are 0. In a panel
        with sectors every effect is one of the sector too.

    Notes
    -----
    Agreements are those known at the as-of date for every target year: later ones are not known.
    """
    years = range(max(info.first_year, info.origin - WINDOW + 1), info.origin + 1)
    table = pd.concat([_year(info, year) for year in years], ignore_index=True)
    table["pair"] = np.tile(np.arange(info.flows.size), len(years))
    table = table[_traded(table)].reset_index(drop=True)
    regressors = ["agreement"] if table["agreement"].std() > 0 else []
    model = _fit(table, _formula(regressors, ("exporter_year", "importer_year", "pair")))
    effect = float(model.coef().get("agreement", 0.0)) if regressors else 0.0
    fitted = table.assign(fitted=_fitted(model, table)).query("year == @info.origin")
    pattern = np.zeros(info.flows.size)
    pattern[fitted["pair"].to_numpy()] = fitted["fitted"].to_numpy()
    news = _agreement(info, info.origin + max(totals)) - _agreement(info, info.origin)
    pattern *= np.exp(effect * news)
    return {horizon: _raked(pattern, info, target) for horizon, target in totals.items()}


def dynamic(info: InformationSet, *, totals: Mapping[int, Totals]) -> dict[int, Vector]:
    """Lagged trade, gravity variables, and exporter-year and importer-year effects, by horizon.

    Arguments and result as in `three_way`. Nuroglu and Kunst (2014, Empirical Economics 46) find
    that a dynamic gravity with country-year effects forecasts better than a three-way one.
    """
    return {horizon: _dynamic(info, target, horizon) for horizon, target in totals.items()}


@dataclass(frozen=True)
class Gravity(FlowModel):
    """A gravity model (`three_way` or `dynamic`), raked to the known totals."""

    estimate: Callable[..., dict[int, Vector]]

    def forecast(self, known: Known) -> dict[int, Vector]:
        """Forecast every horizon, USD ``[flow]``."""
        return self.estimate(known.info, totals=known.totals)


def _dynamic(info: InformationSet, totals: Totals, horizon: int) -> Vector:
    first = max(info.first_year + horizon, info.origin - WINDOW + 1)
    rows = [
        _year(info, year).join(_terms(info, year - horizon))
        for year in range(first, info.origin + 1)
    ]
    now = _terms(info, info.origin)
    names = [name for name in now if now[name].std() > 0]
    if not rows:
        return _raked(origin_value(info), info, totals)
    table = pd.concat(rows, ignore_index=True)
    table = table[table["value"].notna()].reset_index(drop=True)
    names = [name for name in names if table[name].std() > 0]
    model = _fit(table, _formula(names, ("exporter_year", "importer_year")))
    slopes = model.coef()
    index = sum(float(slopes.get(name, 0.0)) * now[name].to_numpy() for name in names)
    return _raked(np.exp(index - np.max(index)), info, totals)


def _raked(pattern: Vector, info: InformationSet, totals: Totals) -> Vector:
    return rake(
        pattern,
        flows=info.flows,
        exporter_totals=totals.exporter,
        importer_totals=totals.importer,
    ).values


def _year(info: InformationSet, year: int) -> pd.DataFrame:
    """Flows of one year with the codes of their effects."""
    flows = info.flows
    years_apart = np.int64(flows.margins)
    number = year - info.first_year
    return pd.DataFrame(
        {
            "value": info.history[number].astype(np.float64) / UNIT,
            "exporter_year": flows.exporter_margin + years_apart * number,
            "importer_year": flows.importer_margin + years_apart * number,
            "agreement": _agreement(info, year),
            "year": year,
        }
    )


def _traded(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Known flows of pairs that trade in some year: the others have no finite pair effect."""
    ever = table.groupby("pair")["value"].transform("sum") > 0
    return np.asarray(ever & table["value"].notna())


def _agreement(info: InformationSet, year: int) -> Vector:
    """Whether the pair has a trade agreement; none where it is unknown."""
    plane = info.pair_at(AGREEMENT, year)
    return np.nan_to_num(plane[info.flows.exporter, info.flows.importer]).astype(np.float64)


def _terms(info: InformationSet, year: int) -> pd.DataFrame:
    """Regressors of the dynamic equation that were known in ``year``."""
    lag = info.history[year - info.first_year].astype(np.float64) / UNIT
    traded = np.nan_to_num(lag) > 0
    columns = {
        "log_lag": np.log(np.where(traded, lag, 1.0)),
        "no_lag": (~traded).astype(np.float64),
        "agreement_then": _agreement(info, year),
    }
    for name in COSTS:
        value = static_pair(name)(info).astype(np.float64)
        value = np.log(np.maximum(value, 1.0)) if name == DISTANCE else value
        known = ~np.isnan(value)
        middle = float(value[known].mean()) if known.any() else 0.0
        columns[name] = np.where(known, value, middle)
    return pd.DataFrame(columns)


def _formula(regressors: Sequence[str], effects: Sequence[str]) -> str:
    return f"value ~ {' + '.join(regressors) or '1'} | {' + '.join(effects)}"


def _fit(
    table: pd.DataFrame, formula: str, *, cluster: str | None = None, tolerance: float = CONVERGED
) -> Any:
    # pyfixest sets 0 log 0 to 0, but NumPy warns first.
    with np.errstate(divide="ignore", invalid="ignore"):
        return _pyfixest().fepois(
            formula, table, vcov=_errors(cluster), iwls_tol=tolerance, iwls_maxiter=100
        )


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence pyfixest, which warns of every separated observation: they are forecast at 0.

    Use it around all fits, not each: Python keeps one list of filters for all threads, and a
    fit that ends while another runs would restore the wrong list.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _fitted(model: Any, table: pd.DataFrame) -> Vector:
    """Fitted values of a table's rows; 0 where pyfixest left the observation out."""
    out = pd.Series(0.0, index=table.index)
    kept = model._data.index
    out.loc[kept] = np.asarray(model.predict(type="response"), dtype=np.float64)
    return out.to_numpy()


def _estimate(model: Any) -> Estimate:
    return Estimate(
        {name: float(value) for name, value in model.coef().items()},
        {name: float(value) for name, value in model.se().items()},
        int(model._N),
    )


def _errors(cluster: str | None) -> str | dict[str, str]:
    return {"CRV1": cluster} if cluster else "hetero"


def _pyfixest() -> Any:
    try:
        import pyfixest
        from pyfixest import fepois  # noqa: F401 (loads what is otherwise loaded on first use)
    except ImportError:
        raise InputError(
            "the gravity baselines need pyfixest, which is not installed",
            remedy="python -m pip install 'gravicast[gravity]', or leave the gravity baselines out",
        ) from None
    # It keeps a formula's effects in a set of strings, whose order changes with the process's hash
    # seed, and with it the last digits. In the formula's order two runs give the same numbers.
    formulas = sys.modules.get("pyfixest.estimation.formula.utils")
    if formulas is not None:
        vars(formulas)["set"] = dict.fromkeys
    return pyfixest
