"""What a run decided from whole files, including years after an origin, and what it left unused.

No forecast learns from later outcomes. But the files of today decide which countries, sectors and
series exist, and a back-test cannot undo that knowledge: so a run declares it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from features.catalogue import own_of, unused_of
from features.data.flows import FlowIndex
from features.data.indicators import IndicatorSpec
from features.data.panel import TradePanel
from features.errors import listed
from features.feature import TECHNOLOGY, Feature
from features.information import DataBundle
from forecasting.evaluation.folds import LEARNING_YEARS, MOST_ORIGINS
from forecasting.options.run_config import RunConfig
from forecasting.words.numbers import plural


def universe_choices(config: RunConfig, data: DataBundle, *, first_origin: int) -> list[str]:
    """Everything a run took from whole files, one sentence each, for ``run.json``."""
    statements = [_flows(data.panel, first_origin)]
    if config.largest is not None:
        statements.append(
            f"The {config.largest} largest traders are those of the years up to {first_origin}, "
            "the first origin of the back-test"
        )
    if first_origin > data.panel.first_year + LEARNING_YEARS and config.first_origin is None:
        statements.append(
            f"The back-test begins in {first_origin} and has the last {MOST_ORIGINS} origins. The "
            "raked base of earlier years calibrates the intervals of the first ones"
        )
    if config.as_of is not None:
        statements.append(
            "Every origin is as far from its as-of date as the last one is from "
            f"{config.as_of.isoformat()}"
        )
    if data.indicators is not None:
        statements += _series(config, data.indicators.specs)
    if data.pairs.yearly:
        statements.append(
            "Each whole pair file decides what a pair-year without a row means (see data)"
        )
    if config.study:
        statements.append(
            "Placebos deliberately give a year the technology of any other, later ones included"
        )
    return statements


def _flows(panel: TradePanel, first_origin: int) -> str:
    flows = panel.flows
    of = "countries and sectors" if flows.has_sectors else "countries"
    late = _first_traded_after(panel, flows, first_origin)
    begin = f"; {listed(late)} first trade after {first_origin}" if late else ""
    statement = f"The {of} are those that the trade file names in any year{begin}"
    if panel.known is None:
        return statement
    return f"{statement}; the flows of each origin are those that have traded by then"


def _first_traded_after(panel: TradePanel, flows: FlowIndex, year: int) -> list[str]:
    early = np.nan_to_num(panel.values[: panel.row(year) + 1]).max(axis=0) > 0
    codes = np.concatenate([flows.exporter[early], flows.importer[early]])
    present = np.bincount(codes, minlength=len(flows.countries)) > 0
    return [name for name, traded in zip(flows.countries, present, strict=True) if not traded]


def _series(config: RunConfig, specs: Mapping[str, IndicatorSpec]) -> list[str]:
    statements = [
        "The catalogue decides which series exist, and which stands in for another",
        *own_statements(specs),
    ]
    spread = [name for name, spec in sorted(specs.items()) if spec.snapshot]
    if spread and config.allow_snapshots:
        statements.append(
            f"{listed(spread)}: the values of one year stand for all years, "
            "including those before they were known"
        )
    return statements


def own_statements(specs: Mapping[str, IndicatorSpec]) -> tuple[str, ...]:
    """The user's own series that became features."""
    own = [spec.name for spec in own_of(specs)]
    return (f"{plural(len(own), 'own indicator')} became features: {listed(own)}",) if own else ()


def unused_statements(
    specs: Mapping[str, IndicatorSpec], *, extra: Sequence[Feature] = ()
) -> tuple[str, ...]:
    """Series that no feature reads, which would otherwise be ignored silently."""
    by_channel: dict[str, list[str]] = {}
    for spec in unused_of(specs, extra=extra):
        by_channel.setdefault(spec.channel, []).append(spec.name)
    if not by_channel:
        return ()
    named = "; ".join(f"{', '.join(names)} ({word})" for word, names in sorted(by_channel.items()))
    return (
        f"{sum(map(len, by_channel.values()))} series that no feature reads are not used: {named}. "
        f"Series of the channels {', '.join(sorted(TECHNOLOGY))} become features",
    )
