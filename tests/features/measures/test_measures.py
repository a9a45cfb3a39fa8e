"""What holds of every measure of the catalogue, whatever it measures."""

from __future__ import annotations

import warnings
from dataclasses import fields, replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.input_output import InputOutputTable
from features.measures.catalogue import MEASURES, UNMET, available, missing
from features.measures.measure import Family, Need, PanelContext
from features.measures.value_chains import value_chains
from forecasting.measurement.intervals import NATURAL_LIMITS

NAMES = [measure.name for measure in MEASURES]
STAGES = {"upstreamness", "downstreamness"}
LIMITS = {"share": (0.0, 1.0), "index": (-1.0, 1.0),
    "index from 0 to 1": (0.0, 1.0), "partners": (1.0, np.inf),
          "km": (0.0, np.inf), "ratio": (0.0, np.inf), "stages": (1.0, np.inf),
          "share of exports": (0.0, np.inf), "log ratio": (-np.log(2), np.inf)}  # fmt: skip
WITHOUT = {
    "sectors": {"sectors": ("",)},
    "kinds": {"services": None, "manufacturing": None, "digital": None},
    "domestic": {"domestic": False},
    "distance": {"distance": None},
    "regions": {"region": None},
    "low_cost": {"countries": ("DEU", "FRA")},
    "data": {"data_intensity": None},
    "hosting": {"hosting": None},
    "tables": {},
}
LOW_COST_SEED = 1
"""Of a year with low-cost countries."""
SAID_NOTHING = {"sectors", "domestic", "low_cost"}
"""Needs without which there are numbers that say nothing, see `available`."""
seeds = st.integers(0, 2**32 - 1)
every = pytest.mark.parametrize("measure", MEASURES, ids=NAMES)


def computed(measure, year):
    """Values of a measure; a warning of NumPy's is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return measure.compute(year)


def with_chains(year, change):
    """The year's value chains with ``change(name, array)`` for every array."""
    arrays = {f.name: change(f.name, getattr(year.chains, f.name)) for f in fields(year.chains)}
    return replace(year, chains=replace(year.chains, **arrays))


# The catalogue ------------------------------------------------------------------------------------


def test_measures_are_declared_once_with_unit_source_and_family():
    assert len(set(NAMES)) == len(NAMES)
    assert len({measure.label for measure in MEASURES}) == len(NAMES)
    assert {measure.family for measure in MEASURES} == set(get_args(Family))
    assert set(UNMET) == set(get_args(Need))
    for measure in MEASURES:
        assert measure.name.isidentifier()
        assert measure.unit in LIMITS
        assert measure.source
        assert measure.compute.__doc__
        assert ("sector" not in measure.of) or measure.needs & {"sectors", "tables"}
        assert measure.of != ()


def test_everything_is_available_of_a_whole_year(random_year):
    context = random_year(LOW_COST_SEED).context
    assert available(context, tables=True) == MEASURES
    assert missing(context, tables=True) == {}


def test_flows_alone_allow_shares_concentration_and_links():
    context = PanelContext(("FRA", "USA"), ("",), domestic=False)
    allowed = {measure.name for measure in available(context, tables=False)}
    assert allowed == {
        "market_share", "supplier_concentration", "market_concentration", "effective_suppliers",
        "largest_supplier", "active_links", "link_births", "link_deaths",
    }  # fmt: skip
    reported = missing(context, tables=False)
    assert set(reported) == set(NAMES) - allowed
    assert "column `sector`" in reported["export_structure"]
    assert "--domestic include" in reported["domestic_sourcing"]
    assert "--sectors FILE" in reported["digital_value_added"]
    assert "--tables DIR" in reported["digital_value_added"]


@pytest.mark.parametrize("need", get_args(Need))
def test_a_need_that_is_not_met_takes_exactly_its_measures(random_year, need):
    bare = replace(random_year(LOW_COST_SEED).context, **WITHOUT[need])
    lacking = {measure.name for measure in MEASURES if need in measure.needs}
    assert lacking
    assert missing(bare, tables=need != "tables") == dict.fromkeys(
        [name for name in NAMES if name in lacking], UNMET[need]
    )
    kept = [measure.name for measure in available(bare, tables=need != "tables")]
    assert kept == [name for name in NAMES if name not in lacking]


@hypothesis_settings(max_examples=60, deadline=None)
@given(needs=st.sets(st.sampled_from(get_args(Need))))
def test_available_and_missing_partition_the_catalogue(random_year, needs):
    """Whatever is there: each measure is on one side, and its reasons are what is not there."""
    context = random_year(LOW_COST_SEED).context
    lacking = set(get_args(Need)) - set(needs)
    for need in lacking - {"tables"}:
        context = replace(context, **WITHOUT[need])
    kept = available(context, tables="tables" in needs)
    reasons = missing(context, tables="tables" in needs)
    assert [m.name for m in MEASURES if m.name not in reasons] == [m.name for m in kept]
    assert len(kept) + len(reasons) == len(MEASURES)
    for measure in MEASURES:
        reported = {need for need in lacking if UNMET[need] in reasons.get(measure.name, "")}
        assert reported == measure.needs & lacking
        assert (measure in kept) == (not reported)


@pytest.mark.parametrize(
    ("measure", "need"),
    [(m, need) for m in MEASURES for need in sorted(m.needs - SAID_NOTHING)],
    ids=lambda given: given if isinstance(given, str) else given.name,
)
def test_a_measure_that_says_it_needs_something_cannot_do_without(random_year, measure, need):
    year = random_year(0)
    bare = (
        replace(year, chains=None)
        if need == "tables"
        else replace(year, context=replace(year.context, **WITHOUT[need]))
    )
    with pytest.raises(AssertionError):
        measure.compute(bare)


def test_intervals_are_cut_at_limits_that_values_keep():
    """Units without limits there are listed here, so that a new unit is not overlooked."""
    unlimited = {"log ratio"}
    for unit, limits in NATURAL_LIMITS.items():
        assert LIMITS[unit] == limits
    assert {measure.unit for measure in MEASURES} <= set(NATURAL_LIMITS) | unlimited


@every
def test_a_measure_reads_nothing_it_does_not_say_it_needs(random_year, measure):
    """Taking away what other measures need changes nothing."""
    year = random_year(11)
    context = year.context
    kinds = "kinds" in measure.needs
    bare = replace(
        year,
        context=replace(
            context,
            distance=context.distance if "distance" in measure.needs else None,
            region=context.region if "regions" in measure.needs else None,
            manufacturing=context.manufacturing if kinds else None,
            services=context.services if kinds else None,
            digital=context.digital if kinds else None,
            data_intensity=context.data_intensity if "data" in measure.needs else None,
            hosting=context.hosting if "hosting" in measure.needs else None,
        ),
        chains=year.chains if "tables" in measure.needs else None,
    )
    if "domestic" not in measure.needs:
        n = len(context.countries)
        bare.values[np.arange(n), np.arange(n)] = 0.0
    np.testing.assert_array_equal(measure.compute(bare), measure.compute(random_year(11)))


# Values -------------------------------------------------------------------------------------------


@every
@hypothesis_settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_values_have_their_shape_stay_in_their_limits_and_change_no_input(
    random_year, measure, seed
):
    year, untouched = random_year(seed), random_year(seed)
    found = computed(measure, year)
    context = year.context
    sizes = {"sector": len(context.sectors)}
    assert found.shape == tuple(sizes.get(d, len(context.countries)) for d in measure.of)
    assert found.dtype == np.float64
    assert not np.isinf(found).any()
    low, high = LIMITS[measure.unit]
    known = found[~np.isnan(found)]
    assert (known >= low - 1e-9).all()
    assert (known <= high + 1e-9).all()
    for name in ("values", "chance", "before"):
        np.testing.assert_array_equal(getattr(year, name), getattr(untouched, name))


@every
@hypothesis_settings(max_examples=10, deadline=None)
@given(seed=seeds, factor=st.sampled_from([1e-6, 3.0, 1e9]))
def test_the_unit_of_money_does_not_matter(random_year, measure, seed, factor):
    year = random_year(seed)
    scaled = with_chains(year, lambda name, array: array if name in STAGES else factor * array)
    scaled = replace(scaled, values=factor * year.values)
    np.testing.assert_allclose(
        computed(measure, scaled), computed(measure, year), rtol=1e-9, atol=1e-12
    )


@every
@hypothesis_settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_the_order_of_countries_and_sectors_does_not_matter(random_year, measure, seed):
    year = random_year(seed)
    context = year.context
    n, k = len(context.countries), len(context.sectors)
    rng = np.random.default_rng(seed)
    c, s = rng.permutation(n), rng.permutation(k)
    cube = np.ix_(c, c, s)

    def moved(name, array):
        return array[np.ix_(c, s)] if array.shape == (n, k) and array.ndim == 2 else array[c]

    other = replace(
        with_chains(year, moved),
        context=replace(
            context,
            countries=tuple(context.countries[number] for number in c),
            sectors=tuple(context.sectors[number] for number in s),
            distance=context.distance[np.ix_(c, c)],
            region=context.region[c],
            manufacturing=context.manufacturing[s],
            services=context.services[s],
            digital=context.digital[s],
            data_intensity=context.data_intensity[s],
            hosting=context.hosting[np.ix_(c, c)],
        ),
        values=year.values[cube],
        chance=year.chance[cube],
        before=year.before[cube],
    )
    places = np.ix_(*(s if dimension == "sector" else c for dimension in measure.of))
    np.testing.assert_allclose(
        computed(measure, other), computed(measure, year)[places], rtol=1e-9, atol=1e-12
    )


@every
@hypothesis_settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_domestic_sales_count_in_measures_of_reshoring_only(random_year, measure, seed):
    year = random_year(seed)
    own = np.arange(len(year.context.countries))
    values, chance, before = year.values.copy(), year.chance.copy(), year.before.copy()
    values[own, own] = 7.0 * values[own, own] + 1e6
    chance[own, own] = 1.0 - chance[own, own]
    before[own, own] = ~before[own, own]
    other = replace(year, values=values, chance=chance, before=before)
    same = np.array_equal(computed(measure, other), computed(measure, year), equal_nan=True)
    # Every sector sells at home now, so that its domestic share is known.
    if "domestic" not in measure.needs:
        assert same
    elif measure.name == "domestic_sourcing":
        assert not same


@every
def test_without_any_trade_a_measure_is_unknown_and_does_not_fail(random_year, measure):
    year = random_year(5)
    empty = with_chains(year, lambda name, array: array * (np.nan if name in STAGES else 0.0))
    empty = replace(
        empty,
        values=np.zeros_like(year.values),
        chance=np.zeros_like(year.chance),
        before=np.zeros_like(year.before),
    )
    found = computed(measure, empty)
    if measure.family == "links":
        # Links without trade are known to be none; none can stop.
        assert np.isnan(found).all() if measure.name == "link_deaths" else (found == 0).all()
    else:
        assert np.isnan(found).all()


def test_measures_of_a_table_agree_with_those_of_its_flows(random_year):
    """One small table through the real value chains: shares of exports, stages, inputs."""
    rng = np.random.default_rng(4)
    codes, n, k = ("CHN", "FRA", "USA"), 3, 2
    sales = rng.uniform(0, 10, (n * k, n * k))
    final = rng.uniform(50, 100, (n * k, n))
    table = InputOutputTable(2000, codes, ("goods", "services"), sales, final)
    flows, services = table.flows(), np.array([False, True])
    year = replace(
        random_year(0),
        context=PanelContext(
            codes, table.sectors, True, np.ones((n, n)), np.zeros(n, dtype=np.int64),
            ~services, services, services, np.array([0.25, 1.0]), np.full((n, n), 0.2),
        ),
        values=flows, chance=(flows > 0).astype(float), before=flows > 0,
        chains=value_chains(table, goods=~services),
    )  # fmt: skip
    found = {measure.name: computed(measure, year) for measure in MEASURES}
    for measure in MEASURES:
        unknown = np.isnan(found[measure.name])
        if "low_cost" in measure.needs:
            assert unknown.tolist() == [True, False, False]
        else:
            # Births need a flow that was not traded before.
            assert unknown.all() == unknown.any() == (measure.name == "link_births"), measure.name
    goods = flows.copy()
    goods[np.arange(n), np.arange(n)] = 0.0
    np.testing.assert_allclose(
        year.chains.origin_of_goods_exports.sum(axis=1), goods[:, :, 0].sum(axis=1), rtol=1e-9
    )
    inputs = sales.reshape(n, k, n, k)
    at_home = np.array([inputs[c, :, c].sum(axis=0) for c in range(n)])
    np.testing.assert_allclose(found["domestic_inputs"], at_home / inputs.sum(axis=(0, 1)))
    spent = found["domestic_value_added"] + found["foreign_value_added"]
    np.testing.assert_allclose(
        spent + year.chains.double_counted / year.chains.exports, 1.0, rtol=1e-9
    )
