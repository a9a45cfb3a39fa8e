"""The command ``gravicast promote``: a run's model as champion, if it passes the gates."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecasting.promotion.promote import Promotion

HELP = "make a run's model the champion, if it passes the gates"
EXAMPLES = """examples:
  gravicast promote runs/goods
      make the run's model the champion, if it passes the gates and beats the champion

  gravicast promote 3f0c... --against 9b1e...
      the champion was trained on other data: compare with a run of its configuration on this

exit code: 0 where the model is the champion now, 1 where it is not, 2 for a mistake
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", help="MLflow run id, or the folder of a tracked run")
    parser.add_argument("--name", default="gravicast", help="registered model (default gravicast)")
    parser.add_argument(
        "--against", help="run of the champion's configuration on the same data as RUN"
    )


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.promotion.promote import promote

    done = promote(parsed.run, name=parsed.name, against=parsed.against)
    print(_summary(done))
    return 0 if done.promoted else 1


def _summary(done: Promotion) -> str:
    """The outcome, for stdout."""
    from forecasting.words.numbers import decimal

    lines = [f"{done.verdict} ({done.name})"]
    lines += [f"  not yet: {reason}" for reason in done.reasons]
    lines += [
        f"  gate {gate.name}: {'passed' if gate.passed else 'failed'}, {gate.found}"
        for gate in done.gates
    ]
    lines += [
        f"  mean error ratio to {comparison.against}: {decimal(comparison.score, 4)}"
        for comparison in done.comparisons
    ]
    if done.promoted:
        lines.append(f"Forecast with it: gravicast forecast --model models:/{done.name}@champion")
    return "\n".join(lines)
