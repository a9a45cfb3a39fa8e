from __future__ import annotations

import numpy as np
import pytest

from features.data.input_output import InputOutputTable
from features.errors import InputError
from models.supplier_dependence import origin_of_use


def table(intermediate: np.ndarray, final: np.ndarray, *, n: int, k: int) -> InputOutputTable:
    countries = tuple("ABCDEF"[:n])
    return InputOutputTable(2005, countries, tuple(f"s{i}" for i in range(k)), intermediate, final)


@pytest.mark.parametrize("seed", range(3))
def test_origins_sum_to_all_that_is_used(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = 4, 3
    final = rng.lognormal(0, 1, (n * k, n))
    intermediate = rng.lognormal(-3, 1, (n * k, n * k))
    made = table(intermediate, final, n=n, k=k)
    origin = origin_of_use(made)
    assert (origin >= -1e-9).all() or (made.value_added < 0).any()
    np.testing.assert_allclose(origin.sum(axis=0), made.flows().sum(axis=0), rtol=1e-10)


def test_what_comes_through_a_third_country_counts_where_it_is_made() -> None:
    # A makes parts worth 30 for B, which adds 70 and sells all of its 100 to C.
    intermediate = np.array([[0, 30.0, 0], [0, 0, 0], [0, 0, 0]])
    final = np.array([[5.0, 0, 0], [0, 0, 100.0], [0, 0, 20.0]])
    origin = origin_of_use(table(intermediate, final, n=3, k=1))[:, :, 0]
    np.testing.assert_allclose(origin[:, 2], [30, 70, 20])
    np.testing.assert_allclose(origin[:, 0], [5, 0, 0])


def test_sectors_that_use_all_their_output_are_refused() -> None:
    intermediate = np.array([[10.0, 0], [0, 1.0]])
    final = np.array([[0.0, 0], [0, 5.0]])
    with pytest.raises(InputError, match="no solution"):
        origin_of_use(table(intermediate, final, n=2, k=1))
