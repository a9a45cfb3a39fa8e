"""Unforeseen failures are one line; a reader that has gone and odd terminals are not errors."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecasting.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def failing(monkeypatch, capsys, tmp_path) -> Callable[[BaseException], tuple[int, str]]:
    """Exit code and stderr of a command that raises an error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def go(error: BaseException) -> tuple[int, str]:
        def serve(**_: object) -> int:
            raise error

        monkeypatch.setattr("forecasting.tracking.ui.serve", serve)
        code = main(["ui"])
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        assert printed.err.startswith("gravicast: ")
        return code, printed.err

    return go


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "Make room"), (errno.EFBIG, "Make room"), (errno.EACCES, "permissions"),
     (errno.ENAMETOOLONG, "shorter name"), (errno.EIO, "try again")],
)  # fmt: skip
def test_what_the_system_refuses_is_one_line(failing, number, remedy):
    code, printed = failing(OSError(number, os.strerror(number), "runs/goods/backtest.parquet"))
    assert code == 2
    assert printed.startswith(f"gravicast: runs/goods/backtest.parquet: {os.strerror(number)}. ")
    assert remedy in printed


def test_an_error_of_the_system_without_number_or_file_is_one_line(failing):
    assert failing(OSError("of a library,\nin two lines"))[0] == 2


def test_too_little_memory_is_one_line(failing):
    code, printed = failing(MemoryError())
    assert code == 2
    assert "--largest" in printed


def test_a_fault_of_our_own_keeps_its_traceback_in_a_file(failing, tmp_path):
    code, printed = failing(KeyError("x" * 5_000))
    assert code == 1
    assert len(printed) < 1_000
    (log,) = tmp_path.glob("gravicast-error-*.log")
    assert str(log) in printed
    traceback = log.read_text(encoding="utf-8")
    assert "Traceback" in traceback
    assert re.search(r"line \d+, in serve", traceback)


def test_a_fault_on_a_full_disk_is_one_line_too(failing, monkeypatch):
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkstemp", full)
    assert failing(ZeroDivisionError("division by zero"))[0] == 1


SAYS = """
import sys
from forecasting.cli import main, ui
ui.answer = lambda _: print("C\\u00f4te " * {times})
sys.exit(main.main({arguments}))
"""


def say(
    times: int = 1, *, arguments: tuple[str, ...] = ("ui",), stdout: Any = subprocess.PIPE,
    **more: str,
) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
    """Run a command in a process of its own that prints a word so many times."""
    script = SAYS.format(times=times, arguments=list(arguments))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(
        [sys.executable, "-c", script], stdout=stdout, stderr=subprocess.PIPE, check=False,
        env=environment,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("times", "arguments", "code"),
    [(1, ("ui",), 141), (10_000, ("ui",), 141), (1, ("--help",), None)],
)
def test_a_reader_that_is_gone_hears_nothing_more(times, arguments, code):
    reading, writing = os.pipe()
    os.close(reading)
    done = say(times, arguments=arguments, stdout=writing)
    os.close(writing)
    assert done.stderr == b""
    assert code in (None, done.returncode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_to_a_full_disk_is_one_line():
    with Path("/dev/full").open("wb") as full:
        done = say(stdout=full)
    assert done.stderr.decode().count("\n") == 1
    assert done.returncode == 2


@pytest.mark.parametrize(
    "terminal",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_terminal_that_knows_few_letters_shows_others_as_codes(terminal):
    done = say(**terminal)
    assert done.stdout.decode("ascii").strip() == "C\\xf4te"
    assert done.returncode == 0
