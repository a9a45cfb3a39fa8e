"""The report of a run: one self-contained HTML file."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.plots import PLOTS
from forecasting.report_scores import ablation, headline, intervals, record
from forecasting.report_style import (
    DASH,
    SETTING_LABELS,
    NoDataError,
    bullets,
    decimal,
    facts,
    figure,
    page,
    paragraph,
    percent,
    plural,
    section,
    table,
    take,
    usd,
)
from forecasting.shap_plots import flow_name

if TYPE_CHECKING:
    from forecasting.results import RunResult

TOP_SHIFTS = 15
LARGEST_IMAGE = 1_000_000
"""Bytes; a larger SVG gives way to its PNG."""

_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}

_LIMITS = (
    "A forecast is conditional on the data published by the as-of date; nothing later was used.",
    "Intervals assume that errors are distributed as they were at the back-test origins.",
    "Skills are means over overlapping origins and are not significance tests: small differences "
    "between models should be read as ties.",
    "Attributions describe the fitted model. Indicators that develop together (income, "
    "connectivity, technology) share their attributions in ways the data cannot tell apart.",
    "The attribution of a channel is the sum over its features, not the Shapley value of the "
    "channel taken as one player.",
    "Trade statistics are revised. The back-test uses today's vintage of every series, with its "
    "publication lag but without its revisions.",
)


def write_report(result: RunResult, figures: Mapping[str, list[Path]], path: Path) -> None:
    """Write the report.

    Parameters
    ----------
    result
        What to report; empty tables are said to be empty.
    figures
        What `forecasting.plots.save_figures` returned; they are embedded. A figure of
        `forecasting.plots.PLOTS` that is not among them is named as left out.
    path
        HTML file to write, whole or not at all.
    """
    errors = ("error_by_origin_wape", "error_by_origin_log_mae")
    sections = [
        section("run", "What was run", [_about(result)]),
        section("headline", "Headline", headline(result) + _images(figures, "scoreboard")),
        section("record", "Track record", record(result) + _images(figures, *errors)),
        section(
            "intervals",
            "Interval coverage",
            intervals(result) + _images(figures, "coverage_by_decile", "reliability"),
        ),
        section("drivers", "Drivers of the forecast shifts", _drivers(result, figures)),
        section("shifts", "Largest forecast shifts", _shifts(result, figures)),
        section("features", "Coverage of features", _features(result)),
        section("provenance", "Data provenance", _provenance(result)),
        section("limits", "Limits", [bullets(_limits(result)), _left_out(figures)]),
    ]
    _write_whole(path, page("Trade forecast report", sections))


def _write_whole(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


# Figures ------------------------------------------------------------------------------------------


def _images(figures: Mapping[str, list[Path]], *names: str) -> list[str]:
    """Embed the named figures that there are, with their alternative texts."""
    chosen = [plot for plot in PLOTS if plot.name in names and figures.get(plot.name)]
    return [figure(_embedded(figures[p.name]), p.alt, p.title) for p in chosen]


def _embedded(paths: Sequence[Path]) -> str:
    """Address that holds the image itself: the SVG, or the PNG where that is too large."""
    order = sorted(paths, key=lambda p: (p.suffix != ".svg", p.suffix))
    small = [p for p in order if p.stat().st_size <= LARGEST_IMAGE]
    image = (small or order[-1:])[0]
    coded = base64.b64encode(image.read_bytes()).decode("ascii")
    return f"data:{_TYPES[image.suffix]};base64,{coded}"


def _left_out(figures: Mapping[str, list[Path]]) -> str:
    missing = [plot.title for plot in PLOTS if not figures.get(plot.name)]
    if not missing:
        return ""
    return paragraph(f"Figures left out because the run holds no data for them: "
                     f"{'; '.join(missing)}.", kind="note")  # fmt: skip


# What was run -------------------------------------------------------------------------------------


def _about(result: RunResult) -> str:
    about, horizons = result.provenance, result.config.horizons
    origin = about.get("origin")
    targets = ""
    if isinstance(origin, int):
        targets = f" (target years {', '.join(str(origin + h) for h in horizons)})"
    trade = [str(d.get("path", "")) for d in _data(result) if d.get("role") == "trade"]
    size = result.forecasts
    flows = len(size) // max(size["horizon"].nunique(), 1) if "horizon" in size else 0
    setting = str(about.get("setting", result.config.settings[0]))
    return facts(
        [
            ("Data", f"{', '.join(trade) or 'the simulated world'}; {plural(flows, 'flow')}"),
            ("As-of date", str(about.get("as_of", DASH))),
            ("Origin", f"{origin or DASH}, the last year of bilateral trade seen"),
            ("Horizons", f"{', '.join(map(str, horizons))} years ahead{targets}"),
            ("Seed", f"{about.get('seed', result.config.seed)}; setting of the forecast: "
             f"{SETTING_LABELS.get(setting, setting).lower()}"),
        ]
    )  # fmt: skip


def _data(result: RunResult) -> list[Mapping[str, Any]]:
    data = result.provenance.get("data") or []
    return [entry for entry in data if isinstance(entry, Mapping)]


# Drivers ------------------------------------------------------------------------------------------


def _drivers(result: RunResult, figures: Mapping[str, list[Path]]) -> list[str]:
    shown = result.channels
    parts = [
        paragraph("SHAP values describe the fitted model, not causes. A channel's importance is "
                  "not its predictive value: the table without the technology channels, next to "
                  "it, says what leaving them out does to the errors.", kind="lead")
    ]  # fmt: skip
    if {"label", "mean_abs_percent", "share"} <= set(shown.columns) and len(shown):
        rows = [
            [
                str(row["label"]),
                "technology" if row.get("channel") in TECHNOLOGY else "",
                decimal(row["mean_abs_percent"], 2),
                percent(row["share"]),
            ]
            for row in shown.to_dict("records")
        ]
        header = ("Channel", "Kind", "Mean absolute contribution, percent", "Share")
        caption = f"Drivers by channel, {plural(len(result.explanation.rows), 'explained row')}"
        parts.append(table(caption, header, rows, heads=2))
    else:
        parts.append(paragraph("The run holds no explanations."))
    names = [plot.name for plot in PLOTS if plot.name.startswith("dependence_")]
    images = _images(figures, "channel_bar", "importance_bar", "beeswarm", "waterfall", *names)
    return [*parts, *ablation(result), *images]


# Forecasts ----------------------------------------------------------------------------------------


def _shifts(result: RunResult, figures: Mapping[str, list[Path]]) -> list[str]:
    needs = ("horizon", "target_year", "exporter", "importer", "lower_90", "upper_90")
    try:
        shown = take(result.forecasts, ["base", "forecast"], needs=needs)
    except NoDataError:
        return [paragraph("The run holds no forecasts.")]
    shown = shown[shown["horizon"] == shown["horizon"].min()]
    change = shown["forecast"] - shown["base"]
    largest = change.abs().nlargest(TOP_SHIFTS).index
    rows = [
        [
            flow_name(row),
            usd(row["base"]),
            usd(row["forecast"]),
            usd(row["forecast"] - row["base"], sign=True),
            percent(row["forecast"] / row["base"] - 1 if row["base"] > 0 else float("nan"),
                    sign=True),
            f"{usd(row['lower_90'])} to {usd(row['upper_90'])}",
        ]
        for _, row in shown.loc[largest].iterrows()
    ]  # fmt: skip
    year = shown["target_year"].iloc[0]
    caption = f"{len(rows)} largest forecast shifts of {year} by amount"
    header = ("Flow", "Base, USD", "Forecast, USD", "Shift, USD", "Shift, percent", "90% interval")
    return [
        paragraph("Base: today's pattern at the totals of the target year. The shift is what the "
                  "forecast adds to it or takes from it."),
        table(caption, header, rows, breaks=True),
        *_images(figures, "gainers_and_losers"),
    ]  # fmt: skip


# Data ---------------------------------------------------------------------------------------------


def _features(result: RunResult) -> list[str]:
    shown = result.coverage
    if not {"channel", "share_of_flows", "absent_series"} <= set(shown.columns) or shown.empty:
        return [paragraph("The run holds no coverage of features.")]
    filled = shown["share_of_flows"] > 0
    rows = []
    for channel, label in CHANNELS.items():
        of = shown["channel"] == channel
        if of.any():
            share = float(shown.loc[of, "share_of_flows"].mean())
            rows.append([label, f"{int((of & filled).sum())} of {int(of.sum())}", percent(share)])
    absent = sorted({s for text in shown["absent_series"].fillna("") for s in str(text).split()})
    said = f"Series that the data do not hold: {', '.join(absent)}." if absent else (
        "The data hold every series that a feature asks for.")  # fmt: skip
    header = ("Channel", "Features with data", "Mean share of flows known")
    return [
        paragraph(f"{int(filled.sum())} of {len(shown)} features have data at the origin."),
        table("Features with data, by channel", header, rows),
        paragraph(said),
    ]  # fmt: skip


def _provenance(result: RunResult) -> list[str]:
    data = _data(result)
    rows = [
        [
            str(entry.get("role", "")),
            str(entry.get("path", "")),
            str(entry.get("sha256") or DASH),
            f"{entry['rows']:,}" if isinstance(entry.get("rows"), int) else DASH,
        ]
        for entry in data
    ]
    parts = (
        [table("Files", ("Role", "File", "SHA-256", "Rows"), rows, heads=3, breaks=True)]
        if rows
        else []
    )
    for entry in data:
        decisions = _lines(entry.get("statements"))
        if decisions:
            name = f"{entry.get('role', '')} ({entry.get('path', '')})"
            parts += [paragraph(f"Decisions while reading {name}:"), bullets(decisions)]
    versions = result.provenance.get("versions")
    if isinstance(versions, Mapping) and versions:
        said = ", ".join(f"{name} {version}" for name, version in versions.items())
        parts.append(paragraph(f"Versions: {said}."))
    return parts or [paragraph("The run holds no provenance.")]


def _lines(value: object) -> list[str]:
    """Statements as lines, however they were kept."""
    if isinstance(value, Mapping):
        return [f"{name}: {number}" for name, number in value.items()]
    if isinstance(value, (list, tuple)):
        return [str(line) for line in value]
    return [] if value in (None, "") else [str(value)]


def _limits(result: RunResult) -> list[str]:
    return [*_LIMITS, *_lines(result.provenance.get("notes"))]
