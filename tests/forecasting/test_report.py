"""The report: valid, self-contained, escaped, and honest about what is worse or missing."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import report
from forecasting.config import RunConfig
from forecasting.plots import PLOTS
from forecasting.report_scores import compared
from forecasting.report_style import percent, stratum, table, usd
from forecasting.results import Explanation, RunResult

EVIL = "<script>alert('x')</script>"
VOID = {"meta", "img", "br", "hr", "link"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'

# WAPE and log MAE by setting and model; the forecast model loses to the raked base ex ante.
ERRORS = {
    ("totals_known", "gravicast"): (0.080, 0.38),
    ("totals_known", "without_technology"): (0.080, 0.39),
    ("totals_known", "last_value_raked"): (0.085, 0.40),
    ("totals_known", "last_value"): (0.160, 0.44),
    ("ex_ante", "gravicast"): (0.152, 0.42),
    ("ex_ante", "without_technology"): (0.151, 0.42),
    ("ex_ante", "last_value_raked"): (0.148, 0.43),
    ("ex_ante", "last_value"): (0.160, 0.44),
}


def made_up_scores() -> pd.DataFrame:
    rows = []
    for (setting, model), (wape, log_mae) in ERRORS.items():
        last_wape, last_log = ERRORS[setting, "last_value"]
        main = model == "gravicast"
        for name, inside in (("all", 0.90), ("decile_1", 0.81), ("decile_10", 0.93), ("calm", 0.9)):
            rows.append(
                {
                    "setting": setting,
                    "model": model,
                    "horizon": 1,
                    "stratum": name,
                    "wape": wape,
                    "log_mae": log_mae,
                    "coverage_50": 0.5 if main else np.nan,
                    "coverage_90": inside if main else np.nan,
                    "width_50": 0.1 if main else np.nan,
                    "width_90": 0.3 if main else np.nan,
                    "origins": 14,
                    "skill_wape": 1 - wape / last_wape,
                    "skill_log_mae": 1 - log_mae / last_log,
                }
            )
    return pd.DataFrame(rows)


def made_up_forecasts() -> pd.DataFrame:
    count = 20
    base = np.full(count, 1e9)
    forecast = base + 1e7 * np.arange(count) * (-1) ** np.arange(count)
    return pd.DataFrame(
        {
            "origin": 2022,
            "horizon": 1,
            "target_year": 2023,
            "exporter": [EVIL, *[f"X{n:02d}" for n in range(1, count)]],
            "importer": "YYY",
            "value_origin": base,
            "base": base,
            "forecast": forecast,
            "lower_90": forecast * 0.8,
            "upper_90": forecast * 1.25,
        }
    )


def made_up_result() -> RunResult:
    scores, forecasts = made_up_scores(), made_up_forecasts()
    overall = scores[scores["stratum"] == "all"]
    return RunResult(
        config=RunConfig(horizons=(1,)),
        out=Path("nowhere"),
        forecasts=forecasts,
        scores=scores,
        scores_by_origin=pd.concat([overall.assign(origin=o) for o in range(2003, 2017)]),
        significance=pd.DataFrame(),
        reliability=pd.DataFrame(),
        study=None,
        attributions=pd.DataFrame(),
        explanation=Explanation(
            forecasts.head(0),
            ("distance",),
            np.zeros((0, 1), dtype=np.float32),
            np.zeros(0),
            np.zeros(0),
            np.zeros((0, 1), dtype=np.float32),
        ),
        channels=pd.DataFrame(
            {
                "channel": ["persistence", "ai_adoption"],
                "label": ["Persistence and momentum", "AI adoption"],
                "mean_abs_percent": [6.0, 2.0],
                "share": [0.75, 0.25],
            }
        ),
        coverage=pd.DataFrame(
            {
                "channel": ["persistence", "ai_adoption", "ai_adoption"],
                "absent_series": ["", "NSF.AI.ARTICLES", ""],
                "share_of_flows": [1.0, 0.0, 0.5],
            }
        ),
        provenance={
            "data": [
                {
                    "role": "trade",
                    "path": f"/data/{EVIL}.parquet",
                    "sha256": "ab" * 32,
                    "rows": 1234567,
                    "statements": ["17 self-flows ignored"],
                }
            ],
            "versions": {"lightgbm": "4.6.0"},
            "as_of": "2024-07-01",
            "origin": 2022,
            "setting": "totals_known",
            "seed": 42,
            "notes": ["raking met every reachable total to 1e-09"],
        },
        timings={"fit": 3.0},
    )


class Outline(HTMLParser):
    """Checks nesting while it collects headings, images, tables, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture
def figures(tmp_path: Path) -> dict[str, list[Path]]:
    paths = {}
    for plot in PLOTS:
        paths[plot.name] = [tmp_path / f"{plot.name}.png", tmp_path / f"{plot.name}.svg"]
        paths[plot.name][0].write_bytes(b"\x89PNG")
        paths[plot.name][1].write_text(SVG)
    return paths


def written(result: RunResult, figures: dict[str, list[Path]], folder: Path) -> str:
    path = folder / "report.html"
    report.write_report(result, figures, path)
    return path.read_text("utf-8")


@pytest.fixture
def html(figures: dict[str, list[Path]], tmp_path: Path) -> str:
    return written(made_up_result(), figures, tmp_path)


def test_it_is_well_formed_with_a_language_and_headings_in_order(html: str) -> None:
    outline = Outline(html)
    assert html.startswith("<!DOCTYPE html>")
    assert outline.all("html") == [{"lang": "en"}]
    headings = [tag for tag, _ in outline.tags if re.fullmatch(r"h\d", tag)]
    assert headings == ["h1"] + ["h2"] * 9
    ids = [h["id"] for h in outline.all("h2")]
    assert [s["aria-labelledby"] for s in outline.all("section")] == ids


def test_every_figure_is_embedded_once_with_its_alternative_text(html: str) -> None:
    images = Outline(html).all("img")
    assert sorted(str(i["alt"]) for i in images) == sorted(plot.alt for plot in PLOTS)
    assert all(str(i["src"]).startswith("data:image/svg+xml;base64,") for i in images)


def test_a_large_drawing_gives_way_to_its_png(
    figures: dict[str, list[Path]], tmp_path: Path
) -> None:
    figures["beeswarm"][1].write_text(SVG + " " * report.LARGEST_IMAGE)
    images = Outline(written(made_up_result(), figures, tmp_path)).all("img")
    kinds = [str(i["src"]).partition(";")[0] for i in images]
    assert kinds.count("data:image/png") == 1
    assert kinds.count("data:image/svg+xml") == len(PLOTS) - 1


def test_nothing_is_fetched_and_nothing_runs(html: str) -> None:
    outline = Outline(html)
    for tag, attributes in outline.tags:
        for name in ("src", "href", "action", "data", "srcset"):
            assert str(attributes.get(name) or "data:").startswith("data:"), tag
        assert not any(name.startswith("on") for name in attributes)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in outline.tags}
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r"https?://", html)


def test_names_from_the_data_are_escaped(html: str) -> None:
    assert "<script" not in html
    text = Outline(html).text
    assert f"/data/{EVIL}.parquet" in text


def test_a_country_is_escaped_in_the_shifts(figures: dict[str, list[Path]], tmp_path: Path) -> None:
    forecasts = made_up_forecasts()
    forecasts.loc[0, "forecast"] = 3e9
    html = written(dataclasses.replace(made_up_result(), forecasts=forecasts), figures, tmp_path)
    assert "<script" not in html
    assert f"{EVIL} -> YYY" in Outline(html).text


def test_tables_have_captions_and_scopes(html: str) -> None:
    outline = Outline(html)
    assert len(outline.all("table")) == len(outline.all("caption")) >= 8
    assert {h.get("scope") for h in outline.all("th")} == {"col", "row"}
    for found in re.findall(r"<table.*?</table>", html, re.DOTALL):
        widths = {
            len(re.findall(r"<t[hd]\b", row))
            for row in re.findall(r"<tr.*?</tr>", found, re.DOTALL)
        }
        assert len(widths) == 1


def test_headline_says_better_and_worse(html: str) -> None:
    text = Outline(html).text
    assert "Against repeating the last value, gravicast is better in 4 of 4 comparisons." in text
    assert "Against the raked base, gravicast is better in 3, worse in 1 of 4 comparisons." in text
    row = re.search(r"<tr><th scope=\"row\">Ex ante</th>.*?WAPE.*?</tr>", html, re.DOTALL)
    assert row is not None
    assert re.findall(r"<td[^>]*>([^<]*)</td>", row[0]) == [
        "15.20%",
        "16.00%",
        "+5.0% better",
        "14.80%",
        "\N{MINUS SIGN}2.7% worse",
        "0 of 14",
    ]


@pytest.mark.parametrize(
    ("ours", "reference", "said"),
    [
        (0.08, 0.16, "+50.0% better"),
        (0.168, 0.16, "\N{MINUS SIGN}5.0% worse"),
        (0.16, 0.16, "0.0% equal"),
        (0.160001, 0.16, "0.0% equal"),
        (0.1, float("nan"), "\N{EN DASH}"),
        (float("nan"), 0.1, "\N{EN DASH}"),
        (0.1, 0.0, "\N{EN DASH}"),
    ],
)
def test_compared(ours: float, reference: float, said: str) -> None:
    assert compared(ours, reference) == said


def test_the_ablation_stands_beside_the_drivers(html: str) -> None:
    drivers = Outline(html).text.partition("Drivers of the forecast shifts")[2]
    drivers = drivers.partition("Largest forecast shifts")[0]
    assert "SHAP values describe the fitted model, not causes." in drivers
    assert "importance is not its predictive value" in drivers
    assert "AI adoption" in drivers
    assert "\N{MINUS SIGN}0.7% worse" in drivers  # ex ante, WAPE: technology makes it worse
    assert "+2.6% better" in drivers


def test_interval_coverage_shows_the_lowest_and_highest_decile(html: str) -> None:
    assert "81.0% to 93.0%" in Outline(html).text


def test_largest_shifts_by_amount_with_intervals(html: str) -> None:
    found = re.search(r"<caption>15 largest forecast shifts of 2023.*?</table>", html, re.DOTALL)
    assert found is not None
    flows = re.findall(r'<th scope="row">([^<]*)</th>', found[0])
    assert flows == [f"X{n:02d} -&gt; YYY" for n in range(19, 4, -1)]
    assert re.findall(r"<td[^>]*>([^<]*)</td>", found[0])[:5] == [
        "1 bn",
        "810 m",
        "\N{MINUS SIGN}190 m",
        "\N{MINUS SIGN}19.0%",
        "648 m to 1.01 bn",
    ]


def test_run_data_and_limits_are_told(html: str) -> None:
    text = Outline(html).text
    for words in (
        "2024-07-01",
        "target years 2023",
        "20 flows",
        "42; setting of the forecast: totals known",
        "ab" * 32,
        "1,234,567",
        "17 self-flows ignored",
        "lightgbm 4.6.0",
        "raking met every reachable total",
        "2 of 3 features have data",
        "NSF.AI.ARTICLES",
        "means over 14 origins",
    ):
        assert words in text, words


def test_no_causal_wording(html: str) -> None:
    text = Outline(html).text.replace("not causes", "")
    found = re.findall(r"\b(caus\w*|effects?|impacts?|leads? to|due to|boosts?)\b", text, re.I)
    assert found == []


def test_missing_figures_are_named(figures: dict[str, list[Path]], tmp_path: Path) -> None:
    del figures["waterfall"]
    text = Outline(written(made_up_result(), figures, tmp_path)).text
    title = next(plot.title for plot in PLOTS if plot.name == "waterfall")
    assert f"Figures left out because the run holds no data for them: {title}." in text


def test_an_empty_run_is_reported_as_empty(tmp_path: Path) -> None:
    empty = dataclasses.replace(
        made_up_result(),
        forecasts=pd.DataFrame(),
        scores=pd.DataFrame(),
        scores_by_origin=pd.DataFrame(),
        channels=pd.DataFrame(),
        coverage=pd.DataFrame(),
        provenance={},
    )
    outline = Outline(written(empty, {}, tmp_path))
    assert not outline.all("img")
    for words in (
        "no scores",
        "no interval scores",
        "no explanations",
        "no forecasts",
        "no coverage of features",
        "no provenance",
        "was not scored without",
    ):
        assert words in outline.text, words
    assert all(plot.title in outline.text for plot in PLOTS)


def test_it_is_written_whole_or_not_at_all(
    figures: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out" / "report.html"
    path.parent.mkdir()
    path.write_text("before")

    def fail(_: Path, target: Path) -> Path:
        raise OSError(f"cannot replace {target}")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="cannot replace"):
        report.write_report(made_up_result(), figures, path)
    assert path.read_text() == "before"
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    monkeypatch.undo()
    report.write_report(made_up_result(), figures, path)
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_same_run_gives_the_same_report(
    figures: dict[str, list[Path]], tmp_path: Path, html: str
) -> None:
    slower = dataclasses.replace(made_up_result(), timings={"fit": 99.0})
    assert written(slower, figures, tmp_path) == html


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.2e9, "1.2 bn"),
        (1.24e12, "1.24 tn"),
        (999_600_000.0, "1 bn"),
        (999.4e6, "999 m"),
        (-12_340.0, "\N{MINUS SIGN}12.3 k"),
        (12.0, "12"),
        (0.0, "0"),
        (4.2e15, "4,200 tn"),
        (float("nan"), "\N{EN DASH}"),
        (float("inf"), "\N{EN DASH}"),
    ],
)
def test_usd(value: float, said: str) -> None:
    assert usd(value) == said


def test_words() -> None:
    assert usd(5e6, sign=True) == "+5 m"
    assert percent(0.0851, digits=2) == "8.51%"
    assert percent(-0.00001, sign=True) == "0.0%"
    assert stratum("decile_10") == "Size decile 10"
    assert stratum("low_income_exporter") == "Low income exporter"


def test_a_table_escapes_everything() -> None:
    made = table(EVIL, [EVIL, "n"], [[EVIL, EVIL]])
    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 5
