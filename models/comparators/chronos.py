"""Chronos-2, a foundation model for time series, with published totals as known future values.

Needs the package ``chronos-forecasting``, 2.0 or newer, and the weights, which it takes from the
Hugging Face hub or from a folder that ``GRAVICAST_CHRONOS`` names. It is not fitted: every origin
is forecast zero-shot. Weights trained on data that hold the years of the back-test know outcomes
that no forecast could, so a good score here is no proof.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MODEL = "amazon/chronos-2"
WEIGHTS = "GRAVICAST_CHRONOS"
"""Environment variable: a folder of weights, or another name on the hub."""
BATCH = 4_096
"""Flows that are prepared at a time."""
MILLION = 1e6


class Chronos2:
    """Chronos-2 on logs of every flow and of its exporter's and importer's totals."""

    def fit_predict(
        self,
        history: pd.DataFrame,
        horizons: Sequence[int],
        known_future: Mapping[str, pd.DataFrame],
    ) -> dict[int, pd.DataFrame]:
        """Quantiles of every flow; see `models.comparators`."""
        pipeline, steps = _pipeline(os.environ.get(WEIGHTS, MODEL)), max(horizons)
        totals = {name: _logs(frame) for name, frame in known_future.items()}
        flows = _logs(history)
        parts = []
        for start in range(0, flows.shape[1], BATCH):
            asked = list(_inputs(flows, totals, range(start, min(start + BATCH, flows.shape[1]))))
            found, _ = pipeline.predict_quantiles(
                asked, prediction_length=steps, quantile_levels=list(QUANTILES)
            )
            # One target each: shape [1, step, quantile].
            parts += [np.asarray(one)[0] for one in found]
        by_flow = np.expm1(np.maximum(np.stack(parts), 0.0)) * MILLION
        return {h: pd.DataFrame(by_flow[:, h - 1], columns=list(QUANTILES)) for h in horizons}


def _logs(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.log1p(frame.to_numpy(dtype=np.float64) / MILLION).astype(np.float32)


def _inputs(
    flows: np.ndarray[Any, Any], totals: Mapping[str, np.ndarray[Any, Any]], chosen: range
) -> Iterator[dict[str, Any]]:
    """A flow's past, and its totals in the past and future; NaN where unknown, which it takes."""
    years = flows.shape[0]
    for flow in chosen:
        yield {
            "target": flows[:, flow],
            "past_covariates": {name: rows[:years, flow] for name, rows in totals.items()},
            "future_covariates": {name: rows[years:, flow] for name, rows in totals.items()},
        }


@lru_cache(maxsize=1)
def _pipeline(weights: str) -> Any:
    """The model, loaded once for all origins."""
    from chronos import Chronos2Pipeline

    return Chronos2Pipeline.from_pretrained(weights, device_map="auto")
