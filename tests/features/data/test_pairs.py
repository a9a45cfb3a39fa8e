from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.pairs import PairAttributes

COUNTRIES = ("DEU", "FRA", "NAM")
quick = hypothesis_settings(max_examples=40, deadline=None)
nan = np.nan


def geography() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("DEU", "FRA", 800.0, 1),
            ("FRA", "DEU", 800.0, 1),
            ("DEU", "NAM", 8_000.0, 0),
            ("USA", "DEU", 7_000.0, 0),
        ],
        columns=["iso3_o", "iso3_d", "dist", "contig"],
    )


def agreements() -> pd.DataFrame:
    """A list of occurrences: ``rta`` is never 0, ``rta_wto`` is."""
    return pd.DataFrame(
        [
            ("DEU", "FRA", 2001, 1, 0),
            ("DEU", "FRA", 2003, 1, 1),
            ("NAM", "DEU", 2002, 1, 1),
            ("USA", "DEU", 1990, 1, 1),
            ("FRA", "DEU", 2003, 1, 1),
        ],
        columns=["iso3_o", "iso3_d", "year", "rta", "rta_wto"],
    )


def build(*frames: tuple[str, pd.DataFrame], lag: int = 0) -> PairAttributes:
    return PairAttributes.from_frames(frames, countries=COUNTRIES, publication_lag_months=lag)


def test_a_static_attribute_stands_at_its_pair_and_is_unknown_elsewhere():
    read = build(("geo", geography()))
    expected = [[nan, 800, 8000], [800, nan, nan], [nan, nan, nan]]
    np.testing.assert_array_equal(read.static["dist"], np.float32(expected))
    assert set(read.static) == {"dist", "contig"}
    assert read.yearly == {}


def test_a_static_pair_without_a_row_is_unknown_even_where_an_attribute_is_never_zero():
    table = geography().assign(contig=1)
    assert np.isnan(build(("geo", table)).static["contig"][2, 0])


def test_a_pair_year_without_a_row_is_zero_in_a_list_of_occurrences():
    read = build(("desta", agreements()), lag=3)
    rta = read.yearly["rta"]
    assert rta.first_year == 2001
    assert rta.publication_lag_months == 3
    expected = np.zeros((3, 3, 3))
    expected[0, 0, 1] = expected[2, 0, 1] = expected[1, 2, 0] = expected[2, 1, 0] = 1
    np.testing.assert_array_equal(rta.values, expected)
    expected[0, 0, 1] = 0
    np.testing.assert_array_equal(read.yearly["rta_wto"].values, expected)
    assert "desta" in read.statements[0]
    assert "is 0" in read.statements[0]


def test_a_pair_year_without_a_row_is_unknown_where_every_attribute_states_a_zero():
    table = agreements().assign(rta=[1, 0, 1, 1, 0])
    read = build(("tariffs", table))
    assert np.isnan(read.yearly["rta"].values).sum() == 27 - 4
    assert read.yearly["rta"].values[2, 0, 1] == 0
    assert "is unknown" in read.statements[0]


@quick
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_any_subset_of_pair_years_is_read_cell_by_cell(seed, zeros):
    rng = np.random.default_rng(seed)
    everyone = (*COUNTRIES, "USA")
    cells = {
        (o, d, year): float(rng.integers(0 if zeros else 1, 4))
        for o in everyone
        for d in everyone
        for year in range(2000, 2004)
        if o != d and (rng.random() < 0.4 or (o, d, year) == ("DEU", "FRA", 2002))
    }
    table = pd.DataFrame(
        [(*key, value) for key, value in cells.items()],
        columns=["iso3_o", "iso3_d", "year", "tariff"],
    ).sample(frac=1, random_state=int(rng.integers(2**31)))
    attribute = build(("t", table)).yearly["tariff"]
    inside = {key: value for key, value in cells.items() if "USA" not in key}
    absent = nan if 0.0 in inside.values() else 0.0
    years = {year for _, _, year in inside}
    assert attribute.first_year == min(years)
    assert attribute.values.shape == (max(years) - min(years) + 1, 3, 3)
    for row, plane in enumerate(attribute.values):
        for e, exporter in enumerate(COUNTRIES):
            for i, importer in enumerate(COUNTRIES):
                key = (exporter, importer, attribute.first_year + row)
                np.testing.assert_equal(float(plane[e, i]), inside.get(key, absent))


def test_an_empty_cell_is_unknown_in_both_kinds_of_table():
    static = build(("geo", geography().assign(dist=[nan, 1.0, 2.0, 3.0]))).static["dist"]
    assert np.isnan(static[0, 1])
    table = agreements().astype({"rta_wto": float})
    table.loc[0, "rta_wto"] = nan
    assert np.isnan(build(("desta", table)).yearly["rta_wto"].values[0, 0, 1])


def test_files_of_both_kinds_are_read_together_and_na_is_namibia(tmp_path):
    geo, desta = tmp_path / "geo.csv", tmp_path / "desta.parquet"
    geo.write_text("iso3_o,iso3_d,dist\nDE,NA,8000\nFR,NA,\n")
    agreements().to_parquet(desta)
    read = PairAttributes.read([geo, desta], countries=COUNTRIES, publication_lag_months=1)
    assert read.static["dist"][0, 2] == 8000
    assert np.isnan(read.static["dist"][1, 2])
    assert read.yearly["rta"].publication_lag_months == 1
    assert len(read.statements) == 2


def test_a_table_without_a_pair_of_the_panel_has_no_years():
    table = agreements().assign(iso3_o="USA", iso3_d="CAN").drop_duplicates("year")
    assert build(("desta", table)).yearly == {}


# Pairs listed once ------------------------------------------------------------------------------

FIVE = ("DEU", "FRA", "IND", "NAM", "USA")


def dyads(rng: np.random.Generator, *, years: bool, zeros: bool) -> pd.DataFrame:
    """Each pair in one direction, not always the alphabetical one."""
    pairs = [(a, b) if rng.random() < 0.7 else (b, a) for a, b in combinations(FIVE, 2)]
    rows = [
        (a, b, year, float(rng.integers(0 if zeros else 1, 3)))
        for a, b in pairs
        for year in (range(2000, 2008) if years else [0])
        if not years or year == 2000 or rng.random() < 0.7
    ]
    frame = pd.DataFrame(rows, columns=["iso3_o", "iso3_d", "year", "depth"])
    return frame if years else frame.drop(columns="year")


def both_directions(frame: pd.DataFrame) -> pd.DataFrame:
    turned = frame.rename(columns={"iso3_o": "iso3_d", "iso3_d": "iso3_o"})
    return pd.concat([frame, turned], ignore_index=True)


def cube(read: PairAttributes, *, years: bool) -> np.ndarray:
    return read.yearly["depth"].values if years else read.static["depth"]


@quick
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_pairs_listed_once_hold_in_both_directions_and_it_is_said(seed, years, zeros):
    once = dyads(np.random.default_rng(seed), years=years, zeros=zeros)
    read = PairAttributes.from_frames([("dyads", once)], countries=FIVE)
    whole = PairAttributes.from_frames([("dyads", both_directions(once))], countries=FIVE)
    np.testing.assert_array_equal(cube(read, years=years), cube(whole, years=years))
    (finding,) = read.findings
    assert (finding.code, finding.severity, finding.count) == ("pairs-once", "warning", len(once))
    assert "both directions" in read.statements[0]
    assert whole.findings == ()
    assert "both directions" not in whole.statements[0]


def test_pairs_listed_once_among_countries_outside_the_panel_decide_too():
    once = dyads(np.random.default_rng(1), years=False, zeros=False)
    read = PairAttributes.from_frames([("dyads", once)], countries=("DEU", "USA"))
    assert np.isfinite(read.static["depth"][[0, 1], [1, 0]]).all()


@pytest.mark.parametrize("years", [False, True])
def test_one_pair_in_both_directions_means_that_directions_differ(years):
    once = dyads(np.random.default_rng(2), years=years, zeros=True)
    turned = both_directions(once.head(1)).tail(1).assign(depth=9.0)
    read = PairAttributes.from_frames([("tariffs", pd.concat([once, turned]))], countries=FIVE)
    assert read.findings == ()
    stated = np.isfinite(cube(read, years=years)).sum()
    assert stated == len(once) + 1


@pytest.mark.parametrize("side", ["iso3_o", "iso3_d"])
def test_one_countrys_list_is_left_as_it_is(side):
    other = {"iso3_o": "iso3_d", "iso3_d": "iso3_o"}[side]
    table = pd.DataFrame({side: "USA", other: FIVE[:4], "tariff": [1.0, 2.0, 3.0, 0.0]})
    read = PairAttributes.from_frames([("tariffs", table)], countries=FIVE)
    assert read.findings == ()
    assert np.isfinite(read.static["tariff"]).sum() == 4


@pytest.mark.parametrize(("zeros", "absent"), [(0, 0.0), (1, 0.0), (60, np.nan)])
def test_a_stray_zero_does_not_make_unknown_what_a_list_leaves_out(zeros, absent):
    rng = np.random.default_rng(3)
    cells = [(a, b, y) for a in FIVE for b in FIVE if a != b for y in range(2000, 2010)]
    kept = [cell for cell in cells if rng.random() < 0.6 or cell[2] == 2000][1:]
    table = pd.DataFrame(kept, columns=["iso3_o", "iso3_d", "year"]).assign(rta=1.0)
    table.loc[table.sample(zeros, random_state=1).index, "rta"] = 0.0
    values = PairAttributes.from_frames([("rta", table)], countries=FIVE).yearly["rta"].values
    np.testing.assert_array_equal(values[0, 0, 1], np.float32(absent))


# Refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["static", "yearly"])
@pytest.mark.parametrize("second", ["static", "yearly"])
def test_an_attribute_that_two_files_define_is_refused(first, second, refused):
    tables = []
    for kind in (first, second):
        table = geography()[["iso3_o", "iso3_d", "contig"]]
        tables.append(table.assign(year=2000) if kind == "yearly" else table)
    refused(
        lambda: build(("geo", tables[0]), ("more", tables[1])),
        file="more", column="contig", says="another pair file",
    )  # fmt: skip


@pytest.mark.parametrize("column", ["iso3_o", "iso3_d"])
def test_a_missing_key_is_named(column, refused):
    frame = geography().drop(columns=column)
    refused(lambda: build(("geo", frame)), file="geo", column=column)


def test_a_table_of_keys_only_is_refused(refused):
    frame = geography()[["iso3_o", "iso3_d"]]
    refused(lambda: build(("geo", frame)), file="geo", says="no attribute column")


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("dist", "far", "'far'"),
        ("dist", np.inf, "inf"),
        ("iso3_o", "Germany", "'Germany'"),
        ("iso3_d", None, "an empty cell"),
        ("iso3_d", "DE", "'DE'"),
    ],
)
@pytest.mark.parametrize("position", [0, 3])
def test_a_bad_cell_is_refused_at_its_row(column, cell, says, position, refused):
    frame = geography().astype({column: object})
    frame.loc[position, column] = cell
    refused(lambda: build(("geo", frame)), file="geo", column=column, row=position + 2, says=says)


@pytest.mark.parametrize("cell", [2000.5, nan, "last"])
def test_a_bad_year_is_refused_at_its_row(cell, refused):
    frame = agreements().astype({"year": object})
    frame.loc[2, "year"] = cell
    refused(lambda: build(("desta", frame)), file="desta", column="year", row=4)


def test_a_pair_given_twice_is_refused_at_its_second_row(refused):
    frame = pd.concat([geography(), geography().iloc[[1]].assign(dist=1.0)])
    refused(lambda: build(("geo", frame)), file="geo", row=6, says="FRA DEU occurs twice")


def test_a_pair_year_given_twice_is_refused_at_its_second_row(refused):
    frame = pd.concat([agreements(), agreements().iloc[[3]]])
    refused(lambda: build(("desta", frame)), file="desta", row=7, says="USA DEU 1990 occurs twice")


def test_a_broken_file_is_refused_by_name(refused, tmp_path):
    path = tmp_path / "geo.parquet"
    geography().to_parquet(path)
    path.write_bytes(path.read_bytes()[:200])
    refused(lambda: PairAttributes.read([path], countries=COUNTRIES), file=path)
