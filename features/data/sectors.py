"""Sector attributes: kind, digital deliverability, exposure to automation and AI."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from features.files.tables import read_table
from features.reading.schemas import DATA_INTENSITY, EXPOSURES, SECTORS


@dataclass(frozen=True, slots=True)
class SectorAttributes:
    """Attributes in the order of the panel's sectors, shape ``[sector]`` each.

    Attributes
    ----------
    sectors, names
        Codes, and what they stand for.
    manufacturing, services, digital
        Made in factories; services; digitally deliverable services.
    automation_exposure, ai_exposure
        Static exposure in [0, 1]. Where the file has no such column, 1 for manufacturing and 0 for
        others, and 1 for digitally deliverable services and 0 for others: the coarsest split: which
        sectors could be exposed, not by how much.
    data_intensity
        Of production, in [0, 1]; None where the file has no such column.
    statements
        What reading the file decided or counted.
    """

    sectors: tuple[str, ...]
    names: tuple[str, ...]
    manufacturing: NDArray[np.bool_]
    services: NDArray[np.bool_]
    digital: NDArray[np.bool_]
    automation_exposure: NDArray[np.float64]
    ai_exposure: NDArray[np.float64]
    data_intensity: NDArray[np.float64] | None
    statements: tuple[str, ...]

    @property
    def goods(self) -> NDArray[np.bool_]:
        """Everything but services."""
        return ~self.services

    @classmethod
    def read(cls, path: Path | str, *, sectors: Sequence[str]) -> SectorAttributes:
        """Read a CSV or Parquet file; see `from_frame`."""
        frame = read_table(Path(path), text=SECTORS.text)
        return cls.from_frame(frame, sectors=sectors, file=path)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, sectors: Sequence[str], file: object | None = None
    ) -> SectorAttributes:
        """Attributes of the sectors of a panel.

        Parameters
        ----------
        frame
            Columns ``sector, kind, digitally_deliverable`` and, where there are any, ``name,
            automation_exposure, ai_exposure, data_intensity``; one row a sector.
        sectors
            Codes of the panel, in its order.
        file
            Named in errors.

        Raises
        ------
        InputError
            For a missing column, a panel without sectors, a row without a sector, a sector of the
            panel without a row, a sector with two, an unknown kind, a flag that is not 0 or 1, or
            an exposure or a data intensity outside [0, 1].
        """
        file = "sector table" if file is None else file
        _refuse_no_sectors(sectors, file=file)
        checked = SECTORS.check(frame, file=file)
        codes = [str(code) for code in checked.codes["sector"].texts()]
        place = _rows_of(codes, sectors, file=file)
        kind = checked.codes["kind"].texts()[place]
        flagged = checked.flags["digitally_deliverable"][place]
        manufacturing, services = kind == "manufacturing", kind == "services"
        digital = flagged & services
        given = {
            name: checked.numbers[name][place]
            for name in (*EXPOSURES, DATA_INTENSITY)
            if name in checked.numbers
        }
        names = checked.texts["name"][place] if "name" in checked.texts else sectors
        return cls(
            sectors=tuple(sectors),
            # A sector without a name is called by its code.
            names=tuple(name or code for name, code in zip(names, sectors, strict=True)),
            manufacturing=manufacturing,
            services=services,
            digital=digital,
            automation_exposure=given.get("automation_exposure", manufacturing.astype(np.float64)),
            ai_exposure=given.get("ai_exposure", digital.astype(np.float64)),
            data_intensity=given.get(DATA_INTENSITY),
            statements=_statements(
                digital=int(digital.sum()),
                no_service=int((flagged & ~services).sum()),
                used=len(sectors),
                rows=len(codes),
                given=given,
            ),
        )


def _refuse_no_sectors(sectors: Sequence[str], *, file: object) -> None:
    if tuple(sectors) == ("",):
        raise InputError(
            "the flows have no sectors, so a sector table cannot be used",
            remedy="Leave it out, or give a trade file with a column 'sector'",
            file=file,
            column="sector",
        )


def _rows_of(codes: Sequence[str], sectors: Sequence[str], *, file: object) -> NDArray[np.intp]:
    """Row of each sector of the flows."""
    rows = {code: row for row, code in enumerate(codes)}
    absent = [code for code in sectors if code not in rows]
    if absent:
        count = f" ({len(absent)} sectors have none)" if len(absent) > 1 else ""
        raise InputError(
            f"sector {absent[0]!r} of the flows has no row{count}",
            remedy="Add a row for every sector of the trade file",
            file=file,
            column="sector",
        )
    return np.array([rows[code] for code in sectors], dtype=np.intp)


def _statements(
    *, digital: int, no_service: int, used: int, rows: int, given: Collection[str]
) -> tuple[str, ...]:
    statements = [f"{used} sectors, {digital} digitally deliverable"]
    if no_service:
        statements.append(f"{no_service} flagged digitally deliverable, not services: not counted")
    if "automation_exposure" not in given:
        statements.append("no column automation_exposure: 1 for manufacturing, 0 for others")
    if "ai_exposure" not in given:
        statements.append("no column ai_exposure: 1 for digital services, 0 for others")
    if rows > used:
        statements.append(f"{rows - used} sectors without flows not used")
    return tuple(statements)
