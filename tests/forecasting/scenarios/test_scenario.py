"""Scenarios on small finished runs: identities, mistakes, and what is left in the folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from forecasting import plan, read_run, scenario
from forecasting.cli.main import main
from forecasting.reports.report import _written_chapters
from forecasting.results.result import RunResult
from forecasting.scenarios.page import scenarios_section
from forecasting.scenarios.plots import largest_change, moved_rows, plot_map, waterfall_steps
from forecasting.scenarios.result import ScenarioResult
from forecasting.scenarios.scenario import answer_scenario
from forecasting.scenarios.scenario_file import read_scenario
from forecasting.scenarios.words import flow_words
from forecasting.scenarios.write import compare_scenarios, read_scenario_folder

TARIFF = "changes:\n  - tariff: 25%\n    exporters: USA\n    importers: CHN\n"
ELASTICITY = "elasticity: {value: 5, standard_error: 0.5, source: a survey}\n"
Ask = Callable[..., ScenarioResult]


@pytest.fixture(scope="module")
def run(finished_run) -> RunResult:
    return read_run(finished_run)


@pytest.fixture(scope="module")
def sales(run, tmp_path_factory) -> Path:
    """Domestic sales of every country, five times its exports."""
    file = tmp_path_factory.mktemp("sales") / "sales.csv"
    first = run.forecasts[run.forecasts["horizon"] == run.forecasts["horizon"].min()]
    exports = first.groupby("exporter", observed=True)["value_origin"].sum() * 5
    pd.DataFrame({"country": exports.index.astype(str), "value_usd": exports.to_numpy()}).to_csv(
        file, index=False
    )
    return file


@pytest.fixture
def ask(run, tmp_path) -> Ask:
    def go(text: str, *, of: RunResult = run, draws: int = 0) -> ScenarioResult:
        file = tmp_path / "question.yaml"
        file.write_text(f"{text}draws: {draws}\n")
        return answer_scenario(of, read_scenario(file))

    return go


def flow(table: pd.DataFrame, exporter: str, importer: str) -> pd.Series:
    chosen = (table["exporter"] == exporter) & (table["importer"] == importer)
    return table[chosen].iloc[-1]


def test_no_change_gives_none(ask: Ask, sales):
    found = ask(f"domestic_sales: {sales}\nchanges:\n  - tariff: 0\n")
    for name in ("partial", "conditional", "full"):
        np.testing.assert_allclose(found.flows[name], found.flows["baseline"], rtol=1e-12)
    np.testing.assert_allclose(found.welfare["percent"], 0, atol=1e-10)


def test_without_domestic_sales_incomes_stay_and_that_is_said(ask: Ask):
    found = ask(TARIFF)
    assert found.answer == "conditional"
    assert found.flows["full"].isna().all()
    assert found.welfare.empty
    assert "domestic sales are absent" in found.record["closure"]
    np.testing.assert_allclose(found.countries["conditional"], found.countries["baseline"])
    hit = flow(found.flows, "USA", "CHN")
    assert hit["partial"] == pytest.approx(hit["baseline"] * 1.25**-5.03)


def test_with_domestic_sales_incomes_move(ask: Ask, sales):
    found = ask(f"domestic_sales: {sales}\n{TARIFF}")
    assert found.answer == "full"
    exports = found.countries[found.countries["side"] == "exports"]
    hit = exports[exports["unit"] == "USA"].iloc[-1]
    assert hit["full"] < hit["baseline"]
    welfare = found.welfare.set_index(["country", "target_year"])["percent"]
    assert (welfare["USA"] < 0).all()
    everything = found.flows.groupby("target_year")[["baseline", "full"]].sum()
    np.testing.assert_allclose(everything["full"], everything["baseline"], rtol=1e-9)


def test_the_steps_of_the_waterfall_add_up(ask: Ask, sales):
    for text in (TARIFF, f"domestic_sales: {sales}\n{TARIFF}"):
        _, row = largest_change(ask(text))
        steps = waterfall_steps(row)
        assert sum(steps.values()) == pytest.approx(row["difference"], rel=1e-9)


def test_an_embargo_is_zero_there_and_only_there(ask: Ask):
    found = ask("changes:\n  - embargo: true\n    exporters: USA\n    importers: [CHN, DEU]\n")
    table = found.flows
    touched = (table["exporter"] == "USA") & table["importer"].isin(["CHN", "DEU"])
    assert (table.loc[touched, "baseline"] > 0).all()
    assert (table.loc[touched, "conditional"] == 0).all()
    rest = table[~touched]
    np.testing.assert_array_equal(rest["conditional"] > 0, rest["baseline"] > 0)


def test_changes_are_phased_in(ask: Ask, run):
    years = sorted(run.forecasts["target_year"].unique())
    found = ask(f"{TARIFF}    phase: {{{years[-1]}: 40%}}\n")
    hit = flow(found.flows, "USA", "CHN")
    assert hit["partial"] / hit["baseline"] == pytest.approx(1.1**-5.03)
    before = found.flows[found.flows["target_year"] < years[-1]]
    np.testing.assert_allclose(before["difference"], 0, atol=1e-3)


def test_an_agreement_is_between_its_parties_not_within_them(ask: Ask):
    found = ask(
        "groups: {europe: [DEU, FRA]}\nchanges:\n  - agreement: [europe, USA]\n"
        "    effect: {value: 0.4, standard_error: 0.1, source: mine}\n"
    )
    for pair, ratio in ((("USA", "DEU"), np.exp(0.4)), (("USA", "FRA"), np.exp(0.4)),
                        (("DEU", "FRA"), 1.0)):  # fmt: skip
        row = flow(found.flows, *pair)
        assert row["partial"] / row["baseline"] == pytest.approx(ratio)


def test_what_is_more_productive_sells_more_and_gains(ask: Ask, sales):
    found = ask(f"domestic_sales: {sales}\nchanges:\n  - productivity: 5%\n    exporters: BRA\n")
    best = found.welfare.loc[found.welfare["percent"].idxmax()]
    assert best["country"] == "BRA"


def test_an_indicator_moves_flows_by_what_the_user_states(ask: Ask, run):
    year = int(run.forecasts["target_year"].max())
    found = ask(
        f"changes:\n  - indicator: ROBOTS\n    exporters: DEU\n    change: {{{year}: 2}}\n"
        "    semi_elasticity: {value: 0.05, standard_error: 0.02, source: a paper}\n"
    )
    row = flow(found.flows, "DEU", "CHN")
    assert row["partial"] / row["baseline"] == pytest.approx(np.exp(0.1))
    assert found.record["changes"][0]["effect"]["source"] == "a paper"


def test_intervals_hold_the_answer_and_share_their_draws(ask: Ask):
    found = ask(ELASTICITY + TARIFF, draws=40)
    row = flow(found.flows, "USA", "CHN")
    assert row["difference_lower_90"] < row["difference"] < row["difference_upper_90"]
    assert row["difference_lower_90"] <= row["difference_lower_50"]
    # Half a change of nothing is nothing: before and after share the draw of the forecast.
    still = ask(ELASTICITY + "changes:\n  - tariff: 0\n", draws=40)
    assert still.flows["difference_upper_90"].abs().max() == pytest.approx(0, abs=1)
    again = ask(ELASTICITY + TARIFF, draws=40)
    pd.testing.assert_frame_equal(again.flows, found.flows)


def test_sectors_have_their_own_elasticities(ask: Ask, sector_run):
    run = read_run(sector_run)
    both = ("elasticity: {sectors: {goods: {value: 3, standard_error: 1, source: a}, "
            "services: {value: 8, standard_error: 1, source: b}}}\n")  # fmt: skip
    hit = ask(f"{both}changes:\n  - tariff: 25%\n", of=run).flows
    ratio = hit.groupby("sector", observed=True)[["partial", "baseline"]].sum()
    found = (ratio["partial"] / ratio["baseline"]).to_dict()
    assert found == pytest.approx({"goods": 1.25**-3, "services": 1.25**-8})


def test_a_sector_without_elasticity_is_named(ask: Ask, sector_run):
    text = "elasticity: {sectors: {goods: {value: 3, standard_error: 1, source: a}}}\n"
    with pytest.raises(InputError, match="services has no elasticity"):
        ask(text + TARIFF, of=read_run(sector_run))


def test_a_run_with_domestic_sales_of_sectors_says_what_it_lacks(ask: Ask, measured_run):
    found = ask(TARIFF, of=read_run(measured_run))
    assert found.answer == "conditional"
    assert "input-output tables" in found.record["closure"]
    assert (found.measures["measure"] == "domestic_sourcing").any()


def test_sectors_have_their_names(ask: Ask, sector_run):
    of = read_run(sector_run)
    names = {"goods": "All goods", "services": "All services"}
    found = ask(
        ELASTICITY + TARIFF, of=replace(of, provenance={**of.provenance, "sector_names": names})
    )
    row = found.flows.query("exporter == 'USA' and importer == 'CHN' and sector == 'goods'").iloc[0]
    assert flow_words(row, found.sectors) == "United States to China, All goods"
    conditional = replace(found, record={**found.record, "answer": "conditional"})
    labels = moved_rows(conditional)["label"]
    assert labels.str.endswith((", All goods", ", All services")).all()


def test_elasticities_of_products_are_averaged_by_sector(ask: Ask, sector_run, tmp_path):
    rows = ["HS6,zero,positive,sigma", "010110,0,0,-4", "010190,0,0,-6", "010210,1,0,-50",
            "020110,0,0,-2", "020120,0,0,-2.5", "020130,0,1,-90"]  # fmt: skip
    (tmp_path / "protee.csv").write_text("\n".join(rows))
    codes = [row.split(",")[0] for row in rows[1:]]
    pairs = [f"{code},{'goods' if code < '02' else 'services'}" for code in codes]
    (tmp_path / "products.csv").write_text("\n".join(["hs6,sector", *pairs]))
    text = "elasticity: {file: protee.csv, products: products.csv}\nchanges:\n  - tariff: 25%\n"
    found = ask(text, of=read_run(sector_run)).record["trade_elasticity"]
    assert [one["value"] for one in found] == [5.0, 2.25]
    assert found[0]["standard_error"] == pytest.approx(1.0)
    assert "mean of 2 of 3 products" in found[0]["source"]


def test_elasticities_of_the_store_need_no_table_of_products(ask: Ask, sector_run, tmp_path):
    run = read_run(sector_run)
    text = "changes:\n  - tariff: 25%\nelasticity: {file: protee"
    for more, says in (("}", "does not say of which sector"), (", products: hs2}", "no data set")):
        with pytest.raises(InputError, match=says):
            ask(f"{text}{more}\n", of=replace(run, config=replace(run.config, store=tmp_path)))


def test_sectors_linked_by_tables_have_a_full_equilibrium(ask: Ask, measured_run, tmp_path):
    run = read_run(measured_run)
    first = run.forecasts[run.forecasts["horizon"] == run.forecasts["horizon"].min()]
    sales = first.rename(columns={"exporter": "source_country", "sector": "source_sector",
                                  "importer": "use_country"})  # fmt: skip
    sales = sales[["source_country", "source_sector", "use_country"]].astype(str)
    parts = [
        sales.assign(use=use, value_musd=share * (1 + first["forecast"].to_numpy() / 1e6))
        for use, share in (("c1", 0.1), ("c2", 0.1), ("c3", 0.1), ("HOUSEHOLD", 0.7))
    ]
    year = int(first["origin"].iloc[0])
    pd.concat(parts).to_parquet(tmp_path / f"wiot_{year}.parquet", index=False)
    found = ask(f"tables: {tmp_path}\n{TARIFF}", of=run, draws=60)
    assert found.answer == "full"
    assert "40 draws" in found.record["uncertainty"]
    assert f"input-output table of {year}" in found.record["closure"]
    sums = found.flows.groupby("target_year")[["baseline", "full"]].sum()
    np.testing.assert_allclose(sums["full"], sums["baseline"], rtol=0.05)
    still = ask(f"tables: {tmp_path}\nchanges:\n  - tariff: 0\n", of=run)
    np.testing.assert_allclose(still.flows["full"], still.flows["baseline"], rtol=1e-9)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("changes:\n  - tariff: 5%\n    exporters: CHX\n", "no country 'CHX'"),
        (f"{TARIFF}    from: 1990\n", "outside the years"),
        (f"{TARIFF}years: [1990]\n", "does not forecast 1990"),
        (f"{TARIFF}    sectors: [cars]\n", "no sectors"),
        ("changes:\n  - embargo: true\n    importers: USA\n", "every supplier of USA"),
        ("changes:\n  - embargo: true\n    exporters: USA\n", "USA is isolated"),
        ("groups: {g: [DEU, FRA]}\nchanges:\n  - agreement: [g, DEU]\n", "DEU is in the agreement"),
        (f"{TARIFF}domestic_sales: nowhere.csv\n", "no such file"),
        (f"{TARIFF}tables: .\n", "no domestic sales by sector"),
        (f"{TARIFF}deficits: additive\n", "change nothing without a full"),
    ],
)
def test_a_mistake_is_found_before_any_work(ask: Ask, monkeypatch, text, says):
    monkeypatch.setattr("forecasting.scenarios.scenario.solve", lambda *_: pytest.fail("solved"))
    with pytest.raises(InputError, match=says) as caught:
        ask(text)
    assert caught.value.file is not None


def test_a_zero_at_home_is_named(ask: Ask, sales, tmp_path):
    table = pd.read_csv(sales, keep_default_na=False)
    table.loc[table["country"] == "BRA", "value_usd"] = 0
    table.to_csv(tmp_path / "zero.csv", index=False)
    with pytest.raises(InputError, match="BRA sells nothing at home"):
        ask(f"domestic_sales: zero.csv\n{TARIFF}")


def test_no_equilibrium_is_said(ask: Ask, sales, monkeypatch):
    from forecasting.scenarios import solve

    real = solve.full
    monkeypatch.setattr(solve, "full", lambda *a, **k: replace(real(*a, **k), converged=False))
    with pytest.raises(InputError, match="no equilibrium"):
        ask(f"domestic_sales: {sales}\n{TARIFF}")


@pytest.fixture
def own(run, tmp_path) -> Path:
    """A folder of the run to write into."""
    out = tmp_path / "run"
    out.mkdir()
    for path in run.out.iterdir():
        if path.name != "report.html":
            (out / path.name).symlink_to(path)
    return out


@pytest.mark.slow
def test_the_folder_reads_back_and_two_scenarios_compare(run, own, tmp_path, capsys):
    for name, rate in (("mild", "5%"), ("harsh", "50%")):
        text = ELASTICITY + TARIFF.replace("25%", rate) + "draws: 40\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    made = scenario(replace(run, out=own), tmp_path / "mild.yaml")
    back = read_scenario_folder(own, "mild")
    pd.testing.assert_frame_equal(back.countries, made.countries)
    pd.testing.assert_frame_equal(back.draws, made.draws)
    assert back.record == made.record
    files = {path.name for path in (own / "scenarios" / "mild").iterdir()}
    assert {"flows.parquet", "scenario.json", "waterfall.png", "movers.svg"} <= files
    json.loads((own / "scenarios" / "mild" / "scenario.json").read_text())
    with pytest.raises(InputError, match="a scenario of this name"):
        scenario(replace(run, out=own), tmp_path / "mild.yaml")
    assert main(["scenario", str(own), str(tmp_path / "harsh.yaml")]) == 0
    printed = capsys.readouterr().out
    assert "Rests on:" in printed
    assert "not estimated here" in printed
    html = scenarios_section(own)
    assert html.count("<section>") == 2
    assert html.count("data:image/png;base64,") == 2 * sum(name.endswith(".png") for name in files)
    assert "not estimated here" in html
    assert main(["scenario", str(own), "--compare", "mild", "harsh"]) == 0
    assert "billion USD apart (" in capsys.readouterr().out
    assert main(["scenario", str(own), "--compare", "mild", "none"]) == 2


def test_what_two_scenarios_share_cancels_in_their_comparison(ask: Ask):
    both = [ask(ELASTICITY + TARIFF.replace("25%", rate), draws=40) for rate in ("20%", "25%")]
    same = compare_scenarios(both[0], both[0])
    apart = same[["apart_lower_90", "apart_upper_90"]].dropna()
    assert len(apart) > 10
    np.testing.assert_allclose(apart, 0, atol=1)
    table = compare_scenarios(*both)
    # Sums of countries stay without a full equilibrium: flows are compared.
    first = table.iloc[0]
    assert first["unit"] == "USA to CHN"
    assert first["apart_lower_90"] < first["second_less_first"] < first["apart_upper_90"] < 0
    # With other draws there is no common future to compare in.
    other = compare_scenarios(both[0], ask(ELASTICITY + TARIFF, draws=60))
    assert other["apart_lower_90"].isna().all()
    assert other["first_lower_90"].notna().any()
    without = compare_scenarios(ask(TARIFF), both[1])
    assert "apart_lower_90" not in without


def test_the_map_shows_where_exports_go(ask: Ask):
    pytest.importorskip("bqplot", reason="needs the extra `maps`")
    figure = plot_map(ask("changes:\n  - {embargo: true, exporters: USA, importers: CHN}\n"))
    words = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert "United States" in words
    assert "Scenario to stop" in words


def test_the_report_has_a_chapter_of_what_was_asked(run, own, tmp_path, monkeypatch):
    monkeypatch.setattr("forecasting.planning.write.draw_plots", lambda _: {})
    monkeypatch.setattr("forecasting.scenarios.plots.PLOTS", {})
    result = replace(run, out=own)
    assert not {"scenarios", "plans"} & {name for name, _, _ in _written_chapters(result)}
    (tmp_path / "mild.yaml").write_text(f"{TARIFF}draws: 0\n")
    scenario(result, tmp_path / "mild.yaml")
    plan(result, importer="DEU")
    chapters = {name: parts for name, _, parts in _written_chapters(result)}
    assert "mild" in chapters["scenarios"][0]
    assert "<h3>DEU" in chapters["plans"][0]
