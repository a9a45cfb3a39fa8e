"""The declaration of an option, which Python, YAML, the command line and the docs read."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """What values an option takes.

    Attributes
    ----------
    read
        Takes the option's name and a value of Python, YAML or the command line; returns the value
        in its declared type. Raises `InputError` for one that does not fit.
    metavar
        The value in the help of the command line; empty for a switch, which takes none.
    words
        The words to choose from, where there is a choice.
    repeats
        Whether the command line may give the option more than once.
    """

    read: Callable[[str, Any], Any]
    metavar: str = ""
    words: tuple[str, ...] = ()
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a configuration.

    Attributes
    ----------
    kind
        What values it takes; None too where that is its default.
    group
        Its heading in the help of the command line; empty keeps it off the command line.
    help
        A phrase for the command line and the docs, in lower case and without a full stop.
    off
        A switch that stands for None.
    trained
        Whether a trained model brings its own value.
    default
        Of the field.
    """

    kind: Kind
    group: str
    help: str
    off: str = ""
    trained: bool = False
    default: Any = None

    def read(self, name: str, value: Any) -> Any:
        """The value in its declared type.

        Raises
        ------
        InputError
            If it does not fit.
        """
        if value is None and (self.default is None or self.off):
            return None
        return self.kind.read(name, value)

    @property
    def default_text(self) -> str:
        """The default as the command line takes it; empty where the option is off by default."""
        value = self.default
        if value is None or isinstance(value, bool) or (isinstance(value, Sized) and not value):
            return ""
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def option(
    default: Any, kind: Kind, group: str, help: str, *, off: str = "", trained: bool = False
) -> Any:
    """A dataclass field that declares an `Option`."""
    declared = Option(kind, group, help, off, trained, default)
    metadata = {"option": declared}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


def declares_options(like: type | None = None) -> Callable[[type[T]], type[T]]:
    """Collect the options of a dataclass in ``OPTIONS`` and write them into its docstring.

    Fields without a declaration share that of ``like``, by name.
    """

    def decorate(cls: type[T]) -> type[T]:
        shared: Mapping[str, Option] = getattr(like, "OPTIONS", {})
        declared = {
            one.name: one.metadata.get("option") or replace(shared[one.name], default=one.default)
            for one in fields(cast(Any, cls))
        }
        cls.OPTIONS = MappingProxyType(declared)  # type: ignore[attr-defined]
        cls.__doc__ = (cls.__doc__ or "").replace("{options}", _parameters(declared))
        return cls

    return decorate


def _parameters(declared: Mapping[str, Option]) -> str:
    """The section of a numpy docstring."""
    lines = ["Parameters", "    ----------"]
    for name, one in declared.items():
        words = ", ".join(f'``"{word}"``' for word in one.kind.words)
        text = f"{one.help[0].upper()}{one.help[1:]}.{f' One of {words}.' if words else ''}"
        lines.append(f"    {name}")
        lines += textwrap.wrap(text, 100, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return "\n".join(lines)
