from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.flows import FlowIndex
from features.data.panel import TradePanel
from features.errors import InputError

quick = hypothesis_settings(max_examples=40, deadline=None)
NAME = "flows.csv"


@st.composite
def tables(draw: st.DrawFn, *, zeros: bool | None = None) -> pd.DataFrame:
    """A random subset of cells; every year keeps one, so that no year is missing."""
    countries = ["DEU", "FRA", "NAM", "USA"][: draw(st.integers(2, 4))]
    sectors = draw(st.sampled_from([None, ["a"], ["b", "a", "c"]]))
    years = range(2000, 2000 + draw(st.integers(1, 4)))
    domestic = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.1, 0.5, 0.9, 1.0]))
    zero = draw(st.booleans()) if zeros is None else zeros
    rows = []
    for year in years:
        cells = [
            (exporter, importer, sector, year)
            for exporter in countries
            for importer in countries
            for sector in sectors or [""]
            if domestic or exporter != importer
        ]
        kept = [cell for cell in cells if rng.random() < share]
        rows += kept or [("DEU", "FRA", (sectors or [""])[0], year)]
    frame = pd.DataFrame(rows, columns=["exporter", "importer", "sector", "year"])
    values = rng.lognormal(10, 5, len(frame)).astype(np.float32).astype(np.float64)
    frame["value_usd"] = np.where(zero & (rng.random(len(frame)) < 0.4), 0.0, values)
    if not {"DEU", "FRA"} <= {*frame["exporter"], *frame["importer"]}:
        frame.loc[0, ["exporter", "importer"]] = ["DEU", "FRA"]
        frame = frame.drop_duplicates(["exporter", "importer", "sector", "year"])
    frame = frame if sectors else frame.drop(columns="sector")
    return frame.sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True)


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows in the order and with the types of `TradePanel.to_frame`."""
    keys = [k for k in ("exporter", "importer", "sector", "year") if k in frame]
    return frame.sort_values(keys, ignore_index=True)[[*keys, "value_usd"]]


def same_panel(left: TradePanel, right: TradePanel) -> None:
    assert left.flows == right.flows
    np.testing.assert_array_equal(left.years, right.years)
    np.testing.assert_array_equal(left.values, right.values)
    assert (left.domestic is None) == (right.domestic is None)
    if left.domestic is not None:
        np.testing.assert_array_equal(left.domestic, right.domestic)


def small() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "exporter": ["DEU", "FRA", "DEU", "FRA", "DEU", "FRA"],
            "importer": ["FRA", "DEU", "FRA", "DEU", "FRA", "DEU"],
            "year": [2000, 2000, 2001, 2001, 2002, 2002],
            "value_usd": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        }
    )


def build(frame: pd.DataFrame, **options: str) -> TradePanel:
    return TradePanel.from_frame(frame, file=NAME, **options)


# Round trips -----------------------------------------------------------------------------------


@quick
@given(tables())
def test_a_table_comes_back_from_the_panel_row_for_row(frame):
    back = TradePanel.from_frame(frame, absent="missing").to_frame()
    pd.testing.assert_frame_equal(back, tidy(frame), check_dtype=False, check_exact=True)


@quick
@given(tables(), st.sampled_from(["missing", "zero", "auto"]))
def test_a_panel_comes_back_from_its_table(frame, absent):
    panel = TradePanel.from_frame(frame, absent=absent)
    same_panel(panel, TradePanel.from_frame(panel.to_frame(), absent="missing"))


@quick
@given(tables())
def test_every_row_lands_in_its_own_cell_and_nowhere_else(frame):
    panel = TradePanel.from_frame(frame, absent="missing")
    flows = panel.flows
    sector = frame["sector"] if "sector" in frame else [""] * len(frame)
    expected = {
        key: value
        for *key, value in zip(
            frame["exporter"], frame["importer"], sector, frame["year"], frame["value_usd"],
            strict=True,
        )
        for key in [tuple(key)]
    }  # fmt: skip
    countries, sectors = flows.countries, flows.sectors
    found = {}
    for row, year in enumerate(panel.years):
        for flow in range(flows.size):
            value = panel.values[row, flow]
            if not np.isnan(value):
                e, i, s = flows.exporter[flow], flows.importer[flow], flows.sector[flow]
                found[countries[e], countries[i], sectors[s], int(year)] = float(value)
        for e, country in enumerate(countries if panel.domestic is not None else ()):
            for s, name in enumerate(sectors):
                value = panel.domestic[row, e * len(sectors) + s]
                if not np.isnan(value):
                    found[country, country, name, int(year)] = float(value)
    assert found == expected


@quick
@given(tables())
def test_the_order_of_rows_and_columns_does_not_matter(frame):
    shuffled = frame.sample(frac=1, random_state=0)[list(frame.columns)[::-1]]
    same_panel(TradePanel.from_frame(frame), TradePanel.from_frame(shuffled))


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zip", ".csv.bz2", ".csv.xz",
                                    ".parquet", ".CSV"])  # fmt: skip
def test_a_file_of_any_kind_gives_the_panel_of_its_frame(suffix, make_trade, tmp_path):
    frame = make_trade(sectors=("01", "02"), domestic=True)
    path = tmp_path / f"flows{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    same_panel(TradePanel.read(path), TradePanel.from_frame(frame))


def test_categorical_columns_with_unused_categories_read_like_text(trade):
    text = trade[trade["exporter"] != "USA"]
    text = text[text["importer"] != "USA"]
    coded = trade.astype({"exporter": "category", "importer": "category"}).loc[text.index]
    same_panel(TradePanel.from_frame(text), TradePanel.from_frame(coded))


@st.composite
def flow_indices(draw: st.DrawFn) -> FlowIndex:
    countries = tuple(f"X{number:02d}" for number in range(draw(st.integers(2, 7))))
    sectors = draw(st.sampled_from([("",), ("a",), ("a", "b", "c")]))
    return FlowIndex(countries, sectors, diagonal=draw(st.booleans()))


@quick
@given(flow_indices())
def test_flow_numbers_are_the_places_of_every_triple_in_order(flows):
    triples = [
        (e, i, s)
        for e in range(len(flows.countries))
        for i in range(len(flows.countries))
        for s in range(len(flows.sectors))
        if flows.diagonal or e != i
    ]
    columns = np.array(triples, dtype=np.int32).T
    np.testing.assert_array_equal([flows.exporter, flows.importer, flows.sector], columns)
    assert {column.dtype for column in (flows.exporter, flows.importer, flows.sector)} == {
        np.dtype(np.int32)
    }
    np.testing.assert_array_equal(flows.position(*columns), np.arange(flows.size))
    assert flows.size == len(triples)


@quick
@given(flow_indices())
def test_the_reverse_of_the_reverse_is_the_flow_and_a_domestic_flow_is_its_own(flows):
    np.testing.assert_array_equal(flows.reverse[flows.reverse], np.arange(flows.size))
    np.testing.assert_array_equal(flows.exporter[flows.reverse], flows.importer)
    np.testing.assert_array_equal(flows.sector[flows.reverse], flows.sector)
    np.testing.assert_array_equal(flows.reverse == np.arange(flows.size), flows.domestic)
    assert flows.domestic.sum() == flows.diagonal * flows.margins


@quick
@given(flow_indices(), st.integers(0, 2**32 - 1))
def test_totals_are_sums_over_the_other_side(flows, seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(flows.size) < 0.2, np.nan, rng.lognormal(0, 2, flows.size))
    n, k = len(flows.countries), len(flows.sectors)
    cube = np.zeros((n, n, k))
    cube[flows.exporter, flows.importer, flows.sector] = np.nan_to_num(values)
    np.testing.assert_allclose(flows.exporter_totals(values), cube.sum(axis=1).ravel())
    np.testing.assert_allclose(flows.importer_totals(values), cube.sum(axis=0).ravel())


def test_totals_are_sums_over_partners_that_leave_domestic_sales_out(make_trade):
    frame = make_trade(sectors=("a", "b"), domestic=True)
    panel = TradePanel.from_frame(frame, absent="missing")
    flows = panel.flows
    row = panel.values[panel.row(2004)]
    of_year = frame[(frame["year"] == 2004) & (frame["exporter"] != frame["importer"])]
    sides = {"exporter": flows.exporter_totals(row), "importer": flows.importer_totals(row)}
    for side, totals in sides.items():
        known = of_year.groupby([side, "sector"])["value_usd"].sum()
        expected = [known.get((c, s), 0.0) for c in flows.countries for s in flows.sectors]
        np.testing.assert_allclose(totals, expected, rtol=1e-6)


# Domestic flows in the matrix ------------------------------------------------------------------


def with_a_domestic_row(frame: pd.DataFrame) -> bool:
    return bool((frame["exporter"] == frame["importer"]).any())


@quick
@given(tables().filter(with_a_domestic_row))
def test_included_domestic_flows_are_cells_of_the_matrix_and_abroad_nothing_changes(frame):
    apart = TradePanel.from_frame(frame, absent="missing")
    panel = TradePanel.from_frame(frame, absent="missing", domestic="include")
    assert panel.domestic is None
    at_home = panel.flows.domestic
    np.testing.assert_array_equal(panel.values[:, at_home], apart.domestic)
    np.testing.assert_array_equal(panel.values[:, ~at_home], apart.values)
    assert panel.notes.absent_cells == np.isnan(panel.values).sum()
    pd.testing.assert_frame_equal(panel.to_frame(), tidy(frame), check_dtype=False)


def test_totals_with_domestic_flows_are_gross_output_and_absorption(make_trade):
    frame = make_trade(sectors=("a", "b"), domestic=True)
    panel = TradePanel.from_frame(frame, absent="missing", domestic="include")
    flows, row = panel.flows, panel.values[panel.row(2004)]
    of_year = frame[frame["year"] == 2004]
    for side, totals in (
        ("exporter", flows.exporter_totals(row)),
        ("importer", flows.importer_totals(row)),
    ):
        known = of_year.groupby([side, "sector"])["value_usd"].sum()
        expected = [known.get((c, s), 0.0) for c in flows.countries for s in flows.sectors]
        np.testing.assert_allclose(totals, expected, rtol=1e-6)


def test_a_domestic_flow_that_occurs_twice_is_refused_wherever_it_is_kept(make_trade, refused):
    frame = make_trade(domestic=True)
    home = frame[frame["exporter"] == frame["importer"]].head(1)
    twice = pd.concat([frame, home], ignore_index=True)
    for domestic in ("apart", "include"):
        refused(lambda kept=domestic: build(twice, domestic=kept), file=NAME, row=len(twice) + 1,
                says="occurs twice")  # fmt: skip


def test_domestic_flows_that_are_not_there_cannot_be_included(trade, refused):
    refused(lambda: build(trade, domestic="include"), file=NAME, column="importer",
            says="no row has exporter = importer")  # fmt: skip


def test_a_year_outside_the_panel_has_no_row(panel):
    assert [panel.row(int(year)) for year in panel.years] == list(range(panel.years.size))
    for year in (panel.first_year - 1, panel.last_year + 1):
        with pytest.raises(KeyError):
            panel.row(year)


# Zero or unknown -------------------------------------------------------------------------------


@quick
@given(tables(zeros=False))
def test_a_table_that_states_no_zero_lists_trade_only(frame):
    panel = TradePanel.from_frame(frame)
    assert panel.notes.absent_means == "zero"
    assert not np.isnan(panel.values).any()
    abroad = (frame["exporter"] != frame["importer"]).sum()
    assert (panel.values == 0).sum() == panel.notes.absent_cells == panel.values.size - abroad


def test_a_table_that_states_a_zero_leaves_absent_cells_unknown():
    frame = small().assign(value_usd=[0.0, 2, 3, 4, 5, 6]).drop(index=4)
    panel = build(frame)
    assert panel.notes.absent_means == "missing"
    np.testing.assert_array_equal(panel.values, [[0, 2], [3, 4], [np.nan, 6]])


@pytest.mark.parametrize(("absent", "expected"), [("zero", 0.0), ("missing", np.nan)])
@pytest.mark.parametrize("stated", [0.0, 1.0])
def test_the_caller_decides_what_an_absent_cell_means(absent, expected, stated):
    panel = build(small().assign(value_usd=[stated, 2, 3, 4, 5, 6]).drop(index=4), absent=absent)
    assert panel.notes.absent_means == absent
    assert panel.notes.absent_cells == 1
    np.testing.assert_array_equal(panel.values, [[stated, 2], [3, 4], [expected, 6]])


def sparse(rng: np.random.Generator, *, zeros: int, years: int = 20) -> pd.DataFrame:
    """Ten traders, two thirds of the cells with a row, ``zeros`` of them stated zeros."""
    names = ["AUT", "BRA", "CHN", "DEU", "FRA", "IND", "JPN", "KOR", "MEX", "USA"]
    cells = [(a, b, y) for y in range(2000, 2000 + years) for a in names for b in names if a != b]
    frame = pd.DataFrame(cells, columns=["exporter", "importer", "year"])
    frame = frame[rng.random(len(frame)) < 0.66].reset_index(drop=True)
    value = rng.lognormal(10, 2, len(frame))
    value[rng.choice(len(frame), zeros, replace=False)] = 0.0
    return frame.assign(value_usd=value)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("zeros", "means"), [(0, "zero"), (1, "zero"), (300, "missing")])
def test_the_share_of_stated_zeros_decides_not_a_stray_one(seed, zeros, means):
    panel = build(sparse(np.random.default_rng(seed), zeros=zeros))
    assert panel.notes.absent_means == means
    assert panel.notes.stated_zeros == zeros
    assert panel.notes.absent_decided
    assert not build(
        sparse(np.random.default_rng(seed), zeros=zeros), absent=means
    ).notes.absent_decided


@pytest.mark.parametrize("zeros", [0, 300])
def test_later_years_do_not_change_what_an_absent_cell_means(zeros):
    rng = np.random.default_rng(1)
    early = sparse(rng, zeros=zeros, years=8)
    late = sparse(rng, zeros=300 - zeros, years=9).assign(year=lambda f: f["year"] + 8)
    whole, part = build(pd.concat([early, late])), build(early)
    np.testing.assert_array_equal(whole.values[:8], part.values)


def test_negatives_set_to_zero_are_counted():
    frame = small().assign(value_usd=[0.0, -2, 3, -0.5, 5, 6])
    panel = build(frame, negatives="zero")
    assert panel.notes.negatives_set_to_zero == 2
    np.testing.assert_array_equal(panel.values, [[0, 0], [3, 0], [5, 6]])


def test_a_negative_set_to_zero_is_not_a_stated_zero():
    frame = small().assign(value_usd=[1, -2, 3, 4, 5, 6]).drop(index=4)
    assert build(frame, negatives="zero").notes.absent_means == "zero"


def test_the_largest_amounts_there_are_can_be_read():
    panel = build(small().assign(value_usd=[1e15, 2, 3, 4, 5, 6]))
    assert panel.values[0, 0] == np.float32(1e15)


@pytest.mark.parametrize("cell", ["2000-12-31", "last", None, 2000.5])
def test_the_remedy_for_a_year_is_a_year(cell, refused):
    frame = small().astype({"year": object})
    frame.loc[2, "year"] = cell
    error = refused(lambda: build(frame), file=NAME, column="year", row=4)
    assert error.remedy == "Give whole years such as 2017"


def test_columns_beyond_the_keys_are_named_and_change_nothing():
    panel = build(small().assign(note="x", tonnes=1.0))
    assert panel.notes.ignored_columns == ("note", "tonnes")
    assert panel.notes.rows == 6
    same_panel(panel, build(small()))


# Refusals: columns and cells -------------------------------------------------------------------


@pytest.mark.parametrize("column", ["exporter", "importer", "year", "value_usd"])
def test_a_missing_column_is_named_with_those_found(column, refused):
    frame = small().rename(columns={column: "something_else"})
    refused(lambda: build(frame), file=NAME, column=column, says="something_else")


BAD_CELLS = [
    ("value_usd", 1.01e15, "1.01e+15"),
    ("value_usd", 1e308, "1e+308"),
    ("value_usd", 1e38, "1e+38"),
    ("year", "2000-12-31", "'2000-12-31'"),
    ("value_usd", "many", "'many'"),
    ("value_usd", np.nan, "an empty cell"),
    ("value_usd", None, "an empty cell"),
    ("value_usd", np.inf, "inf"),
    ("value_usd", -np.inf, "inf"),
    ("value_usd", "1,000", "'1,000'"),
    ("year", "two thousand", "'two thousand'"),
    ("year", 2000.5, "2000.5"),
    ("year", np.nan, "an empty cell"),
    ("year", 200001, "200001"),
    ("year", 0, "0"),
    ("exporter", "Germany", "'Germany'"),
    ("exporter", "deu", "'deu'"),
    ("exporter", " DEU", "' DEU'"),
    ("exporter", "QQZZ", "'QQZZ'"),
    ("exporter", "ABC", "'ABC'"),
    ("importer", "", "''"),
    ("importer", None, "an empty cell"),
    ("importer", "DE", "'DE'"),
    ("importer", 276, "'276'"),
]


@pytest.mark.parametrize(("column", "cell", "shown"), BAD_CELLS)
@pytest.mark.parametrize("position", [0, 3, 5])
def test_a_bad_cell_is_refused_at_its_row(column, cell, shown, position, refused):
    frame = small().astype({column: object})
    frame.loc[position, column] = cell
    refused(lambda: build(frame), file=NAME, column=column, row=position + 2, says=shown)


@pytest.mark.parametrize("position", [0, 3, 5])
def test_a_row_is_counted_by_position_whatever_the_index(position, refused):
    frame = small()
    frame.loc[position, "value_usd"] = np.nan
    frame.index = [50, 40, 30, 20, 10, 0]
    refused(lambda: build(frame), file=NAME, column="value_usd", row=position + 2)


def test_the_first_of_several_bad_cells_is_named(refused):
    frame = small().assign(value_usd=[1.0, 2.0, np.nan, 4.0, np.inf, np.nan])
    refused(lambda: build(frame), file=NAME, column="value_usd", row=4)


@pytest.mark.parametrize("position", [0, 3, 5])
def test_a_negative_names_its_row_and_the_option_that_sets_it_to_zero(position, refused):
    frame = small()
    frame.loc[position, "value_usd"] = -7.0
    row = position + 2
    error = refused(lambda: build(frame), file=NAME, column="value_usd", row=row, says="-7")
    assert "negatives: zero" in error.remedy
    assert "--negatives zero" in error.remedy


@pytest.mark.parametrize("column", ["year", "value_usd"])
@pytest.mark.parametrize("values", [[True] * 6, pd.date_range("2000", periods=6)])
def test_a_column_of_another_type_is_refused(column, values, refused):
    frame = small().assign(**{column: values})
    refused(lambda: build(frame), file=NAME, column=column, says="not numbers")


@pytest.mark.parametrize("dtype", ["int16", "Int64", "float64", "string", "category"])
def test_whole_years_of_any_type_are_read(dtype):
    same_panel(build(small().astype({"year": dtype})), build(small()))


@pytest.mark.parametrize("year", [2**32 + 2002, 2000 - 2**32])
def test_a_year_beyond_32_bits_does_not_wrap_into_a_plausible_one(year, refused):
    frame = small()
    frame["year"] = [*frame["year"][:5], year]
    refused(lambda: build(frame), file=NAME, column="year", row=7)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_value_that_float32_cannot_hold_is_refused(refused):
    frame = small().assign(value_usd=[1, 2, 3, 1e39, 5, 6])
    refused(lambda: build(frame), file=NAME, column="value_usd", row=5)


@pytest.mark.parametrize(("column", "cell"), [("year", 2000.5), ("value_usd", np.inf)])
def test_a_message_shows_a_number_as_an_analyst_writes_it(column, cell):
    frame = small().astype({column: float})
    frame.loc[3, column] = cell
    with pytest.raises(InputError) as caught:
        build(frame)
    assert "np." not in str(caught.value)


def test_a_column_name_that_occurs_twice_is_refused():
    frame = pd.concat([small(), small()[["value_usd"]]], axis=1)
    with pytest.raises(InputError):
        build(frame)


@quick
@given(tables(), st.data())
def test_a_key_that_occurs_twice_is_refused_at_its_second_row(frame, data):
    first = data.draw(st.integers(0, len(frame) - 1))
    second = data.draw(st.integers(first + 1, len(frame)))
    again = frame.iloc[[first]].assign(value_usd=123.0)
    frame = pd.concat([frame.iloc[:second], again, frame.iloc[second:]], ignore_index=True)
    with pytest.raises(InputError, match="occurs twice") as caught:
        build(frame)
    assert caught.value.row == second + 2
    assert frame["exporter"][first] in str(caught.value)
    assert NAME in str(caught.value)


@pytest.mark.parametrize("cell", [None, "", "  "])
def test_an_empty_sector_is_refused_at_its_row(cell, refused):
    frame = small().assign(sector=["a", "a", "a", cell, "a", "a"])
    refused(lambda: build(frame), file=NAME, column="sector", row=5)


def test_sectors_that_are_numbers_become_text():
    panel = build(small().assign(sector=[10, 10, 2, 2, 2, 10]))
    assert panel.flows.sectors == ("10", "2")
    known = panel.to_frame().query("value_usd > 0")
    assert list(known.query("sector == '10'")["value_usd"]) == [1.0, 2.0, 6.0]


def test_a_year_missing_from_the_middle_is_named(refused):
    frame = small()[lambda f: f["year"] != 2001]
    refused(lambda: build(frame), file=NAME, column="year", says="year 2001 is missing")


def test_one_country_only_is_refused(refused):
    frame = small().assign(importer="DEU", exporter="DEU").drop_duplicates("year")
    refused(lambda: build(frame), file=NAME, says="DEU")


def test_a_table_without_rows_is_refused(refused):
    refused(lambda: build(small().iloc[:0]), file=NAME, says="no rows")


def test_a_universe_too_large_for_memory_is_refused_before_it_is_built(monkeypatch, refused):
    monkeypatch.setattr("features.data.panel.MAX_CELLS", 5)
    refused(lambda: build(small()), file=NAME, says="do not fit")


def test_a_universe_that_just_fits_is_built(monkeypatch):
    monkeypatch.setattr("features.data.panel.MAX_CELLS", 6)
    assert build(small()).values.size == 6


# Country codes ---------------------------------------------------------------------------------


def test_two_letter_codes_are_translated_and_na_is_namibia(tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text("exporter,importer,year,value_usd\nNA,DE,2000,1\nDE,NA,2000,2\nZA,NA,2000,3\n")
    panel = TradePanel.read(path)
    assert panel.flows.countries == ("DEU", "NAM", "ZAF")
    assert panel.to_frame().set_index(["exporter", "importer"])["value_usd"]["NAM", "DEU"] == 1


def test_na_is_namibia_in_parquet_too(tmp_path):
    path = tmp_path / "flows.parquet"
    small().replace({"DEU": "NA", "FRA": "FR"}).to_parquet(path)
    assert TradePanel.read(path).flows.countries == ("FRA", "NAM")


def test_an_unknown_two_letter_code_is_shown_as_written(refused):
    frame = small().replace({"DEU": "DE", "FRA": "UK"})
    refused(lambda: build(frame), file=NAME, column="exporter", row=3, says="'UK'")


@pytest.mark.parametrize("code", ["ROW", "XKX", "QMA", "ZZZ", "SUN", "YUG", "TWN"])
def test_aggregates_user_assigned_and_former_codes_are_countries(code):
    assert code in build(small().replace({"FRA": code})).flows.countries


# Refusals: files -------------------------------------------------------------------------------

CSV = small().to_csv(index=False)


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    small().to_parquet(buffer)
    return buffer.getvalue()


def zip_bytes(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, CSV)
    return buffer.getvalue()


def encrypted(archive: bytes) -> bytes:
    """The archive with the flag of an encrypted member set in both of its headers."""
    changed = bytearray(archive)
    changed[6] |= 1
    changed[archive.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


BROKEN = {
    "truncated.parquet": half(parquet_bytes()),
    "headless.parquet": b"\xff" * 64 + parquet_bytes()[64:],
    "text.parquet": CSV.encode(),
    "truncated.csv.gz": half(gzip.compress(CSV.encode())),
    "checksum_lost.csv.gz": gzip.compress(CSV.encode())[:-4],
    "damaged.csv.gz": gzip.compress(CSV.encode())[:30] + b"\xff" * 9,
    "plain.csv.gz": CSV.encode(),
    "truncated.csv.zip": half(zip_bytes("flows.csv")),
    "no_directory.csv.zip": zip_bytes("flows.csv")[:-20],
    "two.csv.zip": zip_bytes("a.csv", "b.csv"),
    "none.csv.zip": zip_bytes(),
    "truncated.csv.bz2": half(bz2.compress(CSV.encode())),
    "plain.csv.bz2": CSV.encode(),
    "truncated.csv.xz": half(lzma.compress(CSV.encode())),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_name(name, refused, tmp_path):
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    refused(lambda: TradePanel.read(path), file=path, says="cannot be read")


@pytest.mark.parametrize(
    ("name", "content"),
    [("plain.csv.xz", CSV.encode()), ("encrypted.csv.zip", encrypted(zip_bytes("flows.csv")))],
)
def test_an_archive_that_cannot_be_opened_is_refused_by_name(name, content, refused, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    refused(lambda: TradePanel.read(path), file=path, says="cannot be read")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "is empty"),
        ("empty.parquet", b"", "is empty"),
        ("newlines.csv", b"\n\n", "is empty"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("header.csv", b"exporter,importer,year,value_usd\n", "no rows"),
        ("flows.xlsx", b"PK", "workbook cannot be read"),
        ("flows.xls", CSV.encode(), "workbook cannot be read"),
        ("flows.txt", CSV.encode(), "neither CSV nor Parquet"),
        ("flows", CSV.encode(), "neither CSV nor Parquet"),
        ("flows.zip", zip_bytes("flows.csv"), "neither CSV nor Parquet"),
    ],
)
def test_a_file_without_a_table_is_refused_by_name(name, content, says, refused, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    refused(lambda: TradePanel.read(path), file=path, says=says)


def test_a_parquet_file_without_rows_is_refused(refused, tmp_path):
    path = tmp_path / "header.parquet"
    small().iloc[:0].to_parquet(path)
    refused(lambda: TradePanel.read(path), file=path, says="no rows")


@pytest.mark.parametrize("name", ["flows.csv", "flows.parquet", "data"])
def test_a_folder_is_not_a_file(name, refused, tmp_path):
    path = tmp_path / name
    path.mkdir()
    refused(lambda: TradePanel.read(path), file=path, says="folder")


def test_a_path_that_leads_nowhere_is_refused(refused, tmp_path):
    path = tmp_path / "flows.csv"
    refused(lambda: TradePanel.read(path), file=path, says="no such file")


@pytest.mark.parametrize(
    ("line", "column", "row"),
    [
        ("DEU,FRA,2003,many", "value_usd", 8),
        ("DEU,FRA,2003,", "value_usd", 8),
        ("DEU,FRA,2003", "value_usd", 8),
        ("DEU,FRA,2003,NaN", "value_usd", 8),
        ("DEU,FRA,2003,NA", "value_usd", 8),
        ("DEU,FRA,2003,-1", "value_usd", 8),
        ("DEU,FRA,2003,inf", "value_usd", 8),
        ("DEU,FRA,2003.5,1", "year", 8),
        ("DEU,FRA,,1", "year", 8),
        ("DEU,,2003,1", "importer", 8),
        ("DEU,NA,2003,1", "importer", 8),
        ("DEU,FRA,2002,1", None, 8),
    ],
)
def test_a_bad_line_of_a_csv_file_is_refused_at_its_row(line, column, row, refused, tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text(f"{CSV}{line}\nFRA,DEU,2003,1\n")
    refused(lambda: TradePanel.read(path), file=path, column=column, row=row)


def test_a_blank_line_inside_a_csv_file_is_refused_at_its_row(refused, tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text("exporter,importer,year,value_usd\nDEU,FRA,2000,1\n\n\nFRA,DEU,2000,2\n")
    refused(lambda: TradePanel.read(path), file=path, row=3, says="blank")


def test_blank_lines_at_the_end_of_a_csv_file_are_no_rows(tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text(CSV + "\n\n")
    same_panel(TradePanel.read(path), build(small()))


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text(CSV, encoding="utf-8-sig")
    same_panel(TradePanel.read(path), build(small()))


def test_a_text_column_in_parquet_is_refused_at_its_row(refused, tmp_path):
    path = tmp_path / "flows.parquet"
    small().assign(value_usd=["1", "2", "3", "4", "five", "6"]).to_parquet(path)
    refused(lambda: TradePanel.read(path), file=path, column="value_usd", row=6, says="'five'")


def test_a_row_that_stands_twice_in_a_file_is_read_once(make_trade, tmp_path, refused):
    frame, path = make_trade(), tmp_path / "trade.csv"
    pd.concat([frame, frame.iloc[[3]]]).to_csv(path, index=False)
    same_panel(TradePanel.read(path), TradePanel.from_frame(frame))
    other = frame.iloc[[3]].assign(value_usd=frame["value_usd"].iloc[3] + 1)
    pd.concat([frame, other]).to_csv(path, index=False)
    refused(lambda: TradePanel.read(path), file=path, row=len(frame) + 2, says="occurs twice")
