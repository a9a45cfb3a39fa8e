"""Track record of every measure of the trade pattern on the real sector panel, as a page.

    python tests/benchmarks/measures.py [--data ../shared/data] [--out notebooks/measures.md]

Runs the whole job on 41 economies x 35 industries, 1995-2009, domestic sales and input-output
tables included, and writes errors against no change and the raked base, with tests. Prints seconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from real_data import sectors

from forecasting import Measures, RunConfig, RunResult, load_forecaster, measures, run
from forecasting.briefs.fill import sentence
from forecasting.briefs.measure_facts import verdicts
from forecasting.results.measures import FAMILIES, FAMILY_LABELS
from forecasting.words.markdown import table
from forecasting.words.numbers import percent

ROOT = Path(__file__).resolve().parents[2]
HEADER = ("Measure", "Years ahead", "Origins", "Error", "No change", "Base", "Skill", "Direction",
          "In 50 %", "In 90 %", "Against no change", "Against base",
          "Without technology")  # fmt: skip


def config(data: Path, out: Path) -> RunConfig:
    """The run whose measures are scored."""
    return RunConfig(
        **sectors(data),
        horizons=(1, 2, 3),
        settings=("ex_ante",),
        experiment=None,
        out=out,
    )


def page(found: Measures) -> str:
    """The track record in Markdown, one table a family."""
    lines = [
        "# Measures of the trade pattern: track record",
        "41 economies x 35 industries, 1995-2009 (World Input-Output Database, release of 2013), "
        "ex ante, domestic sales and input-output tables included. Written by `python "
        "tests/benchmarks/measures.py`.",
        "Error: mean absolute error over units, then over origins, in the unit of the measure. No "
        "change: the value of the origin stays (births and deaths: as many as in the years "
        "before). Base: the origin's flows scaled to the forecast totals. Skill: how much smaller "
        "the error is than that of no change. Direction: share of units that moved to the side "
        "forecast. Without technology: by how much the error is larger (+) or smaller than that "
        "of the model without its technology channels, and the verdict. Verdicts: equal accuracy "
        "tested over origins, adjusted (Holm) for the measures of a family at a horizon; with "
        "four to six origins the tests decide little, and a tie is weak evidence.",
        "\n".join(f"- {sentence('measure_parts', 'verdicts', one)}" for one in verdicts(found)),
    ]
    for family in FAMILIES:
        rows = found.scores[found.scores["family"] == family]
        labels = {m.name: f"{m.label} ({m.unit})" for m in found.measures}
        lines += [f"## {FAMILY_LABELS[family]}", table(HEADER, _cells(rows, labels))]
    return "\n\n".join(lines) + "\n"


def _cells(rows: pd.DataFrame, labels: dict[str, str]) -> list[list[str]]:
    return [
        [
            labels[row["measure"]],
            str(row["horizon"]),
            str(row["origins"]),
            *(f"{row[name]:.4g}" for name in ("mae", "mae_no_change", "mae_base")),
            percent(row["skill"], sign=True),
            *(percent(row[name], digits=0) for name in ("direction", "coverage_50", "coverage_90")),
            row["verdict_no_change"],
            row["verdict_base"],
            f"{percent(row['mae'] / row['mae_without_technology'] - 1.0, digits=2, sign=True)} "
            f"({row['verdict_without_technology']})",
        ]
        for row in rows.to_dict("records")
    ]


def sums_gap(result: RunResult) -> float:
    """Largest relative distance of the forecast flows' sums from the totals they were raked to."""
    forecaster = load_forecaster(result.out / "model")
    flows, gaps = forecaster.flows, [0.0]
    for horizon, totals in forecaster.totals.items():
        rows = result.forecasts[result.forecasts["horizon"] == horizon]
        values = rows["forecast"].to_numpy(dtype=np.float64)
        for sums, wanted in (
            (flows.exporter_totals(values), totals.exporter),
            (flows.importer_totals(values), totals.importer),
        ):
            by_country = (a.reshape(-1, len(flows.sectors)).sum(axis=1) for a in (sums, wanted))
            for got, want in ((sums, wanted), tuple(by_country)):
                known = want > 0
                gaps.append(float(np.abs(got[known] / want[known] - 1.0).max()))
    return max(gaps)


def main() -> None:
    """Run, write the page, print where the time went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "notebooks" / "measures.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = run(config(given.data, Path(folder) / "run"))
        print(f"{time.perf_counter() - started:.0f} s in all, of which")
        for stage, seconds in result.timings.items():
            print(f"{seconds:8.1f} s  {stage}")
        print(f"{sums_gap(result):.0e} largest distance of a sum over partners or sectors")
        given.out.write_text(page(measures(result)), encoding="utf-8")
    print(given.out)


if __name__ == "__main__":
    main()
