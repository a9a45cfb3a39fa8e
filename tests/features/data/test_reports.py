"""Reports: zeros only where filed, months as growth, and nothing before its publication."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.active_flows import active_panel
from features.data.flows import FlowIndex
from features.data.report_delays import LATE_MONTHS, usual_delays
from features.data.report_years import FEWEST_PARTNERS, NEVER
from features.data.reports import REPORTERS, Reports, with_assumed_revisions
from features.information import DataBundle, InformationSet

FLOWS = FlowIndex(("BRA", "CHN", "DEU", "FRA", "IND", "NAM", "USA", "ZAF"))
OTHERS = ("ARG", "TON", "VUT")
EVERYONE = (*FLOWS.countries, *OTHERS)
DELAYS = {"DEU": 6, "USA": 2}
quick = hypothesis_settings(max_examples=6, deadline=None)


def year_of(reporter: str, year: int, value: float = 1e6, **more: Any) -> list[dict[str, Any]]:
    """A row for each of the reporter's partners, of one flow and year or month."""
    partners = more.pop("partners", [name for name in EVERYONE if name != reporter])
    return [
        {"reporter": reporter, "partner": partner, "flow": more.get("flow", "export"),
         "year": year, "value_usd": value * (1 + EVERYONE.index(partner)), **more}
        for partner in partners
    ]  # fmt: skip


def months_of(reporter: str, year: int, months: range, value: float = 1e5) -> list[dict[str, Any]]:
    return [row for m in months for row in year_of(reporter, year, value * m, month=m)]


def made(*parts: list[dict[str, Any]], **options: Any) -> Reports:
    frame = pd.DataFrame([row for part in parts for row in part])
    return Reports.from_frame(frame, **{"flows": FLOWS, "delays": DELAYS, **options})


def declared(reports: Reports, reporter: str, year: int, side: str = "exporter") -> np.ndarray:
    ends = FLOWS.exporter if side == "exporter" else FLOWS.importer
    of = ends == FLOWS.countries.index(reporter)
    return reports.values[side][year - int(reports.years[0]), of]


def day_of(reports: Reports, reporter: str, year: int, side: str = "exporter") -> np.datetime64:
    row = year - int(reports.years[0])
    return reports.published[side][row, FLOWS.countries.index(reporter)]


@st.composite
def tables(draw) -> pd.DataFrame:
    """Any reporters, partners and years; in some of them a reporter names few partners, or none."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = []
    for reporter in EVERYONE[: draw(st.integers(2, len(EVERYONE)))]:
        for flow in ("export", "import"):
            for year in range(2000, 2004):
                partners = [name for name in EVERYONE if name != reporter and rng.random() < 0.6]
                values = rng.lognormal(12, 2, len(partners)) * (rng.random(len(partners)) < 0.8)
                rows += [
                    (reporter, partner, flow, year, value)
                    for partner, value in zip(partners, values, strict=True)
                ]
    columns = ["reporter", "partner", "flow", "year", "value_usd"]
    rows += [("DEU", name, "export", 2000, 1.0) for name in EVERYONE if name != "DEU"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates(columns[:4], keep="last")


@quick
@given(tables())
def test_what_is_declared_stands_and_a_zero_only_where_the_reporter_has_filed(frame):
    reports = Reports.from_frame(frame, flows=FLOWS, delays=DELAYS)
    cells = {tuple(row[:4]): row[4] for row in frame.itertuples(index=False)}
    traded = frame[frame["value_usd"] > 0].groupby(["reporter", "flow", "year"]).size()
    for side, word in (("importer", "import"), ("exporter", "export")):
        for row, year in enumerate(reports.years):
            for flow, value in enumerate(reports.values[side][row]):
                exporter, importer = FLOWS.exporter[flow], FLOWS.importer[flow]
                ends = (importer, exporter) if word == "import" else (exporter, importer)
                who, other = (FLOWS.countries[end] for end in ends)
                filed = traded.get((who, word, year), 0) >= FEWEST_PARTNERS
                expected = cells.get((who, other, word, year), 0.0) if filed else np.nan
                np.testing.assert_allclose(value, np.float32(expected))
                assert filed == (day_of(reports, who, int(year), side) < NEVER)


@quick
@given(tables(), st.dates(date(2001, 1, 1), date(2007, 1, 1)))
def test_a_later_day_shows_at_least_as_much(frame, as_of):
    reports = Reports.from_frame(frame, flows=FLOWS, delays=DELAYS)
    early, late = (reports.seen(day, origin=2000) for day in (as_of, date(2007, 2, 1)))
    for side in REPORTERS:
        known = ~np.isnan(early.values[side])
        np.testing.assert_array_equal(early.values[side][known], late.values[side][known])
        assert ((early.months[side] == 0) | (early.months[side] == late.months[side])).all()
        whole = np.isnan(late.values[side]) == np.isnan(reports.values[side])
        assert whole.all()


# Publication --------------------------------------------------------------------------------------


def test_a_stated_day_goes_before_the_usual_delay_and_the_unknown_are_late():
    dated = year_of("DEU", 2010, published="2011-03-15")
    dated[0]["published"] = "2011-05-20"
    undated = year_of("USA", 2010, published="2011-01-01")
    undated[0]["published"] = ""
    reports = made(dated, undated, year_of("FRA", 2010), year_of("DEU", 2011))
    # The year is complete with its last row, which may have only the usual delay.
    assert day_of(reports, "DEU", 2010) == np.datetime64("2011-05-20")
    assert day_of(reports, "USA", 2010) == np.datetime64("2011-03-01")
    assert day_of(reports, "DEU", 2011) == np.datetime64("2012-07-01")
    late = np.datetime64("2011-01", "M") + LATE_MONTHS
    assert day_of(reports, "FRA", 2010) == late.astype("datetime64[D]")
    assert day_of(reports, "NAM", 2010) == NEVER
    assert any("1 on a stated day, 2 with" in line for line in reports.statements)


@pytest.mark.parametrize(
    ("reporter", "day"), [("USA", date(2011, 3, 1)), ("FRA", date(2012, 7, 1))]
)
def test_a_report_is_seen_from_its_day_on(reporter, day):
    reports = made(year_of("USA", 2010), year_of("FRA", 2010), year_of("DEU", 2010))
    of = FLOWS.exporter == FLOWS.countries.index(reporter)
    before = reports.seen(day - timedelta(days=1), origin=2009)
    assert np.isnan(before.at("exporter", 2010)[of]).all()
    assert before.months["exporter"][0, FLOWS.countries.index(reporter)] == 0
    on = reports.seen(day, origin=2009)
    np.testing.assert_array_equal(on.at("exporter", 2010)[of], declared(reports, reporter, 2010))


def test_the_shipped_table_names_the_early_reporters_only():
    delays = usual_delays()
    assert len(delays) == 56
    assert set(delays.values()) == {6}
    assert "CHN" in delays
    assert "NAM" not in delays
    with pytest.raises(TypeError):
        delays["NAM"] = 1


def test_first_figures_differ_from_revised_ones_after_the_origin_only():
    given = made(year_of("DEU", 2010), year_of("DEU", 2011))
    reports = with_assumed_revisions(given, scale=1, seed=3, until=2011)
    assert (reports.first["exporter"][1] != given.values["exporter"][1]).any()
    seen = reports.seen(date(2014, 1, 1), origin=2010)
    rows = [reports.values["exporter"][0], reports.first["exporter"][1]]
    np.testing.assert_array_equal(seen.values["exporter"], np.stack(rows))
    assert seen.at("exporter", 2011) == pytest.approx(rows[1], nan_ok=True)
    assert np.isnan(seen.at("exporter", 2013)).all()
    # Nothing reconciled is known of years after the last: what is at hand is the first figure.
    last = with_assumed_revisions(given, scale=1, seed=3, until=2010).first["exporter"]
    np.testing.assert_array_equal(last[1], given.values["exporter"][1])


# Months -------------------------------------------------------------------------------------------


def test_twelve_months_make_a_year_and_a_row_of_the_year_goes_before_them():
    months = months_of("DEU", 2010, range(1, 13))
    reports = made(months)
    place = [EVERYONE.index(name) for name in FLOWS.countries if name != "DEU"]
    whole = 78 * 1e5 * (1 + np.array(place))
    np.testing.assert_allclose(declared(reports, "DEU", 2010), whole, rtol=1e-6)
    assert (reports.months["exporter"] == 12).sum() == 1
    both = made(months, year_of("DEU", 2010, 7.0, month=np.nan))
    np.testing.assert_allclose(declared(both, "DEU", 2010), 7.0 * (1 + np.array(place)))


@pytest.mark.parametrize("annual", [True, False])
def test_months_so_far_are_growth_over_the_same_months(annual):
    before = months_of("DEU", 2010, range(1, 13))
    if annual:
        # It holds what the months leave out: twice their sum.
        before += year_of("DEU", 2010, 2 * 78e5, month=np.nan)
    reports = made(before, months_of("DEU", 2011, range(1, 5), 1.5e5))
    np.testing.assert_allclose(
        declared(reports, "DEU", 2011), 1.5 * declared(reports, "DEU", 2010), rtol=1e-6
    )
    assert reports.months["exporter"].max(axis=1).tolist() == [12, 4]
    assert day_of(reports, "DEU", 2011) == np.datetime64("2011-11-01")
    assert any("incomplete" in line for line in reports.statements)


def test_what_is_out_says_on_how_many_months_it_stands():
    reports = made(months_of("DEU", 2010, range(1, 13)), months_of("DEU", 2011, range(1, 5)))
    german = FLOWS.exporter == FLOWS.countries.index("DEU")
    for day, year, months in (
        (date(2011, 11, 1), 2011, 4),
        (date(2011, 10, 31), 2011, 12),
        (date(2011, 11, 1), 2010, 12),
        (date(2011, 11, 1), 2013, 12),
    ):
        found = reports.seen(day, origin=2010).months_at("exporter", year, FLOWS)
        np.testing.assert_array_equal(found, np.where(german, months, 12))


def test_partners_that_the_months_do_not_compare():
    """New ones take the reporter's ratio of year to months; of silent ones nothing is known."""
    before = months_of("DEU", 2010, range(1, 13))
    now = months_of("DEU", 2011, range(1, 5))
    for row in before:
        row["value_usd"] *= not (row["partner"] == "CHN" or (row["partner"] == "BRA" and
                                 row["month"] < 5))  # fmt: skip
    now = [row for row in now if row["partner"] not in ("BRA", "USA")]
    reports = made(before, now)
    found = dict(zip([n for n in FLOWS.countries if n != "DEU"], declared(reports, "DEU", 2011),
                     strict=True))  # fmt: skip
    assert found["FRA"] == pytest.approx(78e5 * (1 + EVERYONE.index("FRA")))
    assert np.isnan(found["BRA"])
    assert found["USA"] == 0
    others = sum(1 + EVERYONE.index(name) for name in EVERYONE if name not in ("DEU", "CHN", "BRA"))
    ratio = (78 * others + (78 - 10)) / (10 * others)
    assert found["CHN"] == pytest.approx(10e5 * 2 * ratio, rel=1e-5)


def test_months_without_the_same_months_before_are_not_filed():
    reports = made(
        months_of("DEU", 2010, range(2, 13)), months_of("DEU", 2011, range(1, 5)),
        months_of("USA", 2010, range(1, 13)), year_of("FRA", 2010, month=np.nan),
        months_of("FRA", 2011, range(1, 3)),
    )  # fmt: skip
    # Of 2010 a month is missing; of FRA's 2010 no month is known.
    for reporter, year in (("DEU", 2010), ("DEU", 2011), ("FRA", 2011)):
        assert np.isnan(declared(reports, reporter, year)).all()
        assert day_of(reports, reporter, year) == NEVER
    assert any(line.startswith("3 reporters' years not used") for line in reports.statements)


def test_growth_is_not_out_before_the_year_it_stands_on():
    before = year_of("DEU", 2010, 2e7, month=np.nan, published="2011-12-24")
    early = [row | {"published": "2011-02-01"} for row in months_of("DEU", 2010, range(1, 13))]
    now = [row | {"published": "2011-06-20"} for row in months_of("DEU", 2011, range(1, 5))]
    assert day_of(made(before, early, now), "DEU", 2011) == np.datetime64("2011-12-24")
    assert day_of(made(early, now), "DEU", 2011) == np.datetime64("2011-06-20")


# Sectors and sales at home ------------------------------------------------------------------------


def test_a_reporter_files_each_sector_or_does_not():
    """It may name few partners in one of them, but some; of other sectors nothing is known."""
    flows = FlowIndex(FLOWS.countries, ("cars", "rice", "tours"), diagonal=True)
    few = {"partners": ("CHN", "TON")}
    reports = made(
        year_of("DEU", 2010, sector="cars"), year_of("DEU", 2010, 5.0, sector="rice", **few),
        year_of("DEU", 2010, sector="ships"), year_of("FRA", 2010, sector="tours", **few),
        flows=flows,
    )  # fmt: skip
    values = reports.values["exporter"][0]
    of = {name: (flows.exporter == 2) & (flows.sector == place) & ~flows.domestic
          for place, name in enumerate(flows.sectors)}  # fmt: skip
    places = [EVERYONE.index(name) for name in FLOWS.countries if name != "DEU"]
    np.testing.assert_allclose(values[of["cars"]], 1e6 * (1 + np.array(places)))
    assert values[of["rice"]].tolist() == [0, 5.0 * (1 + EVERYONE.index("CHN")), *[0] * 5]
    other = ~of["cars"] & ~of["rice"]
    assert np.isnan(values[other]).all()
    assert np.isnan(reports.values["importer"]).all()
    filed = reports.published["exporter"][0] < NEVER
    assert np.flatnonzero(filed).tolist() == [2 * 3, 2 * 3 + 1]
    said = "\n".join(reports.statements)
    assert "1 reporters have filed 1 years" in said
    assert "10 rows of sectors outside the trade panel not used" in said
    assert "1 years of reporters' sectors not used" in said


@pytest.mark.parametrize("diagonal", [False, True])
def test_one_sector_is_the_same_as_none(diagonal):
    rows = [*year_of("DEU", 2010), *months_of("USA", 2010, range(1, 13)),
            *months_of("USA", 2011, range(1, 4), 2e5)]  # fmt: skip
    plain = made(rows, flows=FlowIndex(FLOWS.countries, diagonal=diagonal))
    named = made([row | {"sector": "a"} for row in rows],
                 flows=FlowIndex(FLOWS.countries, ("a",), diagonal=diagonal))  # fmt: skip
    for side in REPORTERS:
        np.testing.assert_array_equal(plain.values[side], named.values[side])
        np.testing.assert_array_equal(plain.published[side], named.published[side])
        np.testing.assert_array_equal(plain.months[side], named.months[side])


# The rest of the world, and universes of an origin's own ------------------------------------------


def test_partners_that_the_panel_holds_together_are_added_up():
    """And where nobody says who they are, nothing is declared of them: not zero."""
    flows = FlowIndex(("CHN", "DEU", "FRA", "IND", "ROW", "USA"))
    rest = ("BRA", "NAM", "ZAF")
    rows = [year_of("DEU", 2010), year_of("NAM", 2010), year_of("FRA", 2010, flow="import")]
    summed = made(*rows, flows=flows, rest=rest)
    value = 1e6 * sum(1 + EVERYONE.index(name) for name in rest)
    for side, other, reporter in (
        (summed.values["exporter"][0], flows.importer, flows.exporter == 1),
        (summed.values["importer"][0], flows.exporter, flows.importer == 2),
    ):
        assert side[reporter & (other == 4)] == pytest.approx([value])
        assert not np.isnan(side[reporter]).any()
    assert np.isnan(summed.values["exporter"][0, flows.exporter == 4]).all()
    unknown = made(*rows, flows=flows).values["exporter"][0, flows.exporter == 1]
    assert np.isnan(unknown).tolist() == [False, False, False, True, False]


def test_reports_are_of_the_flows_of_each_origins_universe(bundle):
    panel = active_panel(bundle.panel)
    frame = pd.DataFrame([row for year in (2003, 2004) for name in FLOWS.countries
                          for row in year_of(name, year)])  # fmt: skip
    dense, active = (
        Reports.from_frame(frame, flows=of.flows, delays=DELAYS) for of in (bundle.panel, panel)
    )
    assert active.values["exporter"].shape[1] == panel.flows.size < FLOWS.size
    for year in (2001, 2003):
        as_of = date(year + 2, 7, 1)
        info = InformationSet(DataBundle(panel, reports=active), as_of=as_of)
        place = FLOWS.position(info.flows.exporter, info.flows.importer, info.flows.sector)
        expected = dense.seen(as_of, origin=info.origin)
        for side in REPORTERS:
            found = info.reports.values[side]
            assert found.shape == (2, info.flows.size)
            np.testing.assert_array_equal(found, expected.values[side][:, place])


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "column", "says"),
    [
        ({"published": "2010-12-31"}, "published", "before the end of what it declares"),
        ({"published": "soon"}, "published", "'soon' is not a date"),
        ({"month": 13}, "month", "is not a month"),
        ({"month": 1.5}, "month", "1.5 is not a month"),
        ({"flow": "transit"}, "flow", "'transit' is not one of export, import"),
        ({"value_usd": -1.0}, "value_usd", "is not a number from 0"),
        ({"valuation": "exw"}, "valuation", "'exw' is not one of fob, cif"),
    ],
)
def test_a_wrong_cell_is_named(change, column, says, refused):
    blank = {"published": "", "month": np.nan, "valuation": "fob"}
    rows = [row | {key: blank[key] for key in change if key in blank} for row in
            year_of("DEU", 2010)]  # fmt: skip
    rows[3] |= change
    refused(lambda: made(rows), file="reports", column=column, row=5, says=says)


def test_a_reporters_year_has_one_valuation_and_reporters_may_differ(refused):
    fob, cif = ({"flow": "import", "valuation": price} for price in ("fob", "cif"))
    made(year_of("DEU", 2010, **cif), year_of("FRA", 2010, **fob), year_of("DEU", 2011, **fob))
    both = [*year_of("DEU", 2010, **cif), *year_of("DEU", 2010, **fob)]
    refused(lambda: made(both), file="reports", column="valuation", row=12,
            says="imports of DEU in 2010 are both FOB and CIF")  # fmt: skip


def test_a_row_that_is_there_twice_is_named(refused):
    twice = [*year_of("DEU", 2010), year_of("DEU", 2010)[4]]
    refused(lambda: made(twice), file="reports", row=12, says="DEU NAM export 2010 occurs twice")
    months = [*months_of("DEU", 2010, range(1, 3)), months_of("DEU", 2010, range(1, 2))[0]]
    refused(lambda: made(months), file="reports", row=22, says="occurs twice")


@pytest.mark.parametrize(
    "rows",
    [year_of("TON", 2010), year_of("DEU", 2010, partners=EVERYONE[:2])],
    ids=["outside", "too few partners"],
)
def test_reports_of_no_country_of_the_panel_are_refused(rows, refused):
    refused(lambda: made(rows), file="reports", says="no country of the trade panel has filed")


@pytest.mark.parametrize(
    ("sectors", "more", "says"),
    [
        (("a", "b"), {}, "the trade has sectors and the reports do not"),
        (("",), {"sector": "a"}, "the reports have sectors and the trade does not"),
        (("a", "b"), {"sector": "c"}, "no sector of the reports is one of the trade"),
    ],
)
def test_reports_and_trade_have_the_same_sectors(sectors, more, says, refused):
    flows = FlowIndex(FLOWS.countries, sectors)
    refused(
        lambda: made(year_of("DEU", 2010, **more), flows=flows),
        file="reports", column="sector", says=says,
    )  # fmt: skip


# No leak ------------------------------------------------------------------------------------------


@quick
@given(tables(), st.dates(date(2003, 1, 1), date(2006, 12, 31)), st.integers(0, 2**32 - 1))
def test_nonsense_in_what_was_not_out_changes_nothing_that_a_builder_sees(
    bundle, frame, as_of, seed
):
    rng = np.random.default_rng(seed)
    # A month of the last year makes some reporters' years incomplete.
    january = frame[frame["year"] == 2003].assign(month=1.0)
    months = pd.concat([january.assign(year=2002), january], ignore_index=True)
    whole = frame[frame["year"] < 2003].assign(month=np.nan)
    frame = pd.concat([whole, months], ignore_index=True)
    honest = Reports.from_frame(frame, flows=FLOWS, delays=DELAYS)
    day = np.datetime64(as_of, "D")
    late = np.zeros(len(frame), dtype=bool)
    for side, word in (("importer", "import"), ("exporter", "export")):
        for row, year in enumerate(honest.years):
            for place, name in enumerate(FLOWS.countries):
                if honest.published[side][row, place] > day:
                    late |= ((frame["reporter"] == name) & (frame["flow"] == word)
                             & (frame["year"] == year)).to_numpy()  # fmt: skip
    noise = np.where(late, rng.lognormal(0, 4, len(frame)), 1.0)
    nonsense = frame.assign(value_usd=frame["value_usd"] * noise)
    nonsense = nonsense[~late | (rng.random(len(frame)) < 0.8)]
    seen = [
        InformationSet(
            DataBundle(bundle.panel, reports=Reports.from_frame(table, flows=FLOWS, delays=DELAYS)),
            as_of=as_of,
        ).reports
        for table in (frame, nonsense)
    ]
    for side in REPORTERS:
        np.testing.assert_array_equal(seen[0].values[side], seen[1].values[side])
        np.testing.assert_array_equal(seen[0].months[side], seen[1].months[side])
