"""Division that gives 0 where there is nothing to divide by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def quotient(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """``top / bottom``, broadcast; 0 where the bottom is not positive."""
    out = np.zeros(np.broadcast_shapes(top.shape, bottom.shape))
    return np.divide(top, bottom, out=out, where=bottom > 0)
