"""The first pages: every fact is the run's, and every number of a page is a fact."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import RunResult, draws, read_run
from forecasting.distribution.sums import PastOutcome, Sum, SumReader, sum_reader
from forecasting.figures.style import apart
from forecasting.reports import country_pages
from forecasting.reports.opening import TITLES
from forecasting.reports.pages import Facts, report_facts
from forecasting.reports.render import render_page
from forecasting.results.subjects import years_of
from forecasting.words.numbers import chance_words, percent, usd

SHOWN = ("DEU", "USA")
FIGURES = {"world": None, "chances": None, "countries": []}


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


@pytest.fixture(scope="module")
def reader(result: RunResult) -> SumReader:
    return sum_reader(result)


@pytest.fixture(scope="module")
def facts(reader: SumReader) -> Facts:
    return report_facts(reader, SHOWN)


def rows_of(table: pd.DataFrame, selection: str) -> pd.DataFrame:
    """Flows of a selection of two sides, by pandas alone."""
    table = table[table["exporter"].astype(str) != table["importer"].astype(str)]
    left, _, right = selection.replace(",", ":").partition(":")
    if right == "imports":
        return table[table["importer"] == left]
    if left != "world":
        table = table[table["exporter"] == left]
    return table if right in ("", "exports") else table[table["importer"] == right]


def sums_of(facts: Facts) -> list[Sum]:
    moves = [m for by in facts.movers for kind in by.kinds.values() for m in kind.all]
    chosen = [s for c in facts.countries for side in c for s in (side.total, *side.partners)]
    return [*facts.world, *(m.sum for m in moves), *chosen]


def test_levels_are_the_sums_of_the_forecasts(facts: Facts, result: RunResult) -> None:
    for one in sums_of(facts):
        if re.search("EU27|USMCA|AfCFTA|ASEAN", one.selection):
            continue
        rows = rows_of(result.forecasts, one.selection)
        for level in one.levels:
            year = rows[rows["target_year"] == level.year]
            assert level.forecast == pytest.approx(year["forecast"].sum())
            assert one.last == pytest.approx(year["value_origin"].sum())
            years = level.year - facts.origin
            assert one.last * (1 + level.yearly) ** years == pytest.approx(level.forecast)
            before = rows[rows["target_year"] == level.year - 1]["forecast"].sum()
            assert level.since == level.year - 1
            assert before * (1 + level.growth) == pytest.approx(level.forecast)


def test_intervals_and_chances_are_those_of_the_draws(facts: Facts, result: RunResult) -> None:
    total = facts.countries[0][0].total
    table = draws(result, total.selection).table.set_index("target_year")
    for level in total.levels:
        row = table.loc[level.year]
        assert [level.lower, level.upper] == [row["lower_90"], row["upper_90"]]
        assert level.chance == row["probability_of_growth"]


def test_movers_are_the_largest_changes_by_the_first_and_the_last_year(
    reader: SumReader, result: RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of this run only the last year was not over.
    monkeypatch.setattr("forecasting.reports.pages.shown_years", years_of)
    facts = report_facts(reader, SHOWN)
    assert [by.year for by in facts.movers] == [2011, 2012]
    for by in facts.movers:
        rows = result.forecasts[result.forecasts["target_year"] == by.year]
        rows = rows[(rows["value_origin"] > 0) & (rows["exporter"].astype(str) != rows["importer"])]
        change = (rows["forecast"] - rows["value_origin"]).sort_values()
        moves = by.kinds["Single flows"]
        grow, fall = change[change > 0].tail(5)[::-1], change[change < 0].head(5)
        assert [m.usd for m in moves.grow] == pytest.approx(grow.tolist())
        assert [m.usd for m in moves.fall] == pytest.approx(fall.tolist())
        assert all(0 <= m.chance <= 1 and m.level.year == by.year for m in moves.all)
        exports = rows.groupby("exporter", observed=True)[["value_origin", "forecast"]].sum()
        change = (exports["forecast"] - exports["value_origin"]).sort_values()
        found = by.kinds["Exports of countries"]
        assert [m.usd for m in found.grow] == pytest.approx(
            change[change > 0].tail(5)[::-1].tolist()
        )


def test_a_chosen_country_leads_to_its_page(facts: Facts) -> None:
    given = {"facts": facts, "figures": FIGURES, "title": ""}
    html = render_page("chosen.html.j2", pages={"DEU": "../run-countries/DEU.html"}, **given)
    assert re.findall('href="(.*?)"', html) == ["../run-countries/DEU.html"]


def test_sums_missed_on_one_side_are_named(facts: Facts) -> None:
    flagged = [row.name for row in facts.past if any(one and one.flag for one in row.outcomes)]
    assert list(facts.one_sided) == flagged
    row, _, *_ = facts.past
    assert row.outcomes[0] is not None
    missed = replace(row, outcomes=(replace(row.outcomes[0], flag="always too low"),))
    page = render_page(
        "track.html.j2", facts=replace(facts, past=(missed,)), statements="", title=""
    )
    assert "1 of the 1 sum below came out on the same side of every past forecast" in page
    assert row.name in page.partition("as for a year shown")[2]


def test_the_record_is_that_of_every_origin(facts: Facts, result: RunResult) -> None:
    table = result.scores_by_origin
    table = table[(table["stratum"] == "all") & (table["setting"] == facts.setting)]
    for record in facts.records:
        wape = table[table["horizon"] == record.horizon].pivot_table(
            index="origin", columns="model", values="wape"
        )
        assert [r.ours for r in record.recent] == wape["gravicast"].tail(5).tolist()
        assert [r.last for r in record.recent] == wape["last_value"].tail(5).tolist()
        assert record.ours == pytest.approx(wape["gravicast"].mean())
        assert list(record.lost) == list(wape.index[wape["last_value"] < wape["gravicast"]])


def above(chance: float, facts: Facts) -> str:
    return f"{chance_words(chance)} above {facts.origin}"


def past_cell(one: PastOutcome) -> str:
    low, middle, high = (percent(v - 1, sign=True) for v in (one.lowest, one.median, one.highest))
    return f"{middle}{low} to {high}, {one.origins} forecasts{one.flag}"


def test_every_number_of_a_table_is_a_fact(facts: Facts) -> None:
    known = {str(facts.origin), *map(str, facts.years), ""}
    for one in sums_of(facts):
        known.add(usd(one.last))
        for level in one.levels:
            known |= {usd(level.forecast) + f"{usd(level.lower)} to {usd(level.upper)}"}
            known |= {percent(level.growth, sign=True) + above(level.chance, facts)}
    for side in (side for sides in facts.countries for side in sides):
        for one in side.partners:
            shares = side.share(one), side.share(one, one.levels[-1])
            known.add(" and ".join(map(percent, shares)))
    for kind in (kind for by in facts.movers for kind in by.kinds.values()):
        for move in kind.all:
            known |= {
                usd(move.usd, sign=True),
                percent(move.share, sign=True),
                chance_words(move.chance),
            }
    for record in facts.records:
        known |= {percent(v) for r in record.recent for v in (r.ours, r.last)}
        known |= {percent(record.ours), percent(record.last), "gravicast", "last value"}
    known |= {past_cell(one) for row in facts.past for one in row.outcomes if one}
    tried = 0
    for name, title in TITLES.items():
        page = render_page(
            f"{name}.html.j2", facts=facts, figures=FIGURES, statements="", pages={}, title=title
        )
        for cell in re.findall(r'<td class="n".*?>(.*?)</td>', page):
            assert re.sub("<[^>]+>", "", cell) in known, cell
            tried += 1
    assert tried > 100


def test_a_run_without_a_back_test_has_levels_without_intervals(
    facts: Facts, result: RunResult
) -> None:
    bare = report_facts(SumReader(result, None), SHOWN)
    assert [s.last for s in bare.world] == pytest.approx([s.last for s in facts.world])
    assert all(np.isnan(level.lower) for s in bare.world for level in s.levels)
    forecasts = [level.forecast for s in bare.world for level in s.levels]
    assert forecasts == pytest.approx([lv.forecast for s in facts.world for lv in s.levels])


def test_chances_are_words() -> None:
    said = [
        chance_words(chance) for chance in (0.0, 0.04, 0.52, 0.7, 0.94, 0.96, 1.0, float("nan"))
    ]
    assert said == ["under 2 in 100", "1 in 20", "5 in 10", "7 in 10", "9 in 10", "19 in 20",
                    "over 98 in 100", "\N{EN DASH}"]  # fmt: skip


def test_labels_stand_apart_in_the_order_of_their_values() -> None:
    values = np.array([3.0, 1.0, 1.1, 1.2, 9.0])
    places = apart(values, 0.5)
    assert (np.argsort(places) == np.argsort(values)).all()
    assert np.diff(np.sort(places)).min() >= 0.5 - 1e-12
    assert places[4] == 9.0


def test_all_countries_have_a_page_and_the_index_leads_to_each(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(country_pages, "country_figures", lambda *_: {})
    index = country_pages.make_country_pages(finished_run, out=tmp_path / "pages")
    links = re.findall(r'href="([A-Z]{3}\.html)"', index.read_text("utf-8"))
    assert len(links) == 8
    for link in links:
        page = (index.parent / link).read_text("utf-8")
        assert 'href="index.html"' in page
        assert not re.search(r"https?://", page)
    page = (index.parent / "DEU.html").read_text("utf-8")
    for word in ("exports", "imports"):
        table = page.partition(f"How past forecasts of these {word}")[2].partition("</table>")[0]
        rows = re.findall(r'<th scope="row">(.*?)</th>', table)
        assert rows[0] == f"{word.capitalize()} of Germany"
        assert len(set(rows)) == len(rows)
        assert "Germany" not in rows


def test_countries_have_pages_without_a_back_test(
    result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(country_pages, "sum_reader", lambda run: SumReader(run, None))
    monkeypatch.setattr(country_pages, "exporters", lambda _: ["DEU"])
    index = country_pages.make_country_pages(result.out, out=tmp_path / "pages")
    page = (index.parent / "DEU.html").read_text("utf-8")
    assert "How past forecasts" not in page
    assert "Why: change of exports" in page
    assert "nan" not in re.sub(r"[a-z]+nan|nan[a-z]+", "", page)


def test_shares_that_move_most_are_those_of_the_forecasts(facts: Facts, result: RunResult) -> None:
    year = facts.years[-1]
    rows = result.forecasts[result.forecasts["target_year"] == year]
    rows = rows[(rows["importer"] == "DEU") & (rows["exporter"] != "DEU")]
    by = rows.groupby("exporter", observed=True)[["value_origin", "forecast"]].sum()
    share = by / by.sum()
    change = share["forecast"] - share["value_origin"]
    moves = facts.shares["DEU:imports"]
    for found, ends in ((moves.gains, change.nlargest(4)), (moves.losses, change.nsmallest(4))):
        wanted = ends[ends > 0] if found is moves.gains else ends[ends < 0]
        assert [m.forecast - m.last for m in found] == pytest.approx(wanted.tolist())
        assert all(0 <= m.chance <= 1 for m in found)
    assert moves.who == "suppliers"
