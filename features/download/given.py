"""Files that the user downloaded by hand, found by name or by content."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

from features.download.answers import Answer
from features.errors import InputError, SourceError, listed
from features.tidy.csv_stream import header
from features.tidy.tidying import require_source_columns

Fits = Callable[[Path], bool]
"""Whether a file has the right content, whatever its name."""
Member = Callable[[Path], str | None]
"""Name of an unpacked file in its archive; None for other files."""
_LARGEST_ANSWER = 1 << 28
_SHOWN = 8


class Given:
    """The folder or file that the user named with ``--from``; raises `InputError` if absent."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise InputError("there is no such folder or file", remedy="Check --from", file=path)
        self.path = path

    def files(self) -> list[Path]:
        """All files by name, without hidden ones and the store's records of origin."""
        if self.path.is_file():
            return [self.path]
        found = (path for path in self.path.iterdir() if path.is_file())
        return sorted(p for p in found if p.name[0] != "." and not p.name.endswith(".from.json"))

    def named_or_fitting(self, name: str, fits: Fits | None) -> Path | None:
        """The file of this name, else the only one that fits, else None.

        Raises
        ------
        InputError
            If more than one fits.
        """
        present = self.files()
        named = [path for path in present if path.name == name]
        if named or fits is None:
            return named[0] if named else None
        fitting = [path for path in present if fits(path)]
        if len(fitting) > 1:
            raise InputError(
                f"{', '.join(path.name for path in fitting[:_SHOWN])} could all be {name}",
                remedy=f"Leave one of them in the folder, or rename the right one to {name}",
                file=self.path,
            )
        return fitting[0] if fitting else None

    def lacks(self, name: str, url: str) -> InputError:
        """The error if no file fits: what is needed, and what was found."""
        present = [path.name for path in self.files()]
        return InputError(
            f"no file has the content of {name} (found {listed(present, most=_SHOWN) or 'none'})",
            remedy=f"Download {url} into that folder, under any name, or leave out --from",
            file=self.path,
        )

    def packed(self, member: Member, to: Path) -> bool:
        """Zip an archive's unpacked files again, uncompressed; False if there are none."""
        parts = [(path, name) for path in self.files() if (name := member(path)) is not None]
        if len({name for _, name in parts}) < len(parts):
            raise InputError(
                f"{', '.join(path.name for path, _ in parts[:_SHOWN])} have the same content",
                remedy="Leave one of them in the folder",
                file=self.path,
            )
        if parts:
            with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
                for path, name in parts:
                    archive.write(path, name)
        return bool(parts)


def passes(check: Callable[[Path], None]) -> Fits:
    """Test whether a file passes a check."""

    def fits(path: Path) -> bool:
        try:
            check(path)
        except (SourceError, OSError, ValueError):
            return False
        return True

    return fits


def answers(check: Callable[[Answer], None]) -> Fits:
    """Test whether a file's content passes the check of an answer."""

    def check_file(path: Path) -> None:
        if path.stat().st_size > _LARGEST_ANSWER:
            raise SourceError("too large for an answer", remedy="", file=path)
        check(Answer(200, {}, path.read_bytes()))

    return passes(check_file)


def member_like(name: re.Pattern[str]) -> Fits:
    """Test whether a file is an archive with a member whose name matches, in any folder."""

    def fits(path: Path) -> bool:
        try:
            with zipfile.ZipFile(path) as archive:
                return any(name.fullmatch(n.rpartition("/")[2]) for n in archive.namelist())
        except (zipfile.BadZipFile, OSError):
            return False

    return fits


def name_like(name: re.Pattern[str]) -> Member:
    """Recognise an unpacked file by its own name."""
    return lambda path: path.name if name.fullmatch(path.name) else None


def csv_like(columns: Collection[str], *, member: str | None) -> Fits:
    """Test a CSV file, or an archive's only member with this ending, for its columns."""

    def check(path: Path) -> None:
        require_source_columns(header(path, member=member), columns, file=path)

    return passes(check)


def called(name: str, fits: Fits) -> Member:
    """Recognise an unpacked file by its content and give it this name."""
    return lambda path: name if fits(path) else None
