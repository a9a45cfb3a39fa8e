"""Every number of a report is found again in the run's files, by pandas alone.

The page is read as a person sees it: tables by caption, and every other text. What is expected is
worked out here from CSV, Parquet and JSON, without the code that wrote the page. A table that is
not expected, or a number in a text that no claim covers, fails: none can be added without a trace.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.countries.groups import find_group
from features.information import DataBundle
from forecasting import RunConfig, draws, read_run, run
from forecasting.evaluation.backtest_file import by_model
from forecasting.evaluation.placebos import placebos
from forecasting.inputs.load import LoadedData, Source
from forecasting.reports.report import make_report
from forecasting.words.features import feature_words
from models.trials import trials

pytestmark = pytest.mark.slow

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
NAMES = {"BRA": "Brazil", "CHN": "China", "DEU": "Germany", "FRA": "France", "IND": "India",
         "NAM": "Namibia", "USA": "United States", "ZAF": "South Africa"}  # fmt: skip
CHANNELS = {
    "persistence": "Persistence and momentum",
    "published_totals": "Published and forecast totals",
    "macro_news": "Macro news since the origin",
    "economic_mass": "Economic mass",
    "trade_costs": "Trade costs",
    "trade_policy": "Trade policy",
    "ai_adoption": "AI adoption",
    "automation": "Automation",
    "data_infrastructure": "Data infrastructure",
    "horizon": "Usual change at this horizon",
}
TECHNOLOGY = ("ai_adoption", "automation", "data_infrastructure")
SETTINGS = {"totals_known": "Totals known", "ex_ante": "Ex ante"}
METRICS = {"wape": "WAPE", "pattern_distance": "Pattern distance", "midpoint_mae": "Midpoint MAE",
           "log_mae": "Log MAE"}  # fmt: skip
SHARES_OF_TRADE = ("wape", "pattern_distance")
MODELS = {
    "gravicast": "gravicast",
    "without_technology": "without technology",
    "last_value_raked": "raked base",
    "last_value": "last value",
    "drift": "drift",
    "lightgbm_differences": "LightGBM, differences",
    "lightgbm_levels": "LightGBM, levels",
    "gravity_three_way": "gravity, three-way PPML",
    "gravity_dynamic": "gravity, dynamic PPML",
    "gravity_three_way_oracle": "gravity, three-way PPML with true totals (oracle)",
}
STRATA = {"zero_origin": "Zero in the origin year",
          "reported_by_both": "Reported by both countries",
          "reported_by_one": "Reported by one country",
          "reported_by_none": "Reported by neither country",
          "crisis": "Crisis target years",
          "calm": "Other target years", "low_income_exporter": "Low income exporter",
          "high_income_exporter": "High income exporter",
          **{f"decile_{n}": f"Size decile {n}" for n in range(1, 11)}}  # fmt: skip
SIGNS = {"+": "+", "-": MINUS, "0": "none", "two-sided": "two-sided", "none": DASH}
COUNTRIES = ("DEU", "USA", "IND")
OPENING = ("summary", "movers", "chosen", "track")
"""Sections filled from facts, which `test_pages` traces; claims on their texts are here too."""


# The page ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    """A heading, paragraph, list item, caption, header cell or alternative text.

    ``country`` is its code and the part of its brief, such as ``DEU Exports``.
    """

    section: str
    country: str
    words: str


@dataclass(frozen=True)
class Table:
    section: str
    country: str
    caption: str
    rows: tuple[tuple[str, ...], ...]


class Page(HTMLParser):
    """Texts and tables with the section, and in the briefs the country, they stand in."""

    TEXTS = frozenset({"title", "h1", "h2", "h3", "h4", "p", "li", "dt", "dd", "figcaption"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[Text] = []
        self.tables: list[Table] = []
        self._section, self._country = "", ""
        self._open: list[str] = []
        self._words: dict[str, str] = {}
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "section":
            self._section, self._country = str(given["aria-labelledby"]), ""
        if tag == "img":
            self._say(str(given["alt"]))
            return
        if tag == "meta":
            return
        if tag == "table":
            self._rows = []
        if tag == "tr":
            self._rows.append([])
        self._open.append(tag)
        self._words[tag] = ""

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()
        words = self._words[tag]
        if tag in ("th", "td"):
            self._rows[-1].append(words)
        elif tag == "table":
            header, *rows = self._rows
            for cell in header:
                self._say(cell)
            cells = tuple(map(tuple, rows))
            self.tables.append(Table(self._section, self._country, self._words["caption"], cells))
        elif tag in self.TEXTS:
            if tag == "h3" and self._section == "countries":
                self._country = words.partition("(")[2][:3]
            if tag == "h4":
                self._country = f"{self._country[:3]} {words.partition(':')[0]}"
            self._say(words)

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self._words[tag] += data

    def _say(self, words: str) -> None:
        self.texts.append(Text(self._section, self._country, words))


NUMBER = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})|(?<![\w.])(?P<sign>[+\N{MINUS SIGN}]?)"
    r"(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?:e(?P<power>[+-]\d+))?"
    r"(?:(?P<percent>%)| (?P<unit>tn|bn|m|k)\b)?"
)
UNITS = {None: 1.0, "tn": 1e12, "bn": 1e9, "m": 1e6, "k": 1e3}


@dataclass(frozen=True)
class N:
    """A number that is expected: of a kind, which says how it is written."""

    value: float
    kind: str = "plain"

    def is_written(self, found: re.Match[str]) -> bool:
        """Whether a number on the page is this one, to the last digit shown."""
        if found["date"]:
            return False
        digits = found["digits"].replace(",", "")
        shown = float(digits) * 10.0 ** int(found["power"] or 0) * UNITS[found["unit"]]
        shown *= -1.0 if found["sign"] == MINUS else 1.0
        if (found["percent"] is not None) != (self.kind == "percent"):
            return False
        if self.kind == "usd":
            size = abs(self.value)
            # Less than half a dollar is what sums leave of rounding, and is written as 0.
            last = 10.0 ** (math.floor(math.log10(size)) - 2) if size >= 0.5 else 1.0
        else:
            last = 10.0 ** (int(found["power"] or 0) - len(digits.partition(".")[2]))
        return abs(shown - self.value) <= 0.5 * last * (1 + 1e-6) + 1e-9 * abs(self.value)


Expected = N | str
"""A number; or a text that stands as it is, such as a date."""


def pct(value: float) -> N:
    """A share, written as a percentage."""
    return N(100.0 * float(value), "percent")


def pts(value: float) -> N:
    """A number in percent, written with its sign."""
    return N(float(value), "percent")


def usd(value: float) -> N:
    return N(float(value), "usd")


def same(words: str, expected: list[Expected]) -> bool:
    """Whether the numbers of a text are those expected, in their order."""
    found = list(NUMBER.finditer(words))
    return len(found) == len(expected) and all(
        match[0] == value if isinstance(value, str) else value.is_written(match)
        for match, value in zip(found, expected, strict=True)
    )


@dataclass(frozen=True)
class Cell:
    """A table's cell: words around numbers, each of which is written ``#``."""

    words: str
    numbers: tuple[N, ...] = ()

    def is_written(self, cell: str) -> bool:
        return NUMBER.sub("#", cell) == self.words and same(cell, list(self.numbers))


def is_written(wanted: N | str | Cell, cell: str) -> bool:
    """Whether a cell holds a number (a dash where there is none), or just this text."""
    if isinstance(wanted, str):
        return cell == wanted
    if isinstance(wanted, N):
        wanted = Cell("#", (wanted,)) if math.isfinite(wanted.value) else Cell(DASH)
    return wanted.is_written(cell)


def of(part: float, whole: float) -> Cell:
    return Cell("# of #", (N(part), N(whole)))


def with_range(value: N, low: N, high: N) -> Cell:
    return Cell("# (# to #)", (value, low, high))


def metric(name: str, value: float) -> N:
    return pct(value) if name in SHARES_OF_TRADE else N(float(value))


def named(code: str) -> str:
    return f"{NAMES[code]} ({code})"


def in_text(code: str) -> str:
    return f"{'the ' * (code == 'USA')}{named(code)}"


# The run's files ---------------------------------------------------------------------------------


class Files:
    """A run's folder, read by pandas."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))

    def csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.csv", na_values=[""], keep_default_na=False)

    @cached_property
    def forecasts(self) -> pd.DataFrame:
        return self._parquet("forecasts")

    @cached_property
    def attributions(self) -> pd.DataFrame:
        return self._parquet("attributions")

    @cached_property
    def backtest(self) -> pd.DataFrame:
        return by_model(self._parquet("backtest"), ("gravicast", "last_value", "last_value_raked"))

    def _parquet(self, name: str) -> pd.DataFrame:
        table = pd.read_parquet(self.folder / f"{name}.parquet")
        words = [column for column in table if isinstance(table[column].dtype, pd.CategoricalDtype)]
        singles = [column for column in table if table[column].dtype == np.float32]
        return table.astype({**dict.fromkeys(words, str), **dict.fromkeys(singles, np.float64)})

    def shifts(self, name: str) -> pd.DataFrame:
        """Measures of the trade pattern."""
        return self._parquet(f"measures_{name}")

    @cached_property
    def years(self) -> list[int]:
        return sorted(self.forecasts["target_year"].unique().tolist())

    @cached_property
    def origin(self) -> int:
        return int(self.forecasts["origin"].iloc[0])

    @cached_property
    def shown(self) -> int:
        """The first target year that was not over when the forecast was made."""
        made = int(str(self.forecasts["as_of"].iloc[0])[:4])
        return min(year for year in self.years if year >= made)

    @cached_property
    def horizons(self) -> list[int]:
        return [year - self.origin for year in self.years]

    @cached_property
    def scores(self) -> pd.DataFrame:
        return self.csv("scores")

    @cached_property
    def nearest(self) -> pd.DataFrame:
        """Flows of the nearest year that have a base, largest shift first."""
        rows = self.forecasts[self.forecasts["target_year"] == self.shown]
        rows = rows[rows["base"] > 0].copy()
        rows["shift"] = rows["forecast"] - rows["base"]
        rows["sure"] = (rows["lower_90"] > rows["base"]) | (rows["upper_90"] < rows["base"])
        order = (-rows["shift"].abs()).sort_values(kind="stable").index
        return rows.loc[order]

    def score(self, setting: str, horizon: int, model: str, name: str) -> float:
        """A metric over all flows; of the models of a study the mean over origins."""
        keys = {"setting": setting, "horizon": horizon, "model": model}
        rows = pick(self.scores, stratum="all", **keys)
        if rows.empty:
            rows = pick(self.csv("study_by_origin"), **keys)
        return float(rows[name].mean())

    def lost(self, file: str, against: str) -> dict[str, float]:
        """Errors on less or other data, percent, and what the tests of a file count."""
        tests = pick(self.csv(file), against=against)
        first = pick(tests, setting="totals_known")
        change = 100 * (first["theirs"] / first["ours"] - 1)
        made = tests[tests["p_holm"].notna()]
        return {
            **{name: change[first["metric"] == name].mean() for name in ("wape", "log_mae")},
            "tests": len(made),
            "helps": int((made["verdict"] == "better").sum()),
            "hurts": int((made["verdict"] == "worse").sum()),
        }


def pick(table: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """Rows with the given values."""
    for name, value in equal.items():
        table = table[table[name] == value]
    return table


def log_mean(a: pd.Series[float], b: pd.Series[float]) -> pd.Series[float]:
    """Logarithmic mean, number by number."""
    return pd.Series(
        [x if x == y else (x - y) / math.log(x / y) for x, y in zip(a, b, strict=True)], a.index,
        dtype=float,
    )  # fmt: skip


# What the tables must hold -----------------------------------------------------------------------


Rows = list[list[N | str | Cell]]


def expected_tables(files: Files) -> Iterator[tuple[str, str, str, Rows]]:
    """Section, country, caption and cells of every table."""
    for code in COUNTRIES:
        yield from country_tables(files, code)
    yield from shift_tables(files)
    yield from channel_tables(files)
    yield from record_tables(files)
    yield from group_tables(files)
    yield from data_tables(files)
    yield from pattern_tables(files)


def shift_tables(files: Files) -> Iterator[tuple[str, str, str, Rows]]:
    sure = files.nearest[files.nearest["sure"]]
    for rows, words in (
        (files.nearest.head(15), "The {} largest forecast shifts of {}"),
        (sure.head(15), "The {} largest shifts of {} with a sure direction"),
    ):
        if rows.empty:
            continue
        cells: Rows = [
            [
                named(row["exporter"]),
                named(row["importer"]),
                *(usd(row[name]) for name in ("base", "forecast", "shift")),
                pct(row["forecast"] / row["base"] - 1),
                Cell("# to #", (usd(row["lower_90"]), usd(row["upper_90"]))),
                "sure" if row["sure"] else "open",
            ]
            for row in rows.to_dict("records")
        ]
        yield "shifts", "", words.format(len(rows), files.shown), cells


def channel_tables(files: Files) -> Iterator[tuple[str, str, str, Rows]]:
    drivers = files.csv("drivers")
    rows: Rows = []
    for row in files.csv("channels").to_dict("records"):
        channel = row["channel"]
        mine = pick(drivers, channel=channel)
        signed = mine[mine["expected_sign"].isin(["+", "-"])]
        right = signed.loc[signed["verdict"] == "as expected", "mean_abs_percent"].sum()
        size = signed["mean_abs_percent"].sum()
        technology = " (technology)" if channel in TECHNOLOGY else ""
        views = [row["share_path_dependent"], row["share_interventional"]]
        apart = max(views) >= 0.01 and (max(views) > 1.2 * min(views) or row["correlation"] < 0.9)
        rows.append(
            [
                f"{CHANNELS[channel]}{technology}",
                with_range(*(pct(row[n]) for n in ("share", "share_low", "share_high"))),
                with_range(*(N(row[n]) for n in ("rank", "rank_low", "rank_high"))),
                SIGNS[row["found_sign"]],
                of(row["origins_same_sign"], row["origins"]),
                of(row["seeds_same_sign"], row["seeds"]),
                pct(right / size if size > 0 else math.nan),
                Cell(f"#, #{': far apart' if apart else ''}", tuple(map(pct, views))),
                *worth(files, f"without_{channel}" if channel != "horizon" else ""),
            ]
        )
    channels = files.csv("channels")
    together = channels.loc[channels["channel"].isin(TECHNOLOGY), "share"].sum()
    last: list[N | str | Cell] = ["Technology channels together", pct(together), *([DASH] * 6)]
    rows.append([*last, *worth(files, "without_technology")])
    explained = len(files.attributions)
    yield ("channels", "", "Channels: use by the model, and worth out of sample "
           f"({explained:,} explained forecasts)", rows)  # fmt: skip
    yield "channels", "", "Change of the error on data altered on purpose", placebo_rows(files)
    strong = drivers[~drivers["channel"].isin(TECHNOLOGY)].nlargest(15, "mean_abs_percent")
    shown = pd.concat([drivers[drivers["channel"].isin(TECHNOLOGY)], strong])
    shown = shown[(shown["mean_abs_percent"] > 0) | ~shown["channel"].isin(TECHNOLOGY)]
    yield (
        "channels",
        "",
        "Features of AI adoption, Automation and Data infrastructure, and the 15 strongest others",
        [feature_row(row) for row in shown.to_dict("records")],
    )


def worth(files: Files, model: str) -> list[N | str | Cell]:
    if not model:
        return [DASH, DASH, "not tested: a forecast cannot leave out its horizon"]
    lost = files.lost("ablation", model)
    counts = tuple(N(lost[name]) for name in ("helps", "hurts", "tests"))
    return [pts(lost["wape"]), pts(lost["log_mae"]), Cell("# help, # hurt of #", counts)]


def placebo_rows(files: Files) -> Rows:
    labels = {
        "technology_permuted_1": "Technology of another country, draw 1",
        "indicators_led": "Every indicator a year early, a leak on purpose",
    }
    rows: Rows = []
    for name, label in labels.items():
        lost = files.lost("placebos", name)
        counts = [N(lost[count]) for count in ("helps", "hurts", "tests")]
        rows.append([label, pts(lost["wape"]), pts(lost["log_mae"]), *counts])
    return rows


def feature_row(row: dict[str, Any]) -> list[N | str | Cell]:
    return [
        feature_words(row["feature"]),
        CHANNELS[row["channel"]],
        SIGNS[row["expected_sign"]],
        row["source"],
        SIGNS[row["found_sign"]],
        row["verdict"],
        pct(row["share"]),
        with_range(*(N(row[n]) for n in ("rank", "rank_low", "rank_high"))),
        of(row["origins_same_sign"], row["origins"]),
        of(row["seeds_same_sign"], row["seeds"]),
    ]


def record_tables(files: Files) -> Iterator[tuple[str, str, str, Rows]]:
    tests = files.csv("significance")
    rows: Rows = []
    for setting, words in SETTINGS.items():
        for horizon in files.horizons:
            for name, label in METRICS.items():
                ours = files.score(setting, horizon, "gravicast", name)
                row = [words, years(horizon), label, metric(name, ours)]
                for other in ("last_value", "last_value_raked"):
                    key = {"setting": setting, "horizon": horizon, "metric": name}
                    test = pick(tests, against=other, **key).iloc[0]
                    made = not math.isnan(test["p_holm"])
                    row += [
                        metric(name, files.score(setting, horizon, other, name)),
                        pct(ours / files.score(setting, horizon, other, name) - 1),
                        of(test["wins"], test["origins"]),
                        test["verdict"] if made else Cell("fewer than # origins", (N(4),)),
                    ]
                rows.append(row)
    caption = "Error of gravicast against repeating the last value and against the raked base"
    yield "record", "", caption, rows
    everyone: Rows = []
    for setting, words in SETTINGS.items():
        for horizon in files.horizons:
            for model, label in MODELS.items():
                errors = {n: files.score(setting, horizon, model, n) for n in METRICS}
                skills = [
                    1 - errors[n] / files.score(setting, horizon, "last_value", n)
                    for n in ("wape", "log_mae")
                ]
                shown = [DASH, DASH] if model == "last_value" else [pct(s) for s in skills]
                everyone.append(
                    [words, years(horizon), label, *(metric(n, e) for n, e in errors.items()),
                     N(files.score(setting, horizon, model, "r2_shift")), *shown]
                )  # fmt: skip
    yield "record", "", "Every model, all flows; skill against the last value", everyone


def years(horizon: int) -> str:
    return f"{horizon} year{'s' * (horizon > 1)} ahead"


def group_tables(files: Files) -> Iterator[tuple[str, str, str, Rows]]:
    ours = pick(files.scores, model="gravicast")
    for setting, words in SETTINGS.items():
        mine = pick(ours[ours["stratum"] != "all"], setting=setting)
        rows: Rows = []
        for name in dict.fromkeys(mine["stratum"]):
            line: list[N | str | Cell] = [STRATA[name]]
            for horizon in files.horizons:
                one = pick(mine, stratum=name, horizon=horizon)
                line += [pct(one[column].sum(min_count=1)) for column in
                         ("skill_wape", "skill_log_mae", "coverage_90")]  # fmt: skip
            rows.append(line)
        yield "record", "", f"gravicast by group of flows, {words.lower()}", rows
    by_origin = pick(files.csv("scores_by_origin"), stratum="all")
    for setting, words in SETTINGS.items():
        block = pick(by_origin, setting=setting)
        cells: Rows = []
        for origin in sorted(block["origin"].unique()):
            line = [str(origin)]
            for horizon in files.horizons:
                one = pick(block, origin=origin, horizon=horizon).set_index("model")["wape"]
                error, base = one.get("gravicast", math.nan), one.get("last_value_raked", math.nan)
                line += [pct(error), pct(error / base - 1)]
            cells.append(line)
        yield "record", "", f"WAPE of gravicast by origin, {words.lower()}", cells
    yield "record", "", "Interval coverage of gravicast", interval_rows(ours)
    caption = "Flows that start and stop: what was said and what came, over settings and horizons"
    yield "record", "", caption, reliability_rows(files.csv("reliability"))


def interval_rows(ours: pd.DataFrame) -> Rows:
    rows: Rows = []
    for row in pick(ours, stratum="all").to_dict("records"):
        mine = pick(ours, setting=row["setting"], horizon=row["horizon"])
        sizes = mine.loc[mine["stratum"].str.startswith("decile"), "coverage_90"]
        rows.append(
            [
                SETTINGS[row["setting"]],
                years(row["horizon"]),
                *(pct(row["coverage_50"]), pct(row["coverage_90"])),
                Cell("# to #", (pct(sizes.min()), pct(sizes.max()))),
                *(pct(row["width_50"]), pct(row["width_90"])),
            ]
        )
    return rows


def reliability_rows(table: pd.DataFrame) -> Rows:
    rows: Rows = []
    for number in sorted(table["bin"].unique()):
        line: list[N | str | Cell] = [Cell("# to #", (pct(number / 10), pct((number + 1) / 10)))]
        for margin in ("births", "deaths"):
            mine = pick(table, bin=number, margin=margin)
            flows = mine["n"].sum()
            said = (mine["mean_probability"] * mine["n"]).sum()
            came = (mine["frequency"] * mine["n"]).sum()
            line += [N(flows), pct(said / flows), pct(came / flows)] if flows else [DASH] * 3
        rows.append(line)
    return rows


def data_tables(files: Files) -> Iterator[tuple[str, str, str, Rows]]:
    sources: Rows = [
        [source["role"], source["path"], source["sha256"] or DASH] for source in files.run["data"]
    ]
    yield "data", "", "Files", sources
    table = files.csv("coverage")
    rows: Rows = []
    for channel, label in CHANNELS.items():
        if channel == "horizon":
            continue
        share = table.loc[table["channel"] == channel, "share_of_flows"]
        rows.append([label, N(len(share)), N((share > 0).sum()), pct(share.mean())])
    yield "data", "", "Features with data at the origin, by channel", rows


# What the texts must say -------------------------------------------------------------------------


Claim = list[Expected] | None
"""Numbers of a text that opens with given words; None where these are all of it."""


def expected_texts(files: Files) -> Iterator[tuple[str, str, str, Claim]]:
    """Section, country, first words and numbers of every text that holds numbers."""
    yield from summary_texts(files)
    yield from chapter_texts(files)
    yield from pattern_texts(files)
    for code in COUNTRIES:
        yield from country_texts(files, code)


def summary_texts(files: Files) -> Iterator[tuple[str, str, str, Claim]]:
    accuracy: Claim = [N(pick(files.scores, stratum="all")["origins"].max())]
    for horizon in (files.horizons[0], files.horizons[-1]):
        ours, last, raked = (
            pct(files.score("totals_known", horizon, model, "wape"))
            for model in ("gravicast", "last_value", "last_value_raked")
        )
        accuracy += [ours, N(horizon), last, raked]
    yield "track", "", "Accuracy. ", accuracy
    tests: Claim = []
    for other in ("last_value", "last_value_raked"):
        made = pick(files.csv("significance"), against=other).dropna(subset=["p_holm"])
        verdicts = list(made["verdict"])
        tests += [N(verdicts.count("better")), N(len(made)), N(verdicts.count("worse"))]
    yield "track", "", "Tests. ", [*tests, pct(0.05)]
    ours = pick(files.scores, model="gravicast")
    cover = pick(ours, stratum="all")["coverage_90"]
    sizes = ours.loc[ours["stratum"].str.startswith("decile"), "coverage_90"]
    yield ("track", "", "Intervals. ",
           [pct(0.9), *map(pct, (cover.min(), cover.max(), sizes.min(), sizes.max()))])  # fmt: skip
    channels, lost = files.csv("channels"), files.lost("ablation", "without_technology")
    share = channels.loc[channels["channel"].isin(TECHNOLOGY), "share"].sum()
    counts = [N(lost[name]) for name in ("helps", "tests", "hurts")]
    claim = [pct(share), pts(lost["wape"]), pts(lost["log_mae"]), *counts]
    yield "track", "", "Technology channels. ", claim
    yield "channels", "", "AI adoption, Automation and Data infrastructure make up", claim


def chapter_texts(files: Files) -> Iterator[tuple[str, str, str, Claim]]:
    yield "shifts", "", "The base is the pattern", [pct(0.9)]
    count, sure = len(files.nearest), files.nearest["sure"].sum()
    yield "shifts", "", "Of all ", [N(count), N(sure), pct(sure / count)]
    yield "shifts", "", "90% interval, USD", [pct(0.9)]
    known = N(files.origin)
    yield "words", "", "The last year whose trade ", [known]
    yield "words", "", "Seen from the day ", [files.run["as_of"]]
    ahead = [number for year in files.years for number in (N(year), N(year - files.origin))]
    yield "words", "", "Years from the last known year ", ahead
    yield "words", "", "90% interval", [pct(0.9)]
    yield "words", "", "The trade pattern of ", [known]
    yield "channels", "", "For no channel", [N(1.2), N(0.9), pct(0.01)]
    yield "channels", "", "The two views differ", [N(1.2), N(0.9), pct(0.01)]
    yield "channels", "", "Without it: ", [N(0)]
    drivers = files.csv("drivers")
    unused = drivers[drivers["channel"].isin(TECHNOLOGY) & (drivers["mean_abs_percent"] == 0)]
    yield "channels", "", "Not used by the model", [N(len(unused))]
    origins = sorted(pick(files.scores, stratum="all")["origins"].unique())
    ends = [origins[0], origins[-1]] if len(origins) > 1 else origins
    yield "record", "", "The forecasts of past origins", [N(n) for n in ends]
    for level in (50, 90):
        yield "record", "", f"Inside {level}%", [N(level, "percent")]
        yield "record", "", f"Width {level}%", [N(level, "percent")]
    yield "record", "", "90%: lowest", [pct(0.9)]
    for horizon in files.horizons:
        yield "record", "", years(horizon), [N(horizon)]
        yield "record", "", f"{years(horizon)}: skill", [N(horizon)]
    yield "record", "", "inside 90%", [pct(0.9)]
    yield "record", "", "Line chart of the share of actual flows inside", [N(50), N(90)]
    for source in files.run["data"]:
        for line in source["statements"]:
            yield "data", "", line, None
        words = f"Decisions while reading {source['role']} ({source['path']}):"
        yield "data", "", words, None
    versions = ", ".join(f"{name} {number}" for name, number in files.run["versions"].items())
    words = f"Versions: {versions}. Seed {files.run['seed']}."
    yield "data", "", words, None
    yield "data", "", "SHA-256", [N(256)]
    audit, explained = files.run["audit"], files.run["explained"]
    moved = [*audit["features_changed"], *audit["totals_changed"]]
    assert not moved
    yield ("checks", "", "No leak: ", [N(audit["cells_altered"]), *map(N, audit["origins"]),
           N(len(files.csv("coverage")))])  # fmt: skip
    yield "checks", "", "Reasons add up: ", [N(explained["largest_gap"]), N(1e-6)]
    yield "checks", "", "Flows add up: ", [N(audit["adds_up"])]
    table = pd.concat([files.forecasts])
    silent = int((table["base"] <= 0).sum())
    stops = int(((table["base"] > 0) & (table["forecast"] <= 0)).sum())
    assert len(table) - silent - stops == len(files.attributions)
    yield ("checks", "", "Reasons are given ", [N(len(files.attributions)), N(len(table)),
           N(silent), N(stops)])  # fmt: skip
    for note in files.run["notes"]:
        yield "limits", "", note, None


# Country briefs ----------------------------------------------------------------------------------


SIDES = {"exporter": ("exports", "importer"), "importer": ("imports", "exporter")}
PARTS = {
    **{f"net:{channel}": label for channel, label in CHANNELS.items()},
    "net:totals": "Room left by flows forecast to stop",
    "stops": "Flows forecast to stop",
}


@dataclass(frozen=True)
class Side:
    """A country as exporter or importer."""

    files: Files
    code: str
    side: str

    @property
    def word(self) -> str:
        return SIDES[self.side][0]

    @property
    def part(self) -> str:
        """Of the brief."""
        return f"{self.code} {self.word.capitalize()}"

    def flows(self, year: int) -> pd.DataFrame:
        """Its flows of a year, largest gain first."""
        rows = pick(self.files.forecasts, target_year=year, **{self.side: self.code}).copy()
        rows["partner"] = rows[SIDES[self.side][1]]
        rows["shift"] = rows["forecast"] - rows["base"]
        rows["percent"] = 100 * rows["shift"] / rows["base"]
        for bound in ("lower", "upper"):
            rows[f"{bound}_percent"] = 100 * (rows[f"{bound}_90"] / rows["base"] - 1)
        above, below = rows["lower_90"] > rows["base"], rows["upper_90"] < rows["base"]
        rows["sure"] = (rows["base"] > 0) & (above | below)
        return rows.sort_values("shift", ascending=False, kind="stable")

    def parts(self, year: int) -> pd.DataFrame:
        """USD of every flow's shift by term, in the order of `flows`; the rows sum to it."""
        shown = self.flows(year).set_index("partner")
        rows = pick(self.files.attributions, target_year=year, **{self.side: self.code})
        rows = rows.set_index(SIDES[self.side][1])
        weight = log_mean(rows["forecast"], rows["base"]) / 100
        terms = rows[[c for c in rows if c.startswith("net:")]].mul(weight, axis=0)
        stops = (shown["base"] > 0) & (shown["forecast"] <= 0)
        table = terms.reindex(shown.index).fillna(0.0)
        return table.assign(stops=-shown["base"].where(stops, 0.0)) if stops.any() else table


def moved(shifts: pd.Series[float]) -> float:
    return shifts.abs().sum() / 2


def country_tables(files: Files, code: str) -> Iterator[tuple[str, str, str, Rows]]:
    sides = [Side(files, code, side) for side in SIDES]
    yield (
        "countries",
        f"{code} Totals",
        "Totals by target year. Moves: what moves from some partners to others. Then numbers of "
        "flows: above the base, below it, whose 90% interval excludes no shift, that are forecast "
        "to stop",
        [total_row(side, year) for side in sides for year in files.years],
    )
    for side in sides:
        yield from level_tables(side)
        yield from reason_tables(side)
        yield from side_tables(side)
    rows: Rows = []
    for side in sides:
        terms = side.parts(files.shown)
        base = side.flows(files.shown)["base"].sum()
        together = [f"net:{channel}" for channel in TECHNOLOGY]
        groups = {CHANNELS[c]: [f"net:{c}"] for c in TECHNOLOGY}
        for label, columns in {**groups, "All technology channels": together}.items():
            amount = moved(terms[columns].sum(axis=1))
            rows.append([side.word, label, usd(amount), N(100 * amount / base)])
    yield (
        "countries",
        f"{code} Technology",
        "What the technology channels move from some partners to others, and in percent of the "
        "base",
        rows,
    )


def total_row(side: Side, year: int) -> list[N | str | Cell]:
    flows = side.flows(year)
    start, base = flows["value_origin"].sum(), flows["base"].sum()
    amount = moved(flows["shift"])
    counts = (flows["shift"] > 0, flows["shift"] < 0, flows["sure"],
              (flows["base"] > 0) & (flows["forecast"] <= 0))  # fmt: skip
    return [
        side.word,
        N(year),
        *(usd(start), usd(base), N(100 * (base / start - 1))),
        *(usd(amount), N(100 * amount / base)),
        *(N(count.sum()) for count in counts),
    ]


def side_tables(side: Side) -> Iterator[tuple[str, str, str, Rows]]:
    year = side.files.shown
    flows = side.flows(year)
    shown = pd.concat([flows.head(5), flows.iloc[5:].tail(5)])
    rows: Rows = [
        [
            row["partner"],
            NAMES[row["partner"]],
            *(usd(row[name]) for name in ("base", "forecast", "shift")),
            *(N(row[name]) for name in ("percent", "lower_percent", "upper_percent")),
            "yes" if row["sure"] else "no",
        ]
        for row in shown.to_dict("records")
    ]
    yield (
        "countries",
        side.part,
        f"{side.word.capitalize()} by partner, {year}, furthest above the base first; shift and "
        "90% interval in percent of the base",
        rows,
    )
    yield (
        "countries",
        side.part,
        f"Shift of the partners above their base and of those below it by channel, {year}, and in "
        "percent of their base. Each column sums to the shift",
        part_rows(side, year),
    )
    yield (
        "countries",
        side.part,
        f"Back-test of the {side.word} of {in_text(side.code)} by years ahead (setting: totals "
        "known). WAPE: sum of absolute errors in percent of the trade. Inside 90: outcomes inside "
        "the 90% interval. Same direction: outcomes on the side of the base where the forecast "
        "was. Sum: by how much the whole group's outcome exceeded its forecast",
        [
            [N(horizon), *(N(number) for number in record(side, horizon).values())]
            for horizon in side.files.horizons
        ],
    )


def part_rows(side: Side, year: int) -> Rows:
    flows, terms = side.flows(year), side.parts(year)
    rows: Rows = []
    for term in terms:
        row: list[N | str | Cell] = [PARTS[term]]
        for group in (flows["shift"] > 0, flows["shift"] < 0):
            amount = terms.loc[group.to_numpy(), term].sum()
            row += [usd(amount), N(100 * amount / flows.loc[group, "base"].sum())]
        rows.append(row)
    return rows


def record(side: Side, horizon: int) -> dict[str, float]:
    """Errors of a country's past forecasts, origin by origin."""
    rows = pick(side.files.backtest, setting="totals_known", horizon=horizon,
                **{side.side: side.code}).dropna(subset=["actual"])  # fmt: skip
    by_origin: list[dict[str, float]] = []
    for _, block in rows.groupby("origin"):
        found: dict[str, float] = {}
        for model in ("gravicast", "last_value", "last_value_raked"):
            one = pick(block, model=model)
            found[model] = 100 * (one["actual"] - one["forecast"]).abs().sum() / one["actual"].sum()
        ours = pick(block, model="gravicast")
        inside = (ours["actual"] >= ours["lower_90"]) & (ours["actual"] <= ours["upper_90"])
        shifted = ours[(ours["base"] > 0) & (ours["forecast"] != ours["base"])]
        sides = (shifted["forecast"] - shifted["base"]) * (shifted["actual"] - shifted["base"])
        found["count"], found["inside"] = len(ours), 100 * inside.mean()
        found["same"] = 100 * (sides > 0).mean()
        found["off"] = 100 * (ours["actual"].sum() / ours["forecast"].sum() - 1)
        by_origin.append(found)
    table = pd.DataFrame(by_origin)
    return {
        "origins": len(table),
        "count": table["count"].sum(),
        **{m: table[m].mean() for m in ("gravicast", "last_value", "last_value_raked")},
        **{name: table[name].mean() for name in ("inside", "same")},
        "lowest": table["off"].min(),
        "typical": table["off"].abs().median(),
        "highest": table["off"].max(),
    }


# Levels ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Level:
    """A sum of a country's flows: USD by target year, with intervals and past ratios."""

    name: str
    start: float
    before: float
    end: float
    bounds: tuple[float, float, float, float]
    chance: float
    ratios: pd.Series[float]
    codes: list[str]

    @property
    def growth(self) -> N:
        """Percent a year over two years."""
        return pts(100 * ((self.end / self.start) ** 0.5 - 1))

    @property
    def step(self) -> N:
        """Percent on the year before."""
        return pts(100 * (self.end / self.before - 1))

    @property
    def flag(self) -> str:
        """Whether every outcome was on one side of its forecast."""
        if len(self.ratios) < 3:
            return ""
        return (
            "always too low" if (self.ratios > 1).all()
            else "always too high" if (self.ratios < 1).all() else ""
        )  # fmt: skip


def levels(side: Side) -> list[Level]:
    """The largest partners, groups of at least two of them, and all of a side."""
    files, other = side.files, SIDES[side.side][1]
    flows = side.flows(files.shown)
    flows = flows[flows[other] != side.code]
    earlier = side.flows(files.shown - 1)
    earlier = earlier[earlier[other] != side.code]
    by = flows.set_index("partner")["value_origin"]
    largest = by[by > 0].sort_values(ascending=False, kind="stable").index[:8].tolist()
    members = {NAMES[code]: [code] for code in largest}
    for name in ("EU27", "ASEAN", "USMCA"):
        group = find_group(name)
        assert group is not None
        inside = sorted(set(group.members(files.origin)) & set(by.index))
        if len(inside) > 1:
            members[name] = inside
    members["All partners"] = by.index.tolist()
    run_read = read_run(files.folder)
    found = []
    for name, codes in members.items():
        key = name if name in ("EU27", "ASEAN", "USMCA") else codes[0]
        text = f"{side.code}:{key}" if side.side == "exporter" else f"{key}:{side.code}"
        if name == "All partners":
            text = f"{side.code}:{side.word}"
        # Intervals and chances are the draws'; sums and past outcomes are worked out here.
        drawn = draws(run_read, text, years=[files.shown]).table.iloc[0]
        chosen = flows[flows["partner"].isin(codes)]
        past = pick(
            files.backtest, setting="totals_known", horizon=files.shown - files.origin,
            model="gravicast", **{side.side: side.code},
        ).dropna(subset=["actual"])  # fmt: skip
        past = past[(past[other] != side.code) & past[other].isin(codes)]
        sums = past.groupby("origin")[["actual", "forecast"]].sum()
        bounds = tuple(float(drawn[f"{s}_{n}"]) for n in (50, 90) for s in ("lower", "upper"))
        sums = sums[sums["forecast"] > 0]
        found.append(
            Level(name, chosen["value_origin"].sum(),
                  earlier.loc[earlier["partner"].isin(codes), "forecast"].sum(),
                  chosen["forecast"].sum(), bounds,  # type: ignore[arg-type]
                  float(drawn["probability_of_growth"]), sums["actual"] / sums["forecast"], codes)
        )  # fmt: skip
    return found


def level_tables(side: Side) -> Iterator[tuple[str, str, str, Rows]]:
    rows, found = list[list[N | str | Cell]](), levels(side)
    whole, largest = found[-1], found[0].start
    unit = next(u for u in ("tn", "bn", "m") if largest >= UNITS[u])
    size = UNITS[unit]
    for one in found:
        ratios = [N(value) for value in (one.ratios.min(), one.ratios.median(), one.ratios.max())]
        ratio = Cell("#, #, #", tuple(ratios)) if len(one.ratios) else DASH
        shares = (pct(one.start / whole.start), pct(one.end / whole.end))
        rows.append([one.name, N(one.start / size), N(one.end / size), one.growth,
                     Cell("#, #", shares), ratio])  # fmt: skip
        rows.append(["  on the year before", "", one.step, "", "", ""])
        half, most = one.bounds[:2], one.bounds[2:]
        for label, (low, high), flag in (("half", half, one.flag), ("nine in ten", most, "")):
            between = Cell("# to #", (N(low / size), N(high / size)))
            rows.append([f"  {label}", "", between, "", "", flag])
    year, origin = side.files.shown, side.files.origin
    yield (
        "countries",
        side.part,
        f"{side.word.capitalize()} of {in_text(side.code)} in {unit} USD: forecasts with the "
        "intervals that should hold half and nine in ten of outcomes; shares of the total in "
        f"{origin} and {year}; lowest, median and highest outcome / forecast at past origins, "
        f"{year - origin} years ahead",
        rows,
    )


def reason_tables(side: Side) -> Iterator[tuple[str, str, str, Rows]]:
    year, origin, other = side.files.shown, side.files.origin, SIDES[side.side][1]
    terms = ["total:world", f"total:{side.side}", f"total:{other}"]
    rows = list[list[N | str | Cell]]()
    for one in levels(side):
        flows = side.flows(year)
        flows = flows[flows["partner"].isin(one.codes)]
        known = pick(side.files.attributions, target_year=year, **{side.side: side.code})
        known = known[known[other].isin(one.codes)]
        weight = log_mean(known["base"], known["value_origin"])
        parts = [float(weight @ known[term]) / one.start for term in terms]
        grown = 100 * (flows["base"].sum() / one.start - 1)
        change = 100 * (one.end / one.start - 1)
        cells = [change, *parts, grown - sum(parts), change - grown]
        rows.append([one.name, *map(N, cells)])
    caption = (
        f"Why: change of {side.word} from {origin} to {year} in percent of {origin}, and its "
        "parts, which sum to it: growth of world trade; own total and partner's total beyond it; "
        "other totals and reports; shift of the pattern"
    )
    yield "countries", side.part, caption, rows


def level_texts(side: Side) -> Iterator[tuple[str, str, str, Claim]]:
    files, found = side.files, levels(side)
    whole, year = found[-1], N(files.shown)
    title = f"{side.word.capitalize()} of {in_text(side.code)}: "
    low, high = (usd(bound) for bound in whole.bounds[2:])
    claim = [
        usd(whole.start),
        N(files.origin),
        usd(whole.end),
        year,
        whole.step,
        N(files.shown - 1),
        pct(0.9),
        low,
        high,
        whole.growth,
        N(files.origin),
        year,
    ]
    yield "countries", side.code, title, claim
    tens = [number for one in (whole, *found[:3]) for number in in_ten(one.chance)]
    yield ("countries", side.part, "The forecast gives ",
           [*tens[:2], year, N(files.origin), *tens[2:]])  # fmt: skip
    flags = list(dict.fromkeys(one.flag for one in found if one.flag))
    flagged = sorted((one for one in found if one.flag), key=lambda one: flags.index(one.flag))
    ratios = [N(r) for one in flagged for r in (one.ratios.min(), one.ratios.max())]
    yield ("countries", side.part, "A warning: past forecasts ",
           [N(files.shown - files.origin), *ratios])  # fmt: skip
    union = find_group("EU27").members(files.origin)
    lacking = set(union) - set(files.forecasts["exporter"])
    yield "countries", side.part, "Groups are the sums ", [N(len(lacking)), N(len(union))]
    for over in (y for y in files.years if y < files.shown):
        amount = usd(side.flows(over)["forecast"].sum())
        words = f"The year {over} was already over on "
        yield "countries", side.part, words, [N(over), files.run["as_of"], amount]
    yield "countries", side.part, f"Share {files.origin}, ", [N(files.origin), year]
    yield "countries", side.part, "Growth a year, ", [N(files.origin), year]
    yield "countries", side.part, str(files.origin), [N(files.origin)]
    yield "countries", side.part, f"{files.shown} (this year)", [year]


def in_ten(chance: float) -> list[N]:
    """The two numbers of a chance in words."""
    if chance >= 0.985:
        return [N(98), N(100)]
    if chance <= 0.015:
        return [N(2), N(100)]
    if chance >= 0.945:
        return [N(19), N(20)]
    if chance <= 0.055:
        return [N(1), N(20)]
    return [N(min(9, max(1, round(10 * chance)))), N(10)]


def country_texts(files: Files, code: str) -> Iterator[tuple[str, str, str, Claim]]:
    year, sides = files.shown, [Side(files, code, side) for side in SIDES]
    yield "countries", code, f"{named(code)}: forecast shifts of trade", [N(year)]
    sure: Claim = []
    for side in sides:
        flows = side.flows(year)
        sure += [N(flows["sure"].sum()), N((flows["base"] > 0).sum())]
        yield from side_texts(side, flows)
        yield from level_texts(side)
    yield "countries", code, "How sure: ", [*sure, pct(0.9), N(files.origin), N(year)]
    lost = files.lost("ablation", "without_technology")
    tie = lost["tests"] - lost["helps"] - lost["hurts"]
    counts = [N(lost[name]) for name in ("tests", "helps", "hurts")]
    yield ("countries", f"{code} Technology", "Whether these channels improve",
           [pts(lost["wape"]), pts(lost["log_mae"]), *counts, N(tie)])  # fmt: skip


def side_texts(side: Side, flows: pd.DataFrame) -> Iterator[tuple[str, str, str, Claim]]:
    files, code, year = side.files, side.code, side.files.shown
    start, base = flows["value_origin"].sum(), flows["base"].sum()
    growth, amount = pct(base / start - 1), moved(flows["shift"])
    most, least = flows.iloc[0], flows.iloc[-1]
    title = side.word.capitalize()
    yield ("countries", code, f"Of the {side.word} of ",
           [N(year), usd(base), usd(amount), pct(amount / base), usd(most["shift"]),
            usd(least["shift"])])  # fmt: skip
    rows = pick(files.attributions, target_year=year, **{side.side: code})
    world = 100 * (log_mean(rows["base"], rows["value_origin"]) @ rows["total:world"]) / 100 / start
    opening = [growth, N(files.origin), pts(world), pts(growth.value - world)]
    after, day = N(files.origin + 1), files.run["as_of"]
    # A country's own total may have been published by then, or not.
    for basis in ([after, day], [after, day, after]):
        yield "countries", f"{code} Totals", f"{title}: ", [*opening, *basis]
    above, below = flows[flows["shift"] > 0], flows[flows["shift"] < 0].iloc[::-1]
    for words, part in (("above", above.head(3)), ("below", below.head(3))):
        claim: Claim = []
        for row in part.to_dict("records"):
            bounds = [pts(row[f"{bound}_percent"]) for bound in ("lower", "upper")]
            claim += [usd(row["shift"]), pts(row["percent"]), pct(0.9), *bounds]
        yield "countries", side.part, f"Furthest {words} the base", claim
    yield from contribution_texts(side, flows)
    yield from certainty_texts(side, flows)
    for start in (f"{named(code)}: forecast", "Dot plot of ", "World map of "):
        yield "countries", side.part, start, [N(year)]
    for start in ("Interval 90 ", "Inside 90"):
        yield "countries", side.part, start, [N(90)]


def contribution_texts(side: Side, flows: pd.DataFrame) -> Iterator[tuple[str, str, str, Claim]]:
    year, terms = side.files.shown, side.parts(side.files.shown)
    above = terms[(flows["shift"] > 0).to_numpy()].sum()
    whole = flows["shift"].clip(lower=0).sum()
    yield "countries", side.part, "Partners above their base exceed ", [usd(whole), *largest(above)]
    for place in (0, -1):
        mine = terms.drop(columns="stops", errors="ignore").iloc[place]
        claim = [usd(flows["shift"].iloc[place]), *largest(mine)]
        yield "countries", side.part, "Of the ", claim
    together = moved(terms[[f"net:{channel}" for channel in TECHNOLOGY]].sum(axis=1))
    base, title = flows["base"].sum(), side.word.capitalize()
    yield ("countries", f"{side.code} Technology", f"{title}: taken together",
           [usd(together), pct(together / base), usd(moved(flows["shift"]))])  # fmt: skip
    ours = record(side, year - side.files.origin)
    errors = [pts(ours[name]) for name in ("last_value", "last_value_raked", "inside")]
    yield ("countries", side.part, f"Past forecasts of the {side.word}",
           [N(year - side.files.origin), pts(ours["gravicast"]), N(ours["origins"]), *errors,
            pct(0.9), pts(ours["same"])])  # fmt: skip
    yield ("countries", side.part, "How far may the sum be off",
           [pts(ours[name]) for name in ("lowest", "highest", "typical")])  # fmt: skip


def largest(terms: pd.Series[float]) -> list[N]:
    """The three largest parts, but for what changes with the horizon alone."""
    terms = terms.drop("net:horizon", errors="ignore")
    return [usd(value) for value in sorted(terms[terms != 0], key=abs, reverse=True)[:3]]


def certainty_texts(side: Side, flows: pd.DataFrame) -> Iterator[tuple[str, str, str, Claim]]:
    based = flows[flows["base"] > 0]
    sure = based[based["sure"]]
    held = sure["shift"].abs().sum() / based["shift"].abs().sum()
    if len(sure):
        claim: Claim = [N(len(sure)), N(len(based)), pct(held), pct(0.9)]
        yield "countries", side.part, "For ", claim
    else:
        yield "countries", side.part, "No ", [pct(0.9), N(0), N(len(based))]
    by = flows.groupby("partner")[["value_origin", "forecast"]].sum()
    spread = 1 / ((by / by.sum()) ** 2).sum()
    total = by["forecast"].sum()
    yield ("countries", side.part, f"The {side.word} are spread",
           [N(spread["value_origin"]), N(side.files.origin), N(spread["forecast"]),
            pct(by["forecast"].max() / total), usd(total)])  # fmt: skip


# Measures of the trade pattern ------------------------------------------------------------------


FAMILIES = {
    "Partners: shares, concentration, regions": {
        "market_share": ("Market share in a destination", "share"),
        "supplier_concentration": ("Concentration of suppliers", "index"),
        "market_concentration": ("Concentration of markets", "index"),
        "effective_suppliers": ("Effective number of suppliers", "partners"),
        "largest_supplier": ("Dependence on the largest supplier", "share"),
        "intra_regional_share": ("Exports within the own region", "share"),
        "intra_regional_imports": ("Imports from the own region", "share"),
        "distance_of_exports": ("Mean distance of exports", "km"),
        "distance_of_imports": ("Mean distance of imports", "km"),
    },
    "Births and deaths of links": {
        "active_links": ("Links in use", "share"),
        "link_births": ("Births of links", "share"),
        "link_deaths": ("Deaths of links", "share"),
    },
    "Reshoring": {
        "low_cost_import_share": ("Share of imports from low-cost countries", "share"),
    },
}
LABELS = {name: label for family in FAMILIES.values() for name, (label, _) in family.items()}
RIVALS = {"no_change": "Against no change", "base": "Against the raked base",
          "without_technology": "Against the model without its technology channels"}  # fmt: skip


def in_unit(unit: str, value: float) -> N | Cell:
    """A value of a measure."""
    if unit == "share":
        return pct(value)
    return Cell("# km", (N(value),)) if unit == "km" else N(value)


def changed(unit: str, value: float) -> N | Cell:
    """A change of a measure: of shares in percentage points."""
    return Cell("# pp", (N(100 * value),)) if unit == "share" else in_unit(unit, value)


def between(unit: str, low: float, high: float) -> Cell:
    numbers = tuple(pct(v) if unit == "share" else N(v) for v in (low, high))
    return Cell("# to # km" if unit == "km" else "# to #", numbers)


def measured(files: Files, name: str) -> pd.DataFrame:
    """Units of a measure in the nearest year, largest rise first."""
    rows = pick(files.shifts("forecasts"), measure=name, target_year=files.shown).copy()
    rows["change"] = rows["forecast"] - rows["value_origin"]
    above, below = rows["lower_90"] > rows["value_origin"], rows["upper_90"] < rows["value_origin"]
    rows["sure"] = above | below
    return rows.sort_values("change", ascending=False, kind="stable")


def parts_of(files: Files, name: str) -> list[pd.Series[float] | None]:
    """Sizes of countries, shifts of flows, and technology among them; None where it has none."""
    rows = pick(files.shifts("drivers"), measure=name, target_year=files.shown)
    to_base = [column for column in rows if column.startswith("total:")] + ["stops:base"]
    shifts = [column for column in rows if column.startswith(("net:", "chance:"))]
    technology = [f"net:{channel}" for channel in TECHNOLOGY]
    found = [rows[columns].sum(axis=1) for columns in (to_base, [*shifts, "stops:shift"])]
    if name in FAMILIES["Births and deaths of links"]:
        return [None, found[1], None]
    return [*found, rows[technology].sum(axis=1)]


def pattern_tables(files: Files) -> Iterator[tuple[str, str, str, Rows]]:
    scores, year = files.csv("measures_scores"), files.shown
    caption = (
        "Skill: how much smaller the mean absolute error is than that of no change. No change and "
        "base: tests against them, adjusted for their number. Right side: units that moved to the "
        "side forecast. In 90%: outcomes inside the 90% interval"
    )
    ends = (files.horizons[0], files.horizons[-1])
    rows: Rows = []
    for name, label in LABELS.items():
        line: list[N | str | Cell] = [label]
        for horizon in ends:
            row = pick(scores, measure=name, horizon=horizon).iloc[0]
            line += [pct(1 - row["mae"] / row["mae_no_change"]),
                     row["verdict_no_change"], row["verdict_base"],
                     pct(row["direction"]), pct(row["coverage_90"])]  # fmt: skip
        rows.append(line)
    yield "pattern", "", caption, rows
    for family, measures in FAMILIES.items():
        made: Rows = []
        moved: Rows = []
        for name, (label, unit) in measures.items():
            table = measured(files, name)
            size = changed(unit, table["change"].abs().mean())
            told = [DASH if part is None else changed(unit, part.abs().mean())
                    for part in parts_of(files, name)]  # fmt: skip
            made.append([label, N(len(table)), N(table["sure"].sum()), size, *told])
            for _, row in table.iloc[[0, -1]].iterrows():
                unit_name = named(row["country"])
                unit_name += f" in {named(row['partner'])}" if row["partner"] else ""
                moved.append(
                    [label, unit_name,
                     *(in_unit(unit, row[n]) for n in ("value_origin", "base", "forecast")),
                     changed(unit, row["change"]),
                     between(unit, row["lower_90"], row["upper_90"])]
                )  # fmt: skip
        yield (
            "pattern",
            "",
            f"{family}: size of the change by {year} and what it is made of, mean over units. "
            f"Sure: units whose 90% interval leaves out the value of {files.origin}",
            made,
        )
        yield "pattern", "", f"{family}: largest forecast rise and fall by {year}", moved


def pattern_texts(files: Files) -> Iterator[tuple[str, str, str, Claim]]:
    scores = files.csv("measures_scores")
    for rival, words in RIVALS.items():
        verdicts = scores[f"verdict_{rival}"]
        claim: Claim = [N(len(scores))]
        for word in ("better", "worse"):
            found = scores[verdicts == word]
            claim.append(N(len(found)))
            for name in dict.fromkeys(found["measure"]):
                claim += [N(h) for h in pick(found, measure=name)["horizon"]]
        claim.append(N((verdicts == "tie").sum()))
        for few in (True, False):
            untested = ((verdicts == "untested") & ((scores["origins"] < 4) == few)).sum()
            claim += [N(untested)] if untested else []
        tied = (verdicts == "tie").any() and not verdicts.isin(["better", "worse"]).any()
        null = "A null result. " if tied else ""
        yield "pattern", "", f"{null}{words}, of ", claim
    for horizon in (files.horizons[0], files.horizons[-1]):
        yield "pattern", "", f"{horizon} y: skill", [N(horizon)]
    yield "pattern", "", "In 90%", [pct(0.9)]
    yield "pattern", "", "90% interval", [pct(0.9)]
    yield "pattern", "", str(files.origin), [N(files.origin)]


# The trace ---------------------------------------------------------------------------------------


class Trace:
    """What the page must say, worked out once, and whether a text or table says it."""

    def __init__(self, files: Files) -> None:
        self.tables = {
            (section, country, caption): rows
            for section, country, caption, rows in expected_tables(files)
        }
        self.claims: dict[tuple[str, str], list[tuple[str, Claim]]] = {}
        for section, country, start, numbers in expected_texts(files):
            self.claims.setdefault((section, country), []).append((start, numbers))

    def is_traced(self, text: Text) -> bool:
        """Whether a text is of the appendix, or opens as a claim on the first pages does."""
        starts = (start for start, _ in self.claims.get((text.section, text.country), []))
        return text.section not in OPENING or any(text.words.startswith(s) for s in starts)

    def holds(self, text: Text) -> bool:
        """Whether every number of a text is claimed."""
        if not NUMBER.search(text.words):
            return True
        return any(
            text.words == start
            if numbers is None
            else text.words.startswith(start) and same(text.words, numbers)
            for start, numbers in self.claims.get((text.section, text.country), [])
        )

    def rows(self, table: Table) -> Rows:
        return self.tables[table.section, table.country, table.caption]

    def faults(self, page: Page) -> list[str]:
        """Everything on a page that cannot be traced, and every table that is missing."""
        texts = [t for t in page.texts if self.is_traced(t)]
        found = [f"{t.section} {t.country}: {t.words}" for t in texts if not self.holds(t)]
        tables = [t for t in page.tables if t.section not in OPENING]
        captions = [(t.section, t.country, t.caption) for t in tables]
        found += [f"table {key}" for key in set(captions) ^ set(self.tables)]
        found += [f"table {key} twice" for key in set(captions) if captions.count(key) > 1]
        for table in tables:
            if (table.section, table.country, table.caption) not in self.tables:
                continue
            rows = self.rows(table)
            if [len(row) for row in rows] != [len(row) for row in table.rows]:
                found.append(f"shape of {table.caption}")
                continue
            found += [
                f"{table.caption}: {words!r} is not {wanted}"
                for line, row in zip(table.rows, rows, strict=True)
                for words, wanted in zip(line, row, strict=True)
                if not is_written(wanted, words)
            ]
        return found


SOURCES = (
    Source("trade", "data/trade.csv", "12ab" * 16, ("670 rows: 8 countries", "3 rows left out")),
    Source("pairs", "data/pairs_2.csv", "", ()),
)


@pytest.fixture(scope="module")
def folder(
    make_bundle: Callable[..., DataBundle], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished run with a study; figures and its own report left out."""
    options = {"horizons": (1, 2), "rounds": 8, "workers": 1, "experiment": None, "study": True,
               "first_origin": 2006, "world": "goods"}  # fmt: skip
    options["params"] = {"min_data_in_leaf": 5, "feature_fraction": 1.0, "num_leaves": 8}
    out = tmp_path_factory.mktemp("traced") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecasting.figures.run_figures.save_figures", lambda *_: {})
        patch.setattr(
            "forecasting.reports.report.write_report", lambda *given: given[-1].write_text("")
        )
        few = ("technology_permuted_1", "indicators_led")
        patch.setattr("forecasting.evaluation.study.trials", lambda own: trials(own)[:2])
        patch.setattr(
            "forecasting.evaluation.study.placebos",
            lambda *, seed: {name: placebos(seed=seed)[name] for name in few},
        )
        patch.setattr("forecasting.job.load", lambda _: LoadedData(make_bundle(), SOURCES))
        run(RunConfig(out=out, **options), show_progress=False)
    return out


def undrawn(_: object, names: tuple[str, ...], folder: Path) -> dict[str, list[Path]]:
    """An empty file for every figure."""
    paths = {name: [folder / f"{name}.svg"] for name in names}
    for (path,) in paths.values():
        path.write_text("<svg/>")
    return paths


@pytest.fixture(scope="module")
def page(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("page") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        # Numbers inside drawings are the plots' own tests'.
        patch.setattr("forecasting.reports.report.draw_figures", undrawn)
        patch.setattr("forecasting.reports.countries.plot", lambda *_, **__: None)
        patch.setattr("forecasting.reports.opening.growth_chances", lambda *_, **__: None)
        patch.setattr(
            "forecasting.reports.opening.fan_panels", lambda of, *_: [None] * (len(of) + 1)
        )
        patch.setattr("forecasting.reports.embedded.render", lambda *_: b"<svg/>")
        make_report(folder, countries=COUNTRIES, out=out)
    return Page(out.read_text("utf-8"))


@pytest.fixture(scope="module")
def trace(folder: Path) -> Trace:
    return Trace(Files(folder))


def test_every_number_is_found_in_the_files(page: Page, trace: Trace) -> None:
    assert trace.faults(page) == []


def wrong(words: str) -> Iterator[str]:
    """The same text with the last digit of one number changed, for each number."""
    for found in NUMBER.finditer(words):
        end = found.end("digits") if found["digits"] else found.end()
        other = str((int(words[end - 1]) + 5) % 10)
        yield f"{words[: end - 1]}{other}{words[end:]}"


def test_every_number_that_is_wrong_is_seen(page: Page, trace: Trace) -> None:
    """One digit of every number on the page in turn."""
    tried = 0
    for text in page.texts:
        for words in wrong(text.words):
            tried += 1
            assert not trace.holds(Text(text.section, text.country, words)), words
    for table in (t for t in page.tables if t.section not in OPENING):
        for line, row in zip(table.rows, trace.rows(table), strict=True):
            for words, wanted in zip(line, row, strict=True):
                for other in wrong(words):
                    tried += 1
                    assert not is_written(wanted, other), f"{table.caption}: {other}"
    assert tried > 1_000


def test_every_claim_on_the_first_pages_is_met(page: Page, trace: Trace) -> None:
    for start in ("Accuracy. ", "Tests. ", "Intervals. ", "Technology channels. "):
        (text,) = (t for t in page.texts if t.section == "track" and t.words.startswith(start))
        assert trace.holds(text)


def test_a_number_or_table_that_nobody_claims_is_seen(page: Page, trace: Trace) -> None:
    html = (
        '<section aria-labelledby="limits"><p>7 more.</p><table><caption>New</caption>'
        "<tr><th>a</th></tr><tr><td>1</td></tr></table></section>"
    )
    found = trace.faults(Page(html))
    assert "limits : 7 more." in found
    assert "table ('limits', '', 'New')" in found
    assert len(found) == 2 + len(trace.tables)
