"""The command line: every command of ``gravicast`` and how a user's mistake is reported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from features.errors import InputError
from forecasting.cli import (
    check,
    data,
    draws,
    explain,
    fetch,
    forecast,
    measures,
    nowcast,
    plan,
    plot,
    promote,
    report,
    run,
    scenario,
    scoreboard,
    track,
    ui,
)
from forecasting.cli.last_resort import (
    drop_output,
    keep_traceback,
    plain_output,
    reader_gone,
    refused_by_system,
    short,
)
from forecasting.cli.listing import Listing
from forecasting.cli.options import repeatable
from forecasting.memory import left_at_exit
from forecasting.run_folder.interrupts import Interrupted, stoppable

COMMANDS = (run, check, explain, draws, plot, measures, report, scoreboard, track, ui, promote,
            forecast, nowcast, scenario, plan, fetch, data)  # fmt: skip
"""Modules with ``HELP``, ``EXAMPLES``, ``declare`` and ``answer``, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        Exit code: 0; 2 for a user's mistake or a system that refuses (a full disk); 1 for a fault
        of gravicast; 128 and the signal's number where one stopped it.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    left_at_exit()
    with plain_output(), stoppable() as signal:
        try:
            return _answered(given)
        except KeyboardInterrupt as stop:
            words = stop if isinstance(stop, Interrupted) else "interrupted"
            print(f"gravicast: {words}", file=sys.stderr)
            return 128 + signal.number


def _answered(given: Sequence[str]) -> int:
    """Run a command and report any failure in one line."""
    try:
        try:
            _refuse_repeats(given)
            parsed = _parser().parse_args(given)
            code: int = parsed.command.answer(parsed)
        finally:  # also after --help, which exits
            sys.stdout.flush()
    except InputError as error:
        return _failed(str(error), 2)
    except BrokenPipeError:
        return reader_gone()
    except MemoryError:
        return _failed("not enough memory. Keep fewer flows, for example with --largest", 2)
    except OSError as error:
        drop_output()
        return _failed(refused_by_system(error), 2)
    except Exception as error:
        return _failed(f"internal error: {short(error)}. {keep_traceback()}", 1)
    return code


def _failed(words: str, code: int) -> int:
    print(f"gravicast: {words}", file=sys.stderr)
    return code


class _WholeOptions(argparse.ArgumentParser):
    """Takes no abbreviated option: it could be meant for another with the same beginning."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "allow_abbrev": False})


def _refuse_repeats(given: Sequence[str]) -> None:
    """Refuse an option given twice: argparse would silently keep only the last."""
    names = [word.partition("=")[0] for word in given if word.startswith("--") and word != "--"]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if wrong := [name for name in twice if name not in (*repeatable(), *draws.REPEATED)]:
        raise InputError(f"option {wrong[0]} is given twice", remedy="Give it once")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gravicast",
        description="Forecast trade flows between countries and explain the shifts in their "
        "pattern.",
        epilog=f"{run.EXAMPLES}\n  gravicast ui\n      review the runs in the MLflow UI",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version",
        action=Listing,
        nargs=0,
        const=_version,
        default=argparse.SUPPRESS,
        help="print the version and stop",
    )
    commands = parser.add_subparsers(
        title="commands",
        required=True,
        metavar="COMMAND",
        parser_class=_WholeOptions,
    )
    for command in COMMANDS:
        declared = commands.add_parser(
            command.__name__.rpartition(".")[2],
            help=command.HELP,
            epilog=command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.declare(declared)
        declared.set_defaults(command=command)
    return parser


def _version() -> Iterable[str]:
    from forecasting.results.versions import versions

    return (f"gravicast {versions()['gravicast']}",)


if __name__ == "__main__":
    sys.exit(main())
