"""The tiny world on disk, quick runs on it, a forecaster fitted to it, and runs to review."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.catalogue import NAMES
from features.data.panel import TradePanel
from features.errors import InputError
from features.information import DataBundle
from features.measures.catalogue import MEASURES
from forecasting import RunConfig, RunResult, run, simulate_world
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.inputs.load import LoadedData
from models.design import Design, origin_value
from models.forecaster import FittedForecaster
from models.intervals import Sample, fit_intervals
from models.shift import CHOICES, ShiftModel
from models.totals import forecast_totals
from models.trade_probability import TradeProbability

LEARNS = {"min_data_in_leaf": 5, "feature_fraction": 1.0}
"""LightGBM's limits are made for 100,000 rows: on 1,000 they leave nothing to learn."""
SMALL_TREES = {**LEARNS, "num_leaves": 8, "learning_rate": 0.3}
"""They learn in a third of the time of larger ones, from fewer features."""
QUICK: dict[str, Any] = {
    "horizons": (1, 2),
    "rounds": 8,
    "params": SMALL_TREES,
    "workers": 1,
    "experiment": None,
}


@dataclass(frozen=True)
class WorldFiles:
    """Where the tiny world lies: CSV and Parquet in equal parts."""

    trade: Path
    indicators: Path
    catalogue: Path
    geography: Path
    agreements: Path

    @property
    def options(self) -> dict[str, Any]:
        """The options of `RunConfig` that read all of it."""
        return {
            "trade": self.trade,
            "indicators": self.indicators,
            "indicator_catalogue": self.catalogue,
            "pairs": (self.geography, self.agreements),
        }

    @property
    def arguments(self) -> list[str]:
        """The same for the command line."""
        return [
            *("--trade", str(self.trade), "--indicators", str(self.indicators)),
            *("--indicator-catalogue", str(self.catalogue), "--pairs", str(self.geography)),
            *("--pairs", str(self.agreements)),
        ]


@pytest.fixture(scope="session")
def world_files(
    made_once: Callable[..., Path], make_world_tables: Callable[[], tuple[pd.DataFrame, ...]]
) -> WorldFiles:
    """Read only: what is to be changed is written elsewhere."""
    names = ("trade.csv", "indicators.parquet", "catalogue.csv", "geography.parquet",
             "agreements.csv")  # fmt: skip

    def make(folder: Path) -> None:
        for name, table in zip(names, make_world_tables(), strict=True):
            if name.endswith(".csv"):
                table.to_csv(folder / name, index=False)
            else:
                table.to_parquet(folder / name, index=False)

    folder = made_once("world", make)
    return WorldFiles(*(folder / name for name in names))


def on_bundle(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a run on a bundle, which lacks what the world with sectors brings."""
    return dict(options) if "trade" in options else {"world": "goods", **options}


@pytest.fixture(scope="session")
def quick() -> dict[str, Any]:
    """Options of a run that takes a second and yet learns something."""
    return dict(QUICK)


@pytest.fixture(scope="session")
def run_unaltered(
    made_once: Callable[..., Path], make_bundle: Callable[..., DataBundle]
) -> Callable[..., Path]:
    """Give the folder of what `run_on` runs on the tiny world: made once for each. Read only.

    Tests of leaks compare runs on altered data with it.
    """

    def made(**options: Any) -> Path:
        def make(folder: Path) -> None:
            with pytest.MonkeyPatch.context() as patch:
                _few_measures(patch)
                _run_on(make_bundle(), folder / "run", **options)

        name = sha256(repr(sorted(options.items())).encode()).hexdigest()[:12]
        return made_once(f"run-{name}", make) / "run"

    return made


@pytest.fixture(scope="session")
def finished_run(made_once: Callable[..., Path], make_bundle: Callable[..., DataBundle]) -> Path:
    """Folder of a finished run on the tiny world, without figures and report. Read only.

    Its trees are large enough for every channel to contribute.
    """
    bundle = make_bundle()
    return made_once("finished", lambda f: _run_on(bundle, f / "run", params=LEARNS)) / "run"


@pytest.fixture(scope="session")
def sector_run(made_once: Callable[..., Path], make_bundle: Callable[..., DataBundle]) -> Path:
    """Folder of the same with two sectors. Read only."""
    bundle = make_bundle(sectors=("goods", "services"))
    return made_once("sectors", lambda f: _run_on(bundle, f / "run", first_origin=2008)) / "run"


@pytest.fixture(scope="session")
def measured_run(made_once: Callable[..., Path], make_bundle: Callable[..., DataBundle]) -> Path:
    """Folder of a finished run on named sectors with domestic sales. Read only."""
    bundle = make_bundle(sectors=("c1", "c2", "c3"), domestic=True, include=True)
    assert bundle.sectors is not None
    names = ("Textiles", "Electrical and optical equipment & <instruments>", "Software")
    bundle = DataBundle(
        bundle.panel,
        indicators=bundle.indicators,
        pairs=bundle.pairs,
        sectors=replace(bundle.sectors, names=names),
        trade_lag_months=bundle.trade_lag_months,
    )
    options = {"settings": ("totals_known",), "rounds": 3, "first_origin": 2006}
    return made_once("measured", lambda f: _run_on(bundle, f / "run", **options)) / "run"


def _run_on(bundle: DataBundle, out: Path, **options: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _draw_nothing(patch)
        patch.setattr("forecasting.job.load", lambda _: LoadedData(bundle, ()))
        run(RunConfig(out=out, **on_bundle({**QUICK, **options})), show_progress=False)


def _draw_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("forecasting.figures.run_figures.save_figures", lambda *_: {})
    patch.setattr(
        "forecasting.reports.report.write_report", lambda *given: given[-1].write_text("")
    )


@pytest.fixture
def draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out figures and report, which take ten times as long as all the rest."""
    _draw_nothing(monkeypatch)


@pytest.fixture(scope="session")
def few_measures_in() -> Callable[[pytest.MonkeyPatch], None]:
    """The same as long as a patch holds, for fixtures of a module."""
    return _few_measures


@pytest.fixture
def few_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """One measure a family, and one other seed: all are half of a small run, and have own tests."""
    _few_measures(monkeypatch)


def _few_measures(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        "features.measures.catalogue.MEASURES", tuple({m.family: m for m in MEASURES}.values())
    )
    patch.setattr("forecasting.explanation.drivers.OTHER_SEEDS", 1)


@pytest.fixture
def run_on(
    monkeypatch: pytest.MonkeyPatch, draw_nothing: None, few_measures: None, tmp_path: Path
) -> Callable[..., RunResult]:
    """Run the whole job with few measures and no figures, on a bundle instead of on files."""

    def go(bundle: DataBundle, name: str, **options: Any) -> RunResult:
        monkeypatch.setattr("forecasting.job.load", lambda _: LoadedData(bundle, ()))
        config = RunConfig(out=tmp_path / name, **on_bundle({**QUICK, **options}))
        return run(config, show_progress=False)

    return go


@pytest.fixture(scope="session")
def stops() -> Callable[..., InputError]:
    """Run something that must fail as a user's mistake should, and give back the error."""

    def go(action: Callable[[], object], *, says: str = "") -> InputError:
        with pytest.raises(InputError) as caught:
            action()
        assert "\n" not in str(caught.value)
        assert caught.value.remedy
        assert says in str(caught.value)
        return caught.value

    return go


@pytest.fixture(scope="session")
def prepared(make_bundle: Callable[..., DataBundle]) -> PreparedData:
    """The tiny world prepared for its folds."""
    return prepare(make_bundle(), RunConfig(**on_bundle(QUICK)))


@pytest.fixture(scope="session")
def make_forecaster(make_bundle: Callable[..., DataBundle]) -> Callable[..., FittedForecaster]:
    """Fit a forecaster to the tiny world, optionally with sectors, or where all flows trade.

    With ``domestic`` its flows include domestic sales.
    """

    def make(
        *, sectors: tuple[str, ...] = (), all_trade: bool = False, domestic: bool = False
    ) -> FittedForecaster:
        bundle = make_bundle(sectors=sectors, domestic=domestic, include=domestic)
        if all_trade:
            bundle = DataBundle(_positive(bundle.panel))
        prepared = prepare(bundle, RunConfig(**on_bundle(QUICK)))
        return _fitted(prepared, prepared.design)

    return make


def _positive(panel: TradePanel) -> TradePanel:
    frame = panel.to_frame()
    frame["value_usd"] += 1.0
    return TradePanel.from_frame(frame, absent="missing")


def _fitted(prepared: PreparedData, design: Design) -> FittedForecaster:
    infos = prepared.infos["totals_known"]
    info = infos[prepared.last_origin]
    value = origin_value(info)
    rng = np.random.default_rng(5)
    samples = [
        Sample(2008, value, value * rng.lognormal(0, 0.4, value.size), value + 1e5),
        Sample(2009, 0 * value, value * (rng.random(value.size) < 0.3), value + 1e5),
    ]
    return FittedForecaster(
        flows=info.flows,
        origin=prepared.last_origin,
        as_of=date(2012, 7, 1).isoformat(),
        value=value,
        features=prepared.matrices["totals_known", prepared.last_origin],
        totals=forecast_totals(infos, origin=prepared.last_origin, horizons=(1, 2)),
        intervals={1: fit_intervals(samples), 2: fit_intervals(samples[:1])},
        shift=ShiftModel(NAMES, CHOICES[0], 10, 1, threads=1, params=LEARNS).fit(design),
        probability=TradeProbability(seed=1, threads=1).fit(design),
    )


# Runs to review -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReviewFiles:
    """A small simulated world on disk: trade up to the last year but one, and with it."""

    trade: Path
    newer_trade: Path
    others: dict[str, Any]

    def options(self, *, newer: bool = False) -> dict[str, Any]:
        """The options of `RunConfig` that read it."""
        return {"trade": self.newer_trade if newer else self.trade, **self.others}

    def arguments(self, *, newer: bool = False) -> list[str]:
        """The same for the command line."""
        others, trade = self.others, self.newer_trade if newer else self.trade
        return [
            *("--trade", str(trade), "--indicators", str(others["indicators"])),
            *("--indicator-catalogue", str(others["indicator_catalogue"])),
            *(word for path in others["pairs"] for word in ("--pairs", str(path))),
        ]


@pytest.fixture(scope="session")
def review_files(made_once: Callable[..., Path]) -> ReviewFiles:
    folder = made_once("reviewed", _write_review_files)
    others = {
        "indicators": folder / "indicators.csv",
        "indicator_catalogue": folder / "catalogue.csv",
        "pairs": (folder / "geography.csv", folder / "agreements.csv"),
    }
    return ReviewFiles(folder / "trade.csv", folder / "newer_trade.csv", others)


def _write_review_files(folder: Path) -> None:
    world = simulate_world(seed=3, n_countries=10, n_years=16)
    last = world.trade["year"].max()
    tables = {
        "newer_trade.csv": world.trade,
        "trade.csv": world.trade[world.trade["year"] < last],
        "indicators.csv": world.indicators,
        "catalogue.csv": world.catalogue,
        "geography.csv": world.geography,
        "agreements.csv": world.agreements,
    }
    for name, table in tables.items():
        table.to_csv(folder / name, index=False)


@pytest.fixture(scope="session")
def review_run(made_once: Callable[..., Path], review_files: ReviewFiles) -> Path:
    """Folder of a run on those files, without figures and report. Read only."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            _draw_nothing(patch)
            options = {**review_files.options(), **QUICK}
            run(RunConfig(out=folder / "run", **options), show_progress=False)

    return made_once("review-run", make) / "run"


@pytest.fixture(scope="session")
def migrated_store(
    made_once: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An empty SQLite store of MLflow; making one takes it seconds, copying it nothing."""

    def make(folder: Path) -> None:
        import mlflow

        # A copy: MLflow keeps the one that it made open.
        made = tmp_path_factory.mktemp("store") / "made.db"
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(made.parent)
            mlflow.MlflowClient(f"sqlite:///{made.as_posix()}").search_experiments()
        shutil.copy(made, folder / "template.db")

    return made_once("store", make) / "template.db"


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory: every MLflow client makes a folder ``mlruns`` where it is."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SQLite store that runs are tracked in."""
    file = tmp_path / "tracking" / "some.db"
    file.parent.mkdir()
    shutil.copy(migrated_store, file)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file.as_posix()}")
    return file
