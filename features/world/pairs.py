"""Country pairs of the simulated world: a globe, languages, colonial pasts, agreements."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.world.countries import Array, CountryStates

_EARTH_RADIUS_KM = 6371.0


def simulate_geography(rng: np.random.Generator, *, states: CountryStates) -> dict[str, Array]:
    """Place the countries on a globe and give them languages and colonial pasts, [exp, imp]."""
    n = len(states.codes)
    dist, reach = _distances(rng, states)
    near = dist.argsort(axis=1).argsort(axis=1) <= 2
    contig = (near | near.T) & (dist < 3.0 * reach) & (np.eye(n) == 0)
    flags = {"contig": contig, **_ties(rng, states)}
    same_country = np.triu(contig & (rng.random((n, n)) < 0.25))
    flags["smctry"] = same_country | same_country.T
    pairs = {name: (flag & (np.eye(n) == 0)).astype(np.float64) for name, flag in flags.items()}
    spread = dist * (1.0 + 0.1 * np.tanh(reach / dist))
    return pairs | {"dist": dist, "distcap": dist, "distw": spread, "distwces": 0.995 * spread}


def _distances(rng: np.random.Generator, states: CountryStates) -> tuple[Array, Array]:
    """Distance of each pair and the mean extent of its countries, km."""
    n, region = len(states.codes), states.region
    centre = np.stack([rng.uniform(-30, 55, n), rng.permutation(np.linspace(-160, 160, n))])
    spot = np.radians(centre[:, region] + rng.standard_normal((2, n)) * [[9.0], [13.0]])
    half = np.sin((spot[:, :, None] - spot[:, None, :]) / 2.0) ** 2
    chord = half[0] + np.outer(np.cos(spot[0]), np.cos(spot[0])) * half[1]
    extent = 330.0 * np.exp(
        0.25 * np.log(states.population[0]) / 1.5 + 0.3 * rng.standard_normal(n)
    )
    reach = (extent[:, None] + extent) / 2.0
    capital = 2.0 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return np.where(np.eye(n) > 0, 0.67 * extent, np.maximum(capital, 0.5 * reach)), reach


def _ties(rng: np.random.Generator, states: CountryStates) -> dict[str, NDArray[np.bool_]]:
    """Draw common languages and colonial pasts, ``[exp, imp]`` each, diagonal included."""
    n, region = len(states.codes), states.region
    metropole = np.flatnonzero(states.income[0] >= np.sort(states.income[0])[-max(2, n // 15)])
    ruler = np.where(rng.random(n) < 0.6, rng.choice(metropole, n), -1)
    ruler[metropole] = -1
    # Fixed shares of speakers, so that worlds differ in where the languages lie, not in how many.
    order = (rng.permutation(n)[region] + 0.5 * n * rng.standard_normal(n)).argsort().argsort()
    tongue = np.searchsorted([0.32, 0.57, 0.77, 0.9], (order + 0.5) / n)
    tongue = np.where((ruler >= 0) & (rng.random(n) < 0.5), tongue[ruler], tongue)
    second = np.where(rng.random(n) < 0.2, rng.choice(5, n), tongue)
    colony = ruler[:, None] == np.arange(n)
    recent = colony & (rng.random(n) < 0.7)[:, None]
    return {
        "comlang_off": tongue[:, None] == tongue,
        "comlang_ethno": (tongue[:, None] == second) | (second[:, None] == tongue),
        "colony": colony | colony.T,
        "comcol": (ruler[:, None] == ruler) & (ruler >= 0),
        "curcol": np.zeros((n, n), dtype=bool),
        "col45": recent | recent.T,
    }


def simulate_treaties(
    rng: np.random.Generator,
    *,
    states: CountryStates,
    agreements: int | None = None,
    largest: int = 9,
) -> NDArray[np.int64]:
    """Year each agreement enters into force, ``[agreement, exp, imp]``, 9999 for never.

    The first is the customs union. A third of the others, ``agreements`` or half as many as there
    are countries, are regional; the rest join any two to ``largest`` countries.
    """
    n = len(states.codes)
    starts = [np.maximum(states.union_entry[:, None], states.union_entry)]
    for _ in range(n // 2 if agreements is None else agreements):
        pool = np.arange(n)
        if rng.random() < 0.35:
            pool = np.flatnonzero(states.region == rng.choice(states.region))
        size = min(len(pool), int(rng.integers(2, largest + 1)))
        member = np.isin(np.arange(n), rng.choice(pool, size, replace=False))
        year = rng.integers(states.years[0] - 4, states.years[-1])
        starts.append(np.where(member[:, None] & member, year, 9999))
    treaties = np.stack(starts).astype(np.int64)
    treaties[:, np.arange(n), np.arange(n)] = 9999
    return treaties


def geography_frame(geography: dict[str, Array], *, codes: tuple[str, ...]) -> pd.DataFrame:
    """Every ordered pair as one row: iso3_o, iso3_d, then the attributes."""
    names, n = pd.array(codes, dtype="str"), len(codes)
    frame = pd.DataFrame(
        {"iso3_o": names.repeat(n), "iso3_d": names.take(np.tile(np.arange(n), n))}
        | {name: values.ravel() for name, values in geography.items()}
    )
    return frame.astype({name: np.int64 for name in geography if not name.startswith("dist")})


def agreements_frame(
    treaties: NDArray[np.int64], *, codes: tuple[str, ...], years: NDArray[np.int64]
) -> pd.DataFrame:
    """Pair-years with an agreement in force: rta, rta_wto (notified), n_treaties."""
    active = treaties[:, None] <= years[:, None, None]
    n_treaties = active.sum(axis=0)
    year, exporter, importer = np.nonzero(n_treaties)
    names = pd.array(codes, dtype="str")
    # Every third agreement stays unnotified to the WTO.
    notified = active[np.arange(len(treaties)) % 3 != 2].any(axis=0)
    return pd.DataFrame(
        {
            "iso3_o": names.take(exporter),
            "iso3_d": names.take(importer),
            "year": years[year].astype(np.int16),
            "rta": np.ones(len(year), dtype=np.int16),
            "rta_wto": notified[year, exporter, importer].astype(np.int16),
            "n_treaties": n_treaties[year, exporter, importer].astype(np.int16),
        }
    )


def trade_frame(
    published: Array, *, codes: tuple[str, ...], years: NDArray[np.int64]
) -> pd.DataFrame:
    """Every ordered international pair and year as one row, zeros explicit."""
    exporter, importer = np.nonzero(~np.eye(len(codes), dtype=bool))
    names = pd.array(codes, dtype="str")
    return pd.DataFrame(
        {
            "exporter": names.take(np.repeat(exporter, len(years))),
            "importer": names.take(np.repeat(importer, len(years))),
            "year": np.tile(years, len(exporter)).astype(np.int16),
            "value_usd": published[:, exporter, importer].T.ravel(),
        }
    )
