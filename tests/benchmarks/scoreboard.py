"""The goods panel's scoreboard: back-test, gravity, channels left out, placebos, trials and tests.

    python tests/benchmarks/scoreboard.py [--data ../shared/data] [--out RUN] [--board FILE]

Runs the study of the main job on real goods trade, one to five years ahead, and writes its
scoreboard beside the errors to reach (``goods_targets.csv``), then what reports add to it
(``reports_known.py``), then the claims about technology where they could show (``claims.py``), then
what intervals are worth in stock decisions (``planning.py``) and whether those of sums cover what
they say (``joint_draws.py``). FILE is by default the one that the
README links to. Prints whether it has changed: the same data and versions give the same file, byte
for byte. Takes about an hour on two cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import claims
import joint_draws
import pandas as pd
import planning
import real_data
import reports_known
from board_section import write_section

from forecasting import InputError, RunConfig, run
from forecasting.reports.scoreboard import write_scoreboard

ROOT = Path(__file__).resolve().parents[2]
TARGETS = Path(__file__).with_name("goods_targets.csv")
BOARD = ROOT / "notebooks" / "scoreboard.md"


def goods(data: Path, out: Path) -> RunConfig:
    """The study of the goods panel."""
    return RunConfig(
        **real_data.goods(data),
        horizons=(1, 2, 3, 4, 5),
        study=True,
        out=out,
        overwrite=True,
        experiment=None,
    )


def main() -> int:
    """Run the study and write its scoreboard."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=Path("runs/scoreboard"))
    parser.add_argument("--board", type=Path, default=BOARD)
    given = parser.parse_args()
    before = given.board.read_bytes() if given.board.is_file() else None
    started = time.perf_counter()
    try:
        run(goods(given.data, given.out))
        write_scoreboard(given.out, targets=TARGETS, out=given.board)
        reported = reports_known.goods(given.data)
        bundle, reports = reports_known.goods_bundle(given.data, reported)
        found = reports_known.study(bundle, reports, reported)
        write_section(given.board, found.section())
        tested = [claims.study(place, given.data, draws=claims.DRAWS) for place in claims.PLACES]
        write_section(given.board, claims.section(claims.summary(pd.concat(tested))))
        plans = planning.goods(given.data, given.out.with_name(f"{given.out.name}-planning"))
        run(plans)
        write_section(given.board, planning.section(plans.out, plans.trade))
        sums = joint_draws.goods(given.data, given.out.with_name(f"{given.out.name}-sums"))
        run(sums)
        write_section(given.board, joint_draws.section(joint_draws.measurements(sums.out)))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    same = "unchanged" if given.board.read_bytes() == before else "new"
    print(f"{given.board}: {same}, {(time.perf_counter() - started) / 60:.1f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
