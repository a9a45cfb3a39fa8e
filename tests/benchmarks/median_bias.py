"""Does removing the median bias of each size class help? Nested, on the back-test of a run.

    python tests/benchmarks/median_bias.py RUN [--first 3]

At each origin and horizon, flows are put into deciles of their forecast. The bias of a decile is
the median of log(outcome) - log(forecast) over the forecasts of earlier origins whose target years
are over by then, target year <= origin. The forecast is moved by it (whole), by half of it, and by
what it is beyond the median of all flows (relative), which leaves out errors of the world's growth.
Flows forecast at zero or without trade have no log error and no part in the bias. Errors are means
over origins that have at least FEWEST earlier ones; the test of equal accuracy is Diebold and
Mariano's with the uncorrected forecast, over the same origins. On goods trade the first two cost
accuracy, because past medians are the world's booms and slumps; the third was added after that was
seen and is no nested choice.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.evaluation.metrics import log_mae, wape
from forecasting.evaluation.significance import equal_accuracy
from forecasting.words.markdown import table
from forecasting.words.numbers import decimal

Vector = NDArray[np.float64]

FEWEST = 2
CLASSES = 10
CORRECTIONS = ("whole", "half", "relative")
ERRORS = {"WAPE": wape, "Log MAE": log_mae}
COLUMNS = ["setting", "origin", "horizon", "target_year", "forecast", "actual"]


def size_class(forecast: Vector) -> NDArray[np.int64]:
    """Decile of each flow's forecast, those at zero in the lowest."""
    edges = np.quantile(forecast[forecast > 0], np.arange(1, CLASSES) / CLASSES)
    return np.searchsorted(edges, forecast, side="right")


def median_bias(past: pd.DataFrame) -> dict[str, Vector]:
    """Corrections by name: logs by size class, shape ``[class]``; 0 where a class has none."""
    known = past[(past["forecast"] > 0) & (past["actual"] > 0)]
    log_error = np.log(known["actual"] / known["forecast"])
    medians = log_error.groupby(known["size_class"]).median()
    whole = medians.reindex(range(CLASSES)).fillna(0.0).to_numpy()
    return {"whole": whole, "half": 0.5 * whole, "relative": whole - log_error.median()}


def corrected(block: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Errors of one setting and horizon by origin and correction."""
    for origin, now in block.groupby("origin"):
        past = block[block["target_year"] <= origin]
        if past["origin"].nunique() < FEWEST:
            continue
        forecast, actual = now["forecast"].to_numpy(), now["actual"].to_numpy()
        corrections = {"none": np.zeros(CLASSES), **median_bias(past)}
        for name, bias in corrections.items():
            moved = forecast * np.exp(bias[now["size_class"]])
            errors = {error: of(actual, moved) for error, of in ERRORS.items()}
            yield {"origin": origin, "correction": name, **errors}


def with_size_class(backtest: pd.DataFrame) -> pd.DataFrame:
    """Scored flows with the decile of their forecast within setting, horizon and origin."""
    known = backtest[backtest["actual"].notna()].astype({"forecast": float, "actual": float})
    keys = ["setting", "horizon", "origin"]
    classes = known.groupby(keys, observed=True)["forecast"].transform(
        lambda forecast: size_class(forecast.to_numpy())
    )
    return known.assign(size_class=classes.astype(int))


def lines(backtest: pd.DataFrame, *, first: int) -> Iterator[list[str]]:
    """A line by setting, horizon, correction and error."""
    data = with_size_class(backtest[backtest["horizon"] >= first])
    for (setting, horizon), block in data.groupby(
        ["setting", "horizon"], observed=True, sort=False
    ):
        rows = pd.DataFrame(corrected(block))
        if rows.empty:
            continue
        for error in ERRORS:
            by = rows.pivot_table(index="origin", columns="correction", values=error)
            for name in CORRECTIONS:
                test = equal_accuracy((by[name] - by["none"]).to_numpy(), horizon=int(horizon))
                before, after = by["none"].mean(), by[name].mean()
                yield [
                    str(setting), str(horizon), error, name, decimal(before, 4),
                    decimal(after, 4), f"{100 * (after / before - 1):+.1f} %",
                    f"{test.wins} of {test.origins}", decimal(test.p_value, 3),
                ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--first", type=int, default=3, help="shortest horizon corrected")
    given = parser.parse_args()
    backtest = pd.read_parquet(given.run / "backtest.parquet", columns=COLUMNS)
    header = ["Setting", "Years", "Error", "Correction", "Without", "With", "Change",
              "Better at", "p"]  # fmt: skip
    print(table(header, list(lines(backtest, first=given.first))))


if __name__ == "__main__":
    main()
