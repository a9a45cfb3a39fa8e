"""Nothing published after an origin reaches back before it: a sample of the 300 perturbations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import perturbations as script
import pytest

from features.catalogue import origin_matrix
from features.information import InformationSet
from forecasting.inputs.universe import universe_choices

ORIGIN = 2007
CONFIG = replace(script.CONFIG, horizons=(1,), rounds=2, settings=("totals_known",))


@pytest.fixture(scope="module")
def before():
    return [script.facts(world, until=ORIGIN, config=CONFIG) for world in script.WORLDS]


@pytest.mark.parametrize("kind", script.NOTHING_MOVES, ids=lambda kind: kind.__name__)
def test_what_is_published_later_moves_nothing(before, kind):
    number = script.NOTHING_MOVES.index(kind)
    world = number % len(script.WORLDS)
    rng = np.random.default_rng(number)
    other = kind(script.WORLDS[world], ORIGIN, rng)
    after = script.facts(other, until=ORIGIN, config=CONFIG)
    assert {key[0] for key in before[world]} == {
        "feature", "rows", "choice", "forecast", "base", "chance", "interval",
    }  # fmt: skip
    assert set(before[world]) <= set(after)
    assert script.moved(before[world], after) == []


@pytest.mark.parametrize("kind", script.DECLARED, ids=lambda kind: kind.__name__)
def test_choices_of_universe_are_declared(kind):
    world = script.WORLDS[1]
    plain, data = (
        script.read(tables, CONFIG)
        for tables in (world, kind(world, ORIGIN, np.random.default_rng(0)))
    )
    assert data.panel.flows.size > plain.panel.flows.size or data.indicators.statements == ()
    said = universe_choices(CONFIG, data, first_origin=ORIGIN)
    assert said[0].startswith("The countries and sectors are those that the trade file names")
    assert ("VNM first trade after 2007" in said[0]) == (kind is script.country_added)
    assert any("The catalogue decides" in text for text in said)


def test_a_table_that_ends_late_for_another_s_sake_moves_no_series():
    """What leaked: the last year of every series was that of the table."""
    world = script.WORLDS[0]
    rows = world.indicators
    short = replace(world, indicators=rows[rows["year"] <= ORIGIN])
    long = script.indicator_years_added(short, ORIGIN, np.random.default_rng(1))
    as_of = CONFIG.as_of_rule(script.LAST).date(ORIGIN)
    infos = [
        InformationSet(script.read(tables, CONFIG), as_of=as_of, origin=ORIGIN)
        for tables in (short, long)
    ]
    for name in world.catalogue["indicator"]:
        first, second = (info.latest(name, back=2) for info in infos)
        np.testing.assert_array_equal(first, second)
        assert np.isfinite(first).all()


def test_no_series_that_begins_later_moves_anything():
    """What leaked: models counted from a source's first year were zero before it, not unknown."""
    world = script.WORLDS[0]
    plain = script.read(world, CONFIG)
    as_of = CONFIG.as_of_rule(script.LAST).date(ORIGIN)
    matrix = origin_matrix(InformationSet(plain, as_of=as_of, origin=ORIGIN))
    for seed in range(8):
        data = script.read(script.series_added(world, ORIGIN, np.random.default_rng(seed)), CONFIG)
        later = origin_matrix(InformationSet(data, as_of=as_of, origin=ORIGIN))
        assert later.tobytes() == matrix.tobytes()
