"""Rows the shift model learns from, binned once for all fits that share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from models.design import Design
from models.reversion import Reversion, fit_reversion, inputs_of

if TYPE_CHECKING:
    import lightgbm

FEWEST_ROWS = 20
"""Fewest training rows for a model."""


class BinnedRows:
    """Rows of a design with a base that are traded in the target year.

    A flow that stops has no shift: `TradeProbability` forecasts whether it does. Any positive
    forecast of a flow that stops has the same midpoint error, so survivors alone decide.

    Fits that differ in features, weights, seed or rounds share the bins, which take about as long
    as the boosting. Weights are a field of the LightGBM data set: fits that run at the same time
    must weigh alike.

    Parameters
    ----------
    design
        Training rows of the trees.
    linear, linear_rows
        A design, of which nothing is copied, and the numbers of the linear model's rows in it.
    names
        Columns of the design.
    params
        LightGBM parameters; those of the data set (``max_bin``, ``min_data_in_leaf``, ...) hold for
        every fit.

    Raises
    ------
    InputError
        If there are too few rows.
    """

    def __init__(
        self,
        design: Design,
        *,
        linear: Design,
        linear_rows: NDArray[np.intp],
        names: Sequence[str],
        params: Mapping[str, Any],
    ) -> None:
        self.names = tuple(names)
        self._design, self._linear, self._linear_rows = design, linear, linear_rows
        self._params = dict(params)
        self._rows = np.flatnonzero((design.base > 0) & design.traded)
        self._power = 0.0
        self._reversions: dict[tuple[str, ...], Reversion] = {}
        if self._rows.size < FEWEST_ROWS:
            raise InputError(
                f"the trade table holds {self._rows.size} past flows to learn from: too few",
                remedy=f"Give more countries or years; {FEWEST_ROWS} are the least",
            )

    @property
    def size(self) -> int:
        """Number of rows that are learned from."""
        return int(self._rows.size)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Columns with a value in some row; nothing can be learnt from the others."""
        return np.asarray(np.isfinite(self._design.features[self._rows]).any(axis=0))

    def weighed(self, power: float) -> lightgbm.Dataset:
        """The data set, its rows weighed by ``base ** power``.

        Raises
        ------
        lightgbm.basic.LightGBMError
            If LightGBM refuses the parameters.
        """
        if power != self._power:
            # Not `set_weight`: where all weights are 1 it would leave those of the last fit.
            self._data.set_field("weight", self._weight(power))
            self._power = power
        return self._data

    def learnt_from(
        self, power: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]:
        """Features ``[row, feature]``, shifts and weights ``[row]`` of learners without bins.

        There are no weights where ``power`` is 0.
        """
        design, rows = self._design, self._rows
        return design.features[rows], design.shift[rows], self._weight(power)

    def _weight(self, power: float) -> NDArray[np.float32] | None:
        if not power:
            return None
        weight = self._design.base[self._rows].astype(np.float64) ** power
        return (weight / weight.mean()).astype(np.float32)

    def reversion(self, names: Sequence[str]) -> Reversion:
        """`fit_reversion` on the features ``names``, fitted once for all that share its inputs."""
        inputs = inputs_of(names)
        if inputs not in self._reversions:
            self._reversions[inputs] = fit_reversion(
                self._linear, names=inputs, rows=self._linear_rows
            )
        return self._reversions[inputs]

    @cached_property
    def _data(self) -> lightgbm.Dataset:
        import lightgbm
        import pyarrow as pa

        # Column by column LightGBM bins in three quarters of the time that it takes row by row.
        columns = np.ascontiguousarray(self._design.features[self._rows].T)
        data = lightgbm.Dataset(
            pa.Table.from_arrays([pa.array(column) for column in columns], names=self.names),
            label=self._design.shift[self._rows],
            feature_name=list(self.names),
            params=self._params,
        )
        return data.construct()
