"""Cores are counted on every system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from features.cores import cores


def test_a_process_bound_to_fewer_cores_uses_fewer(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert cores() == 3


@pytest.mark.parametrize(("known", "counted"), [(6, 6), (None, 1)])
def test_systems_without_affinity_count_the_machines_cores(monkeypatch, known, counted):
    # macOS and Windows
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: known)
    assert cores() == counted


def test_nothing_else_asks_the_system_for_its_cores():
    root = Path(__file__).resolve().parents[2]
    askers = [
        str(file.relative_to(root))
        for package in ("features", "models", "forecasting", "tests/benchmarks")
        for file in (root / package).rglob("*.py")
        if "sched_getaffinity" in file.read_text(encoding="utf-8")
    ]
    assert askers == [str(Path("features/cores.py"))]
