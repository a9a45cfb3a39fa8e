from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.indicators import Indicators

COUNTRIES = ("DEU", "FRA", "NAM")
VALUES, CATALOGUE = "values.csv", "catalogue.csv"
quick = hypothesis_settings(max_examples=40, deadline=None)


def catalogue_of(*names: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "indicator": names,
            "channel": "economic_mass",
            "label": [f"label of {name}" for name in names],
            "unit": "USD",
            "publication_lag_months": [6 + number for number in range(len(names))],
        }
    )


def small() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("DEU", 2000, "GDP", 1.0),
            ("DEU", 2002, "GDP", 2.0),
            ("FRA", 2001, "GDP", 3.0),
            ("NAM", 2001, "POP", 4.0),
            ("USA", 2001, "POP", 5.0),
        ],
        columns=["iso3", "year", "indicator", "value"],
    )


def build(frame: pd.DataFrame, catalogue: pd.DataFrame | None = None) -> Indicators:
    catalogue = catalogue_of("GDP", "POP") if catalogue is None else catalogue
    return Indicators.from_frames(
        frame, catalogue, countries=COUNTRIES, file=VALUES, catalogue_file=CATALOGUE
    )


def test_values_stand_at_their_year_and_country_and_the_rest_is_unknown():
    read = build(small())
    nan = np.nan
    np.testing.assert_array_equal(read.years, [2000, 2001, 2002])
    np.testing.assert_array_equal(read.values["GDP"], [[1, nan, nan], [nan, 3, nan], [2, nan, nan]])
    np.testing.assert_array_equal(read.values["POP"], [[nan] * 3, [nan, nan, 4], [nan] * 3])
    assert read.countries == COUNTRIES
    assert read.other_countries == ("USA",)


def test_the_catalogue_keeps_words_and_lags():
    spec = build(small()).specs["POP"]
    assert (spec.name, spec.channel, spec.unit) == ("POP", "economic_mass", "USD")
    assert spec.label == "label of POP"
    assert spec.publication_lag_months == 7


@quick
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.5, 1.0]))
def test_any_subset_of_cells_is_read_cell_by_cell(seed, share):
    rng = np.random.default_rng(seed)
    cells = [
        (country, year, name, float(rng.normal()))
        for country in ("DEU", "FRA", "NAM", "USA")
        for year in range(1998, 2003)
        for name in ("GDP", "POP")
        if rng.random() < share or (country, year) == ("USA", 2000)
    ]
    order = rng.permutation(len(cells))
    frame = pd.DataFrame([cells[k] for k in order], columns=["iso3", "year", "indicator", "value"])
    read = build(frame)
    first = int(frame["year"].min())
    found = {
        (COUNTRIES[country], first + row, name, float(values[row, country]))
        for name, values in read.values.items()
        for row, country in zip(*np.nonzero(~np.isnan(values)), strict=True)
    }
    assert found == {cell for cell in cells if cell[0] != "USA"}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_give_what_their_frames_give(suffix, indicator_tables, tmp_path):
    frame, catalogue = indicator_tables
    path = tmp_path / f"values{suffix}"
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    catalogue.to_csv(tmp_path / CATALOGUE, index=False)
    read = Indicators.read(path, tmp_path / CATALOGUE, countries=COUNTRIES)
    expected = Indicators.from_frames(frame, catalogue, countries=COUNTRIES)
    assert read.specs == expected.specs
    assert read.values.keys() == expected.values.keys()
    for name, values in read.values.items():
        np.testing.assert_allclose(values, expected.values[name], rtol=1e-12)


def test_two_letter_codes_are_translated_and_na_is_namibia(tmp_path):
    (tmp_path / VALUES).write_text("iso3,year,indicator,value\nNA,2000,GDP,7\nDE,2000,GDP,8\n")
    catalogue_of("GDP").to_csv(tmp_path / CATALOGUE, index=False)
    read = Indicators.read(tmp_path / VALUES, tmp_path / CATALOGUE, countries=COUNTRIES)
    np.testing.assert_array_equal(read.values["GDP"], [[8, np.nan, 7]])


def test_negative_values_are_values():
    frame = small().assign(value=[-1.0, 2, 3, 4, 5])
    assert build(frame).values["GDP"][0, 0] == -1


# Refusals --------------------------------------------------------------------------------------


def test_an_indicator_outside_the_catalogue_is_refused_at_its_first_row(refused):
    error = refused(
        lambda: build(small(), catalogue_of("GDP")),
        file=VALUES, column="indicator", row=5, says="POP is not in the catalogue",
    )  # fmt: skip
    assert CATALOGUE in str(error)


def test_a_catalogue_line_without_values_is_refused_at_its_row(refused):
    error = refused(
        lambda: build(small(), catalogue_of("GDP", "POP", "WAGE")),
        file=CATALOGUE, column="indicator", row=4, says="WAGE",
    )  # fmt: skip
    assert VALUES in str(error)


def test_an_unused_category_is_no_indicator():
    frame = small().astype({"indicator": "category"})
    frame = frame[frame["indicator"] == "GDP"]
    assert set(build(frame, catalogue_of("GDP")).values) == {"GDP"}


@pytest.mark.parametrize(
    ("lag", "says"),
    [
        (np.nan, "an empty cell"),
        (None, "an empty cell"),
        (-1, "whole number from 0 to 240"),
        (6.5, "whole number from 0 to 240"),
        (1200, "whole number from 0 to 240"),
        ("soon", "'soon'"),
        (np.inf, "inf"),
    ],
)
def test_a_lag_that_is_no_number_of_months_is_refused_at_its_row(lag, says, refused):
    catalogue = catalogue_of("GDP", "POP").astype({"publication_lag_months": object})
    catalogue.loc[1, "publication_lag_months"] = lag
    refused(
        lambda: build(small(), catalogue),
        file=CATALOGUE, column="publication_lag_months", row=3, says=says,
    )  # fmt: skip


def test_a_lag_left_empty_in_a_csv_file_is_refused_at_its_row(refused, tmp_path):
    small().to_csv(tmp_path / VALUES, index=False)
    path = tmp_path / CATALOGUE
    catalogue = catalogue_of("GDP", "POP").astype({"publication_lag_months": object})
    catalogue.loc[1, "publication_lag_months"] = ""
    catalogue.to_csv(path, index=False)
    refused(
        lambda: Indicators.read(tmp_path / VALUES, path, countries=COUNTRIES),
        file=path, column="publication_lag_months", row=3, says="an empty cell",
    )  # fmt: skip


def test_an_indicator_listed_twice_is_refused_at_its_second_row(refused):
    catalogue = catalogue_of("GDP", "POP", "GDP")
    refused(
        lambda: build(small(), catalogue), file=CATALOGUE, column="indicator", row=4, says="twice"
    )


@pytest.mark.parametrize(
    "column", ["indicator", "channel", "label", "unit", "publication_lag_months"]
)
def test_a_column_missing_from_the_catalogue_is_named(column, refused):
    catalogue = catalogue_of("GDP", "POP").drop(columns=column)
    refused(lambda: build(small(), catalogue), file=CATALOGUE, column=column)


@pytest.mark.parametrize("column", ["iso3", "year", "indicator", "value"])
def test_a_column_missing_from_the_values_is_named(column, refused):
    refused(lambda: build(small().drop(columns=column)), file=VALUES, column=column)


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("value", np.nan, "an empty cell"),
        ("value", np.inf, "inf"),
        ("value", "high", "'high'"),
        ("year", 2000.5, "2000.5"),
        ("year", "last", "'last'"),
        ("iso3", "Germany", "'Germany'"),
        ("iso3", None, "an empty cell"),
        ("iso3", "DE", "'DE'"),
        ("indicator", None, "an empty cell"),
    ],
)
@pytest.mark.parametrize("position", [0, 2, 4])
def test_a_bad_cell_is_refused_at_its_row(column, cell, says, position, refused):
    frame = small().astype({column: object})
    frame.loc[position, column] = cell
    refused(lambda: build(frame), file=VALUES, column=column, row=position + 2, says=says)


@pytest.mark.parametrize("country", ["DEU", "USA"])
def test_a_cell_given_twice_is_refused_at_its_second_row(country, refused):
    frame = small()
    again = frame[frame["iso3"] == country].iloc[[0]].assign(value=99.0)
    frame = pd.concat([frame, again], ignore_index=True)
    refused(lambda: build(frame), file=VALUES, row=7, says=f"{country} ")


def test_a_table_without_rows_is_refused(refused, tmp_path):
    path = tmp_path / VALUES
    small().iloc[:0].to_csv(path, index=False)
    catalogue_of("GDP", "POP").to_csv(tmp_path / CATALOGUE, index=False)
    refused(
        lambda: Indicators.read(path, tmp_path / CATALOGUE, countries=COUNTRIES),
        file=path, says="no rows",
    )  # fmt: skip
