"""How to read a table where it is ambiguous."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from features.choices import Decimal, FlowDirection, Unit


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """A user's options for reading tables.

    Attributes
    ----------
    columns
        Column of the trade table that holds ``exporter``, ``importer``, ``year``, ``month``,
        ``sector`` or ``value``; those not named are found by their usual names.
    unit
        Unit of the values; None reads it from the header, else USD.
    flow
        Which of a reporter's declarations are read; None where there is one kind only.
    decimal
        The decimal mark; None reads it from the cells.
    extra_codes
        User-assigned codes (ISO 3166-1: AAA, QMA to QZZ, X.., ZZ.) that are countries here.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    unit: Unit | None = None
    flow: FlowDirection | None = None
    decimal: Decimal | None = None
    extra_codes: tuple[str, ...] = ()


DEFAULT = ReadingOptions()
"""No options: everything is read from the table."""
