"""What technology adds to forecasts of totals, by sector, ex ante: with its test and its placebos.

    python tests/benchmarks/technology_totals.py [--data ../shared/data] [--sectors FILE]
        [--placebos 3]

Sectors of 1995-2009, domestic sales included, every origin from 2002 on. Three models of totals are
compared with the one without technology: with the channels that have proven themselves, which is
what a run does; with every channel; and with every channel of another country (placebos). ``log
error`` is the mean absolute log error of the totals of exporters and importers by sector, mean over
origins. ``--sectors`` takes other exposures than 1 for digital services and manufacturing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import real_data

from features.feature import Channel
from features.information import DataBundle
from forecasting import RunConfig
from forecasting.evaluation.placebos import permute_countries
from forecasting.evaluation.prepared import information_sets
from forecasting.evaluation.significance import equal_accuracy
from forecasting.inputs.load import load
from models.known_totals import Totals
from models.totals import forecast_totals
from models.totals_technology import proven_channels

HORIZONS = (1, 3, 5)
FIRST_ORIGIN = 2002
Choose = Callable[..., tuple[Channel, ...]]


def every_channel(*_: object, channels: set[Channel], **__: object) -> tuple[Channel, ...]:
    """Whether or not it has proven itself."""
    return tuple(sorted(channels))


def errors(data: DataBundle, config: RunConfig, choose: Choose) -> pd.DataFrame:
    """Log errors with and without technology by origin, horizon and sectors."""
    panel = data.panel
    rule, last = config.as_of_rule(panel.last_year), panel.last_year
    infos = information_sets(data, setting="ex_ante", rule=rule, last=last)
    rows = []
    with patch("models.totals.proven_channels", choose):
        for origin in range(FIRST_ORIGIN, last):
            horizons = [h for h in HORIZONS if origin + h <= last]
            past = {o: info for o, info in infos.items() if o <= origin}
            for horizon, found in forecast_totals(past, origin=origin, horizons=horizons).items():
                actual = Totals(
                    *(side[origin + horizon - panel.first_year] for side in
                      (infos[last].exporter_totals, infos[last].importer_totals))
                )  # fmt: skip
                rows += list(_rows(data, found, actual, origin=origin, horizon=horizon))
    return pd.DataFrame(rows)


def _rows(
    data: DataBundle, found: Totals, actual: Totals, *, origin: int, horizon: int
) -> Iterator[dict[str, object]]:
    assert data.sectors is not None
    digital = np.tile(data.sectors.digital, len(data.panel.flows.countries))
    for sectors, chosen in (("all", np.ones_like(digital)), ("digital", digital)):
        yield {
            "sectors": sectors,
            "horizon": horizon,
            "origin": origin,
            "channels": "+".join(found.channels),
            "error": _error(found, actual, chosen),
            "without": _error(found.without_technology, actual, chosen),
        }


def _error(found: Totals, actual: Totals, chosen: np.ndarray) -> float:
    both = np.concatenate([found.exporter[chosen], found.importer[chosen]])
    true = np.concatenate([actual.exporter[chosen], actual.importer[chosen]])
    known = (both > 0) & (true > 0)
    return float(np.abs(np.log(both[known] / true[known])).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sectors", type=Path)
    parser.add_argument("--placebos", type=int, default=3)
    given = parser.parse_args()
    own = {"sectors": given.sectors} if given.sectors else {}
    config = RunConfig(
        **{**real_data.sectors(given.data), **own},
        horizons=HORIZONS,
        settings=("ex_ante",),
        experiment=None,
    )
    data = load(config).bundle
    models: dict[str, tuple[DataBundle, Choose]] = {
        "proven channels": (data, proven_channels),
        "every channel": (data, every_channel),
    }
    for seed in range(given.placebos):
        models[f"of another country {seed + 1}"] = permute_countries(data, seed=seed), every_channel
    print("| technology | sectors | years ahead | log error | without | p | origins with any |")
    print("|---|---|---|---|---|---|---|")
    for name, (bundle, choose) in models.items():
        for (sectors, horizon), block in errors(bundle, config, choose).groupby(
            ["sectors", "horizon"]
        ):
            test = equal_accuracy((block["error"] - block["without"]).to_numpy(), horizon=horizon)
            print(
                f"| {name} | {sectors} | {horizon} | {block['error'].mean():.4f} "
                f"| {block['without'].mean():.4f} | {test.p_value:.2f} "
                f"| {(block['channels'] != '').sum()} of {len(block)} |"
            )


if __name__ == "__main__":
    main()
