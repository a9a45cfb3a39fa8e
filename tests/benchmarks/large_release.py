"""A generated trade release of any size, built like a real one by HS chapter.

    python tests/benchmarks/large_release.py FOLDER [--countries 226] [--chapters 97] [--years 28]
        [--flows 1000000] [--seed 1]

FLOWS is about how many cells (exporter x importer x chapter) ever trade; as many as there are makes
a dense table. Sizes are skewed over ten orders of magnitude, a flow's size persists, and it trades
while its latent size is above a threshold that is lower for a flow that traded the year before: so
zeros persist, small flows start and stop, and few large ones do. The folder gets ``trade.parquet``,
``indicators.parquet`` with ``catalogue.csv``, and ``pairs.parquet``. The same seed gives the same
bytes. The whole of BACI's size takes two minutes and 2 GB.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pycountry
from numpy.typing import NDArray

FIRST_YEAR = 1995
CELL_SD, YEARLY_SD, PERSISTENCE = 1.6, 0.5, 0.85
EASE = 0.5
"""By how much (ln USD) the threshold of a flow that traded the year before is lower."""
SMALLEST = 1_000.0
"""USD of a flow at the threshold, as in reported trade."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Release:
    """What all flows of a release have in common; years, countries, chapters in this order."""

    countries: tuple[str, ...]
    chapters: tuple[str, ...]
    years: int
    seed: int
    size: Array
    growth: Array
    supply: Array
    demand: Array
    distance: Array

    @classmethod
    def draw(cls, *, countries: int, chapters: int, years: int, seed: int) -> Release:
        """Draw countries on a sphere, their sizes and growth, and the chapters' markets."""
        rng = np.random.default_rng(seed)
        codes = sorted(country.alpha_3 for country in pycountry.countries)[:countries]
        place = rng.normal(size=(countries, 3))
        place /= np.linalg.norm(place, axis=1, keepdims=True)
        angle = np.arccos(np.clip(place @ place.T, -1, 1))
        growth = 0.05 + np.cumsum(rng.normal(0, 0.06, (years, countries)), axis=0) * 0.5
        growth += 0.04 * np.arange(years)[:, None]
        chapter = rng.normal(0, 1.0, chapters)
        return cls(
            countries=tuple(codes),
            chapters=tuple(f"{k + 1:02d}" for k in range(chapters)),
            years=years,
            seed=seed,
            size=rng.normal(0, 2.0, countries),
            growth=growth,
            supply=chapter + rng.normal(0, 1.5, (countries, chapters)),
            demand=rng.normal(0, 0.7, (countries, chapters)),
            distance=np.maximum(angle * 6_371.0, 100.0),
        )

    def latent(self, exporter: int) -> Array:
        """Latent ln size of the exporter's cells, shape ``[year, importer, chapter]``."""
        rng = np.random.default_rng((self.seed, exporter))
        n, k = len(self.countries), len(self.chapters)
        level = self.size[exporter] + 0.9 * self.size[:, None] + self.supply[exporter] + self.demand
        level = level - 1.1 * np.log(self.distance[exporter])[:, None]
        level = level + rng.normal(0, 0.8, (n, 1)) + rng.normal(0, CELL_SD, (n, k))
        noise = rng.normal(0, YEARLY_SD, (self.years, n, k)).astype(np.float32)
        for year in range(1, self.years):
            noise[year] += PERSISTENCE * noise[year - 1]
        together = self.growth[:, exporter, None] + self.growth
        found: Array = level + 0.5 * together[:, :, None] + noise
        return found


def threshold(release: Release, *, flows: int) -> float:
    """The latent size above which a cell starts to trade, so that about ``flows`` ever do."""
    n, k = len(release.countries), len(release.chapters)
    share = min(flows / (n * (n - 1) * k), 1.0)
    sample = range(0, n, max(n // 30, 1))
    highest = [np.delete(release.latent(e).max(axis=0), e, axis=0).ravel() for e in sample]
    return float(np.quantile(np.concatenate(highest), 1 - share))


def rows(release: Release, *, above: float) -> Iterator[pd.DataFrame]:
    """Rows of each exporter in turn: only years with trade, as BACI has them."""
    names = np.asarray(release.countries, dtype=object)
    for exporter in range(len(names)):
        latent = release.latent(exporter)
        trades = latent > above
        for year in range(1, release.years):
            trades[year] |= trades[year - 1] & (latent[year] > above - EASE)
        trades[:, exporter] = False
        importer, chapter, year = np.nonzero(trades.transpose(1, 2, 0))
        scale = np.log(SMALLEST) + EASE - above
        value = np.exp(np.minimum(latent[year, importer, chapter] + scale, 26.0))
        yield pd.DataFrame(
            {
                "exporter": pd.Categorical.from_codes(np.full(value.size, exporter), names),
                "importer": pd.Categorical.from_codes(importer, names),
                "sector": pd.Categorical.from_codes(chapter, list(release.chapters)),
                "year": (FIRST_YEAR + year).astype(np.int16),
                "value_usd": np.round(value),
            }
        )


def indicators(release: Release) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Economic output and the value indices of exports and imports, with their catalogue."""
    rng = np.random.default_rng((release.seed, 7))
    size = release.size + 0.5 * release.growth + 11.0
    series = {
        "MACRO.GDP": np.exp(size),
        "TX.VAL.MRCH.XD.WD": 100 * np.exp(release.growth - release.growth[0]),
        "TM.VAL.MRCH.XD.WD": 100 * np.exp(release.growth - release.growth[0]),
    }
    years = np.arange(release.years) + FIRST_YEAR
    parts = [
        pd.DataFrame(
            {
                "iso3": np.tile(release.countries, release.years),
                "year": np.repeat(years, len(release.countries)),
                "indicator": name,
                "value": (values * np.exp(rng.normal(0, 0.02, values.shape))).ravel(),
            }
        )
        for name, values in series.items()
    ]
    catalogue = pd.DataFrame(
        {
            "indicator": list(series),
            "channel": ["economic_mass", "published_totals", "published_totals"],
            "label": ["Gross domestic product", "Export value index", "Import value index"],
            "unit": ["million USD", "index", "index"],
            "publication_lag_months": [6, 4, 4],
            "source": "generated",
            "note": "",
        }
    )
    return pd.concat(parts, ignore_index=True), catalogue


def pairs(release: Release) -> pd.DataFrame:
    """Distance, borders, language and colonial links of every ordered pair."""
    n = len(release.countries)
    rng = np.random.default_rng((release.seed, 8))
    language = rng.integers(0, 12, n)
    exporter, importer = (side.ravel() for side in np.indices((n, n)))
    away = exporter != importer
    exporter, importer = exporter[away], importer[away]
    names, distance = np.asarray(release.countries), release.distance[exporter, importer]
    return pd.DataFrame(
        {
            "iso3_o": names[exporter],
            "iso3_d": names[importer],
            "dist": distance,
            "contig": (distance < 600).astype(int),
            "comlang_off": (language[exporter] == language[importer]).astype(int),
            "colony": ((exporter + importer) % 41 == 0).astype(int),
        }
    )


def write(
    folder: Path, *, countries: int, chapters: int, years: int, flows: int, seed: int
) -> None:
    """Write a release; an existing one is replaced."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    release = Release.draw(countries=countries, chapters=chapters, years=years, seed=seed)
    table, catalogue = indicators(release)
    table.to_parquet(folder / "indicators.parquet", index=False)
    catalogue.to_csv(folder / "catalogue.csv", index=False)
    pairs(release).to_parquet(folder / "pairs.parquet", index=False)
    writer = None
    for part in rows(release, above=threshold(release, flows=flows)):
        arrow = pa.Table.from_pandas(part, preserve_index=False)
        writer = writer or pq.ParquetWriter(folder / "trade.parquet", arrow.schema)
        writer.write_table(arrow)
    assert writer is not None
    writer.close()


def options(folder: Path) -> list[str]:
    """Arguments of a run on a release."""
    return [
        *("--trade", f"{folder}/trade.parquet"),
        *("--indicators", f"{folder}/indicators.parquet"),
        *("--indicator-catalogue", f"{folder}/catalogue.csv"),
        *("--pairs", f"{folder}/pairs.parquet"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--countries", type=int, default=226)
    parser.add_argument("--chapters", type=int, default=97)
    parser.add_argument("--years", type=int, default=28)
    parser.add_argument("--flows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = vars(parser.parse_args())
    write(given.pop("folder"), **given)


if __name__ == "__main__":
    main()
