"""The command ``gravicast plot``: a figure of a finished run as PNG, SVG or PDF."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from features.errors import InputError
from forecasting.cli.listing import Listing
from forecasting.options.kinds import words

OPTIONS = ("flow", "of", "country", "side", "year", "feature", "channel", "metric", "measure")
HELP = "draw a figure of a finished run"
EXAMPLES = """examples:
  gravicast plot --list
      every kind, what it shows and the options it takes

  gravicast plot waterfall runs/goods --flow DEU,FRA --year 2020
  gravicast plot movers runs/goods --country Germany --side importer --out germany.pdf
  gravicast plot fan runs/goods --of EU27:CHN
  gravicast plot dependence runs/goods --channel automation --format svg --out figures
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("kind", metavar="KIND", help="what to draw, see --list")
    parser.add_argument("run", metavar="RUN", help="output folder of a finished run")
    parser.add_argument("--list", action=Listing, nargs=0, const=_kinds,
                      help="list the kinds and their options")  # fmt: skip
    subject = parser.add_argument_group("subject (not every kind takes every option)")
    subject.add_argument("--flow", type=words, help="exporter,importer[,sector], such as DEU,FRA "
                      "(default: the largest)")  # fmt: skip
    subject.add_argument("--of", help="a sum, such as EU27:CHN, DEU:exports or world")
    subject.add_argument("--country", help="ISO 3166 code or English name (default: the largest)")
    subject.add_argument("--side", help="whether as exporter (default) or importer")
    subject.add_argument("--year", type=int, help="target year (default: the first not over)")
    subject.add_argument("--feature", help="a column of drivers.csv")
    subject.add_argument("--channel", help="a channel of channels.csv: its strongest feature")
    subject.add_argument("--metric", help="wape (default), pattern_distance, midpoint_mae, log_mae")
    subject.add_argument("--measure", help="a measure or a family, see gravicast measures --list")
    files = parser.add_argument_group("files")
    files.add_argument("--out", type=Path, help="file (.png, .svg, .pdf) or folder (default: the "
                       "working directory)")  # fmt: skip
    files.add_argument("--format", type=words, help="formats of a folder's files (default png,svg)")


def _kinds() -> Iterator[str]:
    """Every kind of plot and its options."""
    from forecasting.figures.plots import KINDS

    width = max(len(kind.name) for kind in KINDS)
    for kind in KINDS:
        options = " ".join(f"--{option}" for option in kind.options)
        lines = [f"{kind.name:{width}}  {kind.shows}", f"{'':{width}}  {options}"]
        yield from (line for line in lines if line.strip())


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from forecasting.figures.plots import find_kind, plot, save_plot
    from forecasting.results.read import read_run

    options = {name: getattr(parsed, name) for name in OPTIONS}
    given = {name: value for name, value in options.items() if value is not None}
    find_kind(parsed.kind, given)
    paths = _paths(parsed.out, parsed.format, _file_name(parsed.kind, given))
    figure = plot(read_run(parsed.run), parsed.kind, **options)
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_plot(figure, path)
        except OSError as error:
            raise InputError(
                f"the file cannot be written ({error.strerror})",
                remedy="Choose another --out",
                file=path,
            ) from error
        print(path)
    return 0


def _file_name(kind: str, given: dict[str, Any]) -> str:
    """Kind and subject, such as ``waterfall_DEU_FRA_2020``."""
    parts = [kind]
    for value in given.values():
        parts += value if isinstance(value, tuple) else [str(value)]
    return "_".join(re.sub(r"[^\w-]+", "-", part) for part in parts)


def _paths(out: Path | None, formats: Sequence[str] | None, name: str) -> list[Path]:
    """Files to write, checked before any work.

    Raises
    ------
    InputError
        If a format is unknown, or does not match the file.
    """
    from forecasting.figures.files import FORMATS

    suffix = "" if out is None else out.suffix.removeprefix(".").lower()
    if out is not None and suffix in FORMATS and not out.is_dir():
        if formats is not None and tuple(formats) != (suffix,):
            raise InputError(
                f"--format {','.join(formats)} is not the format of {out.name}",
                remedy="Give --out a folder, or leave out --format",
            )
        return [out]
    formats = formats or ("png", "svg")
    if unknown := [word for word in formats if word not in FORMATS]:
        raise InputError(
            f"there is no format {unknown[0]!r}", remedy=f"Choose from {', '.join(FORMATS)}"
        )
    folder = Path() if out is None else out
    # A name with a suffix is meant as a file, even if it does not exist yet.
    if not folder.is_dir() and (folder.exists() or suffix.isalnum()):
        raise InputError(
            "the output file has no known format",
            remedy=f"Give a folder, or a file that ends in {', '.join(FORMATS)}",
            file=folder,
        )
    return [folder / f"{name}.{word}" for word in formats]
