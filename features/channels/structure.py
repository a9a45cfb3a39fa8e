"""Network features of a flow: latent structure and similar countries.

A small flow's own history is noisy; the whole matrix is less so: the flow's intensity against a
low-rank completion, the growth of flows of countries with similar partners, and the growth of the
exporter's and importer's other flows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.information import InformationSet

STRUCTURE_COLUMNS: tuple[str, ...] = (
    "structure_gap",
    "similar_exporters_growth_1",
    "similar_importers_growth_1",
    "similar_exporters_growth_3",
    "similar_importers_growth_3",
    "other_exports_growth_1",
    "other_imports_growth_1",
    "other_exports_churn_1",
    "other_imports_churn_1",
    "silent_destinations",
    "silent_sources",
    "newly_silent_destinations",
    "newly_silent_sources",
)

YEARS = 3
"""Years averaged before the completion."""
THRESHOLD = 2.0
"""Singular values are shrunk by this many medians; noise alone has its largest near two."""
ITERATIONS = 8
FOCUS = 3
"""Power of the cosine similarity, so that the few most similar countries dominate."""
LARGEST_GROWTH = 3.0
ABSENT = -4.0
"""Log intensity of a link without trade when countries are compared (e^-4 of expected)."""

Planes = NDArray[np.float32]  # [sector, exporter, importer]


def structure_columns(info: InformationSet) -> NDArray[np.float32]:
    """Every column of `STRUCTURE_COLUMNS` at the origin, float32, shape ``[column, flow]``.

    Returns
    -------
    ndarray
        In ln ratios; ``silent`` columns are shares. Growth is that of the trade intensity
        ``x_ij W / (X_i M_j)``, net of the change of totals. NaN where the flow has no
        trade at the origin (gap) or nobody has a growth to compare with. ``silent_destinations``
        is the share of the exporter's possible destinations it has no trade with at the origin,
        ``newly_`` its change in a year: a country that did not report looks as if it had stopped
        trading, and then returns.

    Notes
    -----
    **Availability.** Reads bilateral trade up to the origin alone.

    Where domestic sales are flows, completion, similarity and silent shares use trade abroad only:
    one huge cell per country is not latent structure. A domestic flow has no gap; its growth counts
    among the other flows'.

    The gap is the distance of the intensity from its completion by a matrix of low nuclear norm
    (Mazumder, Hastie and Tibshirani 2010, Journal of Machine Learning Research 11, 2287-2322),
    fitted to the mean of the last `YEARS` years; exporter and importer effects are not shrunk.
    """
    if "structure" not in info.cache:
        info.cache["structure"] = _columns(info)
    return info.cache["structure"]


def _columns(info: InformationSet) -> NDArray[np.float32]:
    flows = info.flows
    traded, abroad = info.history > 0, ~info.flows.domestic
    recent = traded[-YEARS:] & abroad
    count = recent.sum(axis=0)
    total = np.where(recent, info.abroad_intensity[-YEARS:], np.float32(0)).sum(axis=0)
    known = count > 0
    mean = np.divide(total, count, out=np.zeros_like(total), where=known)
    picture, seen = flows.planes(mean), flows.planes(known.astype(np.float32)) > 0
    out = np.full((len(STRUCTURE_COLUMNS), flows.size), np.nan, dtype=np.float32)
    gap = flows.flat(complete(picture, seen)) - info.abroad_intensity[-1]
    out[0] = np.where(recent[-1], gap, np.float32(np.nan))
    alike = np.where(seen, picture, np.float32(ABSENT))
    like_exporters, like_importers = _similarity(alike), _similarity(alike.transpose(0, 2, 1))
    for column, years in ((1, 1), (3, 3)):
        grown = _growth(info, traded, years)
        if grown is None:
            continue
        growth, present = (flows.planes(plane) for plane in grown)
        out[column] = flows.flat(_ratio(like_exporters @ growth, like_exporters @ present))
        out[column + 1] = flows.flat(_ratio(growth @ like_importers, present @ like_importers))
        if years == 1:
            size = np.abs(growth)
            for number, (values, axis) in enumerate(
                ((growth, 2), (growth, 1), (size, 2), (size, 1)), start=5
            ):
                out[number] = flows.flat(_others(values, present, axis=axis))
    out[9:11] = now = _silent(info, 1)
    if info.history.shape[0] > 1:
        out[11:13] = now - _silent(info, 2)
    return out


def _silent(info: InformationSet, back: int) -> NDArray[np.float32]:
    """Share of known flows at zero, of the exporter and of the importer, shape ``[2, flow]``."""
    flows = info.flows
    traded = (info.history[-back] > 0) & ~flows.domestic
    sides = (
        (flows.exporter_totals(traded), info.known_flows.exporter, flows.exporter_margin),
        (flows.importer_totals(traded), info.known_flows.importer, flows.importer_margin),
    )
    shares = [
        ((known[-back] - positive) / np.maximum(known[-back], 1))[margin]
        for positive, known, margin in sides
    ]
    return np.stack(shares).astype(np.float32)


def complete(values: Planes, seen: NDArray[np.bool_]) -> Planes:
    """Low-rank completion of square matrices by soft-thresholded singular values.

    Parameters
    ----------
    values, seen
        Shape ``[sector, exporter, importer]``; entries that are not seen (the diagonal among them)
        are filled in turn by the completion itself.
    """
    filled = np.zeros_like(values)
    for _ in range(ITERATIONS):
        matrix = np.where(seen, values, filled)
        mean = matrix.mean(axis=(1, 2), keepdims=True)
        effects = matrix.mean(axis=2, keepdims=True) + matrix.mean(axis=1, keepdims=True) - mean
        left, singular, right = np.linalg.svd(matrix - effects, full_matrices=False)
        threshold = THRESHOLD * np.median(singular, axis=1, keepdims=True)
        kept = np.maximum(singular - threshold, 0)
        filled = effects + (left * kept[:, None, :]) @ right
    return filled


def _growth(
    info: InformationSet, traded: NDArray[np.bool_], years: int
) -> tuple[Planes, Planes] | None:
    """Log growth of intensities over ``years``, 0 where unknown, and where it is known."""
    if info.history.shape[0] <= years:
        return None
    present = traded[-1] & traded[-1 - years]
    change = info.intensity[-1] - info.intensity[-1 - years]
    growth = np.where(present, np.clip(change, -LARGEST_GROWTH, LARGEST_GROWTH), np.float32(0))
    return growth, present.astype(np.float32)


def _similarity(rows: Planes) -> Planes:
    """Cosine similarity of countries by their centred rows, cubed, 0 with themselves."""
    centred = rows - rows.mean(axis=2, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=2, keepdims=True))
    centred = _ratio(centred, length, absent=0.0)
    alike = np.maximum(centred @ centred.transpose(0, 2, 1), 0) ** FOCUS
    own = np.arange(alike.shape[1])
    alike[:, own, own] = 0
    return alike


def _others(values: Planes, present: Planes, *, axis: int) -> Planes:
    """Unweighted mean over the other flows of the same exporter (axis 2) or importer (axis 1)."""
    total = values.sum(axis=axis, keepdims=True) - values
    return _ratio(total, present.sum(axis=axis, keepdims=True) - present)


def _ratio(top: Planes, bottom: Planes, *, absent: float = float("nan")) -> Planes:
    # Relative to single precision: the remainder of cancelled weights is rounding error.
    out = np.full(np.broadcast_shapes(top.shape, bottom.shape), absent, dtype=np.float32)
    return np.divide(top, bottom, out=out, where=bottom > 1e-6)
