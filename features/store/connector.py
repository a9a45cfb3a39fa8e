"""Interface of a connector: one data set, from its source to the store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import Field
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from features.download.raw_file import RawFile
from features.store.source import IndicatorLine, Kind, SourceInfo
from features.tidy.parts import Part

if TYPE_CHECKING:
    from features.download.raw_cache import RawCache


class Connector(ABC):
    """One data set of one source: addresses, download, and conversion to tidy tables.

    Implementations are frozen slotted dataclasses whose fields are declared with `option`; their
    help replaces ``{options}`` in the docstring.
    """

    __slots__ = ()

    INFO: ClassVar[SourceInfo]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A dataclass with slots is made twice: only the first class still has the fields.
        fields = {name: one for name, one in vars(cls).items() if isinstance(one, Field)}
        lines = [f"    {name}\n        {one.metadata['help']}" for name, one in fields.items()]
        options = "\n".join(["Parameters", "    ----------", *lines])
        cls.__doc__ = (cls.__doc__ or "").replace("{options}", options)

    @property
    @abstractmethod
    def release(self) -> str:
        """Release of the source; for a dated source the day of retrieval, YYYYMMDD."""

    @property
    def key(self) -> str:
        """Name in the store: source, release and every option that affects the content."""
        return f"{self.INFO.name}:{self.release}"

    @abstractmethod
    def locate(self) -> tuple[str, ...]:
        """Addresses it will request, as far as known beforehand."""

    @abstractmethod
    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """Get every raw file, from the cache where complete."""

    @abstractmethod
    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """Parts in the project's schema, in order of year."""

    @property
    def kind(self) -> Kind:
        """What the data set is."""
        return self.INFO.kind

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """Catalogue of an indicator data set; empty for other kinds."""
        return ()

    def sector_table(self, raw: Sequence[RawFile]) -> pd.DataFrame | None:  # noqa: ARG002
        """Attributes of a trade data set's sectors (`features.data.sectors`), where it has any."""
        return None
