"""What is compiled beside a run is all that the run uses."""

from __future__ import annotations

from typing import Any

import pytest
from numba.core.dispatcher import Dispatcher

from models.tree_shap import interventional, path_dependent, walk
from models.tree_shap.first_use import kernel_uses


def test_every_kernel_is_used(monkeypatch: pytest.MonkeyPatch):
    called: set[str] = set()

    def noting(kernel: Any) -> Any:
        def call(*given: Any) -> Any:
            called.add(kernel.py_func.__name__)
            return kernel(*given)

        return call

    kernels = [
        (module, name, value)
        for module in (path_dependent, interventional, walk)
        for name, value in vars(module).items()
        # Python cannot call the others, and compiled ones call `decide` by its name in `walk`.
        if isinstance(value, Dispatcher) and "no_cpython_wrapper" not in value.targetoptions
        if (module, name) != (walk, "decide")
    ]
    for module, name, kernel in kernels:
        monkeypatch.setattr(module, name, noting(kernel))
    # Another module's name for it is called, not this one's.
    for use in kernel_uses():
        use()
    assert called == {name for _, name, _ in kernels}
    assert len(called) >= 7
