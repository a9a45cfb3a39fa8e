"""Names of the models of the back-test."""

from __future__ import annotations

MAIN_MODEL = "gravicast"


ABLATION = "without_technology"


MODELS: tuple[str, ...] = (
    MAIN_MODEL,
    ABLATION,
    "last_value_raked",
    "last_value",
    "drift",
    "lightgbm_levels",
    "lightgbm_differences",
)
"""Every model of the scoreboard, in its order."""
