from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.files.number_text import with_plain_numbers

quick = settings(max_examples=25, deadline=None)


def spelled(value: int, *, decimal: str, group: str) -> str:
    """A number of hundredths, as people write it."""
    whole, rest = divmod(abs(value), 100)
    digits = f"{whole:,}".replace(",", group)
    return ("-" if value < 0 else "") + (f"{digits}{decimal}{rest:02}" if rest else digits)


@quick
@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=8),
    st.sampled_from([(".", ","), (",", "."), (",", "\u00a0"), (".", " "), (".", "'"), (",", "")]),
    st.sampled_from([None, "."]),
)
def test_numbers_are_read_as_written_or_refused(hundredths, marks, default):
    decimal, group = marks
    cells = [spelled(value, decimal=decimal, group=group) for value in hundredths]
    frame = pd.DataFrame({"v": pd.Series(cells, dtype="str")})
    options = {"text": (), "file": "t.csv"}
    known, _ = with_plain_numbers(frame, decimal=decimal, default=default, **options)
    np.testing.assert_array_equal(pd.to_numeric(known["v"]), np.array(hundredths) / 100)
    with contextlib.suppress(InputError):
        read, _ = with_plain_numbers(frame, decimal=None, default=None, **options)
        np.testing.assert_array_equal(pd.to_numeric(read["v"]), np.array(hundredths) / 100)


@quick
@given(st.lists(st.text(max_size=6), min_size=1, max_size=6))
def test_words_stay_as_they_are(words):
    frame = pd.DataFrame({"v": pd.Series(words, dtype="str")})
    try:
        read, _ = with_plain_numbers(frame, text=(), decimal=None, default=".", file="t.csv")
    except InputError:
        return
    for given_, found in zip(words, read["v"], strict=True):
        assert found == given_ or float(found) == float(given_.replace(",", "").replace("'", ""))


def test_a_word_among_numbers_stays_so_that_its_row_is_told():
    frame = pd.DataFrame({"v": ["1,5", "many", "2,5"]})
    read, _ = with_plain_numbers(frame, text=(), decimal=None, default=None, file="t.csv")
    assert read["v"].tolist() == ["1.5", "many", "2.5"]


def test_one_column_tells_the_mark_of_another():
    frame = pd.DataFrame({"v": ["1.234"], "w": ["1.234,5"]})
    read, said = with_plain_numbers(frame, text=(), decimal=None, default=None, file="t.csv")
    assert (read["v"].tolist(), read["w"].tolist()) == ([1234.0], [1234.5])
    assert said == ("decimal commas", "thousands separators removed")


def test_digits_that_are_grouped_here_and_not_there_are_refused():
    frame = pd.DataFrame({"v": ["1,234", "56789"]})
    with pytest.raises(InputError, match="--decimal"):
        with_plain_numbers(frame, text=(), decimal=None, default=".", file="t.csv")
