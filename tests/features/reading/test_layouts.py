"""One table in the layouts that people have gives one panel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from fake_sources.workbooks import xls

from features.data.panel import TradePanel
from features.errors import InputError
from features.reading.options import ReadingOptions
from features.reading.table import ReadTable
from features.reading.trade_table import read_trade, star

NAMES = {"CHN": "China", "DEU": "Germany", "KOR": "Rep. of Korea", "TUR": "T\u00fcrkiye",
         "USA": "United States of America", "VNM": "Viet Nam"}  # fmt: skip
WORLD_BANK = {"KOR": "Korea, Rep.", "VNM": "Vietnam", "USA": "United States"}
ISO2 = {"CHN": "CN", "DEU": "DE", "KOR": "KR", "TUR": "TR", "USA": "US", "VNM": "VN"}
COMTRADE = {"CHN": 156, "DEU": 276, "KOR": 410, "TUR": 792, "USA": 842, "VNM": 704}
KEYS = ["exporter", "importer", "year"]


def table() -> pd.DataFrame:
    """Five years of thirty flows in values that float32 and twelve months hold exactly."""
    rng = np.random.default_rng(3)
    rows = [
        (exporter, importer, year, float(rng.integers(1, 2**16) * 12_000))
        for exporter in NAMES
        for importer in NAMES
        if exporter != importer
        for year in range(2015, 2020)
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "value_usd"])


TRUTH = table()


def sides(how: dict[str, object]) -> pd.DataFrame:
    """The table with its countries called otherwise."""
    return TRUTH.assign(
        exporter=[how.get(code, NAMES[code]) for code in TRUTH["exporter"]],
        importer=[how.get(code, NAMES[code]) for code in TRUTH["importer"]],
    )


def text(mark: str, *, decimal: str = ".", group: str = "") -> str:
    """The table as text with separators of cells, decimals and thousands."""

    def number(value: float) -> str:
        marks = str.maketrans({",": group, ".": decimal})
        return f"{value:,.2f}".translate(marks)

    cells = [f'"{number(v)}"' if mark == group else number(v) for v in TRUTH["value_usd"]]
    lines = [f"{e}{mark}{i}{mark}{y}{mark}{v}" for (e, i, y), v in
             zip(TRUTH[KEYS].itertuples(index=False), cells, strict=True)]  # fmt: skip
    return "\n".join([mark.join([*KEYS, "value_usd"]), *lines, ""])


def comtrade(*, flow: str = "Export") -> pd.DataFrame:
    """Comtrade's columns, with World rows and another flow."""
    reporter, partner = ("exporter", "importer") if flow == "Export" else ("importer", "exporter")
    own = pd.DataFrame(
        {
            "typeCode": "C",
            "freqCode": "A",
            "refPeriodId": TRUTH["year"] * 10_000 + 101,
            "refYear": TRUTH["year"],
            "refMonth": 52,
            "period": TRUTH["year"],
            "reporterCode": [COMTRADE[code] for code in TRUTH[reporter]],
            "reporterISO": TRUTH[reporter],
            "reporterDesc": [NAMES[code] for code in TRUTH[reporter]],
            "flowCode": flow[0] if flow == "Import" else "X",
            "flowDesc": flow,
            "partnerISO": TRUTH[partner],
            "cmdCode": "TOTAL",
            "qty": np.nan,
            "cifvalue": np.nan,
            "primaryValue": TRUTH["value_usd"],
        }
    )
    own["flowCode"] = "M" if flow == "Import" else "X"
    world = own.groupby(["reporterISO", "refYear"], as_index=False).first()
    areas = world.assign(partnerISO="_X ")
    again = own.head(9).assign(flowDesc="Re-export", flowCode="RX")
    return pd.concat([own, world.assign(partnerISO="W00"), areas, again], ignore_index=True)


def months() -> pd.DataFrame:
    parts = [TRUTH.assign(period=TRUTH["year"] * 100 + m, value_usd=TRUTH["value_usd"] / 12)
             for m in range(1, 13)]  # fmt: skip
    started = TRUTH[TRUTH["year"] == 2019].assign(period=202001, value_usd=1.0)
    return pd.concat([*parts, started], ignore_index=True).drop(columns="year")


def wide(unit: float = 1.0) -> pd.DataFrame:
    spread = TRUTH.assign(value_usd=TRUTH["value_usd"] / unit)
    out = spread.pivot(index=KEYS[:2], columns="year", values="value_usd").reset_index()
    return out.set_axis([str(name) for name in out.columns], axis=1)


def book(frame: pd.DataFrame) -> Callable[[Path], None]:
    return lambda path: frame.to_excel(path, index=False)


def csv(frame: pd.DataFrame, **options: object) -> Callable[[Path], object]:
    return lambda path: frame.to_csv(path, index=False, **options)


def written(content: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    return lambda path: path.write_text(content, encoding=encoding)


def old_book(path: Path) -> None:
    rows = [list(TRUTH.columns), *TRUTH.astype({"year": float}).to_numpy().tolist()]
    path.write_bytes(xls("Sheet1", rows))


THOUSANDS = TRUTH.assign(value_usd=TRUTH["value_usd"] / 1e3)
MILLIONS = TRUTH.assign(value_usd=TRUTH["value_usd"] / 1e6)
WORLD = pd.concat([TRUTH, TRUTH.head(7).assign(importer="WLD")])
USD_MILLION = ReadingOptions(unit="million")

LAYOUTS: dict[str, tuple[str, Callable[[Path], object], ReadingOptions]] = {
    "tidy": ("t.csv", csv(TRUTH), ReadingOptions()),
    "Parquet": ("t.parquet", TRUTH.to_parquet, ReadingOptions()),
    "Parquet with an index": (
        "t.parquet", TRUTH.set_index(KEYS).to_parquet, ReadingOptions()),
    "semicolons": ("t.csv", written(text(";")), ReadingOptions()),
    "tabs and a byte order mark": ("t.tsv", written(text("\t"), "utf-8-sig"), ReadingOptions()),
    "decimal commas": ("t.csv", written(text(";", decimal=",")), ReadingOptions()),
    "decimal commas and points between thousands": (
        "t.csv", written(text(";", decimal=",", group=".")), ReadingOptions()),
    "thousands separators": ("t.csv", written(text(",", group=",")), ReadingOptions()),
    "blanks between thousands": (
        "t.csv", written(text(";", decimal=",", group="\u00a0")), ReadingOptions()),
    "Comtrade": ("t.csv", csv(comtrade()), ReadingOptions()),
    "Comtrade's imports": ("t.csv", csv(comtrade(flow="Import")), ReadingOptions()),
    "Comtrade's exports and imports": (
        "t.csv", csv(pd.concat([comtrade(), comtrade(flow="Import")])),
        ReadingOptions(flow="exports")),
    "reporter and partner": (
        "t.csv", csv(TRUTH.rename(columns={"exporter": "Reporter", "importer": "Partner",
                                           "value_usd": "Trade Value (US$)"})),
        ReadingOptions(columns={"exporter": "Reporter"})),
    "Comtrade's names": ("t.csv", csv(sides({})), ReadingOptions()),
    "the World Bank's names": ("t.csv", csv(sides(dict(WORLD_BANK))), ReadingOptions()),
    "ISO2": ("t.csv", csv(sides(dict(ISO2))), ReadingOptions()),
    "numeric codes": ("t.csv", csv(sides(dict(COMTRADE))), ReadingOptions()),
    "M49 codes with zeros": (
        "t.csv", csv(sides({c: f"{n if n != 842 else 840:03}" for c, n in COMTRADE.items()})),
        ReadingOptions()),
    "xlsx": ("t.xlsx", book(TRUTH), ReadingOptions()),
    "xls": ("t.xls", old_book, ReadingOptions()),
    "wide": ("t.csv", csv(wide()), ReadingOptions()),
    "wide in millions in Excel": ("t.xlsx", book(wide(1e6)), USD_MILLION),
    "dates": ("t.csv", csv(TRUTH.assign(year=[f"{y}-12-31" for y in TRUTH["year"]])),
              ReadingOptions()),
    "dates of the first day in Excel": (
        "t.xlsx", book(TRUTH.assign(year=pd.to_datetime(TRUTH["year"].astype("str"), format="%Y"))),
        ReadingOptions()),
    "months": ("t.csv", csv(months()), ReadingOptions()),
    "thousand USD by the header": (
        "t.csv", csv(THOUSANDS.rename(columns={"value_usd": "TradeValue in 1000 USD"})),
        ReadingOptions()),
    "million USD by the header": (
        "t.csv", csv(MILLIONS.rename(columns={"value_usd": "value_musd"})), ReadingOptions()),
    "million USD by the option": ("t.csv", csv(MILLIONS), USD_MILLION),
    "million USD by a column": (
        "t.csv", csv(MILLIONS.rename(columns={"value_usd": "value"}).assign(unit="US$ million")),
        ReadingOptions()),
    "WITS, wide": (
        "t.csv", csv(wide(1e3).assign(Indicator="Export (US$ Thousand)").rename(
            columns={"exporter": "Reporter Name", "importer": "Partner Name"}).assign(
                **{"Trade Flow": "Export"})), ReadingOptions()),
    "wide with cells without a figure": (
        "t.csv", written(wide().assign(**{"2020": ".."}).to_csv(index=False, sep=";", decimal=",")),
        ReadingOptions()),
    "repeated rows": ("t.csv", csv(pd.concat([TRUTH, TRUTH.head(5)])), ReadingOptions()),
    "World rows": ("t.csv", csv(WORLD), ReadingOptions()),
}  # fmt: skip


def panel(path: Path, options: ReadingOptions) -> tuple[TradePanel, ReadTable]:
    return TradePanel.from_table(read_trade(path, options), file=path)


def same(left: TradePanel, right: TradePanel) -> None:
    assert left.flows == right.flows
    np.testing.assert_array_equal(left.years, right.years)
    np.testing.assert_array_equal(left.values, right.values)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_a_table_gives_its_panel(layout, tmp_path):
    name, write, options = LAYOUTS[layout]
    write(tmp_path / name)
    read, table = panel(tmp_path / name, options)
    same(read, TradePanel.from_frame(TRUTH))
    tidy = layout in ("tidy", "Parquet", "Parquet with an index")
    assert bool(table.notes) != tidy, table.notes


@pytest.mark.parametrize("make", [pl.DataFrame, pa.Table.from_pandas, pd.DataFrame])
def test_a_table_in_memory_gives_its_panel(make):
    same(TradePanel.from_frame(make(TRUTH)), TradePanel.from_frame(TRUTH))


def test_categories_and_views_of_polars_are_read():
    frame = pl.DataFrame(TRUTH).with_columns(pl.col("exporter").cast(pl.Categorical))
    same(TradePanel.from_frame(frame), TradePanel.from_frame(TRUTH))


@pytest.mark.parametrize("thing", [TRUTH.to_dict("list"), TRUTH.to_numpy(), "trade.csv"])
def test_what_is_no_table_is_refused_with_what_to_give(thing):
    with pytest.raises(InputError, match=r"is not a table\. Give a pandas, polars or Arrow table"):
        TradePanel.from_frame(thing)


def test_years_without_their_century_are_refused_whatever_their_type():
    short = TRUTH.assign(year=(TRUTH["year"] - 2000).astype("int8"))
    with pytest.raises(InputError, match="15 is not a calendar year"):
        TradePanel.from_frame(short)


def test_what_was_left_out_is_counted(tmp_path):
    pd.concat([WORLD, TRUTH.head(5)]).to_csv(tmp_path / "t.csv", index=False)
    _, table = panel(tmp_path / "t.csv", ReadingOptions())
    assert "7 rows of 'WLD' left out" in table.notes[0]
    assert "5 rows that repeat another left out" in table.notes[1]


def test_an_incomplete_year_is_left_out_by_name(tmp_path):
    months().to_csv(tmp_path / "t.csv", index=False)
    said = " ".join(panel(tmp_path / "t.csv", ReadingOptions())[1].notes)
    assert "months summed to years" in said
    assert "2020 (1 of 12 months)" in said


def test_one_reporters_trade_says_what_it_cannot_tell():
    said = star(TRUTH[TRUTH["exporter"] == "DEU"])
    assert said is not None
    assert "exports of DEU" in said
    assert "imports of USA" in str(star(TRUTH[TRUTH["importer"] == "USA"]))
    assert star(TRUTH) is None


def test_rows_that_differ_are_never_repeats(tmp_path):
    twice = pd.concat([TRUTH, TRUTH.iloc[[3]].assign(value_usd=1.0)])
    twice.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="occurs twice") as caught:
        panel(tmp_path / "t.csv", ReadingOptions())
    assert caught.value.row == len(twice) + 1


def test_products_that_are_not_read_are_never_dropped_as_repeats(tmp_path):
    rows = pd.concat([TRUTH.assign(cmdCode=k) for k in ("01", "02")])
    rows.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=r"--columns sector=cmdCode"):
        panel(tmp_path / "t.csv", ReadingOptions())
    by_sector, _ = panel(tmp_path / "t.csv", ReadingOptions(columns={"sector": "cmdCode"}))
    assert by_sector.flows.sectors == ("01", "02")


# What may be read in two ways ------------------------------------------------------------------


def reported(**columns: object) -> pd.DataFrame:
    names = {"exporter": "reporter", "importer": "partner", "value_usd": "value"}
    return TRUTH.rename(columns=names).assign(**columns)


AMBIGUOUS = {
    "who exports": (reported(), "--flow exports"),
    "exports and imports": (pd.concat([comtrade(), comtrade(flow="Import")]), "--flow exports"),
    "two values": (
        TRUTH.rename(columns={"value_usd": "fobvalue"}).assign(cifvalue=1.0), "--columns value="),
    "euros": (TRUTH.rename(columns={"value_usd": "value_eur"}), "--unit usd"),
    "BACI's v": (
        TRUTH.set_axis(["i", "j", "t", "v"], axis=1).replace(COMTRADE), "--unit thousand"),
    "several units": (
        TRUTH.rename(columns={"value_usd": "value"}).assign(
            unit=["USD", "thousand USD"] * (len(TRUTH) // 2)), "one unit"),
    "no value": (TRUTH.drop(columns="value_usd"), "--columns value=COLUMN"),
}  # fmt: skip


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_may_be_read_in_two_ways_names_what_settles_it(case, tmp_path):
    frame, option = AMBIGUOUS[case]
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as caught:
        read_trade(tmp_path / "t.csv", ReadingOptions())
    assert option in str(caught.value)


def test_a_number_of_two_readings_names_the_option_that_settles_it(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("exporter;importer;year;value_usd\nDEU;FRA;2000;1.234\nFRA;DEU;2000;5.678\n")
    with pytest.raises(InputError, match="--decimal") as caught:
        read_trade(path, ReadingOptions())
    assert caught.value.column == "value_usd"
    for mark, first in ((",", 1234.0), (".", 1.234)):
        table = read_trade(path, ReadingOptions(decimal=mark))
        assert table.frame["value_usd"].tolist()[0] == first


# Codes -----------------------------------------------------------------------------------------


def test_all_unknown_codes_are_named_at_once_with_their_rows(tmp_path):
    bad = TRUTH.replace({"exporter": {"KOR": "EUU", "VNM": "OED"}})
    bad.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as caught:
        read_trade(tmp_path / "t.csv", ReadingOptions())
    assert "'EUU' (25 rows), 'OED' (25 rows)" in caught.value.problem
    assert "ROW" not in caught.value.remedy
    assert caught.value.row == int(np.argmax(bad["exporter"] == "EUU")) + 2


@pytest.mark.parametrize(("name", "near"), [("Untied States", "USA"), ("Germny", "DEU")])
def test_an_unknown_name_is_no_guess_but_an_error_with_the_nearest(name, near, tmp_path):
    sides({"USA": name}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as caught:
        read_trade(tmp_path / "t.csv", ReadingOptions())
    assert name in caught.value.problem
    assert near in caught.value.remedy


def test_codes_of_a_users_own_are_countries_where_they_are_listed(tmp_path):
    path = tmp_path / "t.csv"
    TRUTH.replace({"VNM": "XVN", "TUR": "XKX"}).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"'XVN' is not a country code .*--extra-codes XVN"):
        read_trade(path, ReadingOptions())
    read, _ = panel(path, ReadingOptions(extra_codes=("XVN",)))
    assert {"XVN", "XKX"} <= set(read.flows.countries)


def test_a_simulated_world_is_read_as_it_is(tmp_path):
    path = tmp_path / "t.csv"
    world = {code: f"XA{chr(65 + place)}" for place, code in enumerate(NAMES)}
    TRUTH.replace(world).to_csv(path, index=False)
    read, table = panel(path, ReadingOptions())
    assert read.flows.countries == tuple(world.values())
    assert not table.notes
    # One country that is real, and the others are unknown.
    TRUTH.replace({**world, "USA": "USA"}).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"'XAA' .*'XAB' .* are not country codes"):
        read_trade(path, ReadingOptions())


def test_an_error_after_rows_were_left_out_names_the_row_and_column_of_the_file(tmp_path):
    frame = comtrade()
    frame = pd.concat([frame[frame["partnerISO"] == "W00"], frame[frame["partnerISO"] != "W00"]])
    frame = frame.reset_index(drop=True)
    row = int(np.argmax((frame["partnerISO"] == "USA") & (frame["flowDesc"] == "Export")))
    frame.loc[row, "primaryValue"] = -5.0
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="negative") as caught:
        panel(tmp_path / "t.csv", ReadingOptions())
    assert (caught.value.row, caught.value.column) == (row + 2, "primaryValue")
