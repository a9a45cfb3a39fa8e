"""Value chains: a table worked by hand, random tables against slow oracles, and what has none."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.input_output import InputOutputTable
from features.errors import InputError
from features.measures.value_chains import ValueChains, value_chains

SEEDS = st.integers(0, 10**6)
MANY = hypothesis_settings(max_examples=60, deadline=None)
USD = tuple(
    field.name for field in fields(ValueChains) if not field.name.endswith("streamness")
)  # fmt: skip


def draw_table(seed: int, *, countries: int | None = None) -> InputOutputTable:
    """A balanced table in which some sectors are idle, some lose and some inventories fall."""
    rng = np.random.default_rng(seed)
    n = countries or int(rng.integers(2, 6))
    k = int(rng.integers(1, 5))
    size = n * k
    taken = rng.dirichlet(np.full(size, 0.5), size).T * rng.uniform(0, 0.95, size)
    taken *= rng.random((size, size)) < rng.uniform(0.3, 1)
    losing = rng.random(size) < 0.1
    taken[:, losing] *= 1.2 / np.maximum(taken[:, losing].sum(axis=0), 1e-9)
    final = rng.lognormal(15, 2, (size, n)) * (rng.random((size, n)) < 0.8)
    final *= np.where(rng.random((size, n)) < 0.05, -0.1, 1.0)
    idle = rng.random(size) < 0.15
    taken[idle] = taken[:, idle] = final[idle] = 0.0
    spread = np.abs(np.linalg.eigvals(taken)).max()
    assume(spread < 0.98)
    output = np.linalg.solve(np.eye(size) - taken, final.sum(axis=1))
    assume((output[~idle] > 1e-3 * np.abs(final[~idle]).sum(axis=1)).all())
    assume((output[~idle] > 0).all())
    return InputOutputTable(
        2000, tuple(f"C{c}" for c in range(n)), tuple(f"s{s}" for s in range(k)),
        taken * np.where(idle, 0.0, output), final,
    )  # fmt: skip


# Worked by hand ---------------------------------------------------------------------------------


@pytest.fixture
def worked() -> InputOutputTable:
    """A makes goods of its services and B's goods, B goods of A's goods and its services.

             to: A goods  A services  B goods  B services | final A  final B | output
    A goods          0        0         40        0       |   20       40    |  100
    A services      25        0          0        0       |   15       10    |   50
    B goods         40        0          0        0       |    0       40    |   80
    B services       0        0          8        0       |    0       32    |   40
    value added     35       50         32       40
    a dollar's     .35        1         .4        1
    """
    intermediate = np.zeros((4, 4))
    intermediate[[0, 1, 2, 3], [2, 0, 0, 2]] = [40.0, 25.0, 40.0, 8.0]
    final = np.array([[20.0, 40.0], [15.0, 10.0], [0.0, 40.0], [0.0, 32.0]])
    return InputOutputTable(2000, ("A", "B"), ("goods", "services"), intermediate, final)


def test_contents_of_exports_worked_by_hand(worked):
    """Inputs: A goods take .25 A services and .4 B goods, B goods .5 A goods and .1 B services.

    Goods go round: .4 x .5 = .2, so a dollar of goods takes 1 / (1 - .2) = 1.25 of itself. For a
    dollar of A goods: A goods 1.25, A services .25 x 1.25 = .3125, B goods .4 x 1.25 = .5, B
    services .1 x .5 = .05. For a dollar of B goods: B goods 1.25, B services .125, A goods .5 x
    1.25 = .625, A services .25 x .625 = .15625. Services take nothing.

    A exports 80 goods (40 + 40) and 10 services; B exports 40 goods. Value in A's 80 of goods:
    A goods .35 x 1.25 x 80 = 35, A services .3125 x 80 = 25, B goods .4 x .5 x 80 = 16, B services
    .05 x 80 = 4. In B's 40: A goods .35 x .625 x 40 = 8.75, A services 6.25, B goods 20, B
    services 5.
    """
    found = value_chains(worked, goods=np.array([True, False]))
    expected = {
        "output": [[100, 50], [80, 40]],
        "exports": [90, 40],
        "exports_by_sector": [[80, 10], [40, 0]],
        # A's own production alone: (.35 + .25) x 80 + 10 = 58. B's: (.4 + .1) x 40 = 20.
        "domestic_value_added": [58, 20],
        # Domestic content is 35 + 25 + 10 = 70 and 20 + 5 = 25.
        "double_counted": [12, 5],
        "foreign_content": [20, 15],
        "foreign_content_by_sector": [[20, 0], [15, 0]],
        # Of two countries each has its indirect value added in the other's foreign content.
        "indirect_value_added": [15, 20],
        "origin_of_exports": [[35 + 16, 25 + 10 + 4], [8.75 + 20, 6.25 + 5]],
        "domestic_origin_of_exports": [[35, 35], [20, 5]],
        "origin_of_goods_exports": [[51, 29], [28.75, 11.25]],
        # .4 of A goods and .5 of B goods go into each other: u_A = 1 + .4 u_B, u_B = 1 + .5 u_A.
        # Of A services 25 of 50 go to A goods, of B services 8 of 40 to B goods.
        "upstreamness": [[1.4 / 0.8, 1 + 0.5 * 1.75], [1.5 / 0.8, 1 + 0.2 * 1.875]],
        # d_A = 1 + .25 + .4 d_B, d_B = 1 + .1 + .5 d_A: d_A = 1.69 / .8.
        "downstreamness": [[2.1125, 1], [1.1 + 0.5 * 2.1125, 1]],
        "domestic_inputs": [[25, 0], [8, 0]],
        "foreign_inputs": [[40, 0], [40, 0]],
    }
    assert set(expected) == {field.name for field in fields(ValueChains)}
    for name, values in expected.items():
        np.testing.assert_allclose(
            getattr(found, name), values, rtol=1e-13, atol=1e-12, err_msg=name
        )


def test_sectors_without_kinds_have_no_goods_exports(worked):
    assert value_chains(worked).origin_of_goods_exports is None


def test_without_trade_all_value_is_at_home():
    alone = InputOutputTable(
        2000, ("A", "B"), ("goods",), np.diag([50.0, 0.0]), np.diag([50.0, 30.0])
    )
    found = value_chains(alone)
    for name in ("exports", "domestic_value_added", "double_counted", "foreign_content",
                 "indirect_value_added"):  # fmt: skip
        np.testing.assert_array_equal(getattr(found, name), [0.0, 0.0], err_msg=name)
    # A uses half of its output itself: 1 + 1/2 + 1/4 + ... stages either way.
    np.testing.assert_allclose(found.upstreamness, [[2.0], [1.0]])
    np.testing.assert_allclose(found.downstreamness, [[2.0], [1.0]])


# Random tables ----------------------------------------------------------------------------------


@MANY
@given(SEEDS)
def test_identities(seed):
    table = draw_table(seed)
    kinds = np.random.default_rng(seed).random(len(table.sectors)) < 0.5
    found = value_chains(table, goods=kinds)
    close = {"rtol": 1e-9, "atol": 1e-9 * (1 + np.abs(found.exports).max())}
    np.testing.assert_allclose(
        found.domestic_value_added + found.double_counted + found.foreign_content,
        found.exports, **close,
    )  # fmt: skip
    np.testing.assert_allclose(found.origin_of_exports.sum(axis=1), found.exports, **close)
    np.testing.assert_allclose(found.exports_by_sector.sum(axis=1), found.exports, **close)
    np.testing.assert_allclose(
        found.foreign_content_by_sector.sum(axis=1), found.foreign_content, **close
    )
    np.testing.assert_allclose(
        found.domestic_origin_of_exports.sum(axis=1),
        found.domestic_value_added + found.double_counted, **close,
    )  # fmt: skip
    np.testing.assert_allclose(
        found.origin_of_goods_exports.sum(axis=1),
        found.exports_by_sector[:, kinds].sum(axis=1), **close,
    )  # fmt: skip
    np.testing.assert_allclose(
        found.indirect_value_added.sum(), found.foreign_content.sum(), **close
    )
    np.testing.assert_allclose(table.value_added.sum(), table.final.sum(), rtol=1e-9)
    bought = table.intermediate.sum(axis=0).reshape(found.output.shape)
    np.testing.assert_allclose(found.domestic_inputs + found.foreign_inputs, bought, rtol=1e-9,
                               atol=1e-12 * bought.max(initial=1.0))  # fmt: skip
    weight = found.output / found.output.sum()
    up, down = (np.nansum(weight * s) for s in (found.upstreamness, found.downstreamness))
    assert up == pytest.approx(down, rel=1e-9)


@MANY
@given(SEEDS)
def test_stages_are_at_least_one_and_unknown_without_output(seed):
    table = draw_table(seed)
    found = value_chains(table)
    works = found.output > 0
    for stages in (found.upstreamness, found.downstreamness):
        assert (stages[works] >= 1 - 1e-12).all()
        assert np.isnan(stages[~works]).all()
    for name in USD:
        assert getattr(found, name) is None or np.isfinite(getattr(found, name)).all()


def blocks(table: InputOutputTable) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inputs of a dollar, value added in it, exports by country as columns, output; by loops."""
    n, k = len(table.countries), len(table.sectors)
    output = [table.intermediate[i].sum() + table.final[i].sum() for i in range(n * k)]
    taken, added = np.zeros((n * k, n * k)), np.zeros(n * k)
    exports = np.zeros((n * k, n))
    for j in range(n * k):
        if output[j] > 0:
            taken[:, j] = table.intermediate[:, j] / output[j]
            added[j] = 1.0 - taken[:, j].sum()
        for buyer in range(n):
            if buyer != j // k:
                own = slice(buyer * k, buyer * k + k)
                exports[j, j // k] += table.intermediate[j, own].sum() + table.final[j, buyer]
    return taken, added, exports, np.array(output)


def slow(table: InputOutputTable, inverse: np.ndarray) -> dict[str, np.ndarray]:
    """Measures of the formulas in the module, block by block, from a Leontief inverse."""
    n, k = len(table.countries), len(table.sectors)
    taken, added, exports, output = blocks(table)
    out = {name: np.zeros(n) for name in ("domestic_value_added", "double_counted",
                                          "foreign_content", "indirect_value_added")}  # fmt: skip
    out |= {name: np.zeros((n, k)) for name in ("origin_of_exports", "foreign_content_by_sector")}
    for r in range(n):
        here = slice(r * k, r * k + k)
        for s in range(n):
            present = slice(s * k, s * k + k)
            value = np.diag(added[present]) @ inverse[present, here] @ np.diag(exports[here, r])
            out["origin_of_exports"][r] += value.sum(axis=1)
            if s != r:
                out["foreign_content"][r] += value.sum()
                out["foreign_content_by_sector"][r] += value.sum(axis=0)
                out["indirect_value_added"][s] += value.sum()
            else:
                alone = np.linalg.inv(np.eye(k) - taken[here, here])
                out["domestic_value_added"][r] = added[here] @ alone @ exports[here, r]
                out["double_counted"][r] = value.sum() - out["domestic_value_added"][r]
    works = output > 0
    sold = np.zeros_like(taken)
    sold[works] = table.intermediate[works] / output[works, None]
    up = np.linalg.inv(np.eye(n * k) - sold).sum(axis=1)
    out["upstreamness"] = np.where(works, up, np.nan).reshape(n, k)
    out["downstreamness"] = np.where(works, inverse.sum(axis=0), np.nan).reshape(n, k)
    return out


def assert_same(found: ValueChains, expected: dict[str, np.ndarray], *, rtol: float) -> None:
    for name, values in expected.items():
        unit = 1.0 if name.endswith("streamness") else 1 + np.abs(found.exports).max()
        np.testing.assert_allclose(
            getattr(found, name), values, rtol=rtol, atol=rtol * unit, err_msg=name
        )


@MANY
@given(SEEDS)
def test_an_explicit_inverse_gives_the_same(seed):
    table = draw_table(seed)
    taken = blocks(table)[0]
    inverse = np.linalg.inv(np.eye(len(taken)) - taken)
    assert_same(value_chains(table), slow(table, inverse), rtol=1e-8)


@hypothesis_settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_rounds_of_production_add_up_to_the_same(seed):
    """The inverse is the sum of all powers: what is used directly, by suppliers, by theirs."""
    table = draw_table(seed)
    taken = blocks(table)[0]
    total, power = np.eye(len(taken)), np.eye(len(taken))
    while power.sum() > 1e-16 * total.sum():
        power = power @ taken
        total += power
    assert_same(value_chains(table), slow(table, total), rtol=1e-8)


@MANY
@given(SEEDS, st.floats(-12, 6).map(lambda power: 10.0**power))
def test_other_units_of_money_change_money_only(seed, unit):
    table = draw_table(seed)
    found = value_chains(table)
    other = value_chains(
        replace(table, intermediate=unit * table.intermediate, final=unit * table.final)
    )
    for name in USD:
        if getattr(found, name) is not None:
            np.testing.assert_allclose(
                getattr(other, name), unit * getattr(found, name), rtol=1e-8,
                atol=1e-9 * unit * (1 + found.output.max()), err_msg=name,
            )  # fmt: skip
    np.testing.assert_allclose(other.upstreamness, found.upstreamness, rtol=1e-9)
    np.testing.assert_allclose(other.downstreamness, found.downstreamness, rtol=1e-9)


@MANY
@given(SEEDS)
def test_the_order_of_countries_does_not_matter(seed):
    table = draw_table(seed)
    n, k = len(table.countries), len(table.sectors)
    order = np.random.default_rng(seed).permutation(n)
    rows = (order[:, None] * k + np.arange(k)).ravel()
    other = replace(
        table,
        countries=tuple(table.countries[c] for c in order),
        intermediate=table.intermediate[np.ix_(rows, rows)],
        final=table.final[np.ix_(rows, order)],
    )
    before, after = value_chains(table), value_chains(other)
    for name in (field.name for field in fields(ValueChains)):
        values = getattr(before, name)
        if values is not None:
            np.testing.assert_allclose(
                getattr(after, name), values[order], rtol=1e-8,
                atol=1e-9 * (1 + before.output.max()) * (name in USD), err_msg=name,
            )  # fmt: skip


# Tables without a solution ----------------------------------------------------------------------


def with_final(final: list[float], *, taken: list[list[float]]) -> InputOutputTable:
    """One sector in each country; final use is all at home."""
    names = tuple("ABCD"[: len(final)])
    return InputOutputTable(2003, names, ("steel",), np.array(taken), np.diag(final))


@pytest.mark.parametrize(
    ("final", "taken"),
    [
        # B sells all it makes to itself.
        ([10.0, 0.0], [[0.0, 0.0], [0.0, 7.0]]),
        # A and B sell all they make to each other: every column sums to 1.
        ([0.0, 0.0], [[0.0, 5.0], [5.0, 0.0]]),
        # The same but for a ten-trillionth: what came out would be rounding.
        ([5e-13, 5e-13], [[0.0, 5.0], [5.0, 0.0]]),
        # B takes more of itself than it makes, as its inventories fall: outputs would be negative.
        ([10.0, -3.0], [[0.0, 0.0], [0.0, 7.0]]),
    ],
)
def test_sectors_that_take_all_their_output_have_no_solution(final, taken):
    with pytest.raises(InputError, match="2003 has no solution") as caught:
        value_chains(with_final(final, taken=taken))
    assert "final use" in caught.value.remedy


def test_what_has_no_solution_names_the_sector_that_takes_most():
    with pytest.raises(InputError, match=r"most in B steel: 175\.0%"):
        value_chains(with_final([10.0, -3.0], taken=[[0.0, 0.0], [0.0, 7.0]]))


def test_a_sector_that_makes_a_loss_is_measured():
    """B's inputs cost 120 of an output of 100: its value added, and what exports hold, is less."""
    table = with_final([30.0, 100.0], taken=[[0.0, 120.0], [0.0, 0.0]])
    found = value_chains(table)
    np.testing.assert_allclose(table.value_added, [150.0, -20.0])
    np.testing.assert_allclose(found.downstreamness, [[1.0], [2.2]])
    np.testing.assert_allclose(found.upstreamness, [[1.8], [1.0]])


def test_a_world_without_output_has_no_chains():
    found = value_chains(with_final([0.0, 0.0], taken=[[0.0, 0.0], [0.0, 0.0]]))
    assert np.isnan(found.upstreamness).all()
    assert not found.exports.any()
