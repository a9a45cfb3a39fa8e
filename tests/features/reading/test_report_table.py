"""Tables of reports, delays and monthly trade as people have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.data.flows import FlowIndex
from features.data.report_delays import delays_of
from features.data.report_rows import ReportRows
from features.reading.kinds import table_kind
from features.reading.monthly_table import read_monthly_trade
from features.reading.options import ReadingOptions
from features.reading.report_table import read_delays, read_reports

COUNTRIES = ("BRA", "CHN", "DEU", "FRA", "NAM", "USA")
PLAIN = pd.DataFrame(
    [("DEU", "NAM", "export", 2020, 1500.0), ("DEU", "FRA", "import", 2020, 2500.0)],
    columns=["reporter", "partner", "flow", "year", "value_usd"],
)
TIDY = ["reporter", "partner", "flow", "year", "value_usd"]


def written(frame: pd.DataFrame, path: Path, **options: object) -> Path:
    frame.to_csv(path, index=False, **options)
    return path


def tidy(path: Path) -> pd.DataFrame:
    frame = read_reports(path, ReadingOptions()).frame
    return frame.astype({"reporter": "str", "partner": "str", "flow": "str"})


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx", "tsv"])
def test_every_kind_of_file_reads_the_same(ending, tmp_path):
    path = tmp_path / f"reports.{ending}"
    if ending == "parquet":
        PLAIN.to_parquet(path)
    elif ending == "xlsx":
        PLAIN.to_excel(path, index=False)
    else:
        written(PLAIN, path, sep="\t" if ending == "tsv" else ";")
    found = tidy(path)
    assert found[TIDY].to_numpy().tolist() == PLAIN.to_numpy().tolist()
    assert table_kind(path) == "reports"


@pytest.mark.parametrize(
    ("reporter", "partners"),
    [("Germany", ("Namibia", "France")), ("DE", ("NA", "FR")), (276, (516, 251))],
)
def test_countries_may_be_named_in_any_way(reporter, partners, tmp_path):
    path = written(PLAIN.assign(reporter=reporter, partner=partners), tmp_path / "reports.csv")
    assert tidy(path)[["reporter", "partner"]].to_numpy().tolist() == [
        ["DEU", "NAM"],
        ["DEU", "FRA"],
    ]


def test_a_table_of_comtrade(tmp_path):
    """Its own column names, the world among the partners, a year as month 52 beside months."""
    rows = [
        ("DEU", "W00", "X", 2020, 52, 9e9), ("DEU", "NAM", "X", 2020, 52, 1500.0),
        ("DEU", "NAM", "X", 2021, 3, 400.0), ("DEU", "FRA", "M", 2021, 12, 7.0),
    ]  # fmt: skip
    columns = ["reporterISO", "partnerISO", "flowCode", "refYear", "refMonth", "primaryValue"]
    path = written(pd.DataFrame(rows, columns=columns), tmp_path / "comtrade.csv")
    table = read_reports(path, ReadingOptions())
    assert table.frame["flow"].tolist() == ["export", "export", "import"]
    np.testing.assert_array_equal(table.frame["month"], [np.nan, 3, 12])
    assert table.frame["value_usd"].tolist() == [1500.0, 400.0, 7.0]
    assert "1 row of the world" in table.statements[0]
    # Its check names the row and column of the file.
    with table.placed():
        rows_read = ReportRows.of_frame(table.frame, flows=FlowIndex(COUNTRIES), file=path)
    assert rows_read.frame["month"].tolist() == [0, 3, 12]


def test_months_in_the_column_of_years_and_a_unit_in_the_header(tmp_path):
    frame = PLAIN.rename(columns={"year": "period", "value_usd": "value (thousand USD)"})
    frame["period"] = ["2021-03", "2021-04"]
    frame["Release date"] = ["2021-06-01", ""]
    frame["Valuation"] = [" FOB", "cif"]
    found = read_reports(written(frame, tmp_path / "reports.csv"), ReadingOptions()).frame
    assert found[["year", "month"]].to_numpy().tolist() == [[2021, 3], [2021, 4]]
    assert found["value_usd"].tolist() == [1.5e6, 2.5e6]
    assert found["published"].tolist() == ["2021-06-01", ""]
    assert found["valuation"].tolist() == ["fob", "cif"]


@pytest.mark.parametrize(
    ("change", "column", "row", "says"),
    [
        ({"flow": ["export", "transit"]}, "flow", 3, "'transit' is not one of export, import"),
        ({"year": ["2020", "soon"]}, "year", 3, "'soon' is not"),
        ({"partner": ["NAM", "Atlantis"]}, "partner", 3, "Atlantis"),
        ({"value_usd": ["1", "many"]}, "value_usd", 3, "'many' is not a finite number"),
    ],
)
def test_a_wrong_cell_is_named(change, column, row, says, tmp_path, refused):
    path = written(PLAIN.assign(**change), tmp_path / "reports.csv")

    def read() -> None:
        table = read_reports(path, ReadingOptions())
        with table.placed():
            ReportRows.of_frame(table.frame, flows=FlowIndex(COUNTRIES), file=path)

    refused(read, file=path, column=column, row=row, says=says)


def test_trade_by_exporter_and_importer_is_no_report(tmp_path, refused):
    frame = PLAIN.rename(columns={"reporter": "exporter", "partner": "importer"})
    path = written(frame, tmp_path / "trade.csv")
    error = refused(lambda: read_reports(path, ReadingOptions()), file=path, column="reporter",
                    says="the column is missing")  # fmt: skip
    assert "does not say who declares it" in error.remedy
    assert table_kind(path) == "trade"


# Delays -------------------------------------------------------------------------------------------


def test_delays_are_read_by_any_name_and_refused_where_wrong(tmp_path, refused):
    path = tmp_path / "delays.csv"
    path.write_text("Country;Months\nGermany;2\nNamibia;14\n")
    table = read_delays(path, ReadingOptions())
    assert delays_of(table.frame, file=path) == {"DEU": 2, "NAM": 14}
    path.write_text("reporter,months\nDEU,2\nNAM,1.5\n")
    assert table_kind(path) == "report delays"
    refused(lambda: delays_of(read_delays(path, ReadingOptions()).frame, file=path), file=path,
            column="months", row=3, says="1.5 is not a whole number from 0 to 240")  # fmt: skip
    path.write_text("reporter,months\nDEU,2\nGermany,3\n")
    refused(lambda: delays_of(read_delays(path, ReadingOptions()).frame, file=path), file=path,
            column="reporter", row=3, says="occurs twice")  # fmt: skip


# Monthly trade ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "months",
    [("2024-05", "2024-12"), ("2024M05", "2024M12"), ("202405", "202412"), ("2024/5", "2024/12")],
)
def test_months_may_be_written_in_any_way(months, tmp_path):
    frame = pd.DataFrame({"Region": ["World", "China"], "direction": ["World trade", "Exports"],
                          "month": months, "value": [100.5, 99]})  # fmt: skip
    found = read_monthly_trade(written(frame, tmp_path / "m.csv"), ReadingOptions()).frame
    assert found["month"].tolist() == ["2024-05", "2024-12"]
    assert found["region"].tolist() == ["world", "china"]
    assert found["flow"].tolist() == ["trade", "export"]


def test_series_of_the_monitor_are_values_of_regions(tmp_path):
    """Volume times price; a group of regions, production and freight rates are left out."""
    series = {"tgz_w1_qnmi_sn": 110.0, "tgz_w1_pdmi_sn": 90.0, "xgz_cn_qnmi_sn": 120.0,
              "xgz_cn_pdmi_sn": 100.0, "mgz_jp_qnmi_sn": 5.0, "mgz_i1_qnmi_sn": 1.0,
              "mgz_i1_pdmi_sn": 1.0, "ipz_w1_qnmi_sm": 1.0, "hfl_w1_pdmi_nn": 1.0}  # fmt: skip
    rows = [(name, month, value) for month in ("2024-01", "2024-02") for name, value in
            series.items()][:-1]  # fmt: skip
    path = written(pd.DataFrame(rows, columns=["series", "month", "value"]), tmp_path / "wtm.csv")
    assert table_kind(path) == "monthly trade"
    found = read_monthly_trade(path, ReadingOptions()).frame
    assert found.to_numpy().tolist() == [
        ["china", "export", "2024-01", 12_000.0],
        ["china", "export", "2024-02", 12_000.0],
        ["world", "trade", "2024-01", 9_900.0],
        ["world", "trade", "2024-02", 9_900.0],
    ]


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("region,flow,month,value\nworld,trade,2024,1\n", "month", "years, not months"),
        ("region,flow,value\nworld,trade,1\n", "month", "missing"),
        ("series,month,value\ntgz_w1_qnmi_sn,2024-01,1\n", None, "no series has a volume and"),
    ],
)
def test_tables_without_months_or_prices_are_refused(text, column, says, tmp_path, refused):
    path = tmp_path / "monthly.csv"
    path.write_text(text)
    refused(lambda: read_monthly_trade(path, ReadingOptions()), file=path, column=column, says=says)
