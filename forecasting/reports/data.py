"""What the report says about its data: files, features they fill, checks of the run, and limits."""

from __future__ import annotations

from typing import Any

from features.feature import CHANNELS
from forecasting.explanation.explain import ADDITIVITY
from forecasting.reports.html import bullets, heading, paragraph, table
from forecasting.results.result import RunResult
from forecasting.words.numbers import DASH, listed, percent
from models.learner_text import LIGHTGBM

_LIMITS = (
    "A forecast is conditional on the data published by the as-of date; nothing later was used.",
    "Intervals assume that errors are distributed as they were at the back-test's origins.",
    "With few, overlapping origins a tie between two models is no proof that they are equal.",
    "Attributions describe the fitted model. Indicators that develop together (income, "
    "connectivity, technology) share their attributions in ways the data cannot tell apart.",
    "The attribution of a channel is the sum over its features, not the Shapley value of the "
    "channel taken as one player.",
    "Trade statistics are revised. A back-test uses today's vintage of every series, with its "
    "publication lag but without its revisions.",
)

_ESTIMATED = (
    "SHAP values are approximate: of this learner they are estimated from permutations of the "
    "features. The estimates of a flow add up; how a flow's shift is split among them is uncertain."
)


def provenance(result: RunResult) -> list[str]:
    """Files with their digests, decisions while reading, versions, the model where it was given."""
    run = result.provenance
    parts = [_files("Files", run["data"]), *_decisions(run["data"]), *_findings(run)]
    if "model" in run:
        model = run["model"]
        parts += [
            heading("The trained model"),
            paragraph(f"{model['address']}: trained on data to {model['origin']} as of "
                      f"{model['as_of']}, by {_versions(model['versions'])}."),
            _files("Files the model was trained on", model["data"]),
        ]  # fmt: skip
    if run.get("universe_choices"):
        parts += [
            paragraph("Decided from whole files, later years included:"),
            bullets(map(str, run["universe_choices"])),
        ]
    if result.config.learner != LIGHTGBM:
        parts.append(paragraph(f"Learner of the shift: {result.config.learner}."))
    parts.append(paragraph(f"Versions: {_versions(run['versions'])}. Seed {run['seed']}."))
    return [*parts, heading("What the data fill"), *_coverage(result)]


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _files(caption: str, data: list[dict[str, Any]]) -> str:
    if not data:
        return paragraph("The data came as tables in memory: there are no files to name.")
    rows = [[str(d["role"]), str(d["path"]), str(d["sha256"] or DASH)] for d in data]
    return table(caption, ("Role", "File", "SHA-256"), rows, heads=3, breaks=True)


def _decisions(data: list[dict[str, Any]]) -> list[str]:
    parts = []
    for entry in data:
        if entry["statements"]:
            parts += [
                paragraph(f"Decisions while reading {entry['role']} ({entry['path']}):"),
                bullets(map(str, entry["statements"])),
            ]
    return parts


def _findings(run: dict[str, Any]) -> list[str]:
    """What looked wrong in the data; runs of earlier versions did not look."""
    if "findings" not in run:
        return []
    if not run["findings"]:
        return [paragraph("Nothing in the data looked wrong.")]
    rows = [[str(one["severity"]), str(one["message"]), str(one["remedy"])]
            for one in run["findings"]]  # fmt: skip
    header = ("Severity", "What looks wrong", "What settles it")
    return [table("Findings in the data", header, rows, heads=3, breaks=True)]


def _coverage(result: RunResult) -> list[str]:
    shown = result.coverage
    filled = shown["share_of_flows"] > 0
    rows = []
    for channel, label in CHANNELS.items():
        of = shown["channel"] == channel
        # The horizon says what is asked, not what is known.
        if of.any() and channel != "horizon":
            share = percent(float(shown.loc[of, "share_of_flows"].mean()))
            rows.append([label, str(int(of.sum())), str(int((of & filled).sum())), share])
    texts = shown["absent_series"].dropna()
    absent = sorted({series for text in texts for series in str(text).split()})
    lacking = (
        f"Series that the data do not hold: {', '.join(absent)}."
        if absent
        else "The data hold every series that a feature asks for."
    )
    header = ("Channel", "Features", "Features with data", "Mean share of flows known")
    return [table("Features with data at the origin, by channel", header, rows), paragraph(lacking)]


# Checks -------------------------------------------------------------------------------------------


def checks(result: RunResult) -> list[str]:
    """What the run found when it checked itself."""
    run, explained = result.provenance, result.provenance["explained"]
    audit = run.get("audit")
    adds_up = run["adds_up"] if audit is None else audit["adds_up"]
    lines = [] if audit is None else [_leak(audit, features=len(result.coverage))]
    lines += [] if result.explanation.exact else [_ESTIMATED]
    lines += [
        f"Reasons add up: SHAP values differ from the predicted shift by at most "
        f"{explained['largest_gap']:.1e} (allowed: {ADDITIVITY:.0e}, as midpoint growth).",
        f"Flows add up: forecasts differ from the exporters' and importers' totals they were raked "
        f"to by at most {adds_up:.1e} (relative).",
        f"Reasons are given for {explained['explained']:,} of {explained['forecasts']:,} forecasts "
        f"(flow x target year). {explained['no_trade_at_origin']:,} have none because the flow was "
        f"not traded in the origin year, so that nothing is there to scale; "
        f"{explained['forecast_to_stop']:,} because it is forecast to stop.",
    ]
    return [bullets(lines)]


def _leak(audit: dict[str, Any], *, features: int) -> str:
    moved = [*audit["features_changed"]]
    moved += [f"totals {horizon} years ahead" for horizon in audit["totals_changed"]]
    if not audit["cells_altered"]:
        return "Not tested for leaks: no cell was published after the as-of date of any origin."
    verdict, found = (
        ("Leak", f"that moved {listed(moved)}, which must know something of the future")
        if moved
        else ("No leak", f"none of {features} features and no forecast total moved")
    )
    return (
        f"{verdict}: {audit['cells_altered']:,} cells published after the as-of date were given "
        f"other values at origins {listed(map(str, audit['origins']))}; {found}."
    )


def limits(result: RunResult) -> list[str]:
    """What must not be read into the numbers, and notes of the run."""
    return [bullets([*_LIMITS, *map(str, result.provenance["notes"])])]
