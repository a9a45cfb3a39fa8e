"""Options of a run from a YAML file: names, text, numbers and lists only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from features.errors import InputError, cut, first_line

LARGEST_FILE = 100_000
"""Bytes. Parsing is slow, and a larger file is not a list of options."""
DEEPEST = 8
"""Levels of lists and mappings: the parser calls itself for each."""
_REMEDY = "Write one `option: value` a line"


class _Loader(yaml.SafeLoader):
    """Reads plain values as the command line takes them.

    A date stays text, which the option reads itself, and so do the surprising numbers of YAML 1.1
    (``1:30``, and ``010``, which is eight).
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping without repeated keys, of which YAML would silently keep the last."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"option {cut(key.value)!r} is given twice", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"(?i:true|false|yes|no|on|off)", list("tTfFyYnNoO")),
    ("int", r"[-+]?(?:0|[1-9](?:_?[0-9]){0,17})", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9][0-9_]*)?\.[0-9][0-9_]*(?:[eE][-+][0-9]{1,5})?|[-+]?[0-9][0-9_]*\."
     r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.0123456789")),
):  # fmt: skip
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first
    )

_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def read_options(path: Path | str) -> dict[str, Any]:
    """Options of a YAML file, not yet checked.

    Raises
    ------
    InputError
        If the file cannot be read, is not a mapping, names an option twice, or holds anchors, tags
        of Python objects, or deeply nested lists.
    """
    text = _text(Path(path))
    try:
        _check_events(text, file=path)
        values = yaml.load(text, Loader=_Loader)
    except InputError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(
            f"the configuration cannot be read ({_reason(error)})",
            remedy=_REMEDY,
            file=path,
            row=_line(error, text),
        ) from error
    if not isinstance(values, Mapping):
        raise InputError("the configuration is not a mapping", remedy=_REMEDY, file=path)
    return dict(values)


def _text(path: Path) -> str:
    remedy = f"Give a YAML file in UTF-8 of at most {LARGEST_FILE:,} bytes"
    try:
        with path.open("rb") as handle:
            content = handle.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise InputError("the configuration is too long", remedy=remedy, file=path)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "the configuration cannot be read: it is not UTF-8",
            remedy=remedy,
            file=path,
            row=error.object.count(b"\n", 0, error.start) + 1,
        ) from error
    except OSError as error:
        raise InputError(
            f"the configuration cannot be read ({error.strerror})",
            remedy="Check the path",
            file=path,
        ) from error


def _check_events(text: str, *, file: object) -> None:
    """Refuse nesting and anchors as the parser walks, before anything is built."""
    level = 0
    for event in yaml.parse(text, Loader=_Loader):
        row = event.start_mark.line + 1 if event.start_mark else None
        level += isinstance(event, yaml.CollectionStartEvent)
        level -= isinstance(event, yaml.CollectionEndEvent)
        if level > DEEPEST:
            problem = f"there are more than {DEEPEST} levels of lists and mappings"
            raise InputError(problem, remedy=_REMEDY, file=file, row=row)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(
                "anchors and aliases (& and *) are not read",
                remedy="Write the value out, in quotes where it is text",
                file=file,
                row=row,
            )


def _line(error: Exception, text: str) -> int | None:
    """The line that a parser error names."""
    if isinstance(error, yaml.reader.ReaderError):
        return text.count("\n", 0, error.position) + 1
    mark = getattr(error, "problem_mark", None)
    return None if mark is None else mark.line + 1


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character {error.character!r} is not allowed"
    return getattr(error, "problem", None) or first_line(error)
