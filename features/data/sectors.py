"""What is known of every sector: kind, digital deliverability, exposure to automation and to AI."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from features.files.tables import flags, numbers, read_table, require_columns, shown

KINDS = ("goods", "manufacturing", "services")
_DIGITAL = "Write 1 for digitally deliverable services and 0 for others"
EXPOSURES = ("automation_exposure", "ai_exposure")


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
        others, and 1 for digitally deliverable services and 0 for others: the coarsest split there
        is, which says which sectors could be exposed and not by how much.
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
    statements: tuple[str, ...]

    @property
    def goods(self) -> NDArray[np.bool_]:
        """Everything but services."""
        return ~self.services

    @classmethod
    def read(cls, path: Path | str, *, sectors: Sequence[str]) -> SectorAttributes:
        """Read a CSV or Parquet file; see `from_frame`."""
        frame = read_table(Path(path), text=("sector", "name", "kind"))
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
            automation_exposure, ai_exposure``; one row a sector.
        sectors
            Codes of the panel, in its order.
        file
            Named in errors.

        Raises
        ------
        InputError
            For a missing column, a panel without sectors, a row without a sector, a sector of the
            panel without a row, a sector with two, an unknown kind, a flag that is not 0 or 1, or
            an exposure outside [0, 1].
        """
        file = "sector table" if file is None else file
        require_columns(frame, ("sector", "kind", "digitally_deliverable"), file=file)
        place = _rows_of(frame["sector"], sectors, file=file)
        _check_kinds(frame["kind"], file=file)
        kind = frame["kind"].astype(str).to_numpy()[place]
        flagged = flags(frame["digitally_deliverable"], remedy=_DIGITAL, file=file)[place]
        manufacturing, services = kind == "manufacturing", kind == "services"
        digital = flagged & services
        given = {
            name: _exposure(frame[name], file=file)[place] for name in EXPOSURES if name in frame
        }
        return cls(
            sectors=tuple(sectors),
            names=_names(frame, place, sectors),
            manufacturing=manufacturing,
            services=services,
            digital=digital,
            automation_exposure=given.get("automation_exposure", manufacturing.astype(np.float64)),
            ai_exposure=given.get("ai_exposure", digital.astype(np.float64)),
            statements=_statements(
                digital=int(digital.sum()),
                no_service=int((flagged & ~services).sum()),
                used=len(sectors),
                rows=len(frame),
                given=given,
            ),
        )


def _rows_of(column: pd.Series, sectors: Sequence[str], *, file: object) -> NDArray[np.intp]:
    """Row of each sector of the flows."""
    if tuple(sectors) == ("",):
        raise InputError(
            "there is a table of sectors, and the flows have none",
            remedy="Leave it out, or give a trade file with a column 'sector'",
            file=file,
            column="sector",
        )
    empty = column.isna().to_numpy()
    twice = column.astype(str).duplicated().to_numpy()
    if (empty | twice).any():
        row = int(np.argmax(empty | twice))
        raise InputError(
            "a row has no sector"
            if empty[row]
            else f"sector {shown(column.iloc[row])} occurs twice",
            remedy="Give one row a sector",
            file=file,
            column="sector",
            row=row + 2,
        )
    rows = {code: row for row, code in enumerate(column.astype(str))}
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


def _names(frame: pd.DataFrame, place: NDArray[np.intp], sectors: Sequence[str]) -> tuple[str, ...]:
    """Names of the sectors; the code of one without a name."""
    if "name" not in frame:
        return tuple(sectors)
    named = frame["name"].astype(object).to_numpy()[place]
    return tuple(
        code if pd.isna(name) else str(name) for code, name in zip(sectors, named, strict=True)
    )


def _statements(
    *, digital: int, no_service: int, used: int, rows: int, given: Collection[str]
) -> tuple[str, ...]:
    said = [f"{used} sectors, {digital} digitally deliverable"]
    if no_service:
        said.append(f"{no_service} flagged digitally deliverable are no services: not counted")
    if "automation_exposure" not in given:
        said.append("no column automation_exposure: 1 for manufacturing, 0 for others")
    if "ai_exposure" not in given:
        said.append("no column ai_exposure: 1 for digital services, 0 for others")
    if rows > used:
        said.append(f"{rows - used} sectors without flows not used")
    return tuple(said)


def _check_kinds(column: pd.Series, *, file: object) -> None:
    wrong = ~column.astype(str).isin(KINDS).to_numpy()
    remedy = f"Give one of {', '.join(KINDS)}"
    _refuse_first(column, wrong, "is no kind of sector", remedy=remedy, file=file)


def _exposure(column: pd.Series, *, file: object) -> NDArray[np.float64]:
    values = numbers(column, file=file)
    wrong = (values < 0) | (values > 1)
    _refuse_first(column, wrong, "is no exposure", remedy="Give a share from 0 to 1", file=file)
    return values


def _refuse_first(
    column: pd.Series, wrong: NDArray[np.bool_], what: str, *, remedy: str, file: object
) -> None:
    """Raise for the first cell that is wrong, if there is one."""
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    raise InputError(
        f"{shown(column.iloc[row])} {what}",
        remedy=remedy,
        file=file,
        column=str(column.name),
        row=row + 2,
    )
