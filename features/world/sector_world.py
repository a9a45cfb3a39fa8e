"""A simulated world with sectors, domestic sales and input-output tables.

Every channel acts where the literature would look for it, and nowhere else: automation on exposed
manufactures, AI on the output of digital services, data infrastructure on the pattern of services,
trade costs, agreements and persistence on all flows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.simulated import NAMES, REGIONS
from features.data.input_output import InputOutputTable
from features.world.catalogue import catalogue_frame
from features.world.countries import LEAD_YEARS, Array, CountryStates, simulate_countries
from features.world.indicators import indicator_frame, with_loose_accounts
from features.world.pairs import (
    agreements_frame,
    geography_frame,
    simulate_geography,
    simulate_treaties,
)
from features.world.reports import monthly_frame, reports_frame
from features.world.sector_flows import (
    published_flows,
    sector_openness,
    sector_sizes,
    solved_flows,
)
from features.world.sector_tables import balanced_table
from features.world.sector_truth import SectorTruth
from features.world.sectors import SECTORS, sector_frame
from features.world.world import checked_effects

DEFAULT_EFFECTS: Mapping[str, float] = MappingProxyType(
    {
        "persistence": 0.38,
        "trade_costs": 0.028,
        "data_infrastructure": 0.075,
        "ai_adoption": 0.025,
        "automation": 0.065,
        "trade_policy": 0.02,
    }
)
"""Strength by channel. Persistence: standard deviation of the median flow's transitory deviation,
log points. Trade policy: log points a year while an agreement phases in. AI: log points a year of
the exporter's output of digital services, by standard deviation of AI. Others: log points a year by
standard deviation of the driver, in the sector most exposed."""
LATER_YEARS = 2
"""Years simulated after the last published one: reporters know the first, months the second."""
_FIRST_YEAR_OUTPUT_USD = 2.4e13
_LARGEST_AGREEMENT = 4
_GOODS = tuple(sector.code for sector in SECTORS if sector.kind != "services")


@dataclass(frozen=True, slots=True)
class SectorWorld:
    """A simulated world with sectors as a user would load it, with the truth beside it.

    Attributes
    ----------
    trade : DataFrame
        exporter, importer, sector, year, value_usd (nominal USD): every ordered pair, a country
        with itself included, zeros explicit.
    later : DataFrame
        The same of the year after, which is not published yet.
    sectors : DataFrame
        sector, name, kind, digitally_deliverable, automation_exposure, ai_exposure,
        data_intensity.
    tables : dict of int to InputOutputTable
        Input-output table of every published year; its rows sum to the flows.
    indicators, catalogue, geography, agreements : DataFrame
        As of `features.world.world.World`; indicators reach into the year after.
    reports, monthly : DataFrame
        What countries declare of their trade in goods, the year after included, and the world's
        trade abroad by month.
    truth : SectorTruth
    """

    trade: pd.DataFrame
    later: pd.DataFrame
    sectors: pd.DataFrame
    tables: dict[int, InputOutputTable]
    indicators: pd.DataFrame
    catalogue: pd.DataFrame
    geography: pd.DataFrame
    agreements: pd.DataFrame
    reports: pd.DataFrame
    monthly: pd.DataFrame
    truth: SectorTruth


def simulate_sector_world(
    *,
    seed: int = 20260101,
    n_countries: int = 20,
    n_years: int = 27,
    first_year: int = 1995,
    effects: Mapping[str, float] | None = None,
    until: Mapping[str, int] | None = None,
) -> SectorWorld:
    """Simulate a world of trade by sector with planted causes.

    Parameters
    ----------
    seed : int
        The same seed and sizes give the same world. `effects` change no draw.
    n_countries, n_years, first_year : int
        Size and calendar of what is published.
    effects : mapping of str to float, optional
        Strength by channel, overriding `DEFAULT_EFFECTS`; 0 switches a channel off.
    until : mapping of str to int, optional
        By channel, the year from which on it moves nothing any more: the difference to the world
        without this is what it did later.

    Raises
    ------
    ValueError
        If an argument is out of range or a channel is unknown.
    """
    sizes_of_effects = checked_effects(effects, DEFAULT_EFFECTS)
    _check_sizes(seed=seed, n_countries=n_countries, n_years=n_years, first_year=first_year)
    # One stream per part, so that none depends on how much another one drew.
    streams = [np.random.default_rng([seed, 100 + part]) for part in range(7)]
    codes = tuple(NAMES)[:n_countries]
    states = _states(streams[0], codes, n_years=n_years + LATER_YEARS, first_year=first_year)
    years = states.years[LEAD_YEARS:]
    strengths = {
        name: np.where(years < (until or {}).get(name, math.inf), size, 0.0)
        for name, size in sizes_of_effects.items()
    }
    geography = simulate_geography(streams[1], states=states)
    treaties = simulate_treaties(
        streams[2], states=states, agreements=n_countries, largest=_LARGEST_AGREEMENT
    )
    sizes = sector_sizes(streams[3], states, ai=strengths["ai_adoption"])
    openness, contributions = sector_openness(
        streams[4], states, geography=geography, treaties=treaties, sizes=sizes, strengths=strengths
    )
    flows = published_flows(streams[5], solved_flows(openness, sizes))
    sectors = tuple(sector.code for sector in SECTORS)
    frame = _trade_frame(flows, codes=codes, sectors=sectors, years=years)
    last = int(years[n_years - 1])
    goods = np.isin(sectors, _GOODS)
    abroad = flows[..., goods].sum(axis=3) * (1.0 - np.eye(n_countries))
    indicators = with_loose_accounts(
        indicator_frame(streams[6], abroad, states=states),
        rng=np.random.default_rng([seed, 13]),
    )
    foreign = frame[frame["exporter"] != frame["importer"]]
    declared = foreign[(foreign["year"] <= last + 1) & foreign["sector"].isin(_GOODS)]
    return SectorWorld(
        trade=frame[frame["year"] <= last].reset_index(drop=True),
        later=frame[frame["year"] == last + 1].reset_index(drop=True),
        sectors=sector_frame(),
        tables={
            int(year): balanced_table(flows[row], year=int(year), countries=codes, sectors=sectors)
            for row, year in enumerate(years[:n_years])
        },
        indicators=indicators[indicators["year"] <= last + 1].reset_index(drop=True),
        catalogue=catalogue_frame(),
        geography=geography_frame(geography, codes=codes).assign(
            hosting=_hosting(geography["dist"], states).ravel()
        ),
        agreements=agreements_frame(treaties, codes=codes, years=states.years),
        reports=reports_frame(declared, seed=seed),
        monthly=monthly_frame(foreign, seed=seed),
        truth=SectorTruth(
            codes, years, contributions, flows > 0, sectors, {"ai_adoption": sizes.ai_adoption}
        ),
    )


def _states(
    rng: np.random.Generator, codes: tuple[str, ...], *, n_years: int, first_year: int
) -> CountryStates:
    names = tuple(REGIONS)
    region_of = {code: k for k, name in enumerate(names) for code in REGIONS[name].split()}
    states = simulate_countries(
        rng,
        codes=codes,
        region=np.array([region_of[code] for code in codes], dtype=np.int64),
        n_years=n_years,
        first_year=first_year,
        poorest=names.index("Sunara"),
    )
    return states.rescaled(_FIRST_YEAR_OUTPUT_USD / float(states.output[LEAD_YEARS].sum()))


def _hosting(distance: Array, states: CountryStates) -> Array:
    """Share of each country's web content that every country hosts, ``[host, country]``.

    Large, connected and close hosts hold the most; it moves no flow.
    """
    pull = states.output[-1] * np.exp(states.connectivity[-1])
    weight = pull[:, None] / distance
    shares: Array = weight / weight.sum(axis=0)
    return shares


def _check_sizes(*, seed: int, n_countries: int, n_years: int, first_year: int) -> None:
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    if not 8 <= n_countries <= len(NAMES):
        raise ValueError(f"n_countries must lie between 8 and {len(NAMES)}, got {n_countries}")
    if not 3 <= n_years <= 100:
        raise ValueError(f"n_years must lie between 3 and 100, got {n_years}")
    if not 1000 <= first_year <= 9000:
        raise ValueError(f"first_year must be a calendar year with four digits, got {first_year}")


def _trade_frame(
    flows: Array, *, codes: tuple[str, ...], sectors: tuple[str, ...], years: NDArray[np.int64]
) -> pd.DataFrame:
    """Every ordered pair, sector and year as one row, zeros explicit."""
    n, k = len(codes), len(sectors)
    exporter, importer, sector = (part.ravel() for part in np.indices((n, n, k)))
    names, kinds = pd.array(codes, dtype="str"), pd.array(sectors, dtype="str")
    return pd.DataFrame(
        {
            "exporter": names.take(np.repeat(exporter, len(years))),
            "importer": names.take(np.repeat(importer, len(years))),
            "sector": kinds.take(np.repeat(sector, len(years))),
            "year": np.tile(years, n * n * k).astype(np.int16),
            "value_usd": flows.transpose(1, 2, 3, 0).ravel(),
        }
    )
