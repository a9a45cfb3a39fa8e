"""What is compiled beside a run is all that the run uses."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import lightgbm
import numpy as np
from numba.core import event
from models.tree_shap.first_use import use_kernels
from models.tree_shap.interventional import tree_shap_interventional
from models.tree_shap.path_dependent import tree_shap

use_kernels()
compiled = []

class Noted(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].py_func.__name__)

    def on_end(self, event):
        pass

event.register("numba:compile", Noted())
x = np.random.default_rng(0).normal(size=(3_000, 20)).astype(np.float32)
options = {"num_leaves": 24, "num_threads": 1, "verbosity": -1}
booster = lightgbm.train(options, lightgbm.Dataset(x, x.prod(axis=1)), 5)
for rows in (x, x[:2]):
    tree_shap(booster, rows, threads=1)
tree_shap_interventional(booster, x[:9], x[:9], threads=1)
assert not compiled, compiled
"""


@pytest.mark.slow
def test_nothing_is_compiled_after_the_first_use(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    made = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
