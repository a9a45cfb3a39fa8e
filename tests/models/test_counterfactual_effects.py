"""Effects planted in small worlds of gravity, estimated back."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.data.indicators import Indicators
from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.errors import InputError
from features.information import DataBundle, InformationSet
from models.counterfactual_effects import country_effect, pair_effect

pytest.importorskip("pyfixest", reason="needs the extra `gravity`")

CODES = ("BRA", "CHN", "DEU", "FRA", "IND", "USA", "ZAF")
YEARS = np.arange(2000, 2012)
EFFECT = 0.4


def world(*, domestic: bool, of_pairs: float = 0.0, of_countries: float = 0.0) -> InformationSet:
    """Sizes grow at rates of their own, pairs differ, and two things move flows."""
    rng = np.random.default_rng(3)
    n, t = len(CODES), len(YEARS)
    starts = rng.integers(2, 2 * t, (n, n))
    agreed = (np.arange(t)[:, None, None] >= np.maximum(starts, starts.T)) & ~np.eye(n, dtype=bool)
    online = rng.normal(0, 1, (t, n)).cumsum(axis=0)
    size = rng.normal(0, 0.3, (t, n, 2)).cumsum(axis=0)
    abroad = ~np.eye(n, dtype=bool)
    log = 20 + rng.normal(0, 1, (n, n)) + size[:, :, None, 0] + size[:, None, :, 1]
    log = log + of_pairs * agreed + of_countries * online[:, :, None] * abroad
    log = log + rng.normal(0, 0.05, (t, n, n))
    year, exporter, importer = (part.ravel() for part in np.indices((t, n, n)))
    names = np.array(CODES)
    keys = {"year": YEARS[year], "exporter": names[exporter], "importer": names[importer]}
    trade = pd.DataFrame({**keys, "value_usd": np.exp(log).ravel()})
    pairs = pd.DataFrame(
        {"iso3_o": keys["exporter"], "iso3_d": keys["importer"], "year": keys["year"],
         "rta": agreed.ravel().astype(float)}
    )  # fmt: skip
    far = pairs[pairs["year"] == YEARS[0]].drop(columns=["year", "rta"]).assign(dist=1.0)
    of_year, of_country = (part.ravel() for part in np.indices((t, n)))
    values = pd.DataFrame(
        {"iso3": names[of_country], "year": YEARS[of_year], "indicator": "ONLINE",
         "value": online.ravel()}
    )  # fmt: skip
    catalogue = pd.DataFrame(
        {"indicator": ["ONLINE"], "channel": ["data_infrastructure"], "label": ["online"],
         "unit": ["index"], "publication_lag_months": [0]}
    )  # fmt: skip
    if not domestic:
        trade = trade[trade["exporter"] != trade["importer"]]
    panel = TradePanel.from_frame(trade, domestic="include" if domestic else "drop")
    off = [pairs[pairs["iso3_o"] != pairs["iso3_d"]], far[far["iso3_o"] != far["iso3_d"]]]
    bundle = DataBundle(
        panel,
        indicators=Indicators.from_frames(values, catalogue, countries=panel.flows.countries),
        pairs=PairAttributes.from_frames(list(enumerate(off)), countries=panel.flows.countries),
    )
    return InformationSet(bundle, as_of=date(2013, 7, 1), origin=int(YEARS[-1]))


@pytest.mark.parametrize("domestic", [False, True])
def test_the_effect_of_an_agreement_is_found(domestic: bool) -> None:
    found = pair_effect(world(domestic=domestic, of_pairs=EFFECT), "rta")
    assert abs(found.value - EFFECT) < 3 * found.standard_error < 0.3
    assert found.years == (2000, 2011)
    assert set(np.unique(found.sample)) == {0.0, 1.0}
    assert found.latest.shape == (7, 7)


def test_the_effect_of_an_indicator_is_found_in_trade_abroad_against_sales_at_home() -> None:
    found = country_effect(world(domestic=True, of_countries=EFFECT), "ONLINE")
    assert abs(found.value - EFFECT) < 0.05
    assert 0 < found.standard_error < 0.05
    assert found.observations == 12 * 49
    assert found.sample.size == 12 * 7


def test_what_does_nothing_is_not_found_to_do_something() -> None:
    info = world(domestic=True)
    for found in (pair_effect(info, "rta"), country_effect(info, "ONLINE")):
        assert abs(found.value) < 0.05


def test_without_sales_at_home_an_indicator_has_no_effect_to_estimate() -> None:
    with pytest.raises(InputError, match="without domestic sales") as caught:
        country_effect(world(domestic=False), "ONLINE")
    assert "semi_elasticity" in str(caught.value.remedy)


def test_what_never_changes_or_never_varies_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    info = world(domestic=False)
    with pytest.raises(InputError, match="does not change over time"):
        pair_effect(info, "dist")
    # An attribute of exporters alone is what exporter-year effects take up.
    own = np.arange(49.0).reshape(7, 7) // 7
    monkeypatch.setattr(info, "pair_at", lambda _, year: (own * (year - 1990)).astype(np.float32))
    with pytest.raises(InputError, match="effects leave nothing of it"):
        pair_effect(info, "rta")
