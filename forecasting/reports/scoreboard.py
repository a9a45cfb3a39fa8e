"""``scoreboard.md``: what a run proved, in tables, written from the run's own files alone."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from features.choices import SETTINGS
from features.errors import InputError
from features.files.tables import read_table, require_columns
from forecasting.evaluation.metrics import ratio_of_errors
from forecasting.reports.score_cells import (
    pooled_reliability,
    rows_where,
    score_cells,
    score_of,
    with_study_models,
)
from forecasting.reports.scoreboard_proof import (
    ablation,
    in_short,
    placebos,
    significance,
    trials,
    tuning,
)
from forecasting.results.read import read_about
from forecasting.run_folder.csv_files import read_csv
from forecasting.run_folder.files import SCOREBOARD
from forecasting.run_folder.record import note_drawn
from forecasting.run_folder.whole_file import write_whole
from forecasting.words.labels import (
    METRIC_LABELS,
    SETTING_LABELS,
    cells_of,
    models_of,
    settings_of,
)
from forecasting.words.markdown import escaped, fenced, section, table
from forecasting.words.numbers import decimal, percent, years
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE, model_label

TARGET_COLUMNS = ("setting", "horizon", "metric", "reach")


def write_scoreboard(run: Path, *, targets: Path | None = None, out: Path | None = None) -> Path:
    """Write the scoreboard of a finished run, by default as ``scoreboard.md`` in its folder.

    ``targets`` is a CSV file of errors to reach: ``setting, horizon, metric, reach``.

    Raises
    ------
    InputError
        If the folder holds no run, or the targets cannot be read.
    """
    files = _read(run)
    wanted = None if targets is None else _targets(targets)
    parts = [
        _opening(files),
        _headline(files["scores"], wanted),
        in_short(files),
        _models(files),
        significance(files["significance"]),
        tuning(files.get("tuning_gain")),
        ablation(files.get("ablation")),
        placebos(files.get("placebos")),
        trials(files.get("trials")),
        _intervals(files["scores"]),
        _intervals_beside(files["scores"]),
        _margins(files["scores"], files["reliability"]),
        _reproduce(files["run"]["config"], targets),
    ]
    path = out or run / SCOREBOARD
    text = "\n\n".join(part for part in parts if part) + "\n"
    try:
        write_whole(path, text.encode())
        note_drawn(path)
    except OSError as error:
        raise InputError(
            f"the scoreboard cannot be written ({error.strerror})",
            remedy="Choose another --out file",
            file=path,
        ) from error
    return path


# Reading ------------------------------------------------------------------------------------------


def _read(run: Path) -> dict[str, Any]:
    """Tables by name, and ``run.json``; a study's where the run had one."""
    about, needed = read_about(run), ("scores", "significance", "reliability")
    if about["kind"] != "run":
        raise InputError(
            "this is a forecast by a trained model: nothing was back-tested",
            remedy="Give the output folder of `gravicast run`",
            file=run,
        )
    missing = [f"{name}.csv" for name in needed if not (run / f"{name}.csv").is_file()]
    if missing:
        raise InputError(
            f"the folder holds no {missing[0]}",
            remedy="Give the output folder of a finished `gravicast run`",
            file=run,
        )
    files: dict[str, Any] = {"run": about}
    for name in (*needed, "tuning_gain", "ablation", "placebos", "study_by_origin", "trials"):
        path = run / f"{name}.csv"
        if path.is_file() and path.stat().st_size > 1:
            files[name] = read_csv(path)
    return files


def _targets(path: Path) -> pd.DataFrame:
    table = read_table(path, text=("setting", "metric"))
    require_columns(table, TARGET_COLUMNS, file=path)
    return table


# Sections -----------------------------------------------------------------------------------------


def _opening(files: dict[str, Any]) -> str:
    run, scores = files["run"], files["scores"]
    trade = [source for source in run["data"] if source["role"] == "trade"]
    title = "a panel in memory"
    for source in trade:
        digest = f"sha256 {source['sha256'][:12]}" if source["sha256"] else f"seed {run['seed']}"
        title = f"{escaped(Path(source['path']).name)} ({digest})"
    everything = scores[scores["stratum"] == "all"]
    origins = int(everything["origins"].max())
    return "\n".join(
        [
            f"# Scoreboard: {title}",
            "",
            f"{origins} rolling origins, the last forecast from {run['origin']}; every choice made "
            "from years up to its origin. Errors are means over origins; lower is better. *Totals "
            "known*: country totals of the year after the origin are published; *ex ante*: none "
            "beyond the origin is used. Written by `gravicast scoreboard` from the run's files, "
            "never by hand.",
        ]
    )


def _headline(scores: pd.DataFrame, targets: pd.DataFrame | None) -> str:
    header = ["Setting", "Years", "Metric", "Last value", "Raked base", "gravicast",
              "Against last value", "Against raked base"]  # fmt: skip
    if targets is not None:
        header.append("To reach")
    cells, rows = score_cells(scores), []
    for setting, horizon in cells_of(scores):
        for metric, label in METRIC_LABELS.items():
            ours, last, raked = (
                score_of(cells, setting, horizon, model, metric)
                for model in (MAIN_MODEL, LAST_VALUE, RAKED_BASE)
            )
            errors = (decimal(error, 4) for error in (last, raked, ours))
            row = [SETTING_LABELS[setting], str(horizon), label, *errors, _change(ours, last),
                   _change(ours, raked)]  # fmt: skip
            if targets is not None:
                row.append(_reach(targets, setting, horizon, metric, ours))
            rows.append(row)
    return section("Against the last value and the raked base", header, rows)


def _reach(targets: pd.DataFrame, setting: str, horizon: int, metric: str, ours: float) -> str:
    chosen = rows_where(targets, setting=setting, horizon=horizon, metric=metric)
    if chosen.empty:
        return ""
    reach = float(chosen["reach"].iloc[0])
    return f"{decimal(reach, 4)}: {'reached' if ours <= reach else 'missed'}"


def _models(files: dict[str, Any]) -> str:
    """Every model's errors; of a study's models too where there was one."""
    scores, study = files["scores"], files.get("study_by_origin")
    shown = with_study_models(scores[scores["stratum"] == "all"], study)
    parts = ["## Every model"]
    horizons = sorted(shown["horizon"].unique())
    for setting in settings_of(shown):
        block = shown[shown["setting"] == setting]
        cells = score_cells(block)
        for metric, label in METRIC_LABELS.items():
            rows = [
                [
                    model_label(m),
                    *(decimal(score_of(cells, setting, h, m, metric), 4) for h in horizons),
                ]
                for m in models_of(block)
            ]
            header = [f"{SETTING_LABELS[setting]}: {label}", *(years(h) for h in horizons)]
            parts.append(table(header, rows))
    if study is not None:
        parts.append(
            "The three-way gravity model with true totals is told the outcome's margins: an upper "
            "bound for gravity, not a forecast."
        )
    return "\n\n".join(parts)


def _intervals(scores: pd.DataFrame) -> str:
    ours = scores[scores["model"] == MAIN_MODEL]
    rows = []
    for setting, horizon in cells_of(ours):
        block = rows_where(ours, setting=setting, horizon=horizon)
        deciles = block[block["stratum"].astype(str).str.startswith("decile_")]
        row = [SETTING_LABELS[setting], str(horizon)]
        for level in (50, 90):
            cover = block.loc[block["stratum"] == "all", f"coverage_{level}"].iloc[0]
            by_size = deciles[f"coverage_{level}"]
            row += [_bare(cover), f"{_bare(by_size.min())} to {_bare(by_size.max())}"]
        rows.append(row)
    header = ["Setting", "Years", "50 %: all flows", "50 %: size deciles", "90 %: all flows",
              "90 %: size deciles"]  # fmt: skip
    return section("Share of outcomes inside the intervals, percent", header, rows)


def _intervals_beside(scores: pd.DataFrame) -> str:
    """Intervals of gravicast and of the models that bring their own; empty without any."""
    everything = rows_where(scores, stratum="all")
    having = everything[everything["coverage_90"].notna()]
    if set(having["model"]) <= {MAIN_MODEL}:
        return ""
    rows = []
    for setting, horizon in cells_of(having):
        for model in models_of(having):
            block = rows_where(having, setting=setting, horizon=horizon, model=model)
            for row in block.to_dict("records"):
                shares = (_bare(row[f"coverage_{level}"]) for level in (50, 90))
                loss = decimal(row["pinball"], 4)
                rows.append(
                    [SETTING_LABELS[setting], str(horizon), model_label(model), *shares, loss]
                )
    header = ["Setting", "Years", "Model", "50 %", "90 %", "Pinball loss"]
    title = "Intervals beside those of other models: share inside, percent, and mean pinball loss"
    return section(title, header, rows)


def _margins(scores: pd.DataFrame, reliability: pd.DataFrame) -> str:
    """Probabilities of trade: scores and, pooled over settings and horizons, reliability."""
    ours = rows_where(scores, model=MAIN_MODEL, stratum="all")
    rows = [
        [SETTING_LABELS[row["setting"]], str(row["horizon"]),
         *(decimal(row[n], 4) for n in ("brier", "auprc_births", "auprc_deaths"))]
        for row in ours.to_dict("records")
    ]  # fmt: skip
    header = ["Setting", "Years", "Brier", "Precision of starts", "Precision of stops"]
    parts = [section("Flows that start and stop", header, rows)]
    pooled = pooled_reliability(reliability)
    for margin, event in (("births", "start"), ("deaths", "stop")):
        lines = [
            [f"{10 * number} to {10 * (number + 1)} %", f"{row['n']:.0f}",
             _bare(row["expected"] / row["n"]), _bare(row["came"] / row["n"])]
            for (of, number), row in pooled.iterrows()
            if of == margin
        ]  # fmt: skip
        if lines:
            header = [f"Probability to {event}", "Flows", "Said, %", "Came, %"]
            parts.append(table(header, lines))
    return "\n\n".join(parts)


def _reproduce(config: dict[str, Any], targets: Path | None) -> str:
    words = ["gravicast run"]
    single = ("trade", "indicators", "indicator_catalogue", "reports", "report_delays")
    # A run of an earlier version lacks the newest options.
    files = [o for o in single if config.get(o)]
    words += [f"--{option.replace('_', '-')} {_file(config[option])}" for option in files]
    for option in ("pairs", "monthly"):
        words += [f"--{option} {_file(path)}" for path in config.get(option, ())]
    words += [
        f"--{option} {config[option]}"
        for option, usual in (("domestic", "apart"), ("negatives", "error"), ("absent", "auto"))
        if config[option] != usual
    ]
    words += [f"--{o} {_file(config[o])}" for o in ("sectors", "tables") if config[o]]
    if list(config["settings"]) != list(SETTINGS):
        words.append(f"--settings {','.join(config['settings'])}")
    words.append(f"--horizons {','.join(map(str, config['horizons']))}")
    words.append(f"--seed {config['seed']}")
    for option in ("first_origin", "as_of"):
        if config[option] is not None:
            words.append(f"--{option.replace('_', '-')} {config[option]}")
    if config.get("compare_with"):
        words.append(f"--compare-with {shlex.quote(','.join(config['compare_with']))}")
    if config.get("tune"):
        words.append(f"--tune {config['tune']}")
    if config["study"]:
        words.append("--study")
    command = " ".join(words)
    board = "gravicast scoreboard RUN" + (f" --targets {_file(targets)}" if targets else "")
    return "## To reproduce\n\n" + fenced([f"{command} --out RUN", board])


def _file(path: Path | str) -> str:
    """Name of a file as a shell takes it."""
    return shlex.quote(Path(path).name)


# Pieces -------------------------------------------------------------------------------------------


def _bare(share: float) -> str:
    """A share in percent, in a column that says so."""
    return decimal(100 * share, 1)


def _change(ours: float, reference: float) -> str:
    return percent(ratio_of_errors(ours, reference) - 1, sign=True)
