"""How to read a table where it leaves that open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from features.choices import Decimal, FlowDirection, Unit


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What a user says of the tables that they give.

    Attributes
    ----------
    columns
        Column of the trade table that holds ``exporter``, ``importer``, ``year``, ``month``,
        ``sector`` or ``value``; those not named are found by their usual names.
    unit
        What one unit of value is; None where the header says it, else USD.
    flow
        Which of a reporter's declarations are read; None where there is one kind only.
    decimal
        The mark before decimals; None where the cells tell.
    extra_codes
        User-assigned codes (ISO 3166-1: AAA, QMA to QZZ, X.., ZZ.) that are countries here.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    unit: Unit | None = None
    flow: FlowDirection | None = None
    decimal: Decimal | None = None
    extra_codes: tuple[str, ...] = ()


DEFAULT = ReadingOptions()
"""A table that says all itself."""
