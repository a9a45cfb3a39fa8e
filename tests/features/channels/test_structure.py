from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.channels.structure import STRUCTURE_COLUMNS, complete, structure_columns
from features.information import AsOfRule, DataBundle, InformationSet

nan = math.nan
Columns = dict[str, np.ndarray]


def at(data: DataBundle, origin: int) -> InformationSet:
    return InformationSet(data, as_of=AsOfRule().date(origin))


def columns(info: InformationSet) -> Columns:
    return dict(zip(STRUCTURE_COLUMNS, structure_columns(info), strict=True))


def only_sector(info: InformationSet, sector: int) -> np.ndarray:
    return info.flows.sector == sector


# A slow oracle: one sector's pairs as dictionaries, one country at a time ------------------------


class Oracle:
    def __init__(self, info: InformationSet, sector: int) -> None:
        mask = only_sector(info, sector)
        keys = list(
            zip(info.flows.exporter[mask].tolist(), info.flows.importer[mask].tolist(), strict=True)
        )
        self.keys = keys
        self.countries = range(len(info.flows.countries))
        self.value = [dict(zip(keys, row[mask].astype(float), strict=True)) for row in info.history]
        self.log, self.abroad = (
            [dict(zip(keys, row[mask].astype(float), strict=True)) for row in rows]
            for rows in (info.intensity, info.abroad_intensity)
        )

    def growth(self, pair: tuple[int, int], years: int) -> float:
        """Growth of the intensity, nan where the flow did not trade in both years."""
        if len(self.value) <= years or pair not in self.value[-1]:
            return nan
        if not (self.value[-1][pair] > 0 and self.value[-1 - years][pair] > 0):
            return nan
        return max(-3.0, min(3.0, self.log[-1][pair] - self.log[-1 - years][pair]))

    def mean_intensity(self, pair: tuple[int, int]) -> float:
        if pair[0] == pair[1]:
            return nan
        rows = zip(self.value[-3:], self.abroad[-3:], strict=True)
        known = [log[pair] for value, log in rows if value[pair] > 0]
        return sum(known) / len(known) if known else nan

    def row(self, country: int, *, exports: bool) -> list[float]:
        pairs = [(country, other) if exports else (other, country) for other in self.countries]
        values = [self.mean_intensity(pair) for pair in pairs]
        return [-4.0 if math.isnan(value) else value for value in values]

    def similarity(self, a: int, b: int, *, exports: bool) -> float:
        if a == b:
            return 0.0
        x, y = (np.array(self.row(c, exports=exports)) for c in (a, b))
        x, y = x - x.mean(), y - y.mean()
        scale = math.sqrt((x @ x) * (y @ y))
        return max(float(x @ y) / scale, 0.0) ** 3 if scale > 0 else 0.0

    def similar(self, pair: tuple[int, int], years: int, *, exports: bool) -> float:
        own, partner = pair if exports else pair[::-1]
        top = bottom = 0.0
        for other in self.countries:
            flow = (other, partner) if exports else (partner, other)
            growth = self.growth(flow, years)
            if other != own and not math.isnan(growth):
                weight = self.similarity(own, other, exports=exports)
                top, bottom = top + weight * growth, bottom + weight
        return top / bottom if bottom > 1e-6 else nan

    def others(self, pair: tuple[int, int], *, exports: bool, size: bool) -> float:
        side = 0 if exports else 1
        values = [
            self.growth(key, 1) for key in self.keys if key != pair and key[side] == pair[side]
        ]
        known = [abs(v) if size else v for v in values if not math.isnan(v)]
        return sum(known) / len(known) if known else nan

    def silent(self, pair: tuple[int, int], *, exports: bool, back: int) -> float:
        side = 0 if exports else 1
        values = [
            v for key, v in self.value[-back].items() if key[side] == pair[side] != key[1 - side]
        ]
        return values.count(0.0) / max(sum(not math.isnan(v) for v in values), 1)

    def columns(self) -> Columns:
        out: dict[str, list[float]] = {name: [] for name in STRUCTURE_COLUMNS[1:]}
        for pair in self.keys:
            for name, exports in (("exporters", True), ("importers", False)):
                for years in (1, 3):
                    out[f"similar_{name}_growth_{years}"].append(
                        self.similar(pair, years, exports=exports)
                    )
            for name, exports in (("exports", True), ("imports", False)):
                out[f"other_{name}_growth_1"].append(self.others(pair, exports=exports, size=False))
                out[f"other_{name}_churn_1"].append(self.others(pair, exports=exports, size=True))
            for name, exports in (("destinations", True), ("sources", False)):
                now = self.silent(pair, exports=exports, back=1)
                before = self.silent(pair, exports=exports, back=2) if len(self.value) > 1 else nan
                out[f"silent_{name}"].append(now)
                out[f"newly_silent_{name}"].append(now - before)
        return {name: np.array(values) for name, values in out.items()}


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize(
    ("sectors", "origin"), [((), 2009), ((), 2001), ((), 1999), (("a", "b"), 2008)]
)
def test_columns_agree_with_a_slow_oracle(make_bundle, sectors, origin, include):
    info = at(make_bundle(sectors=sectors, domestic=include, include=include), origin)
    ours = columns(info)
    for sector in range(max(len(sectors), 1)):
        mask = only_sector(info, sector)
        for name, expected in Oracle(info, sector).columns().items():
            np.testing.assert_allclose(
                ours[name][mask], expected, rtol=2e-4, atol=2e-4, err_msg=name
            )


# The low-rank picture ----------------------------------------------------------------------------


def low_rank(rng: np.random.Generator, size: int = 60) -> np.ndarray:
    factors = rng.normal(size=(2, size, 3))
    effects = rng.normal(size=(2, size))
    return factors[0] @ factors[1].T + effects[0][:, None] + effects[1][None, :]


def two_way(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    rows, cols = np.nonzero(seen)
    size = len(values)
    design = np.zeros((len(rows), 2 * size))
    design[np.arange(len(rows)), rows] = 1
    design[np.arange(len(rows)), size + cols] = 1
    effects = np.linalg.lstsq(design, values[seen], rcond=None)[0]
    return effects[:size, None] + effects[None, size:]


@pytest.mark.parametrize("seed", range(5))
def test_completion_beats_country_effects_where_countries_have_more_in_common(seed):
    rng = np.random.default_rng(seed)
    truth = low_rank(rng)
    seen = rng.random(truth.shape) < 0.7
    noisy = (truth + rng.normal(size=truth.shape) * 0.5).astype(np.float32)
    ours = complete(np.where(seen, noisy, 0)[None].astype(np.float32), seen[None])[0]
    theirs = two_way(noisy, seen)
    error = {
        name: np.abs((values - truth)[~seen]).mean()
        for name, values in (("ours", ours), ("effects", theirs))
    }
    assert error["ours"] < 0.7 * error["effects"], error


def test_completion_of_noise_is_little_more_than_its_country_effects():
    noise = np.random.default_rng(3).normal(size=(1, 80, 80)).astype(np.float32)
    picture = complete(noise, np.ones(noise.shape, dtype=np.bool_))
    effects = noise.mean(axis=1, keepdims=True) + noise.mean(axis=2, keepdims=True) - noise.mean()
    assert np.std(picture - effects) < 0.1 * np.std(noise)


def test_the_gap_closes_towards_the_picture(make_bundle):
    """A link raised above what its countries' other links suggest stands above the picture."""
    data = make_bundle()
    info = at(data, 2009)
    gap = columns(info)["structure_gap"]
    traded = info.history[-1] > 0
    assert np.isnan(gap[~traded]).all()
    assert np.isfinite(gap[traded]).all()
    flow = int(np.flatnonzero(traded)[3])
    values = data.panel.values.copy()
    values[data.panel.row(2009), flow] *= 50
    raised = columns(at(changed(data, values), 2009))
    assert raised["structure_gap"][flow] < gap[flow] - 1


@pytest.mark.parametrize("origin", [2009, 2001])
def test_the_picture_is_of_trade_abroad_whether_or_not_domestic_sales_are_flows(
    make_bundle, origin
):
    apart, both = (
        at(make_bundle(sectors=("a", "b"), domestic=True, include=include), origin)
        for include in (False, True)
    )
    home = both.flows.domestic
    found, expected = columns(both), columns(apart)
    assert np.isnan(found["structure_gap"][home]).all()
    for name in STRUCTURE_COLUMNS:
        if "silent" in name or name == "structure_gap":
            np.testing.assert_allclose(
                found[name][~home], expected[name], rtol=1e-4, atol=1e-4, err_msg=name
            )


def changed(data: DataBundle, values: np.ndarray) -> DataBundle:
    panel = replace(data.panel, values=values)
    return DataBundle(panel, pairs=data.pairs, trade_lag_months=data.trade_lag_months)


# Edges -------------------------------------------------------------------------------------------


@given(share=st.floats(0, 1), seed=st.integers(0, 100))
@hypothesis_settings(max_examples=20, deadline=None)
def test_emptied_panels_give_bounded_numbers_without_a_warning(make_bundle, share, seed):
    data = make_bundle()
    values = data.panel.values.copy()
    values[np.random.default_rng(seed).random(values.shape) < share] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = structure_columns(at(changed(data, values), 2005))
    assert not np.isinf(found).any()
    assert np.nanmax(np.abs(found), initial=0) < 50


def test_a_panel_of_one_year_has_no_growth(make_bundle):
    found = columns(at(make_bundle(), 1999))
    for name in STRUCTURE_COLUMNS:
        if "growth" in name or "churn" in name or "newly" in name:
            assert np.isnan(found[name]).all(), name
        else:
            assert np.isfinite(found[name]).any(), name
