"""What a user's mistake or a source's trouble raises: where, what, and what to do about it."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input, told in one line: file, column, row, problem and remedy.

    Parameters
    ----------
    problem
        What is wrong, in words an analyst reads.
    remedy
        What to change so that the run works.
    file, column, row
        Where it was found; ``row`` counts from 1 as in a spreadsheet, the header being row 1.
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
        self.problem, self.remedy = problem, remedy
        self.file, self.column, self.row = file, column, row
        place = [str(file)] if file is not None else []
        place += [f"column {column!r}"] if column is not None else []
        place += [f"row {row}"] if row is not None else []
        super().__init__(
            f"{', '.join(place)}: {problem}. {remedy}" if place else f"{problem}. {remedy}"
        )


class RepeatedRowsError(InputError):
    """A key of a table occurs twice."""


class SourceError(InputError):
    """A public source did not give what it should: unreachable, refusing, changed or broken.

    Like `InputError` it is told in one line; ``file`` names the source or the file from it.
    """


class UnreachableError(SourceError):
    """The source could not be reached or broke off too often; what is cached could be used."""


def first_line(error: BaseException) -> str:
    """What an error of a library says, cut to a line; its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]
