from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise, takewhile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.channels.history import HISTORY_COLUMNS, history_columns, write_history
from features.information import AsOfRule, DataBundle, InformationSet

nan = math.nan
RELATIVE = tuple(
    name
    for name in HISTORY_COLUMNS
    if name.startswith(("intensity", "growth_vs_margins", "share_of")) or name == "volatility_5"
)


def at(data: DataBundle, origin: int) -> InformationSet:
    return InformationSet(data, as_of=AsOfRule().date(origin))


# A slow oracle ---------------------------------------------------------------------------------


def ln(value: float) -> float:
    return nan if math.isnan(value) else math.log(max(value, 1.0))


def midpoint(now: float, then: float) -> float:
    if math.isnan(now) or math.isnan(then):
        return nan
    return 0.0 if now + then == 0 else 2 * (now - then) / (now + then)


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else nan


def known(values: list[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


class Oracle:
    """One flow's columns, from dictionaries keyed by (exporter, importer, sector)."""

    def __init__(self, data: DataBundle, origin: int) -> None:
        panel, flows = data.panel, data.panel.flows
        self.years = range(panel.first_year, origin + 1)
        self.keys = list(zip(flows.exporter, flows.importer, flows.sector, strict=True))
        self.value = {
            (*key, year): float(panel.values[panel.row(year), number])
            for number, key in enumerate(self.keys)
            for year in self.years
        }

    def total(self, year: int, **wanted: int) -> float:
        places = {"exporter": 0, "importer": 1, "sector": 2}
        return sum(
            known(
                [
                    self.value[*key, year]
                    for key in self.keys
                    if all(key[places[name]] == code for name, code in wanted.items())
                ]
            )
        )

    def intensity(self, key: tuple[int, int, int], year: int) -> float:
        exporter, importer, sector = key
        return (
            ln(self.value[*key, year])
            - ln(self.total(year, exporter=exporter, sector=sector))
            - ln(self.total(year, importer=importer, sector=sector))
            + ln(self.total(year, sector=sector))
        )

    def columns(self, key: tuple[int, int, int]) -> dict[str, float]:
        exporter, importer, sector = key
        x = [self.value[*key, year] for year in self.years]
        back = [self.value[importer, exporter, sector, year] for year in self.years]
        intensity = [self.intensity(key, year) for year in self.years]
        relative = [nan if math.isnan(v) else math.exp(i) * (v > 0)
                    for v, i in zip(x, intensity, strict=True)]  # fmt: skip
        world = [self.total(year, sector=sector) for year in self.years]
        origin = self.years[-1]
        out = {
            "log_value": ln(x[-1]),
            "share_of_exporter": ln(x[-1])
            - ln(self.total(origin, exporter=exporter, sector=sector)),
            "share_of_importer": ln(x[-1])
            - ln(self.total(origin, importer=importer, sector=sector)),
            "intensity": intensity[-1],
        }
        for years in (1, 2, 3, 5):
            there = len(x) > years
            out[f"growth_vs_world_{years}"] = (
                midpoint(x[-1], x[-1 - years]) - midpoint(world[-1], world[-1 - years])
                if there
                else nan
            )
            out[f"growth_vs_margins_{years}"] = (
                midpoint(relative[-1], relative[-1 - years]) if there else nan
            )
        for years in (3, 5, 10):
            traded = [i for v, i in zip(x[-years:], intensity[-years:], strict=True) if v > 0]
            out[f"intensity_gap_{years}"] = intensity[-1] - mean(traded)
        out["value_gap_5"] = ln(x[-1]) - ln(mean(known(x[-5:])))
        recent = relative[-6:]
        steps = [midpoint(now, then) for then, now in pairwise(recent)]
        if len(steps) > 1:
            centre = mean(steps)
            out["volatility_5"] = math.sqrt(mean([(step - centre) ** 2 for step in steps]))
        else:
            out["volatility_5"] = nan
        out["zeros_5"] = sum(value == 0 for value in x[-5:])
        # Years that are unknown are not years without trade, and no years of trade.
        backwards = list(reversed(known(x)))
        out["years_since_trade"] = len(list(takewhile(lambda value: value == 0, backwards)))
        out["link_age"] = len(list(takewhile(lambda value: value > 0, backwards)))
        peak = max(known(x), default=nan)
        out["peak_gap"] = ln(x[-1]) - ln(peak)
        out["reverse_value"] = ln(back[-1])
        out["reverse_growth_3"] = midpoint(back[-1], back[-4]) if len(back) > 3 else nan
        out["balance"] = midpoint(x[-1], back[-1])
        return out


def compare(data: DataBundle, origin: int, names: tuple[str, ...]) -> None:
    oracle = Oracle(data, origin)
    expected = [oracle.columns(key) for key in oracle.keys]
    found = history_columns(at(data, origin))
    for name in names:
        np.testing.assert_allclose(
            found[HISTORY_COLUMNS.index(name)],
            [columns[name] for columns in expected],
            # Sums and differences of float32 logarithms near 25 round at 2e-6 each.
            rtol=1e-5, atol=2e-5, err_msg=f"{name} at origin {origin}",
        )  # fmt: skip


def test_the_oracle_knows_every_column(bundle):
    oracle = Oracle(bundle, 2003)
    assert set(oracle.columns(oracle.keys[0])) == set(HISTORY_COLUMNS)


def test_the_tiny_world_holds_zeros_unknown_cells_births_and_deaths(panel):
    values = panel.values
    assert (values == 0).any()
    assert np.isnan(values).any()
    assert np.isnan(values[-1]).any()
    assert ((values[1:] > 0) & (values[:-1] == 0)).any()
    assert ((values[1:] == 0) & (values[:-1] > 0)).any()
    assert (values == 0).all(axis=0).any()


@pytest.mark.parametrize("origin", range(1999, 2011))
def test_every_column_equals_its_oracle_however_short_the_history(bundle, origin):
    compare(bundle, origin, HISTORY_COLUMNS)


@pytest.mark.parametrize("origin", [2000, 2010])
def test_every_column_equals_its_oracle_with_sectors(sector_bundle, origin):
    compare(sector_bundle, origin, HISTORY_COLUMNS)


def test_a_sector_that_grows_alike_everywhere_shifts_no_pattern(sector_bundle):
    panel = sector_bundle.panel
    values = panel.values.copy()
    values[-1] *= np.where(panel.flows.sector == 0, np.float32(3), np.float32(1))
    grown = DataBundle(replace(panel, values=values))
    rows = [HISTORY_COLUMNS.index(name) for name in RELATIVE]
    traded = values[-1] > 0
    before, after = (
        history_columns(at(data, panel.last_year))[rows][:, traded]
        for data in (sector_bundle, grown)
    )
    np.testing.assert_allclose(after, before, atol=1e-4)


@pytest.mark.parametrize("block", [1, 7, 55, 56, 57, 1_000])
@pytest.mark.parametrize("origin", [2000, 2010])
def test_the_block_size_changes_no_bit(bundle, monkeypatch, block, origin):
    monkeypatch.setattr("features.channels.history.BLOCK", 16_384)
    whole = history_columns(at(bundle, origin))
    monkeypatch.setattr("features.channels.history.BLOCK", block)
    assert history_columns(at(bundle, origin)).tobytes() == whole.tobytes()


def test_the_block_size_changes_no_bit_with_sectors(sector_bundle, monkeypatch):
    whole = history_columns(at(sector_bundle, 2010))
    monkeypatch.setattr("features.channels.history.BLOCK", 9)
    assert history_columns(at(sector_bundle, 2010)).tobytes() == whole.tobytes()


def test_a_reused_buffer_is_overwritten_whole(bundle):
    info = at(bundle, 2008)
    buffer = np.full((len(HISTORY_COLUMNS), info.flows.size), 1e30, dtype=np.float32)
    write_history(info, buffer)
    np.testing.assert_array_equal(buffer, history_columns(info))


def test_a_set_computes_its_history_once(bundle):
    info = at(bundle, 2008)
    assert history_columns(info) is history_columns(info)


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_counting_in_another_currency_moves_levels_only(bundle, seed, rate):
    """Growth, gaps, shares and ages have no unit: flows far above one dollar are scaled."""
    panel = bundle.panel
    rng = np.random.default_rng(seed)
    values = rng.lognormal(15, 1, panel.values.shape)
    values[rng.random(values.shape) < 0.02] = nan
    sets = [
        history_columns(at(DataBundle(replace(panel, values=scaled.astype(np.float32))), 2010))
        for scaled in (values, values * rate)
    ]
    levels = [HISTORY_COLUMNS.index(name) for name in ("log_value", "reverse_value")]
    for columns, log_rate in zip(sets, (0.0, math.log(rate)), strict=True):
        columns[levels] -= np.float32(log_rate)
    np.testing.assert_allclose(sets[1], sets[0], atol=5e-5)
