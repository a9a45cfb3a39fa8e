"""Feature matrices of every origin, built when asked for; the last ones are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from features.catalogue import columns_by_setting, origin_matrix, refilled
from features.choices import Setting
from features.feature import Feature
from features.information import InformationSet

Matrix = NDArray[np.float32]


@dataclass(slots=True)
class _Entry:
    lock: Lock = field(default_factory=Lock)
    matrix: Matrix | None = None


class OriginMatrices:
    """Features by setting and origin, shape ``[flow, feature]``: ``matrices[setting, origin]``.

    All origins at once are most of a run's memory, and a fold needs one. Settings differ in the few
    features that read totals published after the origin: the matrix of the first is built, those of
    the others are filled from it, and are the same array where no such feature is given. A setting
    with another as-of date has matrices of its own.

    Parameters
    ----------
    infos
        Information sets by setting and origin.
    own
        Features of the user's own series, the columns after the built-in ones.
    keep
        Matrices to keep: those of the settings of every fold that runs at a time.
    """

    def __init__(
        self,
        infos: Mapping[Setting, Mapping[int, InformationSet]],
        *,
        own: Sequence[Feature] = (),
        keep: int,
    ) -> None:
        self._infos, self._own, self._keep = infos, own, keep
        self._first = next(iter(infos))
        self._lock = Lock()
        self._entries: OrderedDict[tuple[Setting, int], _Entry] = OrderedDict()

    def __getitem__(self, key: tuple[Setting, int]) -> Matrix:
        """The matrix of a setting and origin; threads that ask for the same one wait for it."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._keep:
                self._entries.popitem(last=False)
        with entry.lock:
            if entry.matrix is None:
                entry.matrix = self._built(*key)
            return entry.matrix

    def let_go(self) -> None:
        """Forget the matrices that are kept: what comes next needs none of them."""
        with self._lock:
            self._entries.clear()

    def _built(self, setting: Setting, origin: int) -> Matrix:
        info = self._infos[setting][origin]
        if setting == self._first or info.as_of != self._infos[self._first][origin].as_of:
            return origin_matrix(info, own=self._own)
        shared = self[self._first, origin]
        return refilled(shared, info, columns=columns_by_setting(info.specs))
