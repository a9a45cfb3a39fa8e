"""Rows taken block by block: what is made of a block is small beside the matrix it comes from."""

from __future__ import annotations

from collections.abc import Iterator

BLOCK = 16_384
"""Rows of a block."""


def blocks(rows: int) -> Iterator[slice]:
    """Slices of ``rows`` rows, in order."""
    for start in range(0, rows, BLOCK):
        yield slice(start, min(start + BLOCK, rows))
