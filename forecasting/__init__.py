"""Forecast trade flows between countries and explain the shifts in their pattern.

Everything a user needs is imported from here; `features` and `models` are the layers below.
"""

from __future__ import annotations

import ast
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The public names, declared once: type checkers read these imports, and `_homes` reads them too.
if TYPE_CHECKING:
    from features.data.indicators import Indicators as Indicators
    from features.data.monthly import MonthlyTrade as MonthlyTrade
    from features.data.pairs import PairAttributes as PairAttributes
    from features.data.panel import TradePanel as TradePanel
    from features.data.reports import Reports as Reports
    from features.errors import InputError as InputError
    from features.feature import Feature as Feature
    from features.information import AsOfRule as AsOfRule
    from features.information import DataBundle as DataBundle
    from features.information import InformationSet as InformationSet
    from features.sources.aidiffusion import AiDiffusion as AiDiffusion
    from features.sources.aipi import Aipi as Aipi
    from features.sources.baci import Baci as Baci
    from features.sources.batis import Batis as Batis
    from features.sources.brent import Brent as Brent
    from features.sources.comtrade import Comtrade as Comtrade
    from features.sources.cpb import Cpb as Cpb
    from features.sources.desta import Desta as Desta
    from features.sources.eurostat import Eurostat as Eurostat
    from features.sources.geodist import GeoDist as GeoDist
    from features.sources.gravity import Gravity as Gravity
    from features.sources.icio import Icio as Icio
    from features.sources.imts import Imts as Imts
    from features.sources.itpde import Itpde as Itpde
    from features.sources.larch import Larch as Larch
    from features.sources.owid import Owid as Owid
    from features.sources.presets import fetch_preset as fetch_preset
    from features.sources.protee import Protee as Protee
    from features.sources.stri import Stri as Stri
    from features.sources.technology import Technology as Technology
    from features.sources.wdi import Wdi as Wdi
    from features.sources.weo import Weo as Weo
    from features.store.dataset import Dataset as Dataset
    from features.store.fetching import fetch as fetch
    from features.store.store import Store as Store
    from features.world.sector_world import SectorWorld as SectorWorld
    from features.world.sector_world import simulate_sector_world as simulate_sector_world
    from features.world.world import World as World
    from features.world.world import simulate_world as simulate_world
    from forecasting.briefs.blocs import blocs_brief as blocs_brief
    from forecasting.briefs.country import country_brief as country_brief
    from forecasting.briefs.flow import flow_brief as flow_brief
    from forecasting.briefs.measures import pattern_brief as pattern_brief
    from forecasting.briefs.world import world_brief as world_brief
    from forecasting.briefs.write import write_brief as write_brief
    from forecasting.distribution.comparisons import orderings as orderings
    from forecasting.distribution.comparisons import shares as shares
    from forecasting.distribution.draws import draws as draws
    from forecasting.distribution.joint import joint_draws as joint_draws
    from forecasting.distribution.measure_draws import measure_draws as measure_draws
    from forecasting.distribution.past_outcomes import past_outcomes as past_outcomes
    from forecasting.estimator.origin_split import OriginSplit as OriginSplit
    from forecasting.estimator.trade_forecaster import TradeForecaster as TradeForecaster
    from forecasting.evaluation.folds import Fold as Fold
    from forecasting.evaluation.folds import plan_folds as plan_folds
    from forecasting.explanation.explain import Explanation as Explanation
    from forecasting.explanation.shap_values import tree_shap as tree_shap
    from forecasting.explanation.shap_values import tree_shap_interactions as tree_shap_interactions
    from forecasting.figures.plots import plot as plot
    from forecasting.job import run as run
    from forecasting.options.forecast_config import ForecastConfig as ForecastConfig
    from forecasting.options.run_config import RunConfig as RunConfig
    from forecasting.planning.plan import plan as plan
    from forecasting.promotion.promote import promote as promote
    from forecasting.reports.report import make_report as make_report
    from forecasting.results.measures import Measures as Measures
    from forecasting.results.measures import measures as measures
    from forecasting.results.read import read_run as read_run
    from forecasting.results.result import RunResult as RunResult
    from forecasting.scenarios.scenario import scenario as scenario
    from forecasting.serving.serving import forecast_with as forecast_with
    from forecasting.tracking.track import track as track
    from models.saved import load_forecaster as load_forecaster
    from models.saved import save_forecaster as save_forecaster


def _homes() -> dict[str, str]:
    """The module of every public name."""
    tree = ast.parse(Path(__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def _refuse_shadows() -> None:
    """Check that the layers found stand beside this package.

    ``features`` and ``models`` are ordinary names: a ``models.py`` beside a user's script would be
    imported in place of ours and fail far from the cause.
    """
    home = Path(__file__).resolve().parent.parent
    for name in ("features", "models"):
        found = util.find_spec(name)
        origin = Path(found.origin).resolve() if found and found.origin else None
        if origin is None or origin.parent.parent != home:
            shadow = origin or (found and list(found.submodule_search_locations or []))
            raise ImportError(
                f"gravicast needs its own package {name!r} beside {home / 'forecasting'}, but "
                f"{shadow or 'nothing'} was found first: rename or move it"
            )


_refuse_shadows()
_HOME = _homes()
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # Lazy, so that `import forecasting` loads neither pandas nor LightGBM, SHAP or MLflow.
    if name not in _HOME:
        raise AttributeError(f"module 'forecasting' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
