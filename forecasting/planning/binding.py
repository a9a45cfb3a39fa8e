"""A plan bound to a run: countries, sectors and years it knows, and the flows behind each item."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.groups import find_group
from features.errors import InputError, listed
from forecasting.planning.plan_file import PlanFile
from forecasting.planning.tables import PlanTables
from forecasting.results.result import RunResult
from forecasting.results.subjects import (
    check_country,
    check_year,
    country_name,
    named,
    origin_of,
    years_of,
)


@dataclass(frozen=True, slots=True)
class Links:
    """Sums of flows that a plan needs.

    Attributes
    ----------
    markets
        ``importer, sector`` (``""`` for all sectors): all imports.
    pairs
        ``exporter, market``: from one country to the importer of a market; ``market`` counts rows
        of ``markets``.
    item_market
        Market of each item, shape ``[item]``.
    supplier_pair
        Pair of each row of suppliers, shape ``[supplier]``.
    """

    markets: pd.DataFrame
    pairs: pd.DataFrame
    item_market: NDArray[np.intp]
    supplier_pair: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class BoundPlan:
    """A plan whose names the run knows.

    Attributes
    ----------
    plan, tables
        As written; countries are codes.
    year, demand_year
        Year planned, and the year that items' demand is of.
    links
        Flows behind items and suppliers.
    groups
        Codes of the members of each limited group of countries.
    """

    plan: PlanFile
    tables: PlanTables
    year: int
    demand_year: int
    links: Links
    groups: dict[str, frozenset[str]]


def bind(plan: PlanFile, tables: PlanTables, run: RunResult) -> BoundPlan:
    """Check a plan against a run.

    Raises
    ------
    InputError
        For a country, sector or year that the run does not know, or a supplier country without a
        flow.
    """
    year, demand_year = _years(plan, run)
    items, suppliers = tables.items.copy(), tables.suppliers.copy()
    items["importer"] = _countries(items["importer"], run, file=plan.items)
    _check_sectors(items, run, file=plan.items)
    if len(suppliers):
        suppliers["country"] = _countries(suppliers["country"], run, file=plan.suppliers)
        twice = suppliers.duplicated(["item", "country"]).to_numpy()
        if twice.any():
            row = int(np.argmax(twice))
            raise InputError(
                f"{suppliers['country'].iloc[row]} supplies item {suppliers['item'].iloc[row]!r} "
                "twice", remedy="Keep one row for each item and country", file=plan.suppliers,
                column="country", row=row + 2,
            )  # fmt: skip
    links = _links(items, suppliers, run, plan)
    groups = {name: _members(name, run, plan) for name in plan.limits.groups}
    return BoundPlan(plan, PlanTables(items, suppliers, tables.history), year, demand_year, links,
                     groups)  # fmt: skip


def _years(plan: PlanFile, run: RunResult) -> tuple[int, int]:
    try:
        year = check_year(run.forecasts, plan.year)
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy, file=plan.file) from None
    origin = origin_of(run)
    known = [y for y in (origin, *years_of(run)) if y < year]
    demand_year = max(known) if plan.demand_year is None else plan.demand_year
    if demand_year not in known:
        raise InputError(
            f"demand_year {demand_year} is not a year from {origin} on and before {year}",
            remedy=f"Choose from {', '.join(map(str, known))}", file=plan.file,
        )  # fmt: skip
    return year, demand_year


def _countries(column: pd.Series, run: RunResult, *, file: Path | None) -> list[str]:
    codes: dict[str, str] = {}
    for row, word in enumerate(column):
        if word not in codes:
            try:
                codes[word] = check_country(run.forecasts, word)
            except InputError as error:
                raise InputError(error.problem, remedy=error.remedy, file=file,
                                 column=str(column.name), row=row + 2) from None  # fmt: skip
    return [codes[word] for word in column]


def _check_sectors(items: pd.DataFrame, run: RunResult, *, file: Path) -> None:
    has_sectors = "sector" in run.forecasts
    known = sorted(run.forecasts["sector"].astype(str).unique()) if has_sectors else []
    for row, sector in enumerate(items["sector"]):
        if sector and sector not in known:
            near = difflib.get_close_matches(sector, known, n=3, cutoff=0.4) or known[:8]
            remedy = f"Nearest: {', '.join(near)}" if near else "The run has none: leave it empty"
            raise InputError(f"the run has no sector {sector!r}", remedy=remedy, file=file,
                             column="sector", row=row + 2)  # fmt: skip


def _links(items: pd.DataFrame, suppliers: pd.DataFrame, run: RunResult, plan: PlanFile) -> Links:
    market_keys = items[["importer", "sector"]].apply(tuple, axis=1)
    item_market, markets = pd.factorize(market_keys)
    of_item = dict(zip(items["item"], item_market, strict=True))
    pair_keys = [(country, of_item[item])
                 for item, country in suppliers[["item", "country"]].to_numpy()]  # fmt: skip
    pair_codes, pairs = pd.factorize(pd.Series(pair_keys, dtype=object))
    links = Links(
        pd.DataFrame(list(markets), columns=["importer", "sector"]),
        pd.DataFrame(list(pairs), columns=["exporter", "market"]),
        item_market.astype(np.intp),
        pair_codes.astype(np.intp),
    )
    _check_flows(links, suppliers, run, plan)
    return links


def _check_flows(links: Links, suppliers: pd.DataFrame, run: RunResult, plan: PlanFile) -> None:
    """Refuse markets and suppliers that do not trade in the last known year."""
    sales = _sales(run)
    known = {(importer, sector): block.droplevel(["importer", "sector"])
             for (importer, sector), block in sales.groupby(["importer", "sector"])}  # fmt: skip
    nothing = sales[:0].droplevel(["importer", "sector"])
    for market, key in enumerate(links.markets.itertuples(index=False, name=None)):
        if not known.get(key, nothing).sum() > 0:
            row = int(np.argmax(links.item_market == market))
            raise InputError(
                f"{named(key[0])} imports nothing{f' of sector {key[1]}' if key[1] else ''} in "
                "the run", remedy="Choose another importer or sector", file=plan.items,
                column="importer", row=row + 2,
            )  # fmt: skip
    for row, pair in enumerate(links.supplier_pair):
        exporter, market = links.pairs.iloc[pair]
        importer, sector = links.markets.iloc[market]
        sellers = known[importer, sector]
        if not sellers.get(exporter, 0) > 0:
            of_sector = f" of sector {sector}" if sector else ""
            raise InputError(
                f"{named(exporter)} sells nothing{of_sector} to {named(importer)} in the run, but "
                f"supplies item {suppliers['item'].iloc[row]!r}",
                remedy=f"Check the country; the largest are {listed(_largest(sellers))}",
                file=plan.suppliers,
                column="country",
                row=row + 2,
            )


def _sales(run: RunResult) -> pd.Series:
    """Last known sales between countries by exporter, importer and sector; ``""`` is all."""
    rows = run.forecasts[run.forecasts["horizon"] == run.forecasts["horizon"].min()]
    rows = rows[rows["exporter"].astype(str) != rows["importer"].astype(str)]
    keys = ["exporter", "importer", "sector"]
    named_rows = pd.DataFrame({name: rows[name].astype(str) for name in keys if name in rows})
    named_rows["value"] = rows["value_origin"].astype(float)
    parts = [named_rows.assign(sector="")]
    if "sector" in rows:
        parts.append(named_rows)
    return pd.concat(parts).groupby(keys)["value"].sum()


def _largest(sellers: pd.Series) -> list[str]:
    return [str(code) for code in sellers.nlargest(5).index]


def _members(name: str, run: RunResult, plan: PlanFile) -> frozenset[str]:
    found: set[str] = set()
    for word in (part.strip() for part in name.split("+")):
        group = find_group(word)
        if group is not None:
            found |= set(group.members(origin_of(run)))
            continue
        try:
            found.add(check_country(run.forecasts, word))
        except InputError as error:
            raise InputError(error.problem, remedy=error.remedy, file=plan.file) from None
    return frozenset(found)


def item_words(importer: str, sector: str) -> str:
    """A market in words."""
    return f"{country_name(importer)}{f', sector {sector}' if sector else ''}"
