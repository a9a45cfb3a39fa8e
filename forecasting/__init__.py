"""Forecast trade flows between countries and explain the shifts in their pattern.

Everything a user needs is imported from here; `features` and `models` are the layers below.
"""

from __future__ import annotations

from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from features.data.indicators import Indicators
    from features.data.pairs import PairAttributes
    from features.data.panel import TradePanel
    from features.errors import InputError
    from features.information import AsOfRule, DataBundle, InformationSet
    from features.sources.aipi import Aipi
    from features.sources.baci import Baci
    from features.sources.batis import Batis
    from features.sources.comtrade import Comtrade
    from features.sources.desta import Desta
    from features.sources.geodist import GeoDist
    from features.sources.gravity import Gravity
    from features.sources.icio import Icio
    from features.sources.imts import Imts
    from features.sources.itpde import Itpde
    from features.sources.larch import Larch
    from features.sources.owid import Owid
    from features.sources.presets import fetch_preset
    from features.sources.stri import Stri
    from features.sources.technology import Technology
    from features.sources.wdi import Wdi
    from features.sources.weo import Weo
    from features.store.dataset import Dataset
    from features.store.fetching import fetch
    from features.store.store import Store
    from features.world.world import World, simulate_world
    from forecasting.briefs.blocs import blocs_brief
    from forecasting.briefs.country import country_brief
    from forecasting.briefs.flow import flow_brief
    from forecasting.briefs.measures import pattern_brief
    from forecasting.briefs.world import world_brief
    from forecasting.briefs.write import write_brief
    from forecasting.evaluation.folds import Fold, plan_folds
    from forecasting.explanation.explain import Explanation
    from forecasting.explanation.shap_values import tree_shap, tree_shap_interactions
    from forecasting.figures.plots import plot
    from forecasting.job import run
    from forecasting.options.run_config import RunConfig
    from forecasting.promotion.promote import promote
    from forecasting.reports.report import make_report
    from forecasting.results.measures import Measures, measures
    from forecasting.results.read import read_run
    from forecasting.results.result import RunResult
    from forecasting.serving.serving import ForecastConfig, forecast_with
    from forecasting.tracking.track import track
    from models.saved import load_forecaster, save_forecaster

_HOME = {
    "InputError": "features.errors",
    "Indicators": "features.data.indicators",
    "AsOfRule": "features.information",
    "DataBundle": "features.information",
    "InformationSet": "features.information",
    "PairAttributes": "features.data.pairs",
    "TradePanel": "features.data.panel",
    "Aipi": "features.sources.aipi",
    "Baci": "features.sources.baci",
    "Batis": "features.sources.batis",
    "Comtrade": "features.sources.comtrade",
    "Desta": "features.sources.desta",
    "GeoDist": "features.sources.geodist",
    "Gravity": "features.sources.gravity",
    "Icio": "features.sources.icio",
    "Imts": "features.sources.imts",
    "Itpde": "features.sources.itpde",
    "Larch": "features.sources.larch",
    "Owid": "features.sources.owid",
    "fetch_preset": "features.sources.presets",
    "Stri": "features.sources.stri",
    "Technology": "features.sources.technology",
    "Wdi": "features.sources.wdi",
    "Weo": "features.sources.weo",
    "fetch": "features.store.fetching",
    "Dataset": "features.store.dataset",
    "Store": "features.store.store",
    "World": "features.world.world",
    "simulate_world": "features.world.world",
    "RunConfig": "forecasting.options.run_config",
    "Fold": "forecasting.evaluation.folds",
    "plan_folds": "forecasting.evaluation.folds",
    "Explanation": "forecasting.explanation.explain",
    "RunResult": "forecasting.results.result",
    "run": "forecasting.job",
    "read_run": "forecasting.results.read",
    "load_forecaster": "models.saved",
    "save_forecaster": "models.saved",
    "ForecastConfig": "forecasting.serving.serving",
    "forecast_with": "forecasting.serving.serving",
    "blocs_brief": "forecasting.briefs.blocs",
    "country_brief": "forecasting.briefs.country",
    "flow_brief": "forecasting.briefs.flow",
    "world_brief": "forecasting.briefs.world",
    "write_brief": "forecasting.briefs.write",
    "make_report": "forecasting.reports.report",
    "plot": "forecasting.figures.plots",
    "promote": "forecasting.promotion.promote",
    "Measures": "forecasting.results.measures",
    "measures": "forecasting.results.measures",
    "pattern_brief": "forecasting.briefs.measures",
    "track": "forecasting.tracking.track",
    "tree_shap": "forecasting.explanation.shap_values",
    "tree_shap_interactions": "forecasting.explanation.shap_values",
}

__all__ = [
    "Aipi",
    "AsOfRule",
    "Baci",
    "Batis",
    "Comtrade",
    "DataBundle",
    "Dataset",
    "Desta",
    "Explanation",
    "Fold",
    "ForecastConfig",
    "GeoDist",
    "Gravity",
    "Icio",
    "Imts",
    "Indicators",
    "InformationSet",
    "InputError",
    "Itpde",
    "Larch",
    "Measures",
    "Owid",
    "PairAttributes",
    "RunConfig",
    "RunResult",
    "Store",
    "Stri",
    "Technology",
    "TradePanel",
    "Wdi",
    "Weo",
    "World",
    "blocs_brief",
    "country_brief",
    "fetch",
    "fetch_preset",
    "flow_brief",
    "forecast_with",
    "load_forecaster",
    "make_report",
    "measures",
    "pattern_brief",
    "plan_folds",
    "plot",
    "promote",
    "read_run",
    "run",
    "save_forecaster",
    "simulate_world",
    "track",
    "tree_shap",
    "tree_shap_interactions",
    "world_brief",
    "write_brief",
]


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


def __getattr__(name: str) -> Any:
    # Lazy, so that `import forecasting` loads neither pandas nor LightGBM, SHAP or MLflow.
    if name not in _HOME:
        raise AttributeError(f"module 'forecasting' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
