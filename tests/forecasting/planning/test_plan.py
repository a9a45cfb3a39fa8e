"""A plan end to end: tables that agree with the run, with each other and with their files."""

from dataclasses import replace
from html import unescape

import numpy as np
import pandas as pd
import pytest

from features.data.input_output import InputOutputTable
from features.errors import InputError
from forecasting import draws, plan, read_run
from forecasting.planning import LIMITS
from forecasting.planning.binding import bind
from forecasting.planning.demand import _fit, item_demand
from forecasting.planning.markets import market_draws
from forecasting.planning.page import plan_page
from forecasting.planning.plan import answer_plan, market_plan
from forecasting.planning.plan_file import read_plan
from forecasting.planning.result import TABLES
from forecasting.planning.tables import read_tables
from forecasting.planning.workbook import workbook


@pytest.fixture
def answered(sectors_read, bound):
    return answer_plan(sectors_read, bound())


def test_markets_are_the_draws_of_the_run(sectors_read, bound):
    one = bound()
    found = market_draws(one, sectors_read)
    theirs = draws(sectors_read, "DEU:imports:goods;CHN,DEU,goods", n_draws=40, years=[one.year])
    assert found.market[0] == pytest.approx(theirs.values[0, 0], rel=1e-5)
    assert found.last_market[0] == pytest.approx(theirs.table["last_known"].iloc[0])
    pair = int(one.links.supplier_pair[0])
    assert found.pair[pair] == pytest.approx(theirs.values[1, 0], rel=1e-5)
    stopped = (found.availability[pair] == 0).mean()
    assert stopped >= found.stops[pair] - 1 / 40


def test_demand_grows_with_its_market_where_there_is_no_history(sectors_read, bound):
    one = bound()
    drawn = market_draws(one, sectors_read)
    demand = item_demand(one, drawn, sectors_read)
    market = one.links.item_market[1]
    assert demand.annual[1] == pytest.approx(800 * drawn.growth[market])
    assert np.isnan(demand.profile[1]).all()


def test_a_monthly_history_gives_a_season_and_an_own_growth(sectors_read, bound, answered):
    one = bound()
    demand = item_demand(one, market_draws(one, sectors_read), sectors_read)
    assert demand.profile[0].sum() == pytest.approx(1)
    assert demand.profile[0].argmax() == 11
    months = answered.demand[answered.demand["period"].str.contains("-")]
    assert months["mean"].sum() == pytest.approx(answered.demand["mean"].iloc[0])
    # The tiny run has two past forecasts: too few to weigh an own growth.
    assert demand.weight[0] == 1
    assert len(answered.record["notes"]) == 1


@pytest.mark.parametrize("ahead", [1, 2])
@pytest.mark.parametrize("follows", ["its market", "itself"])
def test_validation_finds_whether_an_item_follows_its_market(follows, ahead):
    years = np.arange(2000, 2016)
    market = np.random.default_rng(0).normal(0.05, 0.15, years.size)
    steps = market if follows == "its market" else np.full(years.size, 0.08)
    annual = pd.Series(np.exp(np.cumsum(steps)), index=years)
    level = np.cumsum(market)
    forecast = level[ahead:] - level[:-ahead]
    past = pd.DataFrame({"forecast": forecast, "error": 0.02}, index=years[:-ahead])
    weight, own_sd, own = _fit(annual, past, ahead)
    assert weight == (1 if follows == "its market" else 0)
    assert own_sd == pytest.approx(0, abs=1e-6)
    assert own == pytest.approx(ahead * np.diff(np.log(annual)).mean())


def test_tables_agree_with_each_other(answered):
    stock = answered.inventory.set_index("item")
    assert stock.loc["=app", "cycle_service"] == pytest.approx(0.95, abs=0.01)
    assert (stock["safety_stock"] > 0).all()
    assert stock.loc["bolt", "lead_time_days"] == pytest.approx(0.6 * 60 + 0.4 * 20)
    shares = answered.shares.groupby("item")[["share_now", "share"]].sum()
    assert np.allclose(shares, 1)
    assert (answered.shares["share"] <= answered.shares["cap"] + 1e-9).all()
    curve = answered.frontier[answered.frontier["mix"] == "frontier"]
    for _, block in curve.groupby("item"):
        assert (block["total_cost"].diff().dropna() >= -1e-9).all()
        assert (block["cvar"].diff().dropna() <= 1e-9).all()
    risk = answered.risk
    assert (risk["probability_of_fall_10"] >= risk["probability_of_fall_25"]).all()
    assert (risk["probability_of_fall_25"] >= risk["probability_of_stop"] - 1 / 40).all()
    assert risk["concentration"].between(0, 1).all()


@pytest.mark.slow
def test_a_plan_writes_its_folder_and_keeps_it(own_run, files):
    found = plan(own_run, files.plan)
    folder = own_run / "plans" / "plan"
    assert {"plan.html", "plan.xlsx", "plan.json", "frontier.svg"} <= {
        p.name for p in folder.iterdir()
    }
    for name in TABLES:
        pd.testing.assert_frame_equal(
            pd.read_parquet(folder / f"{name}.parquet"), getattr(found, name), check_dtype=False
        )
    page = unescape((folder / "plan.html").read_text(encoding="utf-8"))
    assert "bolt" in page
    assert all(limit in page for limit in LIMITS)
    assert "http" not in page.replace("http://www.w3.org", "")
    book = pd.read_excel(folder / "plan.xlsx", sheet_name=None, engine="openpyxl")
    assert list(book) == [*TABLES, "notes"]
    # A formula in a user's cell stays text.
    assert book["inventory"]["item"].tolist() == ["bolt", "=app"]
    assert book["inventory"]["reorder_point"].to_numpy() == pytest.approx(
        found.inventory["reorder_point"].to_numpy()
    )
    with pytest.raises(InputError, match="overwrite"):
        plan(own_run, files.plan)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    plan(own_run, files.plan, overwrite=True)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert read_run(own_run).out == own_run


def test_nothing_is_written_where_limits_leave_no_shares(own_run, files):
    files.write("plan.yaml", files.plan.read_text() + "limits: {largest_share: 30%}\n")
    with pytest.raises(InputError):
        plan(own_run, files.plan)
    assert not (own_run / "plans").exists()


def test_a_market_needs_no_file(sectors_read):
    written, tables = market_plan(sectors_read, "Germany", "goods")
    found = answer_plan(sectors_read, bind(written, tables, sectors_read))
    assert found.inventory.empty
    whole = draws(sectors_read, "DEU:imports:goods", years=[found.record["year"]]).table
    assert found.demand["demand_before"].iloc[0] == pytest.approx(whole["last_known"].iloc[0])
    assert found.demand["lower_90"].iloc[0] == pytest.approx(whole["lower_90"].iloc[0], rel=1e-4)
    assert found.risk["share"].sum() == pytest.approx(1)


def test_pieces_or_boxes_do_not_change_the_plan(sectors_read, bound):
    """A box of 12: quantities divide by it, prices and costs of a unit multiply."""
    one = bound()
    items, suppliers = one.tables.items.copy(), one.tables.suppliers.copy()
    items["demand"] /= 12
    items[["unit_cost", "holding_cost", "stockout_cost"]] *= 12
    suppliers["unit_price"] *= 12
    suppliers["capacity"] /= 12
    boxed = replace(one, tables=replace(one.tables, items=items, suppliers=suppliers))
    ours, theirs = answer_plan(sectors_read, one), answer_plan(sectors_read, boxed)
    for name in ("order_quantity", "reorder_point", "safety_stock", "one_order_quantity"):
        assert 12 * theirs.inventory[name].to_numpy() == pytest.approx(
            ours.inventory[name].to_numpy(), rel=1e-6
        )
    for name in ("cost", "fill_rate", "cycle_service"):
        assert theirs.inventory[name].to_numpy() == pytest.approx(ours.inventory[name].to_numpy())
    assert theirs.shares["share"].to_numpy() == pytest.approx(
        ours.shares["share"].to_numpy(), abs=1e-6
    )


def test_the_workbook_has_the_same_bytes_every_time():
    table = pd.DataFrame({"item": ["=1+1", "b"], "share": [0.5, np.nan]})
    assert workbook({"x": table}, ["note"]) == workbook({"x": table}, ["note"])


def test_a_table_of_items_is_a_plan(files, sectors_read):
    file = files.folder / "our items.xlsx"
    items = pd.DataFrame(
        {
            "item": ["bolt"],
            "importer": ["Germany"],
            "demand": [12_000],
            "unit_cost": [2.0],
            "holding_cost": [0.4],
            "order_cost": [50.0],
            "service_level": [0.95],
            "lead_time_days": [40],
        }
    )
    items.to_excel(file, index=False)
    written = read_plan(file)
    found = answer_plan(sectors_read, bind(written, read_tables(written), sectors_read))
    assert found.name == "our items"
    assert (found.inventory["reorder_point"] > found.inventory["safety_stock"]).all()
    assert found.shares.empty
    assert found.risk.empty


def test_a_smooth_history_is_a_history(bound, sectors_read, monkeypatch):
    """One that varies less than its market is no item without history."""
    years = range(2000, 2014)
    past = pd.DataFrame({"forecast": 0.02, "error": 0.5}, index=pd.Index(years))
    monkeypatch.setattr(
        "forecasting.planning.demand._past_growth", lambda *_: dict.fromkeys(range(2), past)
    )
    found = item_demand(bound(), market_draws(bound(), sectors_read), sectors_read)
    assert found.own_sd[0] == 0
    assert found.has_past.tolist() == [True, False]


def test_dependence_is_of_what_the_market_uses_of_its_sector(bound, sectors_read, monkeypatch):
    countries = tuple(sorted(sectors_read.forecasts["exporter"].astype(str).unique()))
    sectors = ("goods", "services")
    n, year = len(countries), int(sectors_read.forecasts["origin"].iloc[0])
    # Final use alone, from each country the same: all that is bought is made where it is bought.
    final = np.ones((2 * n, n))
    table = InputOutputTable(year, countries, sectors, np.zeros((2 * n, 2 * n)), final)
    monkeypatch.setattr("forecasting.planning.sourcing.run_tables", lambda _: {year: table})
    found = answer_plan(sectors_read, bound())
    assert found.risk["dependence"].to_numpy() == pytest.approx(1 / n)
    assert "Made there of all the market uses" in plan_page(found, {})
