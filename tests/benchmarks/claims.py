"""The claims about technology where they could show: what technology adds, tested, and placebos.

    python tests/benchmarks/claims.py [--data ../shared/data] [--draws 30] [--board FILE]

Forecasts every origin of two real panels ex ante, five years ahead: sectors with domestic sales and
input-output tables (41 economies x 35 industries, 1995-2009) and goods (99 countries, 1995-2017).
Three kinds of forecast are compared: the main model, the same without technology, and DRAWS
placebos that give every country the technology of another. Each is measured by what stands for a
claim. ``--board`` puts the table into a scoreboard; without it the table is printed. Takes about
twenty minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from board_section import write_section
from numpy.typing import NDArray
from real_data import goods, sectors

from features.information import DataBundle
from features.measures.catalogue import MEASURES
from features.measures.measure import Measure
from forecasting import RunConfig
from forecasting.evaluation.fold import FoldForecast, fold_forecasts
from forecasting.evaluation.folds import Fold, plan_folds
from forecasting.evaluation.placebos import permute_countries
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.evaluation.significance import FEWEST_ORIGINS, equal_accuracy
from forecasting.inputs.load import load
from forecasting.measurement.measure_set import MeasureSet, make_measure_set, unit_table
from forecasting.words.markdown import table
from forecasting.words.numbers import percent
from models.forecaster import ShiftForecaster
from models.registry import ABLATION, MAIN_MODEL, MODELS, Model
from models.shift import CHOICES

ROOT = Path(__file__).resolve().parents[2]
DRAWS = 30
HORIZONS = (5,)
SECTOR_ORIGINS = (2002, 2003, 2004)
"""A back-test of fifteen years would begin in 2003: it needs a past outcome for its intervals."""
SECTION = "The claims, where they could show"
IDENTICAL = 1e-7
"""Relative difference of two errors below which technology cannot move the measure."""


class Row(NamedTuple):
    """What stands for a claim: a measure, over the units of which sectors, or the flows of them."""

    claim: int
    measure: str
    sectors: str = ""


FLOWS = "flows"
SECTOR_ROWS = (
    Row(1, FLOWS, "manufacturing"),
    *(Row(1, name) for name in ("import_penetration", "low_cost_import_ratio")),
    Row(1, "domestic_sourcing", "manufacturing"),
    Row(1, "domestic_inputs", "manufacturing"),
    Row(2, FLOWS, "digital"),
    *(Row(2, name) for name in ("digital_share_of_exports", "digital_export_intensity",
                                "digital_value_added", "foreign_value_added", "position")),
    Row(3, "exporter_concentration", "digital"),
    Row(3, "three_largest_exporters", "digital"),
    *(Row(3, name) for name in ("digital_market_share", "digital_balance",
                                "digital_import_penetration")),
)  # fmt: skip
GOODS_ROWS = (
    Row(1, FLOWS),
    *(Row(1, name) for name in ("low_cost_import_share", "intra_regional_imports")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A panel in which claims could show.

    Attributes
    ----------
    name
        In the table.
    options
        From the folder of data to options of `RunConfig`.
    rows
        What is measured.
    origins
        Of its forecasts; by default those of a back-test.
    """

    name: str
    options: Callable[[Path], dict[str, Any]]
    rows: Sequence[Row]
    origins: Sequence[int] = ()


PLACES = (
    Place("sectors", sectors, SECTOR_ROWS, SECTOR_ORIGINS),
    Place("goods", goods, GOODS_ROWS),
)


# Errors -------------------------------------------------------------------------------------------


def study(place: Place, data: Path, *, draws: int, **options: Any) -> pd.DataFrame:
    """Errors of every row: ``place, claim, measure, sectors, origin, horizon, model, error``.

    ``options`` override those of the run, such as ``rounds``.
    """
    given: dict[str, Any] = {"horizons": HORIZONS, "settings": ("ex_ante",), "experiment": None}
    config = RunConfig(**{**given, **place.options(data), **options})
    bundle = load(config).bundle
    measure_set = make_measure_set(bundle, tables=config.tables)
    measured = _Measured(place, bundle, measure_set)
    wanted = {model.name: model for model in MODELS if model.name in (MAIN_MODEL, ABLATION)}
    rows = list(measured.errors(bundle, config, list(wanted.values())))
    for draw in range(1, draws + 1):
        placebo = [Model(f"placebo_{draw}", "placebo", ShiftForecaster, role="ablation")]
        rows += measured.errors(permute_countries(bundle, seed=draw), config, placebo)
    return pd.DataFrame(rows)


@dataclass(frozen=True, slots=True)
class _Measured:
    place: Place
    bundle: DataBundle
    measure_set: MeasureSet

    def errors(
        self, bundle: DataBundle, config: RunConfig, models: Sequence[Model]
    ) -> Iterator[dict[str, object]]:
        """Errors of models that learn from ``bundle``, at every origin and horizon."""
        prepared = prepare(bundle, config)
        for fold in self._folds(prepared, config):
            # Every model with the same weights: nothing is chosen by what is compared.
            for made in fold_forecasts(prepared, fold, config, CHOICES[0], models=models):
                yield from self._of(prepared, made)

    def _folds(self, prepared: PreparedData, config: RunConfig) -> Sequence[Fold]:
        if self.place.origins:
            first = prepared.panel.first_year
            return [Fold(o, config.horizons, tuple(range(first, o))) for o in self.place.origins]
        return plan_folds(
            first_year=prepared.panel.first_year,
            last_year=prepared.panel.last_year,
            horizons=config.horizons,
            first_origin=config.first_origin,
        )

    def _of(self, prepared: PreparedData, made: FoldForecast) -> Iterator[dict[str, object]]:
        forecasts = [("", made.forecast)]
        if made.model == MAIN_MODEL:
            forecasts.append(("no change", np.nan_to_num(made.value_origin)))
        actual = self._measures(made.actual, made.origin, prepared, year=made.target_year)
        for name, values in forecasts:
            found = self._measures(values, made.origin, prepared)
            for row in self.place.rows:
                error = (
                    self._flow_error(row, values, made.actual)
                    if row.measure == FLOWS
                    else self._measure_error(row, found, actual)
                )
                yield {"place": self.place.name, **row._asdict(), "origin": made.origin,
                       "horizon": made.horizon, "model": name or made.model,
                       "error": error}  # fmt: skip

    def _measures(
        self, values: NDArray[np.float64], origin: int, prepared: PreparedData, year: int = 0
    ) -> Mapping[str, NDArray[np.float64]]:
        names = {row.measure for row in self.place.rows}
        if year:
            trade = self.measure_set.observed(prepared.panel, year, before=origin)
        else:
            cube = self.measure_set.cube(values)
            trade = self.measure_set.forecast(
                cube, chance=(cube > 0).astype(np.float64), before=cube > 0, origin=origin
            )
        return {m.name: m.compute(trade) for m in self.measure_set.measures if m.name in names}

    def _measure_error(
        self,
        row: Row,
        found: Mapping[str, NDArray[np.float64]],
        actual: Mapping[str, NDArray[np.float64]],
    ) -> float:
        """Mean absolute error over units."""
        measure = self._declared(row.measure)
        units, kept = unit_table(measure, self.measure_set.context)
        if row.sectors:
            kept &= units["sector"].isin(self._codes(row.sectors)).to_numpy()
        error = np.abs(found[row.measure] - actual[row.measure]).ravel()[kept]
        return float(np.nanmean(error))

    def _flow_error(
        self, row: Row, forecast: NDArray[np.float64], actual: NDArray[np.float64]
    ) -> float:
        """Mean absolute error of the log of international flows that trade."""
        flows = self.measure_set.flows
        at = slice(actual.size)
        chosen = (actual > 0) & (forecast > 0) & (flows.exporter[at] != flows.importer[at])
        if row.sectors:
            chosen &= np.isin(np.asarray(flows.sectors)[flows.sector[at]], self._codes(row.sectors))
        return float(np.abs(np.log(forecast[chosen] / actual[chosen])).mean())

    def _declared(self, name: str) -> Measure:
        return next(m for m in self.measure_set.measures if m.name == name)

    def _codes(self, kind: str) -> list[str]:
        context = self.measure_set.context
        mask = context.digital if kind == "digital" else context.manufacturing
        assert mask is not None
        return [code for code, chosen in zip(context.sectors, mask, strict=True) if chosen]


# The table ----------------------------------------------------------------------------------------

HEADER = ("Claim", "Measure", "Panel", "Origins", "Error", "Against no change",
          "Technology adds", "p of the test", "A placebo adds", "Placebos as good")  # fmt: skip
KEYS = ["place", "claim", "measure", "sectors", "horizon"]


def summary(errors: pd.DataFrame) -> pd.DataFrame:
    """One row per claim, measure, panel and horizon.

    Returns
    -------
    DataFrame
        `KEYS`, ``origins``, ``error``, ``skill`` against no change, ``adds`` (share of the error
        without technology that technology takes away), ``p`` of equal accuracy (NaN with too few
        origins), ``placebo_adds`` (median), ``as_good`` and ``draws``, and ``moves``, whether
        technology moves the measure at all.
    """
    rows = []
    for key, block in errors.groupby(KEYS, sort=False):
        wide = block.pivot(index="origin", columns="model", values="error").sort_index()
        mean = wide.mean()
        ours, without = wide[MAIN_MODEL], wide[ABLATION]
        placebos = mean[[name for name in mean.index if str(name).startswith("placebo_")]]
        moves = bool((np.abs(ours - without) > IDENTICAL * without).any())
        test = equal_accuracy((ours - without).to_numpy(), horizon=int(block["horizon"].iloc[0]))
        rows.append(
            dict(zip(KEYS, key, strict=True))
            | {
                "origins": len(wide),
                "error": mean[MAIN_MODEL],
                "skill": 1.0 - mean[MAIN_MODEL] / mean["no change"],
                "adds": 1.0 - mean[MAIN_MODEL] / mean[ABLATION],
                "p": test.p_value if len(wide) >= FEWEST_ORIGINS and moves else np.nan,
                "placebo_adds": 1.0 - placebos.median() / mean[ABLATION],
                "as_good": int((placebos <= mean[MAIN_MODEL]).sum()),
                "draws": len(placebos),
                "moves": moves,
            }
        )
    order = ["claim", "place", "measure", "sectors", "horizon"]
    return pd.DataFrame(rows).sort_values(order, kind="stable", ignore_index=True)


def section(found: pd.DataFrame) -> str:
    """The standing table in Markdown, with how to read it and what it comes to."""
    labels = {m.name: m.label for m in MEASURES} | {FLOWS: "Flows, log error"}
    lines = [
        f"## {SECTION}",
        "Technology is left out, or given to other countries, where it could show: by sector and "
        "over five years. *Technology adds*: share of the error without technology that the main "
        "model takes away, five years ahead, ex ante, weights as they are set. *p*: test of equal "
        "accuracy over "
        "origins, not adjusted for the number of rows. *A placebo adds*: the same of the median "
        f"of {int(found['draws'].max())} models that have every country's technology from "
        "another. *Placebos as good*: how many of them err no more than the main model; a claim "
        "would show as 0 or 1. A placebo also takes away that technology goes with income: a "
        "row may beat them by what it says of development. "
        + "; ".join(f"claim {number}: {words}" for number, words in CLAIMS.items())
        + ". Claim 4, planning, is measured in money, under *What intervals are worth in stock "
        "decisions*.",
        *verdict_words(found),
        table(HEADER, [_cells(row, labels) for row in found.to_dict("records")]),
        "Robots are not in these data: no file of trade by product is at hand. Neither are AI use "
        "by enterprises, hosting, computer services and intellectual property as sectors of their "
        "own (BaTIS). Sectors end in 2009.",
    ]
    return "\n\n".join(lines) + "\n\n"


CLAIMS = {
    1: "automation brings production home",
    2: "AI turns services into digital slices and moves countries along value chains",
    3: "data and platforms dominate",
}


def verdict_words(found: pd.DataFrame) -> Iterator[str]:
    """What the rows come to, a line a claim."""
    lines = []
    for claim, rows in found.groupby("claim"):
        told = rows[rows["moves"]]
        beyond = told[(told["as_good"] <= LUCK * told["draws"]) & (told["adds"] > 0)]
        deaf = int((~rows["moves"]).sum())
        words = f"- Claim {claim}: in {len(beyond)} of {len(rows)} rows technology helps, and more "
        words += (
            f"than 95 % of the placebos do; by luck alone it would be in {len(rows) * LUCK:.1f}"
        )
        if deaf:
            words += f". {deaf} cannot be moved by technology: totals fix them"
        lines.append(f"{words}.")
    yield "\n".join(lines)


LUCK = 0.05


def _cells(row: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    of = f", {row['sectors']}" if row["sectors"] else ""
    told = row["moves"]
    return [
        str(row["claim"]),
        f"{labels[row['measure']]}{of}",
        str(row["place"]),
        str(row["origins"]),
        f"{row['error']:.4g}",
        percent(row["skill"], sign=True),
        percent(row["adds"], digits=2, sign=True) if told else "cannot move it",
        "not tested" if np.isnan(row["p"]) else f"{row['p']:.3f}",
        percent(row["placebo_adds"], digits=2, sign=True) if told else "",
        f"{row['as_good']} of {row['draws']}" if told else "",
    ]


def main() -> int:
    """Run the study of both panels; print the table or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"placebos, by default {DRAWS}")
    parser.add_argument("--place", choices=[place.name for place in PLACES], help="only this panel")
    parser.add_argument("--errors", type=Path, help="CSV of errors to write, or to read if present")
    parser.add_argument("--board", type=Path, help="scoreboard to write the table into")
    given = parser.parse_args()
    started = time.perf_counter()
    if given.errors is not None and given.errors.is_file():
        errors = pd.read_csv(given.errors, keep_default_na=False)
    else:
        places = [place for place in PLACES if given.place in (None, place.name)]
        errors = pd.concat([study(place, given.data, draws=given.draws) for place in places])
        if given.errors is not None:
            errors.to_csv(given.errors, index=False)
    if given.board is None:
        print(section(summary(errors)))
    else:
        write_section(given.board, section(summary(errors)))
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
