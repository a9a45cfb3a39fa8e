"""Tasks beside the first stages: in order, waited for, dropped and never in the way."""

from __future__ import annotations

import sys
import threading
from functools import partial

import pytest

from forecasting.beside import beside, preparations
from forecasting.options.run_config import RunConfig


def test_tasks_run_in_order_in_another_thread():
    ran: list[tuple[int, bool]] = []
    main = threading.get_ident()
    with beside([partial(lambda n: ran.append((n, threading.get_ident() != main)), n)
                 for n in range(3)]):  # fmt: skip
        while len(ran) < 3:
            pass
    assert ran == [(0, True), (1, True), (2, True)]


def test_an_end_waits_for_the_running_task_and_drops_the_others():
    begun, end, ran = threading.Event(), threading.Event(), []

    def first() -> None:
        begun.set()
        end.wait(5)
        ran.append("first")

    def interrupted() -> None:
        with beside([first, lambda: ran.append("second")]):
            begun.wait(5)
            threading.Timer(0.05, end.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ran == ["first"]


def test_a_task_that_fails_is_left_to_the_stage_that_needs_it(capfd):
    ran: list[str] = []
    with beside([lambda: 1 / 0, lambda: ran.append("second")]):
        while not ran:
            pass
    assert capfd.readouterr() == ("", "")


def test_a_run_without_tracking_prepares_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # an import of it fails
    plain = RunConfig(experiment=None, figures=False, report=False)
    assert len(preparations(plain)) < len(preparations(RunConfig()))
    for task in preparations(plain):
        task()


def test_polars_is_whole_before_the_thread_starts(monkeypatch, tmp_path):
    (tmp_path / "polars.py").write_text("DataFrame = Series = object\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "polars", None)  # taken back afterwards
    del sys.modules["polars"]
    preparations(RunConfig())
    assert hasattr(sys.modules["polars"], "DataFrame")
