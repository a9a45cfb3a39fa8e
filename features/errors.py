"""Errors from users' input and from sources: where, what is wrong, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LONGEST_CELL = 200
"""Characters of a cell or a name that a message shows."""
_LONGEST = {"problem": 900, "remedy": 600, "file": 240}
"""Characters of each part of a message: all of it stays below 2,000."""


def cut(text: str, limit: int = LONGEST_CELL) -> str:
    """Text for a message: on one line, without control characters, and no longer than ``limit``."""
    # Cells may hold line ends, terminal escapes or half a surrogate pair. Only the first characters
    # are read: a cell may be a whole file.
    head = text[: limit + 1]
    if not head.isprintable():
        head = "".join(c if c.isprintable() else repr(c)[1:-1] for c in head)
    return head if len(head) <= limit else f"{head[: limit - 3]}..."


def listed(words: Sequence[str], *, most: int = 5) -> str:
    """Words between commas, the first few of many."""
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest:,} more" if rest > 0 else "")


class InputError(ValueError):
    """Bad input, in one line: file, column, row, problem and remedy.

    Parameters
    ----------
    problem
        What is wrong, in words an analyst reads.
    remedy
        What to change so that the run works.
    file, column, row
        Where it was found; ``row`` counts from 1 as in a spreadsheet, the header being row 1.

    Notes
    -----
    What is quoted from a file is cut and shown on one line, so that a message never exceeds 2,000
    characters, whatever the file holds.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str,
        file: object | None = None,
        column: str | None = None,
        row: int | None = None,
    ) -> None:
        self.problem, self.remedy = (
            cut(problem, _LONGEST["problem"]),
            cut(remedy, _LONGEST["remedy"]),
        )
        self.file, self.column, self.row = file, column, row
        place = [_path(str(file))] if file is not None else []
        place += [f"column {cut(repr(column))}"] if column is not None else []
        place += [f"row {row}"] if row is not None else []
        message = f"{self.problem}. {self.remedy}"
        super().__init__(f"{', '.join(place)}: {message}" if place else message)

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is sent from another process."""
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[InputError], args: tuple[Any, ...], state: dict[str, Any]) -> InputError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def _path(file: str) -> str:
    """A path; of a long one its end, which holds the name."""
    longest = _LONGEST["file"]
    return cut(file if len(file) <= longest else f"...{file[3 - longest :]}", longest)


class RepeatedRowsError(InputError):
    """A key of a table occurs twice."""


AGAIN = "Fetch it again with --refresh"


class SourceError(InputError):
    """A public source failed: unreachable, refusing, changed or broken.

    One line as in `InputError`; ``file`` names the source or its file, which by default is to be
    fetched again.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = AGAIN,
        file: object | None = None,
        column: str | None = None,
        row: int | None = None,
    ) -> None:
        super().__init__(problem, remedy=remedy, file=file, column=column, row=row)


def changed_source(
    detail: str,
    *,
    file: object,
    remedy: str = "Take an earlier release, or upgrade gravicast",
    column: str | None = None,
) -> SourceError:
    """The error for data in another form than this version reads; ``detail`` says how."""
    return SourceError(f"the source has changed: {detail}", remedy=remedy, file=file, column=column)


class UnreachableError(SourceError):
    """The source could not be reached or broke off too often; cached data may serve instead."""


def first_line(error: BaseException) -> str:
    """A library error's message, cut to a line; its type if it has none."""
    return cut((str(error).strip() or type(error).__name__).splitlines()[0], 160)


MALFORMED = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
             RuntimeError)  # fmt: skip
"""What reading a damaged file of our own may raise, whichever part is damaged."""
