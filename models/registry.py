"""Every model that forecasts flows, declared once: lists, legends and tables read it from here.

To add a baseline, write its `models.flow_model.FlowModel` and add a line to `MODELS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Literal

from features.catalogue import without_technology
from features.choices import SETTINGS, Setting
from models.baselines import Drift, FromReports, LagBooster, LastValue, LastValueRaked
from models.comparators.chronos import Chronos2
from models.comparators.comparator import Comparator, Compared
from models.comparators.statistical import ets, theta
from models.flow_model import FlowModel
from models.forecaster import ShiftForecaster, Untuned
from models.gravity import Gravity, dynamic, three_way

MAIN_MODEL = "gravicast"
ABLATION = "without_technology"
LAST_VALUE = "last_value"
"""Skill is measured against it."""
RAKED_BASE = "last_value_raked"
UNTUNED = "default_parameters"
"""Tuning is tested against it."""
GREY_DOT = ("grey", ".")


@dataclass(frozen=True, slots=True)
class Model:
    """A model by its name in files, with what reports, figures and the back-test need of it.

    Attributes
    ----------
    name, label
        In files and in words.
    build
        Makes the model, not fitted yet.
    marker
        Colour (a name of `forecasting.figures.style`, or any of Matplotlib's) and shape in figures.
    role
        The main model is tested against each ``"baseline"``; a ``"bound"`` gets the true totals
        of the target year and is not a forecast.
    by_setting
        False where forecasts are the same in every setting: they are computed once.
    setting
        The only setting it forecasts in; None forecasts in every one.
    of
        What forecasts with it: every back-test (``"run"``), or one with ``--study``, ``--tune`` or
        ``--compare-with``.
    package
        Optional package it needs.
    """

    name: str
    label: str
    build: Callable[[], FlowModel]
    marker: tuple[str, str] = GREY_DOT
    role: Literal["main", "ablation", "baseline", "bound"] = "baseline"
    by_setting: bool = True
    setting: Setting | None = None
    of: Literal["run", "study", "tune", "compare"] = "run"
    package: str | None = None


_gravity = partial(Model, of="study", package="pyfixest")


def _compared(name: str, label: str, make: Callable[[], Comparator], marker: tuple[str, str],
              package: str) -> Model:  # fmt: skip
    return Model(name, label, partial(Compared, name, make), marker, of="compare", package=package)


MODELS: tuple[Model, ...] = (
    Model(MAIN_MODEL, "gravicast", ShiftForecaster, ("black", "o"), "main"),
    Model(ABLATION, "without technology", partial(ShiftForecaster, without_technology),
          ("orange", "s"), "ablation"),
    Model(UNTUNED, "default parameters", Untuned, ("grey", "s"), "ablation", of="tune"),
    Model(RAKED_BASE, "raked base", LastValueRaked, ("blue", "D")),
    Model(LAST_VALUE, "last value", LastValue, ("vermillion", "v")),
    Model("report_growth", "growth of reports", partial(FromReports, attrgetter("growth")),
          ("olive", "<"), setting="reports_known"),
    Model("report_levels", "levels of reports", partial(FromReports, attrgetter("anchor")),
          ("brown", ">"), setting="reports_known"),
    Model("drift", "drift", Drift, ("green", "^")),
    Model("lightgbm_differences", "LightGBM, differences", partial(LagBooster, "differences"),
          ("sky", "P"), by_setting=False),
    Model("lightgbm_levels", "LightGBM, levels", partial(LagBooster, "levels"),
          ("purple", "X"), by_setting=False, of="study"),
    _gravity("gravity_three_way", "gravity, three-way PPML", partial(Gravity, three_way)),
    _gravity("gravity_dynamic", "gravity, dynamic PPML", partial(Gravity, dynamic)),
    _gravity("gravity_three_way_oracle", "gravity, three-way PPML with true totals (oracle)",
             partial(Gravity, three_way), role="bound"),
    _compared("theta", "theta (statsmodels)", theta, ("olive", "p"), "statsmodels"),
    _compared("ets", "ETS (statsmodels)", ets, ("brown", "h"), "statsmodels"),
    _compared("chronos2", "Chronos-2", Chronos2, ("vermillion", "*"), "chronos"),
)  # fmt: skip
"""In the order of reports."""


def backtest_models(settings: Iterable[Setting] = SETTINGS) -> tuple[Model, ...]:
    """Models of every back-test in those settings."""
    having = (None, *settings)
    return tuple(model for model in MODELS if model.of == "run" and model.setting in having)


def registered(name: str) -> Model:
    """A model by its name."""
    return next(model for model in MODELS if model.name == name)


def study_models() -> tuple[Model, ...]:
    """Models that only a study forecasts with."""
    return tuple(model for model in MODELS if model.of == "study")


def baselines() -> tuple[str, ...]:
    """Names of the models that the main model is tested against."""
    return tuple(model.name for model in MODELS if model.role == "baseline")


def model_names() -> tuple[str, ...]:
    """Names of all models in the order of reports."""
    return tuple(model.name for model in MODELS)


def model_label(name: str) -> str:
    """Name of a model in words, also of one that is not registered."""
    labels = {model.name: model.label for model in MODELS}
    return labels.get(name, name.replace("_", " "))


def model_marker(name: str) -> tuple[str, str]:
    """Colour and shape of a model in figures."""
    return {model.name: model.marker for model in MODELS}.get(name, GREY_DOT)
