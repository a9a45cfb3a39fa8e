"""A simulated world whose trade-pattern shifts have known causes.

Structural gravity (Anderson and van Wincoop 2003, doi:10.1257/000282803321455214) with bilateral
openness that six planted channels move. A pipeline run on it can be held against the truth, which
no real data set allows, and the main job runs on it without data or network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.world.catalogue import catalogue_frame
from features.world.countries import (
    LEAD_YEARS,
    Array,
    CountryStates,
    autoregression,
    simulate_countries,
)
from features.world.gravity import gravity_flows, net_of_country_means, standardised
from features.world.indicators import indicator_frame
from features.world.pairs import (
    agreements_frame,
    geography_frame,
    simulate_geography,
    simulate_treaties,
    trade_frame,
)
from features.world.truth import RHO, PlantedTruth

PLANTED_CHANNELS = (
    "persistence",
    "trade_costs",
    "trade_policy",
    "ai_adoption",
    "automation",
    "data_infrastructure",
)
# persistence: standard deviation of the median pair's transitory deviation, log points; trade
# policy: log points a year while an agreement phases in; others: log points a year per standard
# deviation of the driver's exporter-importer interaction across pairs.
DEFAULT_EFFECTS: Mapping[str, float] = MappingProxyType(
    {
        "persistence": 0.38,
        "trade_costs": 0.028,
        "data_infrastructure": 0.046,
        "ai_adoption": 0.0198,
        "automation": 0.0105,
        "trade_policy": 0.026,
    }
)
_WALK_DEVIATION = 0.19  # of the median pair, log points a year
_PHASE_IN_YEARS = 10  # Baier and Bergstrand 2007, doi:10.1016/j.jinteco.2006.02.005
_FIRST_YEAR_TRADE_USD = 4.5e12
_ZERO_SHARES = (0.25, 0.09)  # of the first and of the last year


class WorldTruth(PlantedTruth):
    """What each channel did to the pattern of bilateral trade; pairs have no sectors."""

    __slots__ = ()

    @staticmethod
    def net(values: Array) -> Array:
        """Means over partners taken out, zero on the diagonal."""
        return net_of_country_means(values)


@dataclass(frozen=True, slots=True)
class World:
    """A simulated world as a user would load it, with the truth beside it.

    Attributes
    ----------
    trade : DataFrame
        exporter, importer, year, value_usd (nominal USD): every ordered international pair and
        year, zeros explicit.
    indicators : DataFrame
        iso3, year, indicator, value; a missing cell is an absent row.
    catalogue : DataFrame
        indicator, channel, label, unit, publication_lag_months, source, note.
    geography : DataFrame
        CEPII GeoDist columns for every ordered pair, the country with itself included; km.
    agreements : DataFrame
        iso3_o, iso3_d, year, rta, rta_wto, n_treaties; rows only where an agreement is in force.
    truth : WorldTruth
    """

    trade: pd.DataFrame
    indicators: pd.DataFrame
    catalogue: pd.DataFrame
    geography: pd.DataFrame
    agreements: pd.DataFrame
    truth: WorldTruth


def simulate_world(
    *,
    seed: int = 20260101,
    n_countries: int = 60,
    n_years: int = 27,
    first_year: int = 1995,
    effects: Mapping[str, float] | None = None,
) -> World:
    """Simulate a world of bilateral trade with planted causes of pattern shifts.

    Parameters
    ----------
    seed : int
        The same seed and sizes give the same world. `effects` change no draw: only the flows, the
        two published trade totals and, for persistence, the scale of all USD amounts.
    n_countries, n_years, first_year : int
        Size and calendar of the trade matrix.
    effects : mapping of str to float, optional
        Strength by channel, overriding `DEFAULT_EFFECTS`; 0 switches a channel off.

    Raises
    ------
    ValueError
        If an argument is out of range or a channel is unknown.
    """
    strengths = checked_effects(effects, DEFAULT_EFFECTS)
    _check_sizes(seed=seed, n_countries=n_countries, n_years=n_years, first_year=first_year)
    # One stream per part, so that none depends on how much another one drew.
    streams = [np.random.default_rng([seed, part]) for part in range(7)]
    codes = _country_codes(n_countries)
    region = np.sort(streams[0].integers(0, max(3, n_countries // 9), n_countries))
    region = np.unique(region, return_inverse=True)[1].astype(np.int64)
    states = simulate_countries(
        streams[1], codes=codes, region=region, n_years=n_years, first_year=first_year
    )
    geography = simulate_geography(streams[2], states=states)
    treaties = simulate_treaties(streams[3], states=states)
    drivers = _drivers(states, geography=geography, treaties=treaties)
    openness, contributions = _openness(
        streams[4], drivers, strengths=strengths, states=states, geography=geography
    )
    output, expenditure = states.output[LEAD_YEARS:], states.expenditure[LEAD_YEARS:]
    flows = gravity_flows(openness, output=output, expenditure=expenditure)
    scale = _FIRST_YEAR_TRADE_USD / (flows[0].sum() - np.trace(flows[0]))
    published = _publish(streams[5], flows * scale)
    years = states.years[LEAD_YEARS:]
    return World(
        trade=trade_frame(published, codes=codes, years=years),
        indicators=indicator_frame(streams[6], published, states=states.rescaled(scale)),
        catalogue=catalogue_frame(),
        geography=geography_frame(geography, codes=codes),
        agreements=agreements_frame(treaties, codes=codes, years=states.years),
        truth=WorldTruth(codes, years, contributions, published > 0),
    )


def checked_effects(
    effects: Mapping[str, float] | None, default: Mapping[str, float]
) -> dict[str, float]:
    """The strengths of all channels; what is not given takes its default.

    Raises
    ------
    ValueError
        If a channel is unknown or a strength cannot be.
    """
    given = dict(effects or {})
    if unknown := sorted(set(given) - set(PLANTED_CHANNELS)):
        raise ValueError(f"unknown effects {unknown}; the channels are {list(PLANTED_CHANNELS)}")
    if bad := sorted(name for name, size in given.items() if not np.isfinite(size)):
        raise ValueError(f"the effects of {bad} are not finite numbers")
    if given.get("persistence", 0.0) < 0:
        raise ValueError("the effect of persistence is a standard deviation and cannot be negative")
    return {**default, **given}


def _check_sizes(*, seed: int, n_countries: int, n_years: int, first_year: int) -> None:
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    if not 10 <= n_countries <= 676:
        raise ValueError(f"n_countries must lie between 10 and 676, got {n_countries}")
    if not 3 <= n_years <= 100:
        raise ValueError(f"n_years must lie between 3 and 100, got {n_years}")
    if not 1000 <= first_year <= 9000:
        raise ValueError(f"first_year must be a calendar year with four digits, got {first_year}")


def _country_codes(n_countries: int) -> tuple[str, ...]:
    """ISO 3166 user-assigned codes, XAA onwards, that no real country bears."""
    return tuple(f"X{chr(65 + k // 26)}{chr(65 + k % 26)}" for k in range(n_countries))


def _drivers(
    states: CountryStates, *, geography: dict[str, Array], treaties: NDArray[np.int64]
) -> dict[str, Array]:
    """What sets each channel's annual rate of change, ``[year, exporter, importer]``."""
    technology = (states.connectivity, states.ai, states.automation, states.real_output)
    connectivity, ai, automation, real = (path[LEAD_YEARS:] for path in technology)
    income = np.log(real / states.population[LEAD_YEARS:])
    years = states.years[LEAD_YEARS:, None, None]
    start = treaties.min(axis=0)
    phasing_in = (years >= start) & (years < start + _PHASE_IN_YEARS)
    centred_ai = ai - ai.mean(axis=1, keepdims=True)
    centred_automation = automation - automation.mean(axis=1, keepdims=True)
    wage_gap = income[:, None, :] - income[:, :, None]
    closeness = -np.log(geography["dist"]) + 0.5 * geography["contig"]
    return {
        # The OECD convention for a pair: it is as well connected as its worse end.
        "data_infrastructure": standardised(
            np.minimum(connectivity[:, :, None], connectivity[:, None, :])
        ),
        # Negative: machines in the importer displace imports from cheaper labour (Krenz,
        # Prettner and Strulik 2021, European Economic Review 136).
        "automation": standardised(-centred_automation[:, None, :] * wage_gap),
        # Translation helps where languages differ (Brynjolfsson, Hui and Liu 2019,
        # doi:10.1287/mnsc.2019.3388).
        "ai_adoption": standardised(centred_ai[:, :, None] * (1.0 - geography["comlang_off"])),
        "trade_policy": phasing_in.astype(np.float64),
        "trade_costs": standardised(np.broadcast_to(closeness, wage_gap.shape)),
    }


def _openness(
    rng: np.random.Generator,
    drivers: dict[str, Array],
    *,
    strengths: dict[str, float],
    states: CountryStates,
    geography: dict[str, Array],
) -> tuple[Array, dict[str, Array]]:
    """Log bilateral openness and each channel's part of it, ``[year, exp, imp]``.

    The noise that no channel explains is a random walk; like the transitory deviation it is
    larger for smaller flows.
    """
    n = len(states.codes)
    foreign = 1.0 - np.eye(n)
    shape = (len(states.years) - LEAD_YEARS, n, n)
    heterogeneity = rng.standard_normal((n, n))
    static = (
        -0.5 * np.log(geography["dist"])
        + 0.4 * geography["contig"]
        + 0.4 * geography["comlang_off"]
        + 0.6 * geography["colony"]
        + foreign * (0.5 * heterogeneity + 0.6 * (heterogeneity + heterogeneity.T) - 4.5)
    )
    mass = np.log(states.output[LEAD_YEARS])
    size = (static + mass[:, None] + mass)[foreign > 0]
    deviation = np.zeros((n, n))
    deviation[foreign > 0] = np.clip(np.exp(-0.9 * (size - size.mean()) / size.std()), 0.15, 3.5)
    transitory = autoregression(rng.standard_normal(shape), rho=RHO) * deviation
    walk = np.cumsum(rng.standard_normal(shape), axis=0) * _WALK_DEVIATION * deviation
    contributions = {"persistence": strengths["persistence"] * transitory}
    for name, driver in drivers.items():
        path = np.zeros(shape)
        path[1:] = np.cumsum(strengths[name] * driver * foreign, axis=0)[:-1]
        contributions[name] = path
    border = -0.018 * foreign * np.arange(shape[0])[:, None, None]
    return static + border + walk + sum(contributions.values()), contributions


def _publish(rng: np.random.Generator, flows: Array) -> Array:
    """Drop the domestic diagonal and the flows too small to be reported.

    A link is reported while its size, blurred by a persistent deviation, exceeds a threshold that
    moves so that the share of zeros falls from the first to the second of `_ZERO_SHARES`.
    """
    foreign = ~np.eye(flows.shape[1], dtype=bool)
    visible = np.log(flows) + 1.3 * autoregression(rng.standard_normal(flows.shape), rho=0.85)
    shares = np.geomspace(*_ZERO_SHARES, len(flows))
    threshold = [
        np.quantile(seen[foreign], share) for seen, share in zip(visible, shares, strict=True)
    ]
    return np.where((visible > np.array(threshold)[:, None, None]) & foreign, flows, 0.0)
