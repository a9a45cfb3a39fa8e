"""The first pages: every fact is the run's, and every number of a page is a fact."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import RunResult, draws, read_run
from forecasting.distribution.sums import PastOutcome, Sum, SumReader, sum_reader
from forecasting.figures.style import apart
from forecasting.reports import country_pages
from forecasting.reports.pages import Facts, report_facts
from forecasting.reports.render import chance_words, render_page
from forecasting.words.numbers import percent, usd

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
    moves = [m for kind in facts.movers.values() for m in (*kind.gains, *kind.losses)]
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


def test_movers_are_the_largest_changes(facts: Facts, result: RunResult) -> None:
    rows = result.forecasts[result.forecasts["target_year"] == facts.year]
    rows = rows[(rows["value_origin"] > 0) & (rows["exporter"].astype(str) != rows["importer"])]
    change = (rows["forecast"] - rows["value_origin"]).sort_values()
    moves = facts.movers["Single flows"]
    gains = change[change > 0].tail(len(moves.gains))[::-1]
    assert [m.usd for m in moves.gains] == pytest.approx(gains.tolist())
    assert all(m.usd < 0 for m in moves.losses)
    assert all(0 <= m.chance <= 1 for m in (*moves.gains, *moves.losses))


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


def past_cell(one: PastOutcome) -> str:
    low, middle, high = (percent(v - 1, sign=True) for v in (one.lowest, one.median, one.highest))
    return f"{middle}{low} to {high}, {one.origins} origins{one.flag}"


def test_every_number_of_a_table_is_a_fact(facts: Facts) -> None:
    known = {str(facts.origin), *map(str, facts.years), ""}
    for one in sums_of(facts):
        known.add(usd(one.last))
        for level in one.levels:
            known |= {usd(level.forecast) + f"{usd(level.lower)} to {usd(level.upper)}"}
            known |= {percent(level.growth, sign=True) + chance_words(level.chance)}
    for side in (side for sides in facts.countries for side in sides):
        for one in side.partners:
            shares = side.share(one), side.share(one, one.levels[-1])
            known.add(" and ".join(map(percent, shares)))
    for kind in facts.movers.values():
        for move in (*kind.gains, *kind.losses):
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
    for name in ("world", "movers", "chosen", "track_record"):
        page = render_page(f"{name}.html.j2", facts=facts, figures=FIGURES, statements="")
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
