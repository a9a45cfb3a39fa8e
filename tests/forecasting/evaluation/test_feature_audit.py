"""A feature that sees the future is refused with the cell that it sees; an honest one passes."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import InputError
from features.feature import Feature, exporter, latest
from features.information import AsOfRule
from forecasting.evaluation.feature_audit import require_known

GDP, RTA = "MACRO.GDP", "rta"


def feature(build) -> Feature:
    return Feature("seer", "own", "log", (), "none", "ours", build)


def audit(bundle, build) -> None:
    require_known(
        bundle, [feature(build)], rule=AsOfRule(), setting="totals_known", origins=(2002, 2005),
        seed=1,
    )  # fmt: skip


def next_trade(info):
    panel = info._data.panel
    return panel.values[panel.row(info.origin + 1), : info.flows.size]


def one_later_flow(info):
    return np.full(info.flows.size, info._data.panel.values[-1, 3])


def later_gdp(info):
    return info._data.indicators.values[GDP][-1][info.flows.importer]


def later_agreement(info):
    yearly = info._data.pairs.yearly[RTA]
    return yearly.values[-1][info.flows.exporter, info.flows.importer]


def any_later_year(info):
    return info.history.base[:, : info.flows.size].sum(axis=0)


@pytest.mark.parametrize(
    "build", [exporter(latest(GDP)), lambda info: info.history[-1], lambda info: info.intensity[-1]]
)
def test_an_honest_feature_passes(build, make_bundle):
    audit(make_bundle(), build)


@pytest.mark.parametrize(
    ("build", "cell"),
    [
        (next_trade, r"trade of [A-Z]{3} -> [A-Z]{3} in 2003"),
        (one_later_flow, r"trade of [A-Z]{3} -> [A-Z]{3} in 2010"),
        (later_gdp, r"MACRO\.GDP of [A-Z]{3} in 2012"),
        (later_agreement, r"rta of [A-Z]{3} and [A-Z]{3} in \d{4}"),
    ],
)
def test_a_planted_leak_is_refused_with_feature_and_cell(build, cell, make_bundle):
    with pytest.raises(InputError, match=rf"'seer' at origin 2002 changes with {cell}, which"):
        audit(make_bundle(), build)


def test_the_cell_is_the_one_that_is_read(make_bundle):
    bundle = make_bundle()
    flows = bundle.panel.flows
    named = f"{flows.countries[flows.exporter[3]]} -> {flows.countries[flows.importer[3]]} in 2010"
    with pytest.raises(InputError, match=named):
        audit(bundle, one_later_flow)


def test_a_leak_in_one_sector_names_it(make_bundle):
    bundle = make_bundle(sectors=("goods", "services"))
    with pytest.raises(InputError, match=r"-> [A-Z]{3} \((goods|services)\) in 2003"):
        audit(bundle, next_trade)


def test_a_feature_that_differs_between_two_builds_is_refused(make_bundle):
    with pytest.raises(InputError, match="differs between two builds"):
        audit(make_bundle(), lambda info: np.random.default_rng().random(info.flows.size))
