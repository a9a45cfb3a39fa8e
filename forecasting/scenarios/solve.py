"""The three answers to a scenario in one year: partial, conditional and full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.data.input_output import InputOutputTable
from features.errors import InputError
from forecasting.inputs.run_tables import Tables, table_of_origin
from forecasting.scenarios.baseline import Baseline
from forecasting.scenarios.binding import BoundScenario
from forecasting.scenarios.estimate import Estimate
from forecasting.scenarios.written import ScenarioFile
from models.counterfactual import Equilibrium, conditional, full, partial
from models.counterfactual_sectors import SectorEquilibrium, full_sectors
from models.table_update import update_table

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """Flows of a year before and after, USD, shape ``[exporter, importer, sector]``.

    Attributes
    ----------
    baseline, partial, conditional, full
        ``full`` is None where it cannot be given; ``partial`` and ``conditional`` where they were
        not asked for.
    welfare
        Ratio, shape ``[country]``; None without ``full``.
    residual
        Largest log gap of the full equilibrium; of the conditional one without it.
    """

    baseline: Array
    partial: Array | None
    conditional: Array | None
    full: Array | None
    welfare: Array | None
    residual: float

    @property
    def main(self) -> Array:
        """The answer that goes furthest."""
        found = self.full if self.full is not None else self.conditional
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Closure:
    """What lets incomes and prices adjust.

    Attributes
    ----------
    is_full
        Whether a full equilibrium can be given.
    table
        Input-output table of the origin, where sectors buy from each other; None for one sector.
    words
        What it is, or why there is no full equilibrium.
    """

    is_full: bool
    table: InputOutputTable | None
    words: str


def closure_of(bound: BoundScenario, baseline: Baseline, tables: Tables | None) -> Closure:
    """The closure that the data allow.

    Raises
    ------
    InputError
        If the tables are not of the run's countries and sectors, or a country sells nothing at
        home.
    """
    written, flows = bound.written, baseline.flows
    _check_of_use(written, baseline, has_tables=tables is not None)
    if not baseline.domestic:
        words = (
            "no full equilibrium: domestic sales are absent; partial and conditional effects only, "
            "the latter with each country's total exports and imports held as they were"
        )
        return Closure(False, None, words)
    own = np.arange(len(flows.countries))
    home = baseline.values[:, own, own].sum(axis=-1)
    if (home <= 0).any():
        year, country = np.argwhere(home <= 0)[0]
        raise InputError(
            f"{flows.countries[country]} sells nothing at home in {baseline.years[year]}",
            remedy="Correct its domestic sales",
            file=written.file,
        )
    if not flows.has_sectors:
        psi = written.supply_elasticity
        return Closure(True, None, f"one sector, {written.deficits} deficits, supply elasticity "
                       f"{psi:g}, world income as it was, no tariff revenue")  # fmt: skip
    if tables is None:
        return Closure(False, None, "no full equilibrium: sectors buy from each other, and no "
                       "input-output tables were given; partial and conditional effects "
                       "only")  # fmt: skip
    if written.supply_elasticity or written.deficits != "multiplicative":
        raise InputError(
            "with input-output tables there is no choice of supply_elasticity or deficits",
            remedy="Leave them out: deficits are constant amounts, factors are given",
            file=written.file,
        )
    table = table_of_origin(
        tables, baseline.origin, countries=flows.countries, sectors=flows.sectors
    )
    words = (
        f"sectors linked by the input-output table of {table.year}, constant deficits, world "
        "income as it was, no tariff revenue"
    )
    return Closure(True, table, words)


def _check_of_use(written: ScenarioFile, baseline: Baseline, *, has_tables: bool) -> None:
    """Refuse what would change nothing, rather than ignore it."""
    if written.tables is not None and not (baseline.domestic and baseline.flows.has_sectors):
        lacks = "sectors" if baseline.domestic else "domestic sales by sector"
        raise InputError(f"the run has no {lacks}, which input-output tables link",
                         remedy="Leave out tables", file=written.file)  # fmt: skip
    is_full = baseline.domestic and (has_tables or not baseline.flows.has_sectors)
    if not is_full and (written.supply_elasticity or written.deficits != "multiplicative"):
        raise InputError(
            "supply_elasticity and deficits change nothing without a full equilibrium",
            remedy="Leave them out, or give domestic_sales (with sectors, tables as well)",
            file=written.file,
        )


def solve(
    bound: BoundScenario,
    baseline: Baseline,
    closure: Closure,
    year: int,
    values: Array,
    *,
    scores: Mapping[Estimate, float] | None = None,
    main_only: bool = False,
) -> Answer:
    """Solve one year.

    Parameters
    ----------
    bound, baseline, closure
        The scenario and what it changes.
    year
        Target year.
    values
        Its flows, USD, ``[exporter, importer, sector]``.
    scores
        Of the estimates, standard normal; 0 by default.
    main_only
        Whether only the answer that goes furthest is wanted.

    Raises
    ------
    InputError
        If no equilibrium is found.
    """
    effect = bound.effect(year, scores)
    raked, gap = None, 0.0
    if not main_only or not closure.is_full:
        raked, gap = _conditional(values, effect, baseline, year, file=bound.written.file)
    after, welfare = None, None
    if closure.is_full:
        theta = bound.thetas(scores)
        after, welfare, gap = _full(values, effect, theta, bound, closure, year)
    return Answer(
        baseline=values,
        partial=None if main_only else partial(values, effect),
        conditional=raked,
        full=after,
        welfare=welfare,
        residual=gap,
    )


def _conditional(
    values: Array, effect: Array, baseline: Baseline, year: int, *, file: Path
) -> tuple[Array, float]:
    of = (baseline.flows.exporter, baseline.flows.importer, baseline.flows.sector)
    raked = conditional(values[of], effect[of], flows=baseline.flows)
    if not raked.converged and raked.largest_gap > 1e-8:
        raise InputError(
            f"no equilibrium of {year}: with these zeros some totals are out of reach "
            f"(largest gap {raked.largest_gap:.1e})",
            remedy="Embargo less, or give domestic_sales",
            file=file,
        )
    out = np.zeros_like(values)
    out[of] = raked.values
    return out, raked.largest_gap


def _full(
    values: Array,
    effect: Array,
    theta: Array,
    bound: BoundScenario,
    closure: Closure,
    year: int,
) -> tuple[Array, Array, float]:
    written = bound.written
    found: Equilibrium | SectorEquilibrium
    try:
        if closure.table is None:
            found = full(
                values[:, :, 0],
                effect[:, :, 0],
                theta=float(theta[0]),
                psi=written.supply_elasticity,
                deficits=written.deficits,
            )
        else:
            found = full_sectors(update_table(closure.table, values), effect, theta=theta)
    except ValueError as error:
        raise InputError(f"no equilibrium of {year}: {error}",
                         remedy="Embargo less, or leave the country out", file=written.file,
                         ) from error  # fmt: skip
    gap = float(np.abs(found.residual).max())
    if not found.converged:
        raise InputError(
            f"no equilibrium of {year} within {found.rounds} rounds (largest gap {gap:.1e})",
            remedy="Make the change smaller, or the deficits multiplicative",
            file=written.file,
        )
    return found.flows.reshape(values.shape), found.welfare, gap
