"""Briefs: parts that sum up, honest words, and text, Markdown and CSV that hold the same."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from features.catalogue import NAMES
from forecasting import read_run
from forecasting.briefs.blocs import blocs_brief
from forecasting.briefs.country import country_brief
from forecasting.briefs.flow import flow_brief
from forecasting.briefs.totals import basis_of_total, effective_partners
from forecasting.briefs.world import world_brief
from forecasting.briefs.write import brief_text
from forecasting.words.numbers import DASH, MINUS, listed, points
from forecasting.words.tables import cell, column_label

CAUSAL = re.compile(
    r"\b(driv\w+|drove|because|due to|owing to|thanks to|leads? to|led to|results? (in|from)|"
    r"caus\w+|effects?|affect\w*|impact\w*|influenc\w+|explained by|responsible for|boost\w*)\b",
    re.IGNORECASE,
)
FLOW = ("DEU", "CHN")


@pytest.fixture(scope="module")
def run_read(finished_run):
    return read_run(finished_run)


@pytest.fixture(scope="module")
def briefs(run_read):
    return {
        "flow": flow_brief(run_read, FLOW, year=2012),
        "silent flow": flow_brief(run_read, silent_flow(run_read)),
        "country": country_brief(run_read, "Germany"),
        "blocs": blocs_brief(run_read, ["DEU", "FRA"], ["ALL"]),
        "world": world_brief(run_read, 2012),
    }


def silent_flow(run) -> tuple[str, str]:
    """A flow without trade at the origin."""
    row = run.forecasts[run.forecasts["base"] <= 0].iloc[0]
    return str(row["exporter"]), str(row["importer"])


def with_cells(run, flow, **cells):
    """The run with other forecasts of a flow; where it stops, without its attributions."""
    mine = (run.forecasts["exporter"] == flow[0]) & (run.forecasts["importer"] == flow[1])
    forecasts = run.forecasts.assign(
        **{n: run.forecasts[n].mask(mine, v) for n, v in cells.items()}
    )
    rows = run.attributions
    if cells.get("forecast") == 0:
        rows = rows[(rows["exporter"] != flow[0]) | (rows["importer"] != flow[1])]
    return replace(run, forecasts=forecasts, attributions=rows)


def sentences(brief) -> list[str]:
    return [brief.title, *brief.summary, *(p for s in brief.sections for p in s.paragraphs)]


# Parts sum up -----------------------------------------------------------------------------------


def test_parts_of_a_flow_sum_to_its_change_in_usd_and_percent(briefs, run_read):
    brief = briefs["flow"]
    rows = run_read.forecasts
    flow = rows[(rows["exporter"] == "DEU") & (rows["importer"] == "CHN")].set_index("target_year")
    start, base, end = flow.loc[2012, ["value_origin", "base", "forecast"]].astype(float)
    by_step = brief.tables["parts"].frame.groupby("step", sort=False)[["part_usd", "part_percent"]]
    sums = by_step.sum().to_numpy()
    assert_allclose(sums[:, 0], [base - start, end - base], rtol=1e-9)
    assert_allclose(sums[:, 1], [100 * (base / start - 1), 100 * (end / base - 1)], rtol=1e-9)


def test_features_of_a_flow_are_all_there_and_sum_to_its_shift(briefs, run_read):
    table = briefs["flow"].tables["features"].frame
    assert sorted(table["feature"]) == sorted(NAMES)
    rows = run_read.attributions[run_read.attributions["target_year"] == 2012]
    row = rows[(rows["exporter"] == "DEU") & (rows["importer"] == "CHN")].iloc[0]
    total = table["contribution_percent"].sum() + row["base_value"] + row["raking"]
    assert total == pytest.approx(100 * np.log(row["forecast"] / row["base"]), abs=1e-4)
    size = table["contribution_percent"].abs()
    assert size.is_monotonic_decreasing
    expected = row[table["feature"]].to_numpy(dtype=float)
    assert_allclose(table["contribution_percent"], expected, rtol=1e-6)


@pytest.mark.parametrize("word", ["exports", "imports"])
def test_channels_of_a_country_sum_to_the_shifts_above_and_below_the_base(briefs, word):
    tables = briefs["country"].tables
    shifts = tables[f"{word}_partners"].frame.set_index("partner")["shift_usd"]
    channels = tables[f"{word}_channels"].frame
    assert channels["above_base_usd"].sum() == pytest.approx(shifts[shifts > 0].sum())
    assert channels["below_base_usd"].sum() == pytest.approx(shifts[shifts < 0].sum())
    by_partner = tables[f"{word}_partner_channels"].frame.set_index("partner")
    assert_allclose(by_partner.sum(axis=1), shifts.loc[by_partner.index], rtol=1e-6, atol=1e-3)
    assert shifts.drop(by_partner.index).eq(0).all()
    assert shifts.is_monotonic_decreasing


def test_a_partner_that_stops_is_a_part_of_the_shifts_below_the_base(run_read):
    brief = country_brief(with_cells(run_read, FLOW, forecast=0.0), "DEU")
    channels = brief.tables["exports_channels"].frame.set_index("part")
    lost = channels.loc["Flows forecast to stop", "below_base_usd"]
    flows = brief.tables["exports_partners"].frame.set_index("partner")
    assert lost == pytest.approx(-flows.loc["CHN", "base_usd"])
    shifts = flows["shift_usd"]
    assert channels["below_base_usd"].sum() == pytest.approx(shifts[shifts < 0].sum())
    assert brief.tables["totals"].frame["forecast_to_stop"].tolist() == [1, 1, 0, 0]


def test_parts_of_blocs_sum_to_the_change_of_their_trade(briefs):
    for direction in ("forth", "back"):
        tables = briefs["blocs"].tables
        flows = (
            tables[f"{direction}_flows"]
            .frame[["value_at_origin_usd", "base_usd", "forecast_usd"]]
            .sum()
        )
        parts = tables[f"{direction}_parts"].frame.groupby("step", sort=False)["part_usd"].sum()
        assert_allclose(parts, np.diff(flows), rtol=1e-9)
    forth, back = (tables[f"{direction}_flows"].frame for direction in ("forth", "back"))
    ours, others = {"DEU", "FRA"}, {"BRA", "CHN", "IND", "NAM", "USA", "ZAF"}
    assert (set(forth["exporter"]), set(forth["importer"])) == (ours, others)
    assert (set(back["exporter"]), set(back["importer"])) == (others, ours)


@given(st.lists(st.floats(1, 1e9), min_size=1, max_size=20))
def test_effective_partners_lie_between_one_and_all(values):
    got = effective_partners(pd.Series(values))
    assert 1 - 1e-9 <= got <= len(values) + 1e-9
    assert effective_partners(pd.Series([values[0]] * 4 + [0.0])) == pytest.approx(4)


# Words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["flow", "silent flow", "country", "blocs", "world"])
def test_no_brief_claims_a_cause_and_all_say_how_to_read_them(briefs, kind):
    brief = briefs[kind]
    texts = [*sentences(brief), *(table.caption for table in brief.tables.values())]
    texts += [word for table in brief.tables.values() for word in table.header()]
    texts += [str(word) for table in brief.tables.values() for row in table.rows() for word in row]
    found = [text for text in texts if CAUSAL.search(text)]
    assert not found
    assert brief.sections[-1].heading == "How to read this"
    assert "describe the fitted model" in " ".join(brief.sections[-1].paragraphs)


def test_the_search_for_causal_words_finds_some():
    for said in ("X drives Y", "because of X", "the impact", "Caused by", "an effect of"):
        assert CAUSAL.search(said)


@pytest.mark.parametrize("kind", ["flow", "silent flow", "country", "blocs", "world"])
def test_a_brief_holds_what_its_sections_name_and_no_gap_in_its_words(briefs, kind):
    brief = briefs[kind]
    for section in brief.sections:
        assert set(section.tables) <= set(brief.tables)
        assert set(section.figures) <= set(brief.figures)
    assert {name for s in brief.sections for name in s.figures} == set(brief.figures)
    for sentence in sentences(brief):
        gap = r"\bnan\b|\binf\b|None|  |\.\.|\{|\}|net:|total:| [,.;]|\[tables|\[figures|##"
        assert not re.search(gap, sentence), sentence
        assert sentence[0].isupper()


def test_a_flow_without_trade_is_told_by_its_probability(run_read, briefs):
    brief, flow = briefs["silent flow"], silent_flow(run_read)
    row = run_read.forecasts[
        (run_read.forecasts["exporter"] == flow[0])
        & (run_read.forecasts["importer"] == flow[1])
        & (run_read.forecasts["target_year"] == 2012)
    ].iloc[0]
    chance = points(100 * row["probability_of_trade"])
    said = f"The forecast of 2012 stays at zero, and trade has a probability of {chance}."
    assert brief.summary[0].endswith(f": no trade in 2010. {said}")
    text = brief_text(brief)
    assert "There are no contributions" in text
    assert set(brief.tables) == {"years", "past_forecasts"}


def test_a_flow_that_stops_is_told_by_its_probability(run_read):
    run = with_cells(run_read, FLOW, forecast=0.0, probability_of_trade=0.4)
    brief = flow_brief(run, FLOW)
    assert "It is forecast to stop by 2012: trade has a probability of 40.0%." in brief.summary[0]
    said = " ".join(sentences(brief))
    assert "There are no contributions" in said
    assert "below one half" in said
    assert "parts" not in brief.tables


def test_a_country_that_sells_nothing_has_a_brief_all_the_same(run_read):
    mine = run_read.forecasts["exporter"] == "DEU"
    names = ["value_origin", "base", "forecast", "lower_50", "upper_50", "lower_90", "upper_90"]
    nothing = {name: run_read.forecasts[name].mask(mine, 0.0) for name in names}
    run = replace(
        run_read,
        forecasts=run_read.forecasts.assign(**nothing),
        attributions=run_read.attributions[run_read.attributions["exporter"] != "DEU"],
    )
    for brief in (country_brief(run, "DEU"), blocs_brief(run, ["DEU"], ["CHN", "FRA"])):
        said = sentences(brief)
        assert not [text for text in said if re.search(rf"\bnan\b|{DASH}", text)]
        assert len([text for text in said if "no trade in 2010" in text]) >= 2
        assert "nan" not in brief_text(brief)


def test_between_a_country_and_everyone_no_channel_adds_anything(run_read):
    said = " ".join(sentences(blocs_brief(run_read, ["DEU"], ["ALL"])))
    assert said.count("From the base to the forecast: 0 USD (0.00%). Channels cancel") == 2
    assert "e-" not in said


def test_a_direction_is_sure_only_where_the_interval_leaves_out_the_base(run_read):
    sure = with_cells(run_read, FLOW, lower_90=1e12, upper_90=2e12)
    assert "lies wholly above the base" in flow_brief(sure, FLOW).summary[-1]
    below = with_cells(run_read, FLOW, lower_90=0.0, upper_90=1.0)
    assert "lies wholly below the base" in flow_brief(below, FLOW).summary[-1]
    unsure = with_cells(run_read, FLOW, lower_90=0.0, upper_90=2e12)
    assert "includes the base" in flow_brief(unsure, FLOW).summary[-1]
    for run, excluded in ((sure, True), (below, True), (unsure, False)):
        partners = country_brief(run, "DEU").tables["exports_partners"].frame.set_index("partner")
        assert partners.loc["CHN", "excludes_no_shift"] == excluded


def test_a_forecast_without_a_back_test_says_so(run_read, tmp_path):
    bare = {
        name: pd.DataFrame()
        for name in ("scores", "scores_by_origin", "significance", "reliability", "stability")
    }
    about = {**run_read.provenance, "kind": "forecast"}
    run = replace(run_read, out=tmp_path, provenance=about, **bare)
    for brief in (
        flow_brief(run, FLOW),
        country_brief(run, "DEU"),
        blocs_brief(run, ["DEU"], ["CHN"]),
        world_brief(run, 2011),
    ):
        assert any("holds a forecast without a back-test" in text for text in sentences(brief))
        assert not [name for name in brief.tables if "record" in name or "past" in name]


def test_what_a_total_rests_on(run_read):
    news = run_read.explanation.feature_names.index("exports_news_exporter")
    known = np.isfinite(run_read.explanation.data.column(news))
    rows = run_read.explanation.rows
    published = sorted(set(rows.loc[known, "exporter"]))
    absent = sorted(set(rows["exporter"]) - set(published))
    assert published
    assert absent

    def basis(run, code, year):
        return basis_of_total(run, code, side="exporter", year=year)

    assert basis(run_read, published[0], 2011) == "published"
    assert basis(run_read, published[0], 2012) == "after published"
    assert basis(run_read, absent[0], 2011) == "unpublished"
    nothing = replace(run_read, coverage=run_read.coverage.assign(share_of_flows=0.0))
    assert basis(nothing, published[0], 2011) == "no totals"
    early = replace(run_read, provenance={**run_read.provenance, "setting": "reports_known"})
    assert basis(early, published[0], 2011) == "nowcast"
    assert basis(early, published[0], 2012) == "after nowcast"


def test_a_flow_in_words_says_which_number_is_which(run_read):
    run = with_cells(
        run_read,
        FLOW,
        value_origin=100e6,
        base=120e6,
        forecast=126e6,
        lower_50=110e6,
        upper_50=130e6,
        lower_90=90e6,
        upper_90=150e6,
        probability_of_trade=0.975,
    )
    brief = flow_brief(run, FLOW)
    assert brief.summary == (
        "Germany (DEU) to China (CHN): 100 m USD in 2010. Forecast of 2012: 126 m USD, +26.0%.",
        "At the totals of 2012 alone it would be 120 m USD (+20.0%); the shift of the pattern is "
        "+6 m USD (+5.0%).",
        "The 90% interval includes the base: the direction of the shift is uncertain.",
    )
    assert brief.sections[0].paragraphs == (
        "Half of all outcomes should lie between 110 m USD and 130 m USD, nine in ten between 90 m "
        "USD and 150 m USD.",
        "The probability that there is any trade in 2012 is 97.5%.",
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.004, "0.00%"), (-0.004, "0.00%"), (0.126, "+0.13%"), (0.996, "+1.0%"),
     (-12.34, f"{MINUS}12.3%"), (float("nan"), DASH)],
)  # fmt: skip
def test_percents_have_two_digits_below_one_and_one_above(value, said):
    assert points(value, sign=True) == said


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("base_usd", 1.24e9, "1.24 bn"),
        ("shift_usd", -4e-7, "0"),
        ("shift_percent", -0.5, f"{MINUS}0.50"),
        ("target_year", 2012, "2012"),
        ("outcomes", 1372, "1,372"),
        ("value", -0.25, f"{MINUS}0.25"),
        ("partner", "DEU", "DEU"),
        ("excludes_no_shift", np.True_, "yes"),
        ("tests_made", pd.NA, DASH),
        ("value", np.nan, DASH),
    ],
)
def test_cells_read_as_their_unit_does(column, value, said):
    assert cell(column, value) == said


def test_columns_and_lists_read_as_words():
    assert column_label("interval_90_low_percent") == "Interval 90 low, percent"
    assert column_label("last_value_wape_percent") == "Last value WAPE, percent"
    assert column_label("partner_name") == "Partner name"
    assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_a_brief_is_plain_data(briefs):
    for brief in briefs.values():
        assert [f.name for f in fields(brief)] == [
            "title",
            "summary",
            "sections",
            "tables",
            "figures",
        ]
        with pytest.raises((AttributeError, TypeError)):
            brief.title = "other"


# Mistakes ---------------------------------------------------------------------------------------


def test_what_the_run_does_not_hold_is_refused(run_read, stops):
    stops(lambda: country_brief(run_read, "Germny"), says="Germny")
    stops(lambda: country_brief(run_read, "DEU", year=2030), says="2030")
    stops(lambda: flow_brief(run_read, ["DEU", "DEU"]), says="domestic")
    stops(lambda: flow_brief(run_read, ["DEU", "CHN", "cars"]), says="not a flow")
    stops(lambda: blocs_brief(run_read, ["DEU"], ["DEU", "CHN"]), says="both blocs")
    stops(lambda: world_brief(run_read, 1999), says="1999")
