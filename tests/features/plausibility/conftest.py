"""A small dense world in which nothing is wrong, to spoil in one place at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from features.data.panel import TradePanel
from features.findings import Finding
from features.plausibility.checks import check_panel

COUNTRIES = ("AUT", "BRA", "CHN", "DEU", "FRA", "IND", "JPN", "USA")
YEARS = range(2001, 2015)


def sound_trade(seed: int, *, sectors: tuple[str, ...] = ()) -> pd.DataFrame:
    """Gravity-like flows of all pairs, growing by some percent a year."""
    rng = np.random.default_rng(seed)
    size = dict(zip(COUNTRIES, rng.lognormal(0, 1, len(COUNTRIES)), strict=True))
    keys = [(a, b, s) for a in COUNTRIES for b in COUNTRIES for s in sectors or ("",) if a != b]
    level = 1e9 * rng.lognormal(0, 1, len(keys)) * [size[a] * size[b] for a, b, _ in keys]
    growth = rng.lognormal(0.04, 0.05, (len(keys), len(YEARS))).cumprod(axis=1)
    frame = pd.DataFrame(keys, columns=["exporter", "importer", "sector"])
    frame = frame.loc[frame.index.repeat(len(YEARS))].reset_index(drop=True)
    frame["year"] = np.tile(YEARS, len(keys))
    frame["value_usd"] = (level[:, None] * growth).ravel()
    return frame if sectors else frame.drop(columns="sector")


def looked_through(frame: pd.DataFrame, **options: str) -> tuple[TradePanel, list[Finding]]:
    panel, _, findings = check_panel(TradePanel.from_frame(frame), **options)
    return panel, findings


@pytest.fixture(scope="session")
def make_sound() -> Callable[..., pd.DataFrame]:
    return sound_trade


@pytest.fixture(scope="session")
def look() -> Callable[..., tuple[TradePanel, list[Finding]]]:
    """The panel of a table as the checks read it, and their findings."""
    return looked_through
