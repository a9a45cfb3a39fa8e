"""Splits of a table of trade at forecast origins, for scikit-learn's searches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError, listed
from features.files.tables import whole_years


class OriginSplit:
    """Cross-validation over origins: trained on years up to one, scored on the years after it.

    Parameters
    ----------
    origins
        Last years of the training rows; by default the ``n_splits`` latest that leave ``horizon``
        years to score.
    n_splits
        Number of origins where none are given.
    horizon
        Years after an origin that are scored.

    Examples
    --------
    ``GridSearchCV(TradeForecaster(levels=()), {"rounds": [40, 80]}, cv=OriginSplit())``
    """

    def __init__(
        self, origins: Sequence[int] | None = None, *, n_splits: int = 3, horizon: int = 1
    ) -> None:
        self.origins, self.n_splits, self.horizon = origins, n_splits, horizon

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002, N803
        """Number of origins."""
        return self.n_splits if self.origins is None else len(self.origins)

    def split(
        self,
        X: Any,  # noqa: N803
        y: Any = None,  # noqa: ARG002
        groups: Any = None,  # noqa: ARG002
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Positions of the training rows and of the scored ones, by origin.

        Parameters
        ----------
        X
            Table of trade with a column ``year``.

        Raises
        ------
        InputError
            If the table has no column ``year``, or an origin leaves nothing to learn or to score.
        """
        if "year" not in getattr(X, "columns", ()):
            raise InputError(
                "the table of trade has no column 'year'",
                remedy="Give a frame with exporter, importer, year and value_usd",
                file="trade",
                column="year",
            )
        year = whole_years(pd.Series(np.asarray(X["year"]), name="year"), file="trade")
        for origin in self._checked(int(year.min()), int(year.max())):
            test = (year > origin) & (year <= origin + self.horizon)
            yield np.flatnonzero(year <= origin), np.flatnonzero(test)

    def _checked(self, first: int, last: int) -> Sequence[int]:
        latest = last - self.horizon
        origins = self.origins
        if origins is None:
            origins = range(latest - self.n_splits + 1, latest + 1)
        outside = [str(origin) for origin in origins if not first <= origin <= latest]
        if outside:
            raise InputError(
                f"no year to score or to learn from: origins {listed(outside)} of a table of "
                f"{first}-{last} with horizon {self.horizon}",
                remedy=f"Choose origins from {first} to {latest}",
                file="trade",
            )
        return origins
