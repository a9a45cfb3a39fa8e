"""Splits a file of flows by year on disk, then makes a table per year."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrays import sums_by_key
from features.countries.source_codes import translate
from features.errors import SourceError
from features.tidy.parts import Notes, Part
from features.tidy.tidying import coded, trade_table

_ROW = np.dtype([("exporter", "i2"), ("importer", "i2"), ("sector", "i2"), ("value", "f8")])


class FlowSpool:
    """Flows by year in a folder, 14 bytes a row; memory grows with the rows of one year only.

    The folder is deleted with the last reference to the spool.

    Parameters
    ----------
    folder
        Emptied first: a killed process may have left one.
    years
        Years asked for; all where empty.
    """

    @classmethod
    def beside(cls, path: Path, *, key: str, years: Sequence[int]) -> FlowSpool:
        """A spool in a hidden folder beside a raw file, for the data set of this key."""
        return cls(path.parent / f".{key.replace(':', '.')}", file=path.name, years=years)

    def __init__(self, folder: Path, *, file: str, years: Sequence[int] = ()) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder, self.file = folder, file
        self._asked = sorted(set(years))
        self._countries: dict[str, int] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._years: set[int] = set()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def add(
        self,
        kept: NDArray[np.bool_],
        *,
        exporter: pa.DictionaryArray,
        importer: pa.DictionaryArray,
        year: NDArray[np.integer],
        sector: NDArray[np.integer],
        value: NDArray[np.float64],
    ) -> None:
        """Append the rows ``kept`` of a block, of years asked for; arrays have shape ``[row]``.

        Parameters
        ----------
        exporter, importer
            The source's codes.
        sector
            Positions in the source's finest list.
        value
            USD.
        """
        self._years |= set(map(int, np.unique(year[kept])))
        if self._asked:
            kept = kept & np.isin(year, self._asked)
        rows = np.empty(int(kept.sum()), dtype=_ROW)
        rows["exporter"], rows["importer"] = (
            self._number(exporter, kept),
            self._number(importer, kept),
        )
        rows["sector"], rows["value"] = sector[kept], value[kept]
        of_year = year[kept]
        for one in map(int, np.unique(of_year)):
            with (self._folder / f"{one}.bin").open("ab") as out:
                # Not `tofile`, which may miss a full disk.
                out.write(rows[of_year == one].tobytes())

    def count(self, what: str, years: NDArray[np.integer]) -> None:
        """Count rows left out, or otherwise to report, by year."""
        counts = self._counts.setdefault(what, {})
        for year, number in zip(*np.unique(years, return_counts=True), strict=True):
            counts[int(year)] = counts.get(int(year), 0) + int(number)

    def chosen(self) -> tuple[int, ...]:
        """Years to convert: those requested, or all.

        Raises
        ------
        SourceError
            For a year that the source does not have.
        """
        absent = sorted(set(self._asked) - self._years)
        if absent or not self._years:
            have = f"{min(self._years)}-{max(self._years)}" if self._years else "none"
            raise SourceError(
                f"the source has no {', '.join(map(str, absent)) or 'flows'} (years found: {have})",
                remedy="Choose --years among those",
                file=self.file,
            )
        return tuple(sorted(self._asked or self._years))

    def translated(self, using: Callable[[str], str | None], *, column: str) -> Translated:
        """The spool with countries in place of codes, once all rows are in.

        Raises
        ------
        SourceError
            For a code that is unknown.
        """
        unknown: dict[str, int] = {}
        names = translate(
            self._countries, using, file=self.file, column=column, count=unknown.__setitem__
        )
        return Translated(self, tuple(names.values()), unknown)

    def parts(
        self,
        using: Callable[[str], str | None],
        *,
        column: str,
        sectors: Sequence[str] | None,
        group: NDArray[np.integer],
        statements: Sequence[str],
    ) -> Iterator[Part]:
        """One part per year, once all rows are in; see `translated` and `Translated.table`.

        ``statements`` are noted with every part.
        """
        flows = self.translated(using, column=column)

        def build(year: int, notes: Notes) -> pa.Table:
            for statement in statements:
                notes.say(statement)
            return flows.table(year, notes, sectors=sectors, group=group)

        for year in self.chosen():
            yield Part.of_year(year, partial(build, year))

    def rows(self, year: int) -> NDArray[np.void]:
        """Rows of a year, shape ``[row]``, in the order of the file."""
        return np.fromfile(self._folder / f"{year}.bin", dtype=_ROW)

    def tell(self, year: int, notes: Notes) -> None:
        """Add the counts of a year to ``notes``."""
        for what, counts in self._counts.items():
            notes.count(what, counts.get(year, 0))

    def _number(self, codes: pa.DictionaryArray, kept: NDArray[np.bool_]) -> NDArray[np.int16]:
        """Numbers of the countries that occur in rows kept: codes of groups are never looked up."""
        place = np.asarray(codes.indices)[kept]
        words = codes.dictionary.to_pylist()
        number = np.full(len(words), -1, dtype=np.int16)
        for used in np.unique(place):
            number[used] = self._countries.setdefault(words[used], len(self._countries))
        return number[place]


class Translated:
    """A spool whose codes of countries are alpha-3; ``unknown`` has the place of those dropped."""

    def __init__(
        self, spool: FlowSpool, names: Sequence[str | None], unknown: Mapping[str, int]
    ) -> None:
        self._spool, self._unknown = spool, dict(unknown)
        self._country = np.array([name is not None for name in names], dtype=bool)
        self._names = tuple(sorted({name for name in names if name is not None}))
        at = {name: number for number, name in enumerate(self._names)}
        self._place = np.array([-1 if name is None else at[name] for name in names], dtype=np.int64)

    def table(
        self,
        year: int,
        notes: Notes,
        *,
        sectors: Sequence[str] | None,
        group: NDArray[np.integer],
    ) -> pa.Table:
        """Trade of a year, added up from the source's finest sectors.

        Parameters
        ----------
        year
            One of the spool's.
        notes
            Receives counts of what was left out.
        sectors
            Names of the sectors of the table; None for one without.
        group
            Position in ``sectors`` of each of the source's, shape ``[fine sector]``.

        Raises
        ------
        SourceError
            If a flow occurs twice: a sum would count it double.
        """
        rows = self._between_countries(year, notes)
        n, k = len(self._names), len(group)
        pair = self._place[rows["exporter"]] * n + self._place[rows["importer"]]
        fine = pair * k + rows["sector"]
        order = np.argsort(fine, kind="stable")
        fine, pair, value = fine[order], pair[order], rows["value"][order]
        self._refuse_twice(fine, year)
        coarse = pair * (int(group.max()) + 1) + group[fine % k]
        flow, total = sums_by_key(coarse, value)
        pair, sector = np.divmod(flow, int(group.max()) + 1)
        exporter, importer = np.divmod(pair, n)
        return trade_table(
            exporter=coded(exporter, self._names),
            importer=coded(importer, self._names),
            sector=None if sectors is None else coded(sector, sectors),
            year=year,
            value_usd=total,
        )

    def _between_countries(self, year: int, notes: Notes) -> NDArray[np.void]:
        """Rows of a year, those of other areas left out and counted."""
        rows = self._spool.rows(year)
        self._spool.tell(year, notes)
        kept = self._country[rows["exporter"]] & self._country[rows["importer"]]
        notes.count("rows of areas that are not countries left out", int((~kept).sum()))
        for what, place in self._unknown.items():
            present = (rows["exporter"] == place) | (rows["importer"] == place)
            notes.count(what, int(present.sum()))
        rows = rows[kept]
        negative = int((rows["value"] < 0).sum())
        notes.count("negative values kept: set them to zero with --negatives zero", negative)
        return rows

    def _refuse_twice(self, flows: NDArray[np.int64], year: int) -> None:
        twice = np.flatnonzero(flows[1:] == flows[:-1])
        if not twice.size:
            return
        raise SourceError(
            f"{twice.size:,} flows of {year} occur twice",
            remedy="The file may be damaged (fetch it again with --refresh), or two of its codes "
            "mean one country: take another release",
            file=self._spool.file,
        )
