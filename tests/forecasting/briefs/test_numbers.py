"""Every number that a brief says, computed again from the run's files by slow, obvious loops."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from features.catalogue import NAMES
from forecasting import read_run
from forecasting.briefs.blocs import blocs_brief
from forecasting.briefs.country import country_brief
from forecasting.briefs.flow import flow_brief
from forecasting.briefs.world import world_brief
from forecasting.evaluation.backtest_file import by_model
from forecasting.results.channel_evidence import out_of_sample
from forecasting.results.subjects import named
from forecasting.words.features import feature_words
from forecasting.words.numbers import money, points

ORIGIN = 2010
TECHNOLOGY = ("net:ai_adoption", "net:automation", "net:data_infrastructure")
TOTALS = ("total:world", "total:exporter", "total:importer", "total:adjustment")
MINUS = "\N{MINUS SIGN}"
MODELS = ("gravicast", "last_value", "last_value_raked")
NUMBER = re.compile(rf"[+{MINUS}]?\d[\d,]*(?:\.\d+)?(?: (?:tn|bn|m|k) USD| USD|%)?")
ALWAYS = {"90%", "100", "1"}
"""Of the 90 % interval, of log points, and of ``ln(1 + x)``."""


@dataclass(frozen=True)
class Files:
    """A run and its files as they lie in the folder."""

    run: object
    forecasts: pd.DataFrame
    attributions: pd.DataFrame
    backtest: pd.DataFrame
    scores: pd.DataFrame

    def flows(self, keep, year: int) -> list[dict]:
        """Flows of a target year for which ``keep(flow)`` holds."""
        rows = self.forecasts[self.forecasts["target_year"] == year]
        return [flow for flow in rows.to_dict("records") if keep(flow)]

    def parts(self, flow: dict) -> dict[str, float]:
        """USD of every term of an explained flow; none where it has none."""
        table = self.attributions[self.attributions["target_year"] == flow["target_year"]]
        for name in keys(flow):
            table = table[table[name] == flow[name]]
        if table.empty:
            return {}
        row, out = table.iloc[0], {}
        for name in [str(n) for n in table if str(n).startswith(("total:", "net:"))]:
            a, b = ("value_origin", "base") if name in TOTALS else ("base", "forecast")
            out[name] = (flow[b] - flow[a]) / np.log(flow[b] / flow[a]) * row[name] / 100
        return out


@pytest.fixture(scope="module", params=["plain", pytest.param("sectors", marks=pytest.mark.slow)])
def files(request, finished_run):
    folder = finished_run if request.param == "plain" else request.getfixturevalue("sector_run")
    return Files(
        read_run(folder),
        pd.read_parquet(folder / "forecasts.parquet"),
        pd.read_parquet(folder / "attributions.parquet"),
        by_model(pd.read_parquet(folder / "backtest.parquet"), MODELS),
        pd.read_csv(folder / "scores.csv"),
    )


# What a brief may say ---------------------------------------------------------------------------


def keys(flow: dict) -> list[str]:
    return [name for name in ("exporter", "importer", "sector") if name in flow]


def usd(*values: float) -> set[str]:
    return {money(v, sign=sign) for v in values for sign in (False, True)}


def percent(*values: float) -> set[str]:
    return {points(v, sign=sign) for v in values for sign in (False, True)}


def count(*values: int) -> set[str]:
    return {f"{v:,}" for v in values}


def ratio(part: float, whole: float) -> float:
    return 100 * part / whole


def growth(start: float, end: float) -> float:
    return 100 * (end / start - 1)


def total(flows: list[dict], name: str) -> float:
    return sum(flow[name] for flow in flows)


def shift(flow: dict) -> float:
    return flow["forecast"] - flow["base"]


def moves(flows: list[dict]) -> float:
    return moved(shift(flow) for flow in flows)


def moved(shifts: Iterable[float]) -> float:
    """What some gain and others lose: not half of both where flows that stop are left out."""
    shifts = list(shifts)
    return min(sum(s for s in shifts if s > 0), -sum(s for s in shifts if s < 0))


def summed(parts: list[dict[str, float]]) -> dict[str, float]:
    names = {name: None for part in parts for name in part}
    return {name: sum(part.get(name, 0.0) for part in parts) for name in names}


def largest(terms: dict[str, float], n: int = 3) -> list[float]:
    channels = {name: usd for name, usd in terms.items() if name not in TOTALS}
    return sorted(channels.values(), key=abs, reverse=True)[:n]


def reasons(terms: dict[str, float]) -> list[float]:
    """The largest, but for what changes with the horizon alone."""
    return largest({name: usd for name, usd in terms.items() if name != "net:horizon"})


def movers(flows: list[dict]) -> set[str]:
    """Of the three largest gains and losses: USD, percent and interval."""
    ranked = sorted(flows, key=shift)
    out = set()
    for flow in [*ranked[:3], *ranked[-3:]]:
        if flow["base"] > 0:
            bounds = (growth(flow["base"], flow[n]) for n in ("forecast", "lower_90", "upper_90"))
            out |= usd(shift(flow)) | percent(*bounds)
    return out


def certainty(flows: list[dict]) -> set[str]:
    traded = [flow for flow in flows if flow["base"] > 0]
    sure = [f for f in traded if f["lower_90"] > f["base"] or f["upper_90"] < f["base"]]
    share = ratio(moves(sure), moves(traded))
    return count(len(sure), len(traded)) | percent(share)


def record(files: Files, keep, horizon: int) -> set[str]:
    """What is said about past forecasts of a group of flows, origin by origin."""
    table = files.backtest
    table = table[(table["setting"] == "totals_known") & (table["horizon"] == horizon)]
    table = table[table["actual"].notna()]
    table = table[[keep(flow) for flow in table[keys(table)].to_dict("records")]]
    wape, inside, same, off = {}, [], [], []
    for model in MODELS:
        mine = table[table["model"] == model]
        errors = [
            ratio((rows["actual"] - rows["forecast"]).abs().sum(), rows["actual"].sum())
            for _, rows in mine.astype({"actual": float, "forecast": float}).groupby("origin")
        ]
        wape[model] = np.mean(errors)
    for _, rows in table[table["model"] == "gravicast"].groupby("origin"):
        low, high = rows["lower_90"], rows["upper_90"]
        inside.append(ratio(((rows["actual"] >= low) & (rows["actual"] <= high)).sum(), len(rows)))
        told = rows[(rows["base"] > 0) & (rows["forecast"] != rows["base"])]
        right = (told["forecast"] > told["base"]) & (told["actual"] > told["base"])
        right |= (told["forecast"] < told["base"]) & (told["actual"] < told["base"])
        same.append(ratio(right.sum(), len(told)))
        off.append(growth(rows["forecast"].astype(float).sum(), rows["actual"].astype(float).sum()))
    typical = float(np.median(np.abs(off)))
    said = percent(*wape.values(), np.mean(inside), np.mean(same), min(off), max(off), typical)
    return said | count(len(off), horizon)


def worth(files: Files) -> set[str]:
    """What leaving out the technology channels does to the errors."""
    table = files.scores
    table = table[(table["setting"] == "totals_known") & (table["stratum"] == "all")]
    with_it, without = (
        table[table["model"] == model].set_index("horizon")
        for model in ("gravicast", "without_technology")
    )
    out = set()
    for metric in ("wape", "log_mae"):
        changes = [growth(with_it.loc[h, metric], without.loc[h, metric]) for h in (1, 2)]
        out |= percent(np.mean(changes))
    tests = out_of_sample(files.run).set_index("channel").loc["technology"]
    numbers = [int(tests[name]) for name in ("tests", "helps", "hurts")]
    return out | count(*numbers, numbers[0] - numbers[1] - numbers[2])


def spread(flows: list[dict], other: str) -> set[str]:
    out = set()
    for name in ("value_origin", "forecast"):
        by: dict[str, float] = {}
        for flow in flows:
            by[flow[other]] = by.get(flow[other], 0.0) + flow[name]
        whole = sum(by.values())
        out |= {f"{1 / sum((v / whole) ** 2 for v in by.values()):.1f}"}
        out |= {f"{100 * max(by.values()) / whole:.1f}%"} | usd(whole)
    return out


def technology(files: Files, flows: list[dict]) -> list[float]:
    """USD that the technology channels move, flow by flow."""
    parts = [files.parts(flow) for flow in flows]
    return [sum(part.get(name, 0.0) for name in TECHNOLOGY) for part in parts]


def untraced(brief, allowed: set[str]) -> list[str]:
    """Numbers in the sentences of a brief that are not allowed, with where they stand."""
    sentences = [*brief.summary, *(p for s in brief.sections for p in s.paragraphs)]
    # Those of levels are traced through their facts, see test_levels.
    levels = {p for s in brief.sections if "how large" in s.heading for p in s.paragraphs}
    levels |= {p for p in brief.summary if re.match("(Exports|Imports) of ", p)}
    found = []
    for sentence in [text for text in sentences if text not in levels]:
        text = sentence.replace("2012-07-01", "")
        for words in map(feature_words, NAMES):
            text = text.replace(words[:1].lower() + words[1:], "").replace(words, "")
        numbers = [number.rstrip(",") for number in NUMBER.findall(text)]
        found += [f"{number!r} in {sentence!r}" for number in numbers if number not in allowed]
    return found


# The briefs -------------------------------------------------------------------------------------


def side_numbers(files: Files, code: str, side: str, year: int) -> set[str]:
    other = {"exporter": "importer", "importer": "exporter"}[side]
    flows = files.flows(lambda flow: flow[side] == code, year)
    start, base, moving = total(flows, "value_origin"), total(flows, "base"), moves(flows)
    world = sum(files.parts(flow).get("total:world", 0.0) for flow in flows)
    gains = [flow for flow in flows if shift(flow) > 0]
    ranked = sorted(flows, key=shift)
    out = usd(base, moving, sum(map(shift, gains)))
    out |= percent(growth(start, base), ratio(moving, base), ratio(world, start))
    out |= percent(growth(start, base) - ratio(world, start))
    out |= usd(*reasons(summed([files.parts(flow) for flow in gains])))
    for flow in (ranked[0], ranked[-1]):
        out |= usd(shift(flow), *reasons(files.parts(flow)))
    tech = moved(technology(files, flows))
    out |= usd(tech) | percent(ratio(tech, base))
    out |= movers(flows) | certainty(flows) | spread(flows, other)
    return out | record(files, lambda flow: flow[side] == code, year - ORIGIN)


@pytest.mark.parametrize(("code", "year"), [("DEU", 2011), ("BRA", 2012), ("ZAF", 2012)])
def test_numbers_of_a_country(files, code, year):
    allowed = ALWAYS | {str(ORIGIN), str(ORIGIN + 1), str(year)} | worth(files)
    for side in ("exporter", "importer"):
        allowed |= side_numbers(files, code, side, year)
    assert untraced(country_brief(files.run, code, year=year), allowed) == []


def test_the_largest_movers_are_named_in_order_with_their_own_intervals(files):
    flows = files.flows(lambda flow: flow["exporter"] == "DEU" and flow["base"] > 0, 2012)
    ranked = sorted(flows, key=shift, reverse=True)
    sections = country_brief(files.run, "DEU", year=2012).sections
    said = next(
        s.paragraphs for s in sections if s.heading == "Exports: partners above and below the base"
    )
    for sentence, three in zip(said, (ranked[:3], ranked[:-4:-1]), strict=False):
        expected = []
        for flow in three:
            moved, low, high = (
                points(growth(flow["base"], flow[name]), sign=True)
                for name in ("forecast", "lower_90", "upper_90")
            )
            sector = f", {flow['sector']}" if "sector" in flow else ""
            who = f"{named(flow['importer'])}{sector}"
            expected.append(f"{who} {money(shift(flow), sign=True)} ({moved}; 90% interval {low} "
                            f"to {high})")  # fmt: skip
        assert sentence.partition(": ")[2] == "; ".join(expected) + "."


def test_numbers_of_blocs(files):
    first, second, year = ("DEU", "FRA", "IND"), ("CHN", "USA"), 2012
    allowed = ALWAYS | {str(ORIGIN), str(year)} | worth(files)
    for sellers, buyers in ((first, second), (second, first)):

        def keep(flow, sellers=sellers, buyers=buyers):
            return flow["exporter"] in sellers and flow["importer"] in buyers

        flows = files.flows(keep, year)
        start, base, end = (total(flows, n) for n in ("value_origin", "base", "forecast"))
        parts = summed([files.parts(flow) for flow in flows])
        allowed |= usd(start, base, end, base - start, end - base)
        allowed |= percent(growth(start, end), growth(start, base), growth(base, end))
        totals, channels = [parts[name] for name in TOTALS], largest(parts)
        allowed |= usd(*totals, *channels)
        allowed |= percent(*(ratio(v, start) for v in totals), *(ratio(v, base) for v in channels))
        tech = sum(technology(files, flows))
        allowed |= usd(tech) | percent(ratio(tech, base))
        allowed |= movers(flows) | certainty(flows) | record(files, keep, year - ORIGIN)
    assert untraced(blocs_brief(files.run, first, second, year=year), allowed) == []


def test_numbers_of_the_world(files):
    year = 2012
    flows = files.flows(lambda _: True, year)
    start, base = total(flows, "value_origin"), total(flows, "base")
    parts = [files.parts(flow) for flow in flows]
    tech = moved(technology(files, flows))
    by_channel = {name: moved(part.get(name, 0.0) for part in parts) for name in summed(parts)}
    absent = [flow for flow in flows if flow["value_origin"] <= 0]
    # Channels explain flows that neither start nor stop: what stops is beside their sum.
    explained = [flow for flow in flows if flow["base"] > 0 and flow["forecast"] > 0]
    stops = [flow for flow in flows if flow["base"] > 0 and flow["forecast"] <= 0]
    allowed = ALWAYS | {str(ORIGIN), str(year)} | worth(files) | movers(flows) | certainty(flows)
    allowed |= usd(moves(explained), sum(flow["value_origin"] for flow in stops))
    allowed |= count(len(stops))
    allowed |= usd(base, moves(flows), tech, *largest(by_channel), 0.0)
    allowed |= percent(growth(start, base), ratio(moves(flows), base), ratio(tech, base))
    allowed |= count(0, len(flows), len(absent), year - ORIGIN)
    allowed |= {f"{sum(flow['probability_of_trade'] for flow in absent):,.0f}"}
    scores = files.scores[files.scores["setting"] == "totals_known"]
    scores = scores[(scores["stratum"] == "all") & (scores["horizon"] == year - ORIGIN)]
    by = scores.set_index("model")
    allowed |= percent(*(100 * by.loc[model, "wape"] for model in MODELS))
    allowed |= percent(100 * by.loc["gravicast", "coverage_90"])
    allowed |= count(int(by.loc["gravicast", "origins"]))
    brief = world_brief(files.run, year)
    assert untraced(brief, allowed) == []
    said = f"together move {money(tech)}, {points(ratio(tech, base))} of world trade."
    assert brief.sections[1].paragraphs[1].endswith(said)


def past(files: Files, flow: dict, horizon: int) -> set[str]:
    """What is said about past forecasts of one flow."""
    table = files.backtest
    table = table[(table["setting"] == "totals_known") & (table["horizon"] == horizon)]
    for name in keys(flow):
        table = table[table[name] == flow[name]]
    table = table[table["actual"].notna()].astype({"actual": float, "forecast": float})
    out, rows = set(), {}
    for model in MODELS:
        mine = table[table["model"] == model].sort_values("origin")
        rows[model] = mine.iloc[-1]
        out |= percent(ratio((mine["forecast"] - mine["actual"]).abs().sum(), mine["actual"].sum()))
        out |= percent(growth(mine["actual"].iloc[-1], mine["forecast"].iloc[-1]))
    ours = table[table["model"] == "gravicast"]
    inside = (ours["actual"] >= ours["lower_90"]) & (ours["actual"] <= ours["upper_90"])
    last = rows["gravicast"]
    out |= usd(last["forecast"], last["actual"]) | count(int(inside.sum()), len(ours))
    return out | {str(last["origin"]), str(last["origin"] + horizon)}


@pytest.mark.parametrize("year", [2011, 2012])
def test_numbers_of_a_flow(files, year):
    flow = max(files.flows(lambda flow: flow["exporter"] == "DEU", year), key=lambda f: f["base"])
    start, base, end = (flow[name] for name in ("value_origin", "base", "forecast"))
    parts = files.parts(flow)
    allowed = ALWAYS | {str(ORIGIN), str(year)} | usd(start, base, end, base - start, end - base)
    allowed |= usd(*(flow[f"{side}_{level}"] for side in ("lower", "upper") for level in (50, 90)))
    allowed |= percent(growth(start, end), growth(start, base), growth(base, end))
    allowed |= percent(100 * flow["probability_of_trade"])
    totals, channels = [parts[name] for name in TOTALS], largest(parts)
    allowed |= usd(*totals, *channels)
    allowed |= percent(*(ratio(v, start) for v in totals), *(ratio(v, base) for v in channels))
    row = files.attributions[files.attributions["target_year"] == year]
    for name in keys(flow):
        row = row[row[name] == flow[name]]
    shap = row.iloc[0][list(NAMES)].astype(float)
    allowed |= percent(*shap, row["base_value"].iloc[0], row["raking"].iloc[0], shap.sum())
    allowed |= percent(100 * np.log(end / base))
    state = pd.read_parquet(files.run.out / "model" / "state.parquet")
    table = files.forecasts[files.forecasts["target_year"] == year].reset_index(drop=True)
    place = table[(table[keys(flow)] == [flow[n] for n in keys(flow)]).all(axis=1)].index[0]
    values = [*state.loc[place, list(NAMES)].astype(float), year - ORIGIN]
    allowed |= {f"{Decimal(f'{value:.4g}'):f}".replace("-", MINUS) for value in values}
    allowed |= past(files, flow, year - ORIGIN)
    brief = flow_brief(files.run, [flow[name] for name in keys(flow)], year=year)
    assert untraced(brief, allowed) == []
