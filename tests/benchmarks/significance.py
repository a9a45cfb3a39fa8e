"""Size and power of tests of equal accuracy with as few origins as a trade panel has.

    python tests/benchmarks/significance.py

Loss differences of T origins are simulated with no difference in the mean (size) and with one of a
standard deviation (power), as the overlap of horizons makes them (moving average of order h - 1),
with slower dependence (autoregression of .5), and with one crisis origin four times as large. Every
figure is the share of rejections at the 5 % level.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecasting.evaluation.significance import cosine_terms, equal_accuracy

Draws = NDArray[np.float64]
REPETITIONS = 4_000
CASES = ((14, 1), (13, 2), (12, 3), (10, 5))


def plain_t(draws: Draws, _horizon: int) -> Draws:
    size = draws.shape[1]
    statistic = np.sqrt(size) * draws.mean(axis=1) / draws.std(axis=1, ddof=1)
    return 2 * stats.t.sf(np.abs(statistic), size - 1)


def harvey_leybourne_newbold(draws: Draws, horizon: int) -> Draws:
    size = draws.shape[1]
    rest = draws - draws.mean(axis=1, keepdims=True)
    variance = (rest**2).mean(axis=1)
    for lag in range(1, horizon):
        variance += 2 * (rest[:, lag:] * rest[:, :-lag]).sum(axis=1) / size
    correction = np.sqrt((size + 1 - 2 * horizon + horizon * (horizon - 1) / size) / size)
    positive = variance > 0
    scale = np.sqrt(np.where(positive, variance, np.inf))
    return 2 * stats.t.sf(np.abs(correction * np.sqrt(size) * draws.mean(axis=1) / scale), size - 1)


def ours(draws: Draws, horizon: int) -> Draws:
    return np.array([equal_accuracy(row, horizon=horizon).p_value for row in draws])


TESTS: dict[str, Callable[[Draws, int], Draws]] = {
    "plain t": plain_t,
    "DM, HLN": harvey_leybourne_newbold,
    "gravicast": ours,
}


def simulate(kind: str, origins: int, horizon: int, rng: np.random.Generator) -> Draws:
    noise = rng.standard_normal((REPETITIONS, origins + 20))
    if kind == "autoregression":
        out = np.zeros_like(noise)
        for step in range(1, noise.shape[1]):
            out[:, step] = 0.5 * out[:, step - 1] + np.sqrt(0.75) * noise[:, step]
        return out[:, 20:]
    parts = [noise[:, 20 - lag : 20 - lag + origins] for lag in range(horizon)]
    out = np.sum(parts, axis=0) / np.sqrt(horizon)
    if kind == "crisis":
        out[np.arange(REPETITIONS), rng.integers(origins, size=REPETITIONS)] *= 4
    return out


def main() -> None:
    print(f"{'T':>3} {'h':>2} {'nu':>3}  {'differences':16s}", end="")
    print("".join(f"{name + ' size':>16s}{'power':>8s}" for name in TESTS))
    for origins, horizon in CASES:
        for kind in ("overlap", "autoregression", "crisis"):
            draws = simulate(kind, origins, horizon, np.random.default_rng(1))
            order = cosine_terms(origins, horizon=horizon)
            print(f"{origins:3d} {horizon:2d} {order:3d}  {kind:16s}", end="")
            for test in TESTS.values():
                size, power = ((test(draws + shift, horizon) < 0.05).mean() for shift in (0.0, 1.0))
                print(f"{size:16.3f}{power:8.3f}", end="")
            print()


if __name__ == "__main__":
    main()
