"""Feature values of explained rows, gathered from the flows' matrix when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.design import HORIZON_COLUMN


@dataclass(frozen=True, slots=True)
class GatheredRows:
    """Rows of a matrix of flows, each at a horizon of its own, without a copy of the matrix.

    A flow is explained at every horizon, and only the horizon differs. Held as an array, the rows
    of a million flows at three horizons would take as much memory as the matrix three times over.

    Attributes
    ----------
    matrix
        Features of every flow, shape ``[flow, feature]``.
    flow
        Row of ``matrix``, shape ``[row]``.
    ahead
        Years ahead, shape ``[row]``: the value of the horizon's column.
    """

    matrix: NDArray[np.float32]
    flow: NDArray[np.integer]
    ahead: NDArray[np.integer]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return self.flow.size, self.matrix.shape[1]

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.flow.size)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        """Rows by number, slice, array or mask, as an array of their own."""
        found: NDArray[np.float32] = self.matrix[self.flow[rows]]
        found[..., HORIZON_COLUMN] = self.ahead[rows]
        return found

    def column(self, number: int) -> NDArray[np.float32]:
        """Values of one feature in every row."""
        if number == HORIZON_COLUMN:
            return self.ahead.astype(np.float32)
        values: NDArray[np.float32] = self.matrix[:, number][self.flow]
        return values

    def columns(self) -> Iterator[NDArray[np.float32]]:
        """Every feature in turn."""
        return (self.column(number) for number in range(self.matrix.shape[1]))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All rows, for NumPy's functions."""
        return self[:] if dtype is None else self[:].astype(dtype)
