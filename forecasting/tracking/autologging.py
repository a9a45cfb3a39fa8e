"""Switching MLflow's autologging off for a block."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def autologging_off() -> Iterator[None]:
    """Switch autologging off for a block and leave every setting as it was.

    It would log a model for each of the hundred fits of a back-test. Does not import MLflow.
    """
    if "mlflow" not in sys.modules:
        yield
        return
    from mlflow.utils import autologging_utils as settings

    # MLflow's own context manager switches autologging on at its end, even when nested.
    if getattr(settings, "_AUTOLOGGING_GLOBALLY_DISABLED", False):
        yield
        return
    with settings.disable_autologging():
        yield
