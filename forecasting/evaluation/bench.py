"""What the folds of a run share: information sets, feature matrices and the training design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import NAMES, origin_matrix, own_of
from features.channels.own_features import own_features
from features.choices import Setting
from features.data.indicators import IndicatorSpec
from features.data.panel import TradePanel
from features.information import AsOfRule, DataBundle, InformationSet
from forecasting.options.run_config import RunConfig
from models.design import Design, training_design


@dataclass(frozen=True, slots=True)
class Bench:
    """Data prepared once for all folds.

    Attributes
    ----------
    panel
        Bilateral trade; folds read outcomes from it, forecasts only information sets.
    rule
        When forecasts are made, relative to the origin.
    last_origin
        Origin of the final forecast; no later year of trade is used for anything.
    infos
        Information sets by setting and origin.
    matrices
        Their features, shape ``[flow, feature]``.
    design
        Training rows of every origin and horizon, ordered by target year. A fold takes the
        prefix that ends at its origin.
    own
        The user's own series that are features too.
    """

    panel: TradePanel
    rule: AsOfRule
    last_origin: int
    infos: dict[Setting, dict[int, InformationSet]]
    matrices: dict[Setting, dict[int, NDArray[np.float32]]]
    design: Design
    own: tuple[IndicatorSpec, ...] = ()

    @property
    def own_names(self) -> tuple[str, ...]:
        """Features of the user's own series: columns of a matrix after the built-in ones."""
        return tuple(feature.name for feature in own_features(self.own))

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of a matrix."""
        return (*NAMES, *self.own_names)


def prepare(bundle: DataBundle, config: RunConfig) -> Bench:
    """Open an information set and build the features at every origin of the panel."""
    panel = bundle.panel
    rule = config.as_of_rule(panel.last_year)
    last = bundle.origin(config.as_of or rule.date(panel.last_year))
    own = () if bundle.indicators is None else own_of(bundle.indicators.specs)
    infos: dict[Setting, dict[int, InformationSet]] = {}
    matrices: dict[Setting, dict[int, NDArray[np.float32]]] = {}
    for setting in config.settings:
        infos[setting] = information_sets(bundle, setting=setting, rule=rule, last=last)
        matrices[setting] = {
            o: origin_matrix(info, own=own_features(own)) for o, info in infos[setting].items()
        }
    by_origin = {
        origin: [matrices[setting][origin] for setting in config.settings]
        for origin in range(panel.first_year + 1, last)
    }
    design = training_design(
        panel,
        by_origin,
        horizons=config.horizons,
        last_year=last,
        seed=config.seed,
    )
    return Bench(panel, rule, last, infos, matrices, design, own)


def information_sets(
    bundle: DataBundle, *, setting: Setting, rule: AsOfRule, last: int
) -> dict[int, InformationSet]:
    """Open an information set at every origin from the first year of trade to ``last``."""
    return {
        origin: InformationSet(bundle, as_of=rule.date(origin), origin=origin, setting=setting)
        for origin in range(bundle.panel.first_year, last + 1)
    }
