"""Technology from trade itself: stocks of imported robots, computers, chips and telecom equipment.

A country's stock of a good follows from its imports by perpetual inventory,

    K_t = (1 - d) K_{t-1} + I_t,     K_first = I_first / (d + g),

with I_t its imports of the year. Nothing later than t enters K_t: the first stock takes a growth
rate set beforehand, not one measured on later years.

* Entrepôts (Hong Kong, Singapore, the Netherlands) pass goods on: I_t is imports less exports
  there, at least 0.
* Producers supply themselves, which no import shows. `TECH.<GOOD>.PRODUCER` is 1 where literature
  names the country as one (robots: Japan, Germany, Korea, and China from 2010) or its exports of
  the year exceed its imports; a stock is a lower bound there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.sources.baci import NEWEST, Baci, BaciArchive, baci_address, download_baci
from features.sources.harmonized_system import TECHNOLOGY, level_named
from features.store.connector import Connector
from features.store.source import IndicatorLine, SourceInfo, option
from features.tidy.parts import Notes, Part
from features.tidy.tidying import indicator_table

DEPRECIATION = {"robots": 0.06, "computers": 0.315, "semiconductors": 0.315, "telecom": 0.115}
"""Yearly rates. Robots: 4 to 7 percent are implicit in IFR stocks (doi:10.1515/jbnst-2021-0059);
others: information and communication technology in EU KLEMS (O'Mahony and Timmer 2009,
doi:10.1111/j.1468-0297.2009.02280.x)."""
FIRST_GROWTH = 0.05
"""Yearly growth of imports before the first year, for its stock."""
ENTREPOTS = ("HKG", "NLD", "SGP")
PRODUCERS = {"robots": {"DEU": 0, "JPN": 0, "KOR": 0, "CHN": 2010}}
"""Countries that literature names as producers, and the year from which each counts as one. China's
makers were negligible before about 2010 (an estimate): an earlier year would be hindsight."""
_CHANNEL = {"robots": "automation", "computers": "automation"}
_INFO = Baci.INFO


@dataclass(frozen=True, slots=True)
class Technology(Connector):
    """Stocks of technology goods by importer, as indicators.

    {options}

    Raises
    ------
    InputError
        For an unknown revision or release, or one without robots.
    """

    revision: str = option("HS96", help="HS96 (default) or later: HS92 has no code for robots")
    release: str = option(NEWEST, help=f"CEPII's release of BACI, YYYYMM (default {NEWEST})")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="technology",
        kind="indicators",
        title="Technology from trade (CEPII BACI)",
        gives="stocks of imported robots, computers, semiconductors and telecom equipment",
        licence=_INFO.licence,
        citation=_INFO.citation,
        lag="13 months",
        publication_lag_months=_INFO.publication_lag_months,
        cache="baci",
    )

    def __post_init__(self) -> None:
        Baci(revision=self.revision, release=self.release, level="technology")

    @property
    def key(self) -> str:
        """``technology:REVISION:RELEASE``."""
        return f"technology:{self.revision}:{self.release}"

    def locate(self) -> tuple[str, ...]:
        """BACI's zip."""
        return (baci_address(self.revision, self.release),)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """BACI's zip, which `Baci` shares."""
        return (download_baci(cache, self.revision, self.release),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """One part per year; the first one asked for reads the years before it too."""
        archive = BaciArchive.open(raw[0].path, revision=self.revision, release=self.release)
        years = archive.chosen(())

        @functools.cache
        def stocks(year: int) -> _Stocks:
            before = stocks(year - 1) if year - 1 in archive.members else None
            return _stocks(archive, year, before)

        for year in years:
            yield Part.of_year(year, partial(_part, stocks, year))

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """A stock and a flag for every good."""
        lines = []
        for good, (code, name) in TECHNOLOGY.items():
            channel = _CHANNEL.get(good, "data_infrastructure")
            source = f"CEPII BACI, HS {code} ({_INFO.licence})"
            rate = f"depreciation {100 * DEPRECIATION[good]:g} percent a year"
            lag = _INFO.publication_lag_months
            lines += [
                IndicatorLine(f"TECH.{good.upper()}.STOCK", channel, f"{name}: stock of imports",
                              "million current USD", lag, source, rate),
                IndicatorLine(f"TECH.{good.upper()}.PRODUCER", channel,
                              f"{name}: the country makes them", "0 or 1", lag, source,
                              "its stock of imports is a lower bound"),
            ]  # fmt: skip
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class _Stocks:
    """Of one year: stocks and producers by good and country, and what reading counted."""

    stock: pd.Series
    producer: pd.Series
    notes: Notes


def _stocks(archive: BaciArchive, year: int, before: _Stocks | None) -> _Stocks:
    notes = Notes()
    imports, exports = _year_totals(archive, year, notes)
    country = imports.index.get_level_values("iso3")
    good = imports.index.get_level_values("good").to_numpy()
    passed_on = exports.where(country.isin(ENTREPOTS), 0.0)
    investment = (imports - passed_on).clip(lower=0.0)
    notes.count("stocks of entrepôts net of re-exports", int(country.isin(ENTREPOTS).sum()))
    rate = pd.Series(good).map(DEPRECIATION).to_numpy(dtype=np.float64)
    return _Stocks(
        inventory(investment, before.stock if before else None, rate),
        ((exports > imports) | _known_producer(country, good, year)).astype(np.float64),
        notes,
    )


def inventory(
    investment: pd.Series, before: pd.Series | None, rate: NDArray[np.float64]
) -> pd.Series:
    """Perpetual inventory of one year.

    Parameters
    ----------
    investment
        Of the year, by any index.
    before
        Stock at the end of the year before, by the same index; None in the first year. What it
        lacks begins with this year's investment, as everything does in the first year.
    rate
        Depreciation a year of each row of ``investment``.

    Returns
    -------
    Series
        Stock at the end of the year; rows of ``before`` without investment are not carried.
    """
    first = investment / (rate + FIRST_GROWTH)
    if before is None:
        return first
    carried = before.reindex(investment.index) * (1.0 - rate) + investment
    return carried.fillna(first)


def _known_producer(country: pd.Index, good: NDArray[np.object_], year: int) -> NDArray[np.bool_]:
    pairs = zip(country, good, strict=True)
    return np.array([year >= PRODUCERS.get(g, {}).get(c, 9999) for c, g in pairs], dtype=bool)


def _year_totals(archive: BaciArchive, year: int, notes: Notes) -> tuple[pd.Series, pd.Series]:
    """Imports and exports by country and good, million USD, every country of the year's trade."""
    flows = archive.flows(year, level_named("technology"), notes)
    traders = np.unique(np.concatenate([flows.exporter, flows.importer]))
    names = [flows.names[trader] for trader in traders]
    index = pd.MultiIndex.from_product([names, list(TECHNOLOGY)], names=["iso3", "good"])
    sides = []
    for side in (flows.importer, flows.exporter):
        totals = pd.DataFrame(
            {
                "iso3": np.asarray(flows.names)[side],
                "good": np.asarray(flows.sectors)[flows.sector],
                "value": flows.value / 1e3,
            }
        )
        by_country = totals.groupby(["iso3", "good"])["value"].sum()
        sides.append(by_country.reindex(index, fill_value=0.0))
    return sides[0], sides[1]


def _part(stocks: Callable[[int], _Stocks], year: int, notes: Notes) -> pa.Table:
    made = stocks(year)
    notes.add(made.notes)
    columns = {"STOCK": made.stock, "PRODUCER": made.producer}
    frames = []
    for what, values in columns.items():
        frame = values.rename("value").reset_index()
        frame["indicator"] = "TECH." + frame["good"].str.upper() + "." + what
        frames.append(frame.assign(year=year)[["iso3", "year", "indicator", "value"]])
    return indicator_table(pd.concat(frames, ignore_index=True))
