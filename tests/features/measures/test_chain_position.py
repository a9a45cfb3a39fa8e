from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.input_output import InputOutputTable
from features.measures.chain_position import MEASURES
from features.measures.measure import PanelContext, TradeYear
from features.measures.value_chains import value_chains

BY_NAME = {measure.name: measure for measure in MEASURES}
seeds = st.integers(0, 2**32 - 1)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_shares_of_exports_against_loops(random_year, expect, seed):
    year = random_year(seed)
    chains, codes = year.chains, year.context.countries
    trading = [c for c, exports in enumerate(chains.exports) if exports > 0]

    def over_exports(values):
        return {codes[c]: values[c] / chains.exports[c] for c in trading}

    fv, iv = over_exports(chains.foreign_content), over_exports(chains.indirect_value_added)
    expect(year, BY_NAME["domestic_value_added"], over_exports(chains.domestic_value_added))
    expect(year, BY_NAME["foreign_value_added"], fv)
    expect(year, BY_NAME["indirect_value_added"], iv)
    expect(year, BY_NAME["participation"], {code: iv[code] + fv[code] for code in iv})
    expect(year, BY_NAME["position"], {c: float(np.log(1 + iv[c]) - np.log(1 + fv[c])) for c in iv})


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_country_has_the_stages_of_its_output(random_year, expect, seed):
    year = random_year(seed)
    chains = year.chains
    for of_sectors, of_country in (
        ("upstreamness", "country_upstreamness"),
        ("downstreamness", "country_downstreamness"),
    ):
        stages = BY_NAME[of_sectors].compute(year)
        np.testing.assert_array_equal(stages, getattr(chains, of_sectors))
        expected = {}
        for c, code in enumerate(year.context.countries):
            made = [s for s, value in enumerate(chains.output[c]) if value > 0]
            if made:
                weight = sum(chains.output[c, s] for s in made)
                expected[code] = sum(chains.output[c, s] * stages[c, s] for s in made) / weight
        expect(year, BY_NAME[of_country], expected)


def back_and_forth():
    """R's ore crosses five borders: to S, T, S and T again, and to the households of S."""
    n, k = 3, 2
    sales, final = np.zeros((n * k, n * k)), np.zeros((n * k, n))
    route = [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1)]
    rows = [country * k + sector for country, sector in route]
    for value, (seller, user) in enumerate(pairwise(rows), start=10):
        sales[seller, user] = value
    final[rows[-1], 1] = 14.0
    table = InputOutputTable(2000, ("R", "S", "T"), ("a", "b"), sales, final)
    flows = table.flows()
    context = PanelContext(table.countries, table.sectors, domestic=True)
    return TradeYear(context, flows, (flows > 0).astype(float), flows > 0, value_chains(table))


def test_a_hand_worked_chain():
    """Each stage adds 1 to the 10 of ore; exports are 10, 11 + 13 and 12 + 14."""
    year = back_and_forth()
    found = {name: measure.compute(year) for name, measure in BY_NAME.items()}
    # The ore is in all four later crossings: the value added abroad exceeds exports.
    np.testing.assert_allclose(found["indirect_value_added"], [4.0, (2 + 1) / 24, 1 / 26])
    np.testing.assert_allclose(
        found["foreign_value_added"], [0.0, (10 + 10 + 1) / 24, (11 + 11 + 1) / 26]
    )
    np.testing.assert_allclose(
        found["position"][0], np.log(5.0), err_msg="furthest upstream there is"
    )
    np.testing.assert_allclose(found["upstreamness"], [[5.0, np.nan], [4.0, 2.0], [3.0, 1.0]])
    np.testing.assert_allclose(found["downstreamness"][0, 0], 1.0)
    assert found["country_upstreamness"][2] == pytest.approx((12 * 3 + 14 * 1) / 26)


def test_what_passes_its_units_limits_has_another_unit():
    """A share ends at 1 and an index too, and intervals are cut there."""
    for name in ("indirect_value_added", "participation", "position"):
        assert BY_NAME[name].compute(back_and_forth()).max() > 1
        assert BY_NAME[name].unit not in {"share", "index"}
