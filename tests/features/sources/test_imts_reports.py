"""IMTS as reports: both flows by year or month, and no figure that the IMF estimated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_sources.imf_api import FLOW, HEADER, FakeSdmx, Trade
from fake_sources.server import Server

from features.data.flows import FlowIndex
from features.data.reports import Reports
from features.errors import InputError, SourceError
from features.sources.imts import Imts
from features.store.dataset import Dataset

Serve = Callable[..., Server]
Get = Callable[..., Dataset]
NAMES = ("BRA", "CHN", "DEU", "FRA", "IND", "NAM", "USA")
SCALE = {"XG_FOB_USD": 1e6, "MG_CIF_USD": 1.1e6}


def rows(*periods: str) -> list[Trade]:
    """Both flows of all with all, and with the world, by year or month."""
    return [
        (who, indicator, other, "M" if "-M" in period else "A", period, str(scale * (i + 1)))
        for indicator, scale in SCALE.items()
        for who in NAMES
        for i, other in enumerate((*NAMES, "G001"))
        for period in periods
        if who != other
    ]


def months(year: int, until: int) -> list[str]:
    return [f"{year}-M{month:02d}" for month in range(1, until + 1)]


def reports_of(made: Dataset) -> Reports:
    return Reports.from_frame(made.read(), flows=FlowIndex(NAMES), delays={}, file=made.key)


def test_both_flows_are_one_table(get: Get, serve: Serve) -> None:
    server = serve(FakeSdmx(rows("2022", "2023")))
    made = get(Imts(flow="both", years=(2022, 2023)), server)
    assert (made.key, made.kind) == ("imts:20261125:both:annual:all:2022-2023", "reports")
    paths = [request.path for request in server.requests]
    assert paths == [f"{FLOW}/+/*.{name}.*.A" for name in SCALE]
    table = made.read()
    assert len(table) == 2 * 2 * 42
    here = table[(table.reporter == "DEU") & (table.partner == "USA") & (table.year == 2023)]
    assert here.set_index("flow").value_usd.to_dict() == {"export": 7e6, "import": 7.7e6}
    assert here.set_index("flow").valuation.to_dict() == {"export": "fob", "import": "cif"}
    reports = reports_of(made)
    assert (reports.months["exporter"] == 12).all()
    assert any("168 rows of years made of reported and perhaps" in s for s in made.statements)


def test_what_the_imf_estimated_is_dropped_and_counted(get: Get, serve: Serve) -> None:
    derivation = {"NAM": "SE, staff estimates", "FRA 2023": "TPD", "USA": "O", "IND": ""}
    made = get(Imts(flow="both", years=(2022, 2023)),
               serve(FakeSdmx(rows("2022", "2023"), derivation=derivation)))  # fmt: skip
    table = made.read()
    there = table.groupby("reporter", observed=True).year.unique().map(sorted).to_dict()
    assert there == {name: [2022] if name == "FRA" else [2022, 2023]
                     for name in NAMES if name != "NAM"}  # fmt: skip
    # Those of the estimated reporter with its six partners, and a year of another's.
    assert any(s.startswith("36 rows estimated by the IMF") for s in made.statements)
    assert "24 rows that do not say who made them kept" in made.statements
    reports = reports_of(made)
    row = reports.months["exporter"][1]
    assert dict(zip(NAMES, row > 0, strict=True)) == {n: n not in ("NAM", "FRA") for n in NAMES}


def test_months_are_kept_and_an_incomplete_year_is_growth(get: Get, serve: Serve) -> None:
    fake = FakeSdmx(rows(*months(2022, 12), *months(2023, 4), "2022"))
    server = serve(fake)
    made = get(Imts(flow="both", frequency="monthly", years=(2022, 2023)), server)
    assert made.key == "imts:20261125:both:monthly:all:2022-2023"
    assert all(request.path.endswith(".*.M") for request in server.requests)
    table = made.read()
    assert table.month.min() == 1
    reports = reports_of(made)
    assert reports.months["importer"].tolist() == [[12] * 7, [4] * 7]
    assert reports.values["exporter"][1] == pytest.approx(reports.values["exporter"][0])


def test_a_table_that_does_not_say_what_is_estimated_is_no_report(
    get: Get, serve: Serve, tmp_path: Path
) -> None:
    bare = HEADER.replace(",DERIVATION_TYPE", "")
    line = "dataflow,IMF.STA:IMTS(1.0.0),R,DEU,XG_FOB_USD,USA,A,2022,5,6,,,XG,FOB,USD,OL,"
    (tmp_path / "mine.csv").write_text(f"{bare}\n{line}\n")
    with pytest.raises(SourceError, match="does not say which figures the IMF estimated"):
        get(Imts(flow="both"), serve(FakeSdmx([])), given=tmp_path)
    assert get(Imts(), serve(FakeSdmx([])), given=tmp_path).rows == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"frequency": "monthly"}, "unknown --frequency 'monthly'"),
        ({"flow": "both", "frequency": "weekly"}, "Choose --frequency annual, monthly"),
    ],
)
def test_months_are_of_both_flows(options, says) -> None:
    with pytest.raises(InputError, match=says):
        Imts(**options)


def test_a_period_that_is_no_month_is_named(get: Get, serve: Serve) -> None:
    fake = FakeSdmx([("DEU", name, "USA", "M", "2022-Q1", "5") for name in SCALE])
    with pytest.raises(SourceError, match="'2022-Q1' is not a month"):
        get(Imts(flow="both", frequency="monthly"), serve(fake))
