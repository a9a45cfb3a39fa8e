"""The options of a configuration that say how its files are read."""

from __future__ import annotations

from dataclasses import fields

from features.reading.options import ReadingOptions
from forecasting.options.run_config import RunConfig


def reading_options(config: RunConfig) -> ReadingOptions:
    """How the files of a configuration are read."""
    return ReadingOptions(**{one.name: getattr(config, one.name) for one in fields(ReadingOptions)})
