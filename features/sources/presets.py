"""Ready sets of indicators: series of several sources joined as one data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa

from features.download.client import Client
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.download.watcher import Watcher
from features.errors import InputError
from features.sources.aipi import Aipi
from features.sources.baci import NEWEST as BACI_NEWEST
from features.sources.indicator_sets import ready_in
from features.sources.owid import Owid
from features.sources.technology import Technology, inventory
from features.sources.wdi import Wdi
from features.sources.weo import NEWEST, Weo
from features.store.connector import Connector
from features.store.dataset import Dataset
from features.store.fetching import disk_troubles, fetch
from features.store.source import IndicatorLine, SourceInfo
from features.store.store import Store
from features.tidy.parts import Notes, Part
from features.tidy.tidying import indicator_table
from features.tidy.years import years_word

DENOMINATORS = ("MACRO.GDP", "MACRO.GDP.REAL", "MACRO.POP", "MACRO.EXCH", "WDI.WORKERS")
"""Denominators of technology features."""
VINTAGES = (*(f"{year}-10" for year in range(2020, 2026)), NEWEST)
"""Outlooks with known addresses; back-tests see those of earlier years only."""
INVESTMENT, CAPITAL = "WDI.GFCF", "WDI.CAPITAL"
CAPITAL_DEPRECIATION = 0.05
"""A year, of capital of all kinds; near the mean of Penn World Table 10."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A set of indicators.

    Attributes
    ----------
    gives
        Description for the command line.
    members
        From a release of BACI to the data sets it joins.
    """

    gives: str
    members: Callable[[str], tuple[Connector, ...]]


def _wdi(*sets: str, also: Sequence[str] = ()) -> Wdi:
    names = [s.name for one in sets for s in ready_in(one) if s.source == "wdi"]
    return Wdi(indicators=tuple(dict.fromkeys([*also, *names])))


def _technology(release: str) -> tuple[Connector, ...]:
    wdi = _wdi("technology", "published_totals", also=DENOMINATORS)
    return wdi, Owid(), Technology(release=release)


_ECONOMY = ("economic_mass", "published_totals", "trade_policy")


PRESETS: dict[str, Preset] = {
    "technology": Preset(
        "AI adoption, automation and data infrastructure, with what they are divided by and "
        "published totals (WDI, Our World in Data, BACI)",
        _technology,
    ),
    "economy": Preset(
        "economic mass, published totals and tariffs (WDI, WEO)",
        lambda _: (_wdi(*_ECONOMY), Weo(vintages=VINTAGES)),
    ),
    "all": Preset(
        "both of these",
        lambda release: (
            _wdi(*_ECONOMY, "technology"),
            Weo(vintages=VINTAGES),
            Owid(),
            Technology(release=release),
        ),
    ),
    "snapshots": Preset(
        "AI preparedness, one year only: a back-test refuses it unless forced", lambda _: (Aipi(),)
    ),
}
"""By name. A preset fails if one source does, so none has `features.sources.stri`, whose server
refuses many clients: fetch it first, then join it."""


_NSF = "NSF's indicators are workbooks that no connector reads"
_PENN = "no connector reads the Penn World Table"
UNFILLED: dict[str, str] = {
    "NSF.IPF.COMPUTER.TECH": _NSF,
    "NSF.SOFTWARE.VA.USDM": _NSF,
    "NSF.MACHINERY.VA.USDM": _NSF,
    "NSF.USPTO.SEMICOND.PATENTS": _NSF,
    "EPOCH.NOTABLE.MODELS": "no connector reads Epoch's list of models",
    "PWT.labsh": _PENN,
    "PWT.hc": _PENN,
    "UNCTAD.DDS.EXPORTS.USDM": "no connector reads UNCTAD's digitally deliverable services",
    "OECD.DSTRI": "the OECD's server refuses many clients: fetch stri first, then --with stri",
    "AIPI": "one year only: a back-test refuses it, see the preset of snapshots",
}
"""Series that technology features read and the preset of technology cannot give, and why. Their
features stay empty unless files of the user's bring them."""


def fetch_preset(
    preset: str,
    *,
    store: Store | Path | str | None = None,
    release: str = BACI_NEWEST,
    years: tuple[int, ...] = (),
    also: tuple[str, ...] = (),
    refresh: bool = False,
    mirror: str | None = None,
    client: Client | None = None,
    watcher: Watcher | None = None,
    today: date | None = None,
    unknown_codes: str = "error",
) -> Dataset:
    """Fetch every source of a preset and join their series.

    Parameters
    ----------
    preset
        A name in `PRESETS`.
    release
        Release of BACI, for presets with trade in technology.
    years
        Years to keep; all where empty.
    also
        Keys of further indicator data sets of the store to join, such as ``stri``.
    store, refresh, mirror, client, watcher, today, unknown_codes
        See `fetch`.

    Returns
    -------
    Dataset
        ``indicators:PRESET:YYYYMMDD``, with a catalogue of all series; the years and what else was
        joined follow in the key.

    Raises
    ------
    InputError
        For an unknown preset, from a source, or where two data sets have the same series; what
        other sources gave stays in the store.
    """
    if preset not in PRESETS:
        raise InputError(
            f"there is no preset {preset!r}", remedy=f"Choose one of {', '.join(PRESETS)}"
        )
    store, today = store if isinstance(store, Store) else Store(store), today or date.today()
    others = [store.open(key) for key in also]
    members = tuple(
        fetch(connector, store=store, refresh=refresh, mirror=mirror, client=client,
              watcher=watcher, today=today, unknown_codes=unknown_codes)
        for connector in PRESETS[preset].members(release)
    )  # fmt: skip
    joined = _Joined(preset, f"{today:%Y%m%d}", years, (*members, *others))
    _refuse_clashes(joined.members)
    with disk_troubles(store):
        return store.write(joined, joined.raw, joined.tidy(joined.raw), watcher=watcher)


def _refuse_clashes(members: Sequence[Dataset]) -> None:
    """Two data sets with one series, or one that holds no indicators, cannot be joined."""
    owner: dict[str, str] = {}
    for member in members:
        if member.kind != "indicators":
            raise InputError(
                f"{member.key} holds {member.kind}, not indicators",
                remedy="Join data sets of indicators only (--with)",
            )
        for line in member.indicators:
            if owner.setdefault(line.indicator, member.key) != member.key:
                raise InputError(
                    f"{owner[line.indicator]} and {member.key} both have {line.indicator}",
                    remedy="Leave one of them out (--with)",
                )


@dataclass(frozen=True)
class _Joined(Connector):
    """Data sets of the store as one, a `Connector` whose source is the store itself."""

    preset: str
    day: str
    years: tuple[int, ...]
    members: tuple[Dataset, ...]

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="indicators",
        kind="indicators",
        title="Indicators of several sources",
        gives="series for the channels of a run",
        licence="of each source",
        citation="each source",
        lag="by series",
        publication_lag_months=0,
        renewed_months=6,
    )

    @property
    def release(self) -> str:
        return self.day

    @property
    def key(self) -> str:
        own = {c.INFO.name for c in PRESETS[self.preset].members(BACI_NEWEST)}
        others = [m.source for m in self.members if m.source not in own]
        ends = [years_word(self.years)] if self.years else []
        ends += [f"with-{'-'.join(others)}"] if others else []
        return ":".join(["indicators", self.preset, self.release, *ends])

    @property
    def raw(self) -> tuple[RawFile, ...]:
        """The members' descriptions stand for the files they were made from."""
        return tuple(RawFile(m.folder, m.key, m.digest, m.rows, m.retrieved) for m in self.members)

    def locate(self) -> tuple[str, ...]:
        return tuple(member.key for member in self.members)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        del cache
        return self.raw

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        del raw
        for year in sorted(set(self._frame["year"])):
            yield Part.of_year(int(year), partial(self._year, int(year)))

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        lines = [line for member in self.members for line in member.indicators]
        made = [_capital_line(line) for line in lines if line.indicator == INVESTMENT]
        present = set(self._frame["indicator"])
        return tuple(line for line in (*lines, *made) if line.indicator in present)

    @cached_property
    def _frame(self) -> pd.DataFrame:
        frames = [
            member.read().astype({"iso3": "str", "indicator": "str"}) for member in self.members
        ]
        frame = pd.concat(frames, ignore_index=True)
        invested = frame[frame["indicator"] == INVESTMENT]
        frame = pd.concat([frame, capital_stock(invested)], ignore_index=True)
        return frame[frame["year"].isin(self.years)] if self.years else frame

    def _year(self, year: int, notes: Notes) -> pa.Table:
        for member in self.members:
            notes.say(f"{member.key}: {member.licence}")
            for statement in member.statements:
                notes.say(f"{member.source}: {statement}")
        return indicator_table(self._frame[self._frame["year"] == year])


def capital_stock(invested: pd.DataFrame) -> pd.DataFrame:
    """Capital by perpetual inventory of gross fixed capital formation.

    Parameters
    ----------
    invested
        ``iso3, year, value``, constant USD.

    Returns
    -------
    DataFrame
        ``iso3, year, indicator, value`` of `CAPITAL`. After a year without a figure a country
        starts again, as in its first year.
    """
    stock: pd.Series | None = None
    frames = []
    years = invested["year"]
    for year in range(int(years.min()), int(years.max()) + 1) if len(years) else ():
        flow = invested[years == year].set_index("iso3")["value"].clip(lower=0.0)
        rate = np.full(len(flow), CAPITAL_DEPRECIATION)
        stock = inventory(flow, stock, rate)
        frames.append(stock.rename("value").reset_index().assign(year=year, indicator=CAPITAL))
    if not frames:
        return pd.DataFrame(columns=["iso3", "year", "indicator", "value"])
    return pd.concat(frames, ignore_index=True)


def _capital_line(line: IndicatorLine) -> IndicatorLine:
    return replace(
        line,
        indicator=CAPITAL,
        label="Capital stock in constant prices",
        note=f"perpetual inventory of {INVESTMENT}, depreciation "
        f"{100 * CAPITAL_DEPRECIATION:g} percent a year; stands in for PWT.cn",
    )
