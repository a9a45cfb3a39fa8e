"""The command ``gravicast promote``: a run's model as champion, if it passes the gates."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from forecasting.cli.command import add_command

if TYPE_CHECKING:
    from forecasting.promotion.promote import Promotion

_EXAMPLES = """examples:
  gravicast promote runs/goods
      make the run's model the champion, if it passes the gates and beats the champion

  gravicast promote 3f0c... --against 9b1e...
      the champion was trained on other data: compare with a run of its configuration on this

exit code: 0 where the model is the champion now, 1 where it is not, 2 for a mistake
"""


def declare(commands: Any) -> None:
    """Declare ``gravicast promote``."""
    promote = add_command(
        commands,
        "promote",
        _promote,
        help="make a run's model the champion, if it passes the gates",
        examples=_EXAMPLES,
    )
    promote.add_argument("run", help="MLflow run id, or the folder of a tracked run")
    promote.add_argument("--name", default="gravicast", help="registered model (default gravicast)")
    promote.add_argument(
        "--against", help="run of the champion's configuration on the same data as RUN"
    )


def _promote(parsed: argparse.Namespace) -> int:
    from forecasting.promotion.promote import promote

    done = promote(parsed.run, name=parsed.name, against=parsed.against)
    print(_summary(done))
    return 0 if done.promoted else 1


def _summary(done: Promotion) -> str:
    """The outcome, for stdout."""
    lines = [f"{done.verdict} ({done.name})"]
    lines += [f"  not yet: {reason}" for reason in done.reasons]
    lines += [
        f"  gate {gate.name}: {'passed' if gate.passed else 'failed'}, {gate.found}"
        for gate in done.gates
    ]
    lines += [
        f"  mean error ratio to {comparison.against}: {comparison.score:.4f}"
        for comparison in done.comparisons
    ]
    if done.promoted:
        lines.append(f"Forecast with it: gravicast forecast --model models:/{done.name}@champion")
    return "\n".join(lines)
