"""The options of a configuration on the command line, made of their declarations."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from typing import Any

from forecasting.options.forecast_config import ForecastConfig
from forecasting.options.option import Option
from forecasting.options.run_config import RunConfig


def add_options(
    parser: argparse.ArgumentParser,
    options: Mapping[str, Option],
    *,
    only: Collection[str] | None = None,
) -> None:
    """Declare options, each under the heading of its group; those not given stay absent.

    ``only`` names those to take; by default all.
    """
    headings: dict[str, Any] = {}
    for name, option in options.items():
        if not option.group or (only is not None and name not in only):
            continue
        if option.group not in headings:
            headings[option.group] = parser.add_argument_group(option.group)
        _add(headings[option.group], name, option)


def _add(heading: Any, name: str, option: Option) -> None:
    settings: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS}
    # argparse fills in what follows a percent sign.
    about = option.help.replace("%", "%%")
    if not option.kind.metavar:
        turns_off = option.default is True
        settings["action"] = "store_false" if turns_off else "store_true"
        flag = _flag(f"no_{name}" if turns_off else name)
        help = f"do not {about}" if turns_off else about
        heading.add_argument(flag, help=help, **settings)
        return
    help = f"{about} (default {option.default_text})" if option.default_text else about
    settings |= {"metavar": option.kind.metavar, "help": help}
    heading.add_argument(
        _flag(name), action="append" if option.kind.repeats else "store", **settings
    )
    if option.off:
        heading.add_argument(
            _flag(option.off),
            action="store_true",
            default=argparse.SUPPRESS,
            help=f"no {about}",
        )


def given_options(parsed: argparse.Namespace, options: Mapping[str, Option]) -> dict[str, Any]:
    """The options that a command line gives, as text, and the switches that stand for None."""
    known = {*options, *(option.off for option in options.values())}
    return {name: value for name, value in vars(parsed).items() if name in known}


def repeatable() -> tuple[str, ...]:
    """Options that may be given more than once."""
    options = {**RunConfig.OPTIONS, **ForecastConfig.OPTIONS}
    return tuple(_flag(name) for name, option in options.items() if option.kind.repeats)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
