"""What the folds of a run share: information sets, feature matrices and the training design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import NAMES, own_of
from features.channels.own_features import own_features
from features.choices import REPORTS_KNOWN, Setting
from features.data.flows import FlowIndex
from features.data.indicators import IndicatorSpec
from features.data.panel import TradePanel
from features.extra_features import check_names, extra_features
from features.feature import Feature
from features.information import AsOfRule, DataBundle, InformationSet
from features.plausibility.successions import Succession, successions
from features.plausibility.trader_totals import TraderTotals
from forecasting.evaluation.feature_audit import require_known
from forecasting.evaluation.folds import Fold, tuning_years
from forecasting.evaluation.matrices import OriginMatrices
from forecasting.evaluation.nowcasting import Nowcasts
from forecasting.evaluation.outside import Outside, outside
from forecasting.evaluation.parallel import workers
from forecasting.options.run_config import RunConfig
from models.design import Design, training_design
from models.flow_model import Known, Training
from models.known_totals import Totals
from models.nowcast import ImpliedLevels
from models.shift import ShiftChoice
from models.totals import forecast_totals

KEPT_BYTES = 32 << 20
"""Matrices are kept up to these bytes, or those of the folds that run at a time: the design, every
fold and the last checks ask for the same ones again."""


@dataclass(frozen=True, slots=True)
class PreparedData:
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
        Their features, built when asked for: ``matrices[setting, origin]``.
    design
        Training rows of every origin and horizon, ordered by target year. A fold takes the
        prefix that ends at its origin.
    own, extra
        The user's own series that are features too, and the features that users wrote.
    successions
        Countries that end where others begin.
    nowcasts
        Of the setting with reports, if it is among the run's.
    """

    panel: TradePanel
    rule: AsOfRule
    last_origin: int
    infos: dict[Setting, dict[int, InformationSet]]
    matrices: OriginMatrices
    design: Design
    own: tuple[IndicatorSpec, ...] = ()
    successions: tuple[Succession, ...] = ()
    nowcasts: Nowcasts | None = None
    extra: tuple[Feature, ...] = ()

    def flows_at(self, origin: int) -> FlowIndex:
        """Flows that are forecast from an origin."""
        return self.panel.flows.at(self.panel.row(origin))

    def reported(self, origin: int) -> ImpliedLevels:
        """What reports out at an origin's as-of date imply of the year after it."""
        assert self.nowcasts is not None
        return self.nowcasts.levels(origin)

    def outcome(self, origin: int, horizon: int) -> NDArray[np.float64]:
        """What became of every flow, USD, shape ``[flow]``.

        NaN where it is unknown, or where the exporter or importer changed its code between the
        origin and the target year: no forecast can tell, and none is scored or calibrated on it.
        """
        flows, target = self.flows_at(origin), origin + horizon
        actual = self.panel.values[self.panel.row(target), : flows.size].astype(np.float64)
        changed = self._changed(origin, target)
        if changed.any():
            actual[changed[flows.exporter] | changed[flows.importer]] = np.nan
        return actual

    def outside(self, origin: int, horizon: int) -> Outside:
        """What became of the flows that are not the origin's, see `outside.Outside`."""
        target = origin + horizon
        return outside(
            self.panel, origin=origin, year=target, changed=self._changed(origin, target)
        )

    def _changed(self, origin: int, target: int) -> NDArray[np.bool_]:
        """Countries that changed their code from the origin to the target year."""
        codes = [
            code
            for one in self.successions
            if origin <= one.year < target
            for code in (one.before, *one.after)
        ]
        return np.isin(self.panel.flows.countries, codes)

    @property
    def added(self) -> tuple[Feature, ...]:
        """Features of the user's own: columns of a matrix after the built-in ones."""
        return (*own_features(self.own), *self.extra)

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names of `added`."""
        return tuple(feature.name for feature in self.added)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of a matrix."""
        return (*NAMES, *self.own_names)

    def training(
        self,
        config: RunConfig,
        *,
        origin: int,
        choice: ShiftChoice,
        max_rows: int | None = None,
    ) -> Training:
        """What models may learn from at an origin, by default with as many rows as configured.

        They fit on one thread: folds run side by side, and even alone LightGBM's threads wait for
        each other beside other work, and take five times as long as one.
        """
        return Training(
            design=self.design.until(origin),
            names=self.names,
            own=self.own_names,
            choice=choice,
            rounds=config.rounds,
            params=dict(config.params),
            max_rows=max_rows or config.max_rows,
            seed=config.seed,
            threads=1,
            learner=config.learner,
        )

    def known(
        self, setting: Setting, *, origin: int, horizons: Sequence[int], training: Training
    ) -> Known:
        """What is known at an origin: nothing after its as-of date."""
        infos = {o: info for o, info in self.infos[setting].items() if o <= origin}
        return Known(
            infos=infos,
            origin=origin,
            horizons=horizons,
            features=self.matrices[setting, origin],
            totals=forecast_totals(infos, origin=origin, horizons=horizons),
            training=training,
        )

    def true_totals(self, year: int) -> Totals:
        """Totals of a year as they came: for upper bounds, never for a forecast."""
        values = self.panel.values[self.panel.row(year)]
        flows = self.panel.flows
        return Totals(flows.exporter_totals(values), flows.importer_totals(values))


def prepare(bundle: DataBundle, config: RunConfig) -> PreparedData:
    """Open an information set at every origin of the panel, and build the training design."""
    panel = bundle.panel
    rule = config.as_of_rule(panel.last_year)
    last = bundle.origin(config.as_of or rule.date(panel.last_year))
    own = () if bundle.indicators is None else own_of(bundle.indicators.specs)
    infos = {
        setting: information_sets(bundle, setting=setting, rule=rule, last=last)
        for setting in config.settings
    }
    extra = audited_features(bundle, config, rule=rule, last=last)
    features, horizons = (*own_features(own), *extra), set(config.horizons)
    check_names(extra, [feature.name for feature in own_features(own)])
    one = panel.flows.size * (len(NAMES) + len(features)) * np.dtype(np.float32).itemsize
    keep = max(len(config.settings) * workers(config), KEPT_BYTES // one)
    matrices = OriginMatrices(infos, own=features, keep=keep)
    nowcasts, to_learn = None, matrices
    if REPORTS_KNOWN in infos:
        nowcasts = Nowcasts(bundle, rule, infos[REPORTS_KNOWN], features, config.seed)
        learned_from = {**infos, REPORTS_KNOWN: nowcasts.year_ends()}
        to_learn = OriginMatrices(
            learned_from, own=features, keep=len(config.settings) * workers(config)
        )
        horizons |= {horizon - 1 for horizon in horizons if horizon > 1} | {1}
    design = training_design(
        panel,
        lambda origin: [to_learn[setting, origin] for setting in config.settings],
        origins=range(panel.first_year + 1, last),
        horizons=sorted(horizons),
        last_year=last,
        seed=config.seed,
        threads=workers(config),
    )
    breaks = successions(TraderTotals.of(panel))
    return PreparedData(panel, rule, last, infos, matrices, design, own, breaks, nowcasts, extra)


def audited_features(
    bundle: DataBundle, config: RunConfig, *, rule: AsOfRule, last: int
) -> tuple[Feature, ...]:
    """Features that users wrote, each put through the audit for leaks.

    Raises
    ------
    InputError
        If a feature is not valid, or depends on what was not known (`feature_audit.require_known`).
    """
    extra = extra_features(config.features)
    if extra:
        first = bundle.panel.first_year + 1
        origins = sorted({first, (first + last) // 2, last})
        require_known(
            bundle, extra, rule=rule, setting=config.settings[0], origins=origins, seed=config.seed
        )
    return extra


def information_sets(
    bundle: DataBundle, *, setting: Setting, rule: AsOfRule, last: int
) -> dict[int, InformationSet]:
    """Open an information set at every origin from the first year of trade to ``last``."""
    return {
        origin: InformationSet(bundle, as_of=rule.date(origin), origin=origin, setting=setting)
        for origin in range(bundle.panel.first_year, last + 1)
    }


def tuning_origins(prepared: PreparedData, folds: Sequence[Fold], config: RunConfig) -> range:
    """Origins at which weights are chosen, see `folds.tuning_years`."""
    return tuning_years(
        tuple(folds),
        first_year=prepared.panel.first_year,
        last_year=prepared.last_origin,
        every=config.tune_every,
    )
