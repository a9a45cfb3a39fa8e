"""A tiny synthetic world with every series of the catalogue, and what tests of it share."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import ssl
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from threadpoolctl import threadpool_limits

from features.catalogue import FEATURES
from features.choices import Setting
from features.data.indicators import Indicators
from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.data.sectors import SectorAttributes
from features.errors import InputError
from features.information import DataBundle
from features.reading.schemas import EXPOSURES
from forecasting.memory import SELDOM

COUNTRIES = ("BRA", "CHN", "DEU", "FRA", "IND", "NAM", "USA", "ZAF")
FIRST_YEAR, LAST_YEAR = 1999, 2010
INDICATOR_YEARS = (1993, 2012)
STATIC_PAIRS = ("dist", "contig", "comlang_off", "comlang_ethno", "comcol", "colony", "col45",
                "curcol")  # fmt: skip
YEARLY_PAIRS = ("rta", "rta_wto", "n_treaties")
TOTALS = ("TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD")
MEMBERSHIPS = ("WTO.MEMBER", "EU.MEMBER", "EURO.MEMBER")
KINDS = ("digitally_deliverable", "services")
OTHER_LAGS = (0, 3, 6, 9, 12, 18, 24, 36)
LAGS = {
    "EPOCH.NOTABLE.MODELS": 3,
    "MACRO.GDP": 6,
    "MACRO.GDP.REAL": 6,
    "MACRO.EXCH": 1,
    **dict.fromkeys(TOTALS, 4),
}
TRADE_LAG = 13


# A busy machine makes no property false.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """As in a run: on a busy machine BLAS threads wait for each other forty times as long."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Iterator[None]:
    """Every client of the web reads those of the system, for 20 ms; tests make hundreds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """No test reaches beyond this machine: a name that is not local does not resolve."""
    resolve = socket.getaddrinfo

    def local_only(host: object, *args: object, **options: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in (None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname()):
            raise OSError(f"a test asks the network for {name}")
        return resolve(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", local_only)
        yield


# What runs where -------------------------------------------------------------------------------

FIRST = (
    # One worker compiles the kernels, the other needs none meanwhile: neither waits.
    "features/measures/test_measures.py",
    "models/tree_shap/test_path_dependent.py",
    "features/data/test_panel.py",
    # The longest files, so that no worker begins one as the other ends.
    "forecasting/recovery/test_sector_recovery.py",
    "forecasting/tracking/test_mlflow_pages.py",
    "forecasting/tracking/test_server.py",
    "forecasting/test_job.py",
    "forecasting/reports/test_trace.py",
    "forecasting/cli/test_main.py",
    "forecasting/recovery/test_recovery.py",
    "forecasting/tracking/test_track.py",
    "forecasting/serving/test_serving.py",
    "forecasting/reports/test_report.py",
    "forecasting/test_sector_run.py",
    "forecasting/test_mutants.py",
    "forecasting/test_perturbations.py",
    "forecasting/measurement/test_measure_run.py",
    "forecasting/figures/test_own_process.py",
    "forecasting/figures/test_plots.py",
    "forecasting/cluster/test_cluster.py",
    "forecasting/cli/test_fetch.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect no garbage meanwhile: all that is imported stays, and looking for more took a third.

    Nor is it looked through again when tests make objects, and theirs are, as in a run, seldom.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*SELDOM)
        gc.enable()


ASK_A_SERVER = {"serve", "mirror", "dripping"}
"""Fixtures that are a local server: tests that ask for one are `slow`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks a server as slow, before pytest chooses; put the files of `FIRST` first."""
    for item in items:
        if ASK_A_SERVER.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    here, place = Path(__file__).parent, {name: number for number, name in enumerate(FIRST)}
    order = {path: place.get(path.relative_to(here).as_posix(), len(FIRST))
             for path in {item.path for item in items}}  # fmt: skip
    items.sort(key=lambda item: order[item.path])


# What workers share -----------------------------------------------------------------------------

Listing = dict[str, tuple[int, int]]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Path]]:
    """Make a folder once for all workers of a session: ``made_once(name, make)``.

    ``make(folder)`` fills it; whoever comes second waits and reads. Nobody may write into it
    afterwards: a test that wants to copies it first.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    root = root / "made-once"
    root.mkdir(exist_ok=True)
    seen: dict[Path, Listing] = {}

    def make_or_read(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = root / name, root / f"{name}.done"
        with FileLock(root / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        seen.setdefault(folder, _listing(folder))
        return folder

    yield make_or_read
    changed = [folder.name for folder, listing in seen.items() if _listing(folder) != listing]
    assert not changed, f"a test wrote into what all share: {changed}"


def _listing(folder: Path) -> Listing:
    """Size and time of every file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path): (found.st_size, found.st_mtime_ns) for path in files for found in [path.stat()]
    }


# The tiny world --------------------------------------------------------------------------------


def trade_frame(*, sectors: tuple[str, ...] = (), domestic: bool = False) -> pd.DataFrame:
    """Gravity-like flows with zeros, years without trade and unknown cells (rows left out)."""
    rng = np.random.default_rng(len(sectors) + 10 * domestic)
    size = rng.lognormal(11, 1, len(COUNTRIES))
    rows = []
    for i, exporter in enumerate(COUNTRIES):
        for j, importer in enumerate(COUNTRIES):
            if i == j and not domestic:
                continue
            for sector in sectors or ("",):
                level = size[i] * size[j] / 1e4 * rng.lognormal(0, 1.5)
                often, unknown = rng.choice([1.0, 0.5, 0.0], p=[0.75, 0.2, 0.05]), rng.random()
                for year in range(FIRST_YEAR, LAST_YEAR + 1):
                    level *= rng.lognormal(0.05, 0.3)
                    if unknown < 0.25 and rng.random() < 0.35:
                        continue
                    value = float(np.float32(level)) if rng.random() < often else 0.0
                    rows.append((exporter, importer, sector, year, value))
    frame = pd.DataFrame(rows, columns=["exporter", "importer", "sector", "year", "value_usd"])
    return frame if sectors else frame.drop(columns="sector")


def indicator_frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every series of the catalogue with a tenth of its cells missing, and its lags."""
    rng = np.random.default_rng(1)
    no_indicators = {*STATIC_PAIRS, *YEARLY_PAIRS, *EXPOSURES, *KINDS}
    names = sorted({s for f in FEATURES for s in f.series} - no_indicators)
    channel = {s: f.channel for f in reversed(FEATURES) for s in f.series}
    years = range(INDICATOR_YEARS[0], INDICATOR_YEARS[1] + 1)
    rows = []
    for name in names:
        for country in COUNTRIES:
            level = rng.lognormal(3, 1)
            member = rng.integers(INDICATOR_YEARS[0], INDICATOR_YEARS[1])
            for year in years:
                level *= rng.lognormal(0.03, 0.1)
                if rng.random() < 0.1:
                    continue
                value = float(year >= member) if name in MEMBERSHIPS else level
                rows.append((country, year, name, value))
    catalogue = pd.DataFrame(
        {
            "indicator": names,
            "channel": ["published_totals" if n in TOTALS else channel[n] for n in names],
            "label": names,
            "unit": "unit",
            "publication_lag_months": [
                LAGS.get(name, OTHER_LAGS[k % len(OTHER_LAGS)]) for k, name in enumerate(names)
            ],
        }
    )
    return pd.DataFrame(rows, columns=["iso3", "year", "indicator", "value"]), catalogue


def pair_frames() -> list[tuple[str, pd.DataFrame]]:
    """Static geography, and a list of agreements that names occurrences only."""
    rng = np.random.default_rng(2)
    pairs = [(o, d) for o in COUNTRIES for d in COUNTRIES if o != d]
    geography = pd.DataFrame(pairs, columns=["iso3_o", "iso3_d"])
    geography["dist"] = rng.uniform(300, 15_000, len(pairs))
    for name in STATIC_PAIRS[1:]:
        geography[name] = (rng.random(len(pairs)) < 0.3).astype(float)
    geography.loc[:2, "dist"] = np.nan
    home = pd.DataFrame({"iso3_o": COUNTRIES, "iso3_d": COUNTRIES, "dist": [200.0, 300.0] * 4})
    geography = pd.concat([geography, home], ignore_index=True).fillna(
        dict.fromkeys(STATIC_PAIRS[1:], 0.0)
    )
    rows = []
    for o, d in pairs:
        start = int(rng.integers(1990, 2030))
        rows += [
            (o, d, year, 1, int(year > start + 2), 1 + (year > start + 5))
            for year in range(start, INDICATOR_YEARS[1] + 1)
        ]
    agreements = pd.DataFrame(rows, columns=["iso3_o", "iso3_d", "year", *YEARLY_PAIRS])
    return [("geography", geography), ("agreements", agreements)]


def sector_frame(sectors: tuple[str, ...]) -> pd.DataFrame:
    """Manufactures first, digitally deliverable services last."""
    last = np.arange(len(sectors)) == len(sectors) - 1
    return pd.DataFrame(
        {
            "sector": sectors,
            "kind": np.where(last, "services", "manufacturing"),
            "digitally_deliverable": last.astype(int),
            "automation_exposure": np.linspace(0.9, 0.2, len(sectors)),
            "ai_exposure": np.linspace(0.1, 0.8, len(sectors)),
        }
    )


@lru_cache(maxsize=8)
def build_bundle(
    *,
    sectors: tuple[str, ...] = (),
    domestic: bool = False,
    include: bool = False,
    indicators: bool = True,
    pairs: bool = True,
) -> DataBundle:
    panel = TradePanel.from_frame(
        trade_frame(sectors=sectors, domestic=domestic),
        domestic="include" if include else "apart",
    )
    countries = panel.flows.countries
    return DataBundle(
        panel,
        indicators=Indicators.from_frames(*indicator_frames(), countries=countries)
        if indicators
        else None,
        pairs=PairAttributes.from_frames(pair_frames(), countries=countries) if pairs else None,
        sectors=SectorAttributes.from_frame(sector_frame(sectors), sectors=sectors)
        if sectors
        else None,
        trade_lag_months=TRADE_LAG,
    )


@pytest.fixture(scope="session")
def make_trade() -> Callable[..., pd.DataFrame]:
    """Make the tiny world's trade table, optionally with ``sectors`` and ``domestic`` sales."""
    return trade_frame


@pytest.fixture(scope="session")
def make_bundle() -> Callable[..., DataBundle]:
    """Make the tiny world's bundle, whole or without ``indicators`` or ``pairs``.

    ``domestic`` sales are kept apart, or flows like any other with ``include``.
    """
    return build_bundle


@pytest.fixture(scope="session")
def panel() -> TradePanel:
    return build_bundle().panel


@pytest.fixture(scope="session")
def bundle() -> DataBundle:
    return build_bundle()


@pytest.fixture(scope="session")
def sector_bundle() -> DataBundle:
    return build_bundle(sectors=("goods", "services"), domestic=True)


@pytest.fixture(scope="session")
def diagonal_bundle() -> DataBundle:
    """The same data with domestic sales as flows."""
    return build_bundle(sectors=("goods", "services"), domestic=True, include=True)


@pytest.fixture(scope="session")
def make_world_tables() -> Callable[[], tuple[pd.DataFrame, ...]]:
    """Make the tiny world's tables: trade, indicators, their catalogue, geography, agreements."""
    return lambda: (trade_frame(), *indicator_frames(), *(table for _, table in pair_frames()))


@pytest.fixture
def trade() -> pd.DataFrame:
    return trade_frame()


@pytest.fixture
def indicator_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The value table and its catalogue."""
    return indicator_frames()


@pytest.fixture
def pair_tables() -> list[tuple[str, pd.DataFrame]]:
    return pair_frames()


# What tests share ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def refused() -> Callable[..., InputError]:
    """Run something that must fail as a user's mistake should; give back the error.

    One line that names the file, then the column and row where they are known, then the remedy.
    """

    def run(action: Callable[[], object], *, file: object, column: str | None = None,
            row: int | None = None, says: str = "") -> InputError:  # fmt: skip
        with pytest.raises(InputError) as caught:
            action()
        error = caught.value
        message = str(error)
        assert "\n" not in message
        assert str(file) in message
        assert (error.column, error.row) == (column, row), message
        assert column is None or f"column {column!r}" in message
        assert row is None or f"row {row}:" in message
        assert error.remedy
        assert message.endswith(error.remedy)
        assert says in message
        return error

    return run


def publication_date(year: int, *, lag_months: int) -> date:
    """First day of the month that begins ``lag_months`` after the end of ``year``."""
    day = date(year + 1, 1, 1)
    for _ in range(lag_months):
        day = date(day.year + (day.month == 12), day.month % 12 + 1, 1)
    return day


@pytest.fixture(scope="session")
def published_on() -> Callable[..., date]:
    """Give the publication date of a year's figure by counting months, one at a time."""
    return publication_date


@pytest.fixture(scope="session")
def perturb_future() -> Callable[[DataBundle, date, Setting, np.random.Generator], DataBundle]:
    """Make a copy of a bundle in which only what is published after a date differs.

    Unpublished are: trade after the origin, an indicator or a yearly pair attribute whose
    publication date lies after ``as_of``, and (ex ante) totals of years after the origin. Each such
    cell is at random kept, scaled, set to zero or made unknown.
    """
    return perturbed_after


def perturbed_after(
    bundle: DataBundle, as_of: date, setting: Setting, rng: np.random.Generator
) -> DataBundle:
    def unpublished(first: int, count: int, lag: int) -> np.ndarray:
        return np.array(
            [publication_date(first + row, lag_months=lag) > as_of for row in range(count)],
            dtype=bool,
        )

    def changed(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        out = values.copy()
        cells = out[rows]
        what = rng.integers(4, size=cells.shape)
        cells = np.where(what == 1, cells * rng.lognormal(0, 3, cells.shape), cells)
        cells = np.where(what == 2, 0.0, cells)
        # An unknown cell may also turn out to be known.
        cells = np.where((what == 1) & np.isnan(cells), rng.lognormal(5, 3, cells.shape), cells)
        out[rows] = np.where(what == 3, np.nan, cells)
        return out

    panel = bundle.panel
    late = unpublished(panel.first_year, panel.years.size, bundle.trade_lag_months)
    origin = panel.last_year if not late.any() else panel.first_year + int(late.argmax()) - 1
    domestic = None if panel.domestic is None else changed(panel.domestic, late)
    moved = replace(panel, values=changed(panel.values, late), domestic=domestic)

    indicators = bundle.indicators
    if indicators is not None:
        first, count = int(indicators.years[0]), indicators.years.size
        values = {}
        for name, cells in indicators.values.items():
            spec = indicators.specs[name]
            rows = unpublished(first, count, spec.publication_lag_months)
            if setting == "ex_ante" and spec.channel == "published_totals":
                rows |= indicators.years > origin
            values[name] = changed(cells, rows)
        indicators = replace(indicators, values=values)

    yearly = {
        name: replace(
            pairs,
            values=changed(
                pairs.values,
                unpublished(pairs.first_year, len(pairs.values), pairs.publication_lag_months),
            ),
        )
        for name, pairs in bundle.pairs.yearly.items()
    }
    return DataBundle(
        moved,
        indicators=indicators,
        pairs=replace(bundle.pairs, yearly=yearly),
        sectors=bundle.sectors,
        trade_lag_months=bundle.trade_lag_months,
    )
