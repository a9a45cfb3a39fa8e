"""Intervals of sums: they agree with those of flows, with each other and with their draws."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting import draws, joint_draws, orderings, past_outcomes, read_run, shares
from forecasting.distribution.draws import interval
from forecasting.results.subjects import countries_of, flow_columns


@pytest.fixture(scope="module")
def run(finished_run):
    return read_run(finished_run)


@pytest.fixture(scope="module")
def joint(run):
    return joint_draws(run)


def test_quantiles_of_the_draws_of_a_flow_are_its_printed_interval(run, joint):
    names = flow_columns(run)
    flows = [",".join(row) for row in joint.keys[names].astype(str).to_numpy()[:12]]
    found = draws(joint, flows).table
    for _, row in found.iterrows():
        flow = dict(zip(names, row["selection"].split(","), strict=True))
        printed = run.forecasts[run.forecasts["horizon"] == row["horizon"]]
        for name, code in flow.items():
            printed = printed[printed[name] == code]
        (printed,) = printed.to_dict("records")
        for bound in ("lower_50", "upper_50", "lower_90", "upper_90"):
            assert row[bound] == pytest.approx(printed[bound], rel=1e-5, abs=1.0)


def test_totals_of_draws_are_draws_of_totals(run, joint):
    code, *others = countries_of(run.forecasts)
    total = draws(joint, f"{code}:exports")
    parts = draws(joint, [f"{code},{other}" for other in others])
    assert np.allclose(parts.values.sum(axis=0), total.values[0], rtol=1e-5)
    assert parts.table["forecast"].sum() == pytest.approx(total.table["forecast"].sum())


def test_a_group_of_one_country_is_the_country(joint):
    one, group, both = draws(joint, ["USA:exports", "USA+USA:world", "USA:ALL"]).values
    assert np.array_equal(one, group)
    assert np.array_equal(one, both)


def test_the_world_is_the_sum_of_its_parts(joint):
    world, *sides = draws(joint, "world;EU27:exports;ALL:EU27;EU27:EU27").values
    inside = sides[2]
    outside = draws(joint, "DEU+FRA:world;BRA+CHN+IND+NAM+USA+ZAF:world").values
    assert np.allclose(outside.sum(axis=0), world, rtol=1e-5)
    assert (sides[0] >= inside).all()


def test_the_same_seed_gives_the_same_draws_whatever_was_drawn_before(run, joint):
    again = draws(joint_draws(run), "CHN:imports")
    first, _ = draws(joint, "CHN:imports;world").values
    assert np.array_equal(again.values[0], first)


def test_the_years_asked_for_are_drawn_alone_as_with_all_others(run, joint):
    everything = draws(joint, "CHN:imports;world").values
    for place, year in enumerate(draws(joint, "world").years):
        alone = draws(run, "CHN:imports;world", years=[year]).values
        assert np.array_equal(alone[:, 0], everything[:, place])


def test_growth_and_its_probability_read_the_draws(joint):
    found = draws(joint, "IND:exports")
    above = (found.values[0] > found.table["last_known"].to_numpy()[:, None]).mean(axis=1)
    assert np.allclose(found.table["probability_of_growth"], above, atol=0.01)
    growth = found.table["forecast"] / found.table["last_known"] - 1
    assert np.allclose(found.table["growth"], growth)


def test_any_level_nests_in_the_next(joint):
    table = draws(joint, "world;DEU,FRA", levels=(20, 50, 80.5, 95)).table
    lower = table[["lower_95", "lower_80.5", "lower_50", "lower_20"]].to_numpy()
    upper = table[["upper_20", "upper_50", "upper_80.5", "upper_95"]].to_numpy()
    assert (np.diff(lower, axis=1) >= 0).all()
    assert (np.diff(upper, axis=1) >= 0).all()


def test_shares_of_partners_add_up(joint):
    table = shares(joint, "DEU:exports")
    assert set(table["partner"]) == set(countries_of(joint.run.forecasts)) - {"DEU"}
    for column in ("last_known", "forecast"):
        by_year = table.groupby("target_year")[column].sum()
        assert np.allclose(by_year, 1.0)
    assert (table["lower_90"] <= table["upper_90"]).all()
    assert table["upper_90"].max() <= 1


def test_orderings_of_two_sums_are_complementary(joint):
    table = orderings(joint, ["DEU:exports", "USA:exports"])
    there, back = (table[table["first"] == f"{code}:exports"] for code in ("DEU", "USA"))
    total = there["probability_first_larger"].to_numpy() + back["probability_first_larger"]
    assert np.allclose(total, 1.0)


def test_past_outcomes_by_hand(run):
    from forecasting.evaluation.backtest_file import read_backtest
    from forecasting.results.record_setting import record_setting

    rows = read_backtest(
        run.out,
        columns=["origin", "horizon", "exporter", "forecast", "actual"],
        where=[("setting", "==", record_setting(run))],
    )
    rows = rows[(rows["exporter"] == "DEU") & rows["actual"].notna() & (rows["horizon"] == 1)]
    by = rows.groupby("origin")[["forecast", "actual"]].sum()
    ratio = by["actual"] / by["forecast"]
    (found,) = past_outcomes(run, "DEU:exports").query("horizon == 1").to_dict("records")
    assert found["origins"] == len(by)
    assert found["lowest"] == pytest.approx(ratio.min(), rel=1e-5)
    assert found["highest"] == pytest.approx(ratio.max(), rel=1e-5)
    assert found["median"] == pytest.approx(ratio.median(), rel=1e-5)
    expected = "" if ratio.min() <= 1 <= ratio.max() else "always too"
    assert found["flag"].startswith(expected) if expected else found["flag"] == ""


@pytest.mark.parametrize(
    ("of", "says"),
    [
        ("DEU:exprts", "exprts"),
        ("DEUX:exports", "DEU"),
        ("ASEAN:exports", "ASEAN"),
        ("DEU,DEU", "domestic"),
        ("DEU:DEU", "holds no flow"),
        ("DEU:exports:food", "no sectors"),
        ("ALL:ALL", "both sides"),
        ("MERCOSURE:exports", "MERCOSUR"),
        ("", "no flow"),
        ("DEU:", "not a flow"),
    ],
)
def test_a_selection_that_cannot_be_is_one_clear_line(run, stops, of, says):
    stops(lambda: draws(run, of), says=says)


def test_levels_and_years_outside_what_can_be_are_refused(run, stops):
    stops(lambda: draws(run, "world", levels=(100,)), says="100")
    stops(lambda: draws(run, "world", levels=(0,)), says="0 is not a level")
    stops(lambda: draws(run, "world", years=(1990,)), says="1990")


def test_members_that_the_run_lacks_are_named(run):
    found = draws(run, "EU27:exports")
    assert "POL" in found.selections[0].absent
    assert any("POL" in note for note in found.notes())


def test_the_interval_of_equally_likely_values_is_hazens():
    values = np.arange(1, 201, dtype=np.float32)[None, :]
    low, high = interval(values, 90)
    assert (low[0], high[0]) == pytest.approx((10.5, 190.5))
