"""The one error a user's mistake raises: where, what, and what to do about it."""

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
