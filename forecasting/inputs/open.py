"""One input of a run: a file, or a data set of the local store by its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.choices import AbsentFlows
from features.errors import InputError
from features.reading.options import ReadingOptions
from features.reading.table import ReadTable
from features.store.registry import is_key

if TYPE_CHECKING:
    from features.store.dataset import Dataset
    from features.store.source import Kind


@dataclass(frozen=True, slots=True)
class Input:
    """Where an input lies and how it is read.

    Attributes
    ----------
    name
        As the user typed it; errors name it so.
    path
        File, or folder of the data set.
    dataset
        The data set; None for a file.
    """

    name: str
    path: Path
    dataset: Dataset | None = None

    def table(
        self, read: Callable[[Path, ReadingOptions], ReadTable], options: ReadingOptions
    ) -> ReadTable:
        """Its table; ``read`` tidies a file's, a data set's is tidy already."""
        if self.dataset is None:
            return read(self.path, options)
        return ReadTable(self.dataset.read())

    @property
    def absent(self) -> AbsentFlows:
        """What a flow without a row means, as its source defines it; ``auto`` for a file."""
        return "auto" if self.dataset is None else self.dataset.absent

    @property
    def statements(self) -> tuple[str, ...]:
        """Where a data set comes from and what was dropped, mapped or filled in making it."""
        if self.dataset is None:
            return ()
        d = self.dataset
        origin = (
            f"{d.key}: {d.title}, release {d.release}, retrieved {d.retrieved}; {d.licence}; "
            f"cite {d.citation}"
        )
        return (origin, *d.statements)


def refuse_mixed_releases(trade: Input, indicators: Input) -> None:
    """Refuse trade and technology of different releases of BACI: each restates the past.

    Raises
    ------
    InputError
        If both are of BACI and their releases differ.
    """
    releases = [_baci_release(one.dataset) for one in (trade, indicators) if one.dataset]
    known = [release for release in releases if release]
    if len(set(known)) > 1:
        raise InputError(
            f"{trade.name} is of BACI's release {known[0]}, and technology in {indicators.name} of "
            f"{known[1]}: every release restates all years",
            remedy=f"Fetch the indicators with --release {known[0]}",
        )


def _baci_release(dataset: Dataset) -> str:
    """The release of BACI that a data set was made from; empty if none."""
    if dataset.source in ("baci", "technology"):
        return dataset.release
    # A preset names the data sets it joins: technology:REVISION:RELEASE.
    joined = (raw["url"] for raw in dataset.raw if raw["url"].startswith("technology:"))
    return next((url.split(":")[2] for url in joined), "")


def open_input(given: Path, *, kind: Kind, store: Path | None) -> Input:
    """An input by path or key.

    Parameters
    ----------
    given
        Path of a file or, where there is none of that name and it begins with a source, a key such
        as ``baci:HS92:202601:hs2``.
    kind
        What the data set must be.
    store
        Folder of the store; None for the default one.

    Raises
    ------
    InputError
        If the store has no such data set or it is of another kind.
    """
    name = str(given)
    if not is_key(name):
        if ":" in name and not given.exists():
            raise InputError(
                "there is no such file, and the key does not begin with a source",
                remedy="`gravicast data list` names the data sets of the store",
                file=name,
            )
        return Input(name, given)
    from features.store.store import Store

    dataset = Store(store).open(name)
    if dataset.kind != kind:
        both = kind == "reports" and dataset.kind == "trade"
        other = "fetch it with --flow both" if both else "another data set here"
        raise InputError(
            f"{dataset.key} holds {dataset.kind}, not {kind}",
            remedy=f"Give it as {dataset.kind}, or {other}",
            file=dataset.folder,
        )
    return Input(dataset.key, dataset.folder, dataset)
