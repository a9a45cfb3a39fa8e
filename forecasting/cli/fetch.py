"""The command ``gravicast fetch``: a public source into the local store."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from features.errors import InputError
from features.store.registry import INDICATORS
from forecasting.cli.listing import Listing
from forecasting.options.kinds import words
from forecasting.options.run_config import RunConfig

if TYPE_CHECKING:
    from features.store.connector import Connector
    from features.store.dataset import Dataset

HELP = "download and convert a public source into the local store"
EXAMPLES = """examples:
  gravicast fetch --list
      every source: what it gives, licence, lag

  gravicast fetch baci --release 202601 --level hs2
  gravicast fetch baci --help
      the options of a source

  gravicast fetch indicators --preset technology
      series of several sources for the three technology channels, as one data set

  gravicast fetch icio --from downloads
      files downloaded by hand, where a source refuses programs
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("source", metavar="SOURCE", help="a source, or indicators; see --list")
    # The module of a source declares its options and is loaded for that source only.
    parser.add_argument("options", nargs=argparse.REMAINDER, metavar="...",
                       help="its options, see gravicast fetch SOURCE --help")  # fmt: skip
    parser.add_argument("--list", action=Listing, nargs=0, const=_sources, help="list the sources")


def _sources() -> Iterator[str]:
    """Every source with what an analyst needs to choose one."""
    from features.sources.presets import PRESETS
    from features.store.registry import SOURCES, connector_class

    width = max(map(len, (*SOURCES, INDICATORS)))
    for name in SOURCES:
        info = connector_class(name).INFO
        yield f"{name:{width}}  {info.title}: {info.gives}"
        yield f"{'':{width}}  lag {info.lag}; {info.licence}"
    presets = ", ".join(PRESETS)
    yield f"{INDICATORS:{width}}  series of several sources as one data set: --preset {presets}"


def year_list(text: str) -> tuple[int, ...]:
    """Years between commas, and ranges such as ``1995-2024``."""
    years: list[int] = []
    try:
        for word in words(text):
            first, _, last = word.partition("-")
            years += range(int(first), int(last or first) + 1)
    except ValueError:
        years = []
    if not years:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of years such as 1995-2024")
    return tuple(dict.fromkeys(years))


_TYPES: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "tuple[int, ...]": year_list,
    "tuple[str, ...]": words,
}


class _SourceParser(argparse.ArgumentParser):
    """Options of one source."""

    def __init__(self, source: str, *, description: str) -> None:
        super().__init__(
            prog=f"gravicast fetch {source}",
            description=description,
            allow_abbrev=False,
            # Options not given stay absent: a connector has its own defaults.
            argument_default=argparse.SUPPRESS,
        )
        from features.countries.source_codes import UNKNOWN_CODES

        how = self.add_argument_group("how")
        how.add_argument("--store", type=Path, help=RunConfig.OPTIONS["store"].help)
        how.add_argument("--refresh", action="store_true", help="ask the source again")
        how.add_argument("--from", dest="given", type=Path, metavar="PATH",
                         help="take files downloaded by hand from this folder or file, "
                         "whatever their names")  # fmt: skip
        how.add_argument("--mirror", metavar="URL", help="another server with the same paths, "
                         "such as http://localhost:8000")  # fmt: skip
        how.add_argument("--unknown-codes", choices=UNKNOWN_CODES, help="rows whose codes are "
                         "not known to be a country's: error (default) or drop, counted in the "
                         "data set's statements")  # fmt: skip
        how.add_argument("--quiet", action="store_true", help="no progress on stderr")

    def option(self, declared: Field[Any]) -> None:
        """An option of the connector."""
        flag, about = f"--{declared.name.replace('_', '-')}", declared.metadata["help"]
        if declared.type == "bool":
            self.add_argument(flag, action="store_true", help=about)
        else:
            kind = _TYPES[str(declared.type)]
            self.add_argument(flag, type=kind, help=about)


HOW = ("store", "refresh", "given", "mirror", "unknown_codes", "quiet")


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    run = _fetch_preset if parsed.source == INDICATORS else _fetch_source
    try:
        made = run(parsed.source, parsed.options)
    except KeyboardInterrupt:
        print("gravicast: interrupted; run the command again to continue", file=sys.stderr)
        return 130
    print(_summary(made))
    return 0


def _fetch_source(source: str, options: Sequence[str]) -> Dataset:
    from features.store.fetching import fetch
    from forecasting.cli.fetch_progress import FetchProgress

    connector, how = parse_source(source, options)
    watcher = FetchProgress(show=not how.pop("quiet", False))
    return fetch(connector, watcher=watcher, **how)


def parse_source(source: str, options: Sequence[str]) -> tuple[Connector, dict[str, Any]]:
    """The data set that a command line names, and how to fetch it.

    Raises
    ------
    InputError
        For an unknown source or an option that does not fit.
    """
    from features.store.registry import connector_class

    connector = connector_class(source)
    info = connector.INFO
    parser = _SourceParser(
        source, description=f"{info.title}: {info.gives}. Lag {info.lag}. {info.licence}."
    )
    for declared in fields(cast(Any, connector)):
        parser.option(declared)
    chosen = vars(parser.parse_args(options))
    how = {name: chosen.pop(name) for name in HOW if name in chosen}
    return connector(**chosen), how


def _fetch_preset(source: str, options: Sequence[str]) -> Dataset:
    from features.sources.presets import PRESETS, fetch_preset
    from forecasting.cli.fetch_progress import FetchProgress

    parser = _SourceParser(source, description="Series of several sources as one data set.")
    about = "; ".join(f"{name}: {preset.gives}" for name, preset in PRESETS.items())
    parser.add_argument("--preset", required=True, help=about)
    parser.add_argument("--release", help="release of BACI, for presets that use it")
    parser.add_argument("--years", type=year_list, help="such as 1995-2024 (default: all)")
    parser.add_argument("--with", dest="also", type=words, metavar="KEYS", help="further indicator "
                        "data sets of the store to join, such as stri")  # fmt: skip
    chosen = vars(parser.parse_args(options))
    if "given" in chosen:
        raise InputError(
            "--from works for one source at a time",
            remedy="Fetch that source alone with --from first: the preset takes it from the store",
        )
    watcher = FetchProgress(show=not chosen.pop("quiet", False))
    return fetch_preset(chosen.pop("preset"), watcher=watcher, **chosen)


def _summary(made: Dataset) -> str:
    """What was made, what was decided in making it, and what to type next."""
    from features.tidy.years import years_word

    years = f"{years_word(made.years)}, " if made.years else ""
    lines = [f"{made.key}: {years}{made.rows:,} rows in {made.folder}"]
    lines += [f"  {statement}" for statement in made.statements]
    lines.append(f"Licence: {made.licence}. Cite: {made.citation}")
    lines.append(f"Use it: {_next_command(made)}")
    return "\n".join(lines)


def _next_command(made: Dataset) -> str:
    """How a run takes it; data other than trade are added to a run on trade."""
    # The store is the folder above data/SOURCE/NAME.
    store = made.folder.parents[2]
    if made.kind == "elasticities":
        return f"elasticity: {{file: {made.key}}} in a scenario of a run with --store {store}"
    run = f"gravicast run --store {shlex.quote(str(store))}"
    if made.kind != "trade":
        more = " --domestic include" if made.kind == "tables" else ""
        more += " --allow-snapshots" if any(line.snapshot for line in made.indicators) else ""
        return f"{run} --trade ... --{made.kind} {made.key}{more}"
    late = made.publication_lag_months > RunConfig().trade_lag_months
    lag = f" --trade-lag-months {made.publication_lag_months}" if late else ""
    return f"{run} --trade {made.key}{lag}"
