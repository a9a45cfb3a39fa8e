"""An option is declared once: reading, the command line and the docs follow its field."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from features.errors import InputError
from forecasting import ForecastConfig, RunConfig
from forecasting.cli.main import main
from forecasting.cli.options import add_options, given_options
from forecasting.options import kinds
from forecasting.options.option import Option, declares_options, option


@declares_options()
@dataclass(frozen=True, slots=True)
class Toy:
    """A configuration.

    {options}
    """

    OPTIONS: ClassVar[Mapping[str, Option]]

    most_rows: int = option(5, kinds.whole(1, 9), "how", "rows kept, 100% of them")
    mode: str = option("slow", kinds.choice(Literal["slow", "fast"]), "how", "how hard it tries")
    figures: bool = option(True, kinds.SWITCH, "output", "draw figures")
    log: str | None = option("log", kinds.NAME, "output", "name of a log", off="no_log")
    hidden: Path | None = option(None, kinds.PATH, "", "a path")


@declares_options(like=Toy)
@dataclass(frozen=True, slots=True)
class Other:
    """{options}"""

    OPTIONS: ClassVar[Mapping[str, Option]]

    most_rows: int | None = None


@pytest.fixture
def parser():
    made = argparse.ArgumentParser(prog="toy")
    add_options(made, Toy.OPTIONS)
    return made


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ([], {}),
        (["--most-rows", "7", "--mode", "fast"], {"most_rows": "7", "mode": "fast"}),
        (["--no-figures", "--no-log"], {"figures": False, "no_log": True}),
    ],
)
def test_the_command_line_follows_the_fields(parser, arguments, given):
    assert given_options(parser.parse_args(arguments), Toy.OPTIONS) == given


def test_help_and_docs_follow_the_fields(parser):
    shown = " ".join(parser.format_help().split())
    assert "--most-rows N rows kept, 100% of them (default 5)" in shown
    assert "--mode slow|fast how hard it tries (default slow)" in shown
    assert "--no-figures do not draw figures" in shown
    assert "--hidden" not in shown
    for name in Toy.OPTIONS:
        assert f"    {name}\n        " in Toy.__doc__
    assert 'How hard it tries. One of ``"slow"``, ``"fast"``.\n' in Toy.__doc__


def test_a_value_is_read_by_its_kind_and_none_where_that_is_meant():
    assert Toy.OPTIONS["most_rows"].read("most_rows", " 7") == 7
    for name, value in (("most_rows", "10"), ("most_rows", None), ("mode", "quick")):
        with pytest.raises(InputError, match=f"option '{name}' cannot be"):
            Toy.OPTIONS[name].read(name, value)
    assert Toy.OPTIONS["log"].read("log", None) is None
    assert Toy.OPTIONS["hidden"].read("hidden", None) is None


def test_another_configuration_shares_a_declaration_but_not_its_default():
    shared = Other.OPTIONS["most_rows"]
    assert (shared.kind, shared.help) == (Toy.OPTIONS["most_rows"].kind, "rows kept, 100% of them")
    assert shared.read("most_rows", None) is None
    assert shared.default_text == ""


@pytest.mark.parametrize(("command", "config"), [("run", RunConfig), ("forecast", ForecastConfig)])
def test_the_help_of_a_command_and_the_docs_name_every_option(command, config, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = capsys.readouterr().out
    for name, declared in config.OPTIONS.items():
        assert f"\n    {name}\n" in config.__doc__
        flag = name if declared.default is not True else f"no_{name}"
        assert (f"--{flag.replace('_', '-')}" in shown) == (name != "params")
