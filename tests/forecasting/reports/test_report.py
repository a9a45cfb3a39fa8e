"""The report: one file that opens without a network, for everyone, and is honest about its run."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from features.feature import TECHNOLOGY
from features.files.tables import sha256
from features.information import DataBundle
from forecasting import RunConfig, RunResult, read_run, run
from forecasting.cli.main import main
from forecasting.evaluation.study import Study
from forecasting.figures.run_figures import PLOTS
from forecasting.figures.style import NoDataError
from forecasting.inputs.load import LoadedData
from forecasting.options.forecast_config import ForecastConfig
from forecasting.reports.channels import evidence
from forecasting.reports.data import checks
from forecasting.reports.embedded import LARGEST_IMAGE, Images, embed
from forecasting.reports.html import Section, page, table
from forecasting.reports.report import FIGURES, make_report, write_report
from forecasting.reports.summary import answers
from forecasting.results.channel_evidence import TOGETHER, out_of_sample, why_untested
from forecasting.results.subjects import country_name
from forecasting.serving.serving import forecast_with
from forecasting.words.labels import stratum
from forecasting.words.numbers import percent, usd

EVIL = "<script>alert('x')</script>"
VOID = {"meta", "img"}
OPENING = ["summary", "movers", "chosen", "track"]
APPENDIX = ["shifts", "pattern", "channels", "record", "data", "checks", "limits", "remake"]
CHAPTERS = ["contents", *OPENING, "words", "countries", *APPENDIX]
HEATMAP = [Images(("heatmap",))]


class Outline(HTMLParser):
    """Checks nesting while it collects headings, links, images, tables, attributes and text."""

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


@pytest.fixture(scope="module")
def html(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report with its figures, which are built but not drawn: their own tests do that."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecasting.reports.embedded.render", lambda *_: b"<svg/>")
        make_report(finished_run, countries=["DEU"], out=out)
    return out.read_text("utf-8")


@pytest.fixture(scope="module")
def outline(html: str) -> Outline:
    return Outline(html)


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports in a tenth of the time."""

    def nothing(*_: object, **__: object) -> None:
        raise NoDataError("left out")

    monkeypatch.setattr("forecasting.reports.countries.plot", nothing)
    for name in ("fan_panels", "growth_chances", "slopes_of"):
        monkeypatch.setattr(f"forecasting.reports.opening.{name}", nothing)
    monkeypatch.setattr("forecasting.reports.report.draw_figures", lambda *_: {})


def text_of(parts: list[str] | str) -> str:
    return Outline(parts if isinstance(parts, str) else "".join(parts)).text


# A page for everyone -----------------------------------------------------------------------------


def test_it_is_well_formed_with_a_language_and_headings_in_order(outline: Outline) -> None:
    assert outline.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [h["id"] for h in outline.all("h2")] == CHAPTERS
    assert [s["aria-labelledby"] for s in outline.all("section")] == [
        name for name in CHAPTERS if name != "contents"
    ]


def test_the_contents_lead_to_every_chapter_and_country(outline: Outline) -> None:
    names = [str(given["id"]) for _, given in outline.tags if given.get("id")]
    assert len(names) == len(set(names))
    links = [str(given["href"]).removeprefix("#") for given in outline.all("a")]
    assert set(links) == {*CHAPTERS, "country-DEU"} - {"contents"}
    assert set(links) <= set(names)


def test_the_contents_come_first_and_lead_to_other_pages() -> None:
    opening, chapters = [Section("a", "First", ["<p>one</p>"])], [Section("b", "Next", ["two"])]
    html = page("Title", opening, chapters, others=[("../c/DEU.html", "Germany")])
    contents, _, rest = html.partition("</nav>")
    links = re.findall(r'<a href="(.*?)">(.*?)</a>', contents)
    assert links == [("#a", "First"), ("#b", "Next"), ("../c/DEU.html", "Germany")]
    assert rest.index("one") < rest.index("two")
    assert "<nav" not in page("Title", opening)


def test_nothing_is_fetched_and_nothing_runs(html: str, outline: Outline) -> None:
    for tag, attributes in outline.tags:
        for name in ("src", "action", "data", "srcset", "poster"):
            assert str(attributes.get(name) or "data:").startswith("data:"), tag
        assert str(attributes.get("href") or "#").startswith("#"), tag
        assert not any(name.startswith("on") for name in attributes)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in outline.tags}
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r"https?://", html)


def test_every_figure_is_embedded_with_words_in_its_place(outline: Outline) -> None:
    pictures = outline.all("img")
    alternatives = [str(picture["alt"]) for picture in pictures]
    assert {plot.name for plot in PLOTS} >= set(FIGURES)
    assert set(alternatives) >= {plot.alt for plot in PLOTS if plot.name in FIGURES}
    assert sum("Germany (DEU)" in words for words in alternatives) >= 2
    assert len(set(alternatives)) == len(alternatives) >= len(outline.all("figcaption"))
    assert len(outline.all("figure")) == len(outline.all("figcaption"))
    assert all(len(words) > 40 for words in alternatives)
    sources = {str(picture["src"]).partition(";")[0] for picture in pictures}
    assert sources == {"data:image/svg+xml"}


def test_tables_have_captions_scopes_and_scroll_by_keyboard(html: str, outline: Outline) -> None:
    assert len(outline.all("table")) == len(outline.all("caption")) >= 15
    assert {h.get("scope") for h in outline.all("th")} == {"col", "row"}
    regions = [given for given in outline.all("div") if given.get("role") == "region"]
    assert len(regions) == len(outline.all("table"))
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)
    for found in re.findall(r"<table.*?</table>", html, re.DOTALL):
        widths = {
            len(re.findall(r"<t[hd]\b", row))
            for row in re.findall(r"<tr.*?</tr>", found, re.DOTALL)
        }
        assert len(widths) == 1


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    digits = colour.removeprefix("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_every_text_stands_out_from_its_ground(html: str) -> None:
    style = html.partition("<style>")[2].partition("</style>")[0]
    texts = set(re.findall(r"[^-]color: (#\w+)", style))
    grounds = set(re.findall(r"background: (#\w+)", style))
    assert len(texts) >= 3
    assert len(grounds) >= 2
    for text in texts:
        for ground in grounds:
            dark, light = sorted((luminance(text), luminance(ground)))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_it_prints_on_paper_with_a_sheet_for_each_of_the_first_pages(html: str) -> None:
    style = html.partition("@media print")[2].partition("</style>")[0]
    assert "size: A4" in style
    assert re.search(r"\.sheet \{ break-after: page; \}", style)
    assert html.count('sheet" aria-labelledby=') == 3


def test_no_causal_wording(outline: Outline) -> None:
    text = outline.text.replace("Not causes", "").replace("not what causes trade", "")
    found = re.findall(r"\b(caus\w*|effects?|impacts?|leads? to|due to|boosts?|drives?)\b", text,
                       re.I)  # fmt: skip
    assert set(found) <= {"effects"}  # "two-way fixed effects", the source of an expectation
    assert text.count("effects") == text.count("fixed effects")


def test_names_from_the_data_are_escaped(
    finished_run: Path, no_figures: None, tmp_path: Path
) -> None:
    result = read_run(finished_run)
    source = {"role": "trade", "path": f"/d/{EVIL}", "sha256": EVIL, "statements": [EVIL]}
    evil = dataclasses.replace(
        result, provenance={**result.provenance, "data": [source], "notes": [EVIL]}
    )
    shutil.copy(finished_run / "backtest.parquet", tmp_path)
    write_report(evil, dict, tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in html
    assert Outline(html).text.count(EVIL) >= 4


def test_a_table_escapes_everything() -> None:
    made = table(EVIL, [EVIL, "n"], [[EVIL, EVIL]])
    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 5


# What it says ------------------------------------------------------------------------------------


def test_the_first_page_gives_levels_and_one_figure(html: str) -> None:
    summary = html.partition('<section class="summary')[2].partition("</section>")[0]
    assert summary.count("<figure") == 1
    assert summary.count("<table") == 1
    assert "World trade was worth" in summary


def with_tests(result: RunResult, verdicts: list[str], p_holm: float = 0.01) -> RunResult:
    """A study whose tests of the technology channels ended like this."""
    tests = pd.DataFrame(
        {
            "setting": "totals_known",
            "horizon": 1,
            "metric": "wape",
            "against": "without_technology",
            "ours": 1.0,
            "theirs": 1.01,
            "p_holm": p_holm,
            "verdict": verdicts,
        }
    )
    empty = pd.DataFrame()
    return dataclasses.replace(result, study=Study(empty, tests, empty, empty))


@pytest.mark.parametrize(
    ("verdicts", "p_holm", "said"),
    [
        (["tie"] * 40, 0.6, "a null result"),
        (["better"] + ["tie"] * 39, 0.01, "a null result"),
        (["better"] * 9 + ["tie"] * 31, 0.01, "a null result"),
        (["better"] * 9 + ["tie"] * 31, 1e-4, "they improve the forecasts"),
        (["worse"] * 9 + ["tie"] * 31, 1e-4, "they make the forecasts worse"),
        (["not tested"] * 40, np.nan, "was not tested: "),
    ],
)
def test_what_technology_amounts_to_is_said_plainly(
    result: RunResult, verdicts: list[str], p_holm: float, said: str
) -> None:
    assert said in text_of(answers(with_tests(result, verdicts, p_holm)))


@pytest.mark.parametrize(
    ("coverage", "said"),
    [
        (0.90, "they held what they promise"),
        (0.92, "they held what they promise"),
        (0.80, "They are too narrow"),
        (0.99, "They are wider than necessary"),
        (np.nan, "nothing is known about those given here"),
    ],
)
def test_intervals_are_judged_by_what_they_held(
    result: RunResult, coverage: float, said: str
) -> None:
    judged = dataclasses.replace(result, scores=result.scores.assign(coverage_90=coverage))
    assert said in text_of(answers(judged))


def test_a_leak_is_not_hidden(result: RunResult) -> None:
    assert "No leak: " in text_of(checks(result))
    audit = {**result.provenance["audit"], "features_changed": ["gdp_news_exporter"],
             "totals_changed": [2]}  # fmt: skip
    leaky = dataclasses.replace(result, provenance={**result.provenance, "audit": audit})
    found = text_of(checks(leaky))
    assert "Leak: " in found
    assert "moved gdp_news_exporter and totals 2 years ahead" in found


def test_channels_whose_views_are_apart_are_named(result: RunResult) -> None:
    same = {"share_path_dependent": 0.2, "share_interventional": 0.2, "correlation": 1.0}
    channels = result.channels.assign(**same)
    alike = text_of(evidence(dataclasses.replace(result, channels=channels)))
    assert "For no channel do the two views differ noticeably" in alike
    channels.loc[channels["channel"] == "automation", "share_interventional"] = 0.05
    apart = text_of(evidence(dataclasses.replace(result, channels=channels)))
    assert re.search(r"differ noticeably \(.*\) for Automation:", apart)
    assert "far apart" in apart


def test_without_a_study_it_says_how_to_test_the_channels(outline: Outline) -> None:
    rows = re.findall(r"not tested: not left out one by one", outline.text)
    assert len(rows) == 9  # every channel but the horizon, which cannot be left out
    assert "Change of the error on data altered on purpose" not in outline.text
    assert "gravicast run --study" in outline.text.partition("How to make this again")[2]


@pytest.mark.slow
def test_a_run_with_sectors_on_trade_alone(
    run_on: Callable[..., RunResult],
    make_bundle: Callable[..., DataBundle],
    no_figures: None,
    tmp_path: Path,
) -> None:
    bundle = make_bundle(sectors=("goods", "services"), indicators=False, pairs=False)
    found = run_on(bundle, "sectors", first_origin=2008)
    make_report(found.out, countries=["USA"], out=tmp_path / "r.html")
    text = Outline((tmp_path / "r.html").read_text("utf-8")).text
    assert "Series that the data do not hold: " in text
    assert "make up 0.0% of the model's SHAP contributions" in text
    worth = out_of_sample(found)
    for channel in (TOGETHER, *TECHNOLOGY):
        assert why_untested(found, channel, worth=worth) == "no data"
    assert "They add nothing" not in text
    assert "A null result. Against the model without its technology" not in text
    same = found.scores_by_origin.pivot_table(
        index=["setting", "horizon", "origin"], columns="model", values="wape"
    )
    assert (same["gravicast"] == same["without_technology"]).all()
    assert re.search(r"to [\w ]+, (goods|services)", text)


def test_a_forecast_without_a_back_test(
    review_run: Path, review_files: Any, no_figures: None, tmp_path: Path
) -> None:
    """Its chapters on accuracy are left out, and it says so."""
    config = ForecastConfig(**review_files.options(newer=True), out=tmp_path / "forecast")
    forecast_with(review_run, config, show_progress=False)
    path = make_report(tmp_path / "forecast")
    assert path == tmp_path / "forecast" / "report.html"
    outline = Outline(path.read_text("utf-8"))
    assert [h["id"] for h in outline.all("h2")] == [
        c for c in CHAPTERS if c not in ("record", "pattern", "countries")
    ]
    for words in ("Nothing was back-tested", "Whether they improve forecasts was not tested here",
                  "The trained model", str(review_run), "Reasons add up"):  # fmt: skip
        assert words in outline.text
    assert "No leak" not in outline.text


# Figures -----------------------------------------------------------------------------------------


def test_a_large_drawing_gives_way_to_its_png(tmp_path: Path) -> None:
    from PIL import Image

    paths = [tmp_path / "heatmap.png", tmp_path / "heatmap.svg"]
    Image.new("RGB", (9, 9), "white").save(paths[0])
    paths[1].write_text("<svg/>")
    assert "data:image/svg+xml" in embed(HEATMAP, {"heatmap": paths})[0]
    paths[1].write_text("<svg/>" + " " * LARGEST_IMAGE)
    assert "data:image/png" in embed(HEATMAP, {"heatmap": paths})[0]
    assert embed(HEATMAP, {}) == []


def test_rare_colours_survive_the_smaller_png(tmp_path: Path) -> None:
    """The end of a colour scale is a few pixels among many of another colour."""
    from PIL import Image

    drawing = np.zeros((400, 400, 3), dtype=np.uint8)
    drawing[..., 0] = np.arange(400)[:, None] % 256
    drawing[:4, :256, 2] = np.arange(256)
    path = tmp_path / "heatmap.png"
    Image.fromarray(drawing).save(path)
    embedded = embed(HEATMAP, {"heatmap": [path]})[0].partition("base64,")[2].partition('"')[0]
    with Image.open(io.BytesIO(base64.b64decode(embedded))) as small:
        kept = np.asarray(small.convert("RGB")).astype(int)
    assert np.abs(kept - drawing).max() <= 16


# Files -------------------------------------------------------------------------------------------


@pytest.fixture
def copied(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "copied"))


def digest(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_it_replaces_the_run_s_own_report_and_nothing_else(
    copied: Path, no_figures: None, tmp_path: Path
) -> None:
    """Without countries its third page is of the largest exporters, and it holds no briefs."""
    before = digest(copied)
    assert make_report(str(copied)) == copied / "report.html"
    rows = pd.read_parquet(copied / "forecasts.parquet").query("horizon == 1")
    sums = rows.groupby(rows["exporter"].astype(str))["value_origin"].sum()
    largest = list(sums.nlargest(2).index)
    html = (copied / "report.html").read_text("utf-8")
    chosen = html.partition('<section class="chosen')[2].partition("</section>")[0]
    captions = re.findall(r"<caption><span>(.+): levels in USD", chosen)
    assert captions == [country_name(c) for c in largest]
    assert "#country-" not in html
    after = digest(copied)
    assert after.pop("report.html").startswith(b"<!DOCTYPE html>")
    before.pop("report.html")
    records = [json.loads(found.pop("run.json")) for found in (before, after)]
    # The record names the new report's sum, and says the same of everything else.
    assert records[1]["files"].pop("report.html") == sha256(copied / "report.html")
    records[0]["files"].pop("report.html")
    assert records[0] == records[1]
    assert after == before
    assert (copied / "report.html").stat().st_mode & 0o777 == 0o644
    other = make_report(copied, countries=largest, out=tmp_path / "other.html")
    assert re.findall(r'href="#country-(\w+)"', other.read_text("utf-8")) == largest


@pytest.mark.slow
def test_the_run_s_own_report_is_the_one_made_from_its_folder(
    make_bundle: Callable[..., DataBundle],
    copied: Path,
    quick: dict[str, Any],
    no_figures: None,
    few_measures: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Also where an older run lies in the folder: none of its back-test gets into the report."""
    monkeypatch.setattr("forecasting.figures.run_figures.save_figures", lambda *_: {})
    monkeypatch.setattr("forecasting.job.load", lambda _: LoadedData(make_bundle(), ()))
    few = {"world": "goods", "rounds": 3, "first_origin": 2008}
    config = RunConfig(out=copied, overwrite=True, **{**quick, **few})
    run(config, show_progress=False)
    found = make_report(copied, out=tmp_path / "report.html").read_bytes()
    assert found == (copied / "report.html").read_bytes()


def test_it_is_written_whole_or_not_at_all(
    copied: Path, no_figures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(copied)

    def fail(_: Path, target: Path) -> Path:
        raise OSError(28, "no space left", str(target))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match=r"cannot be written \(no space left\)"):
        make_report(copied, countries=["DEU"])
    assert digest(copied) == before


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be drawn before a mistake is found."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("work was done")

    monkeypatch.setattr("forecasting.reports.report.draw_figures", fail)
    monkeypatch.setattr("forecasting.reports.report.country_briefs", fail)


def mistakes(run: Path, tmp_path: Path) -> Iterator[tuple[dict[str, Any], str, str]]:
    """What is asked, what is said, and the remedy."""
    yield {"run": run, "countries": ["DEU", "Frence"]}, "no country 'Frence'", "FRA (France)"
    yield {"run": tmp_path}, "there is no run in this folder", "gravicast run"
    yield {"run": tmp_path / "none"}, "there is no such folder", "gravicast run"
    yield {"run": run, "out": tmp_path}, "it is a folder", "--out"
    yield {"run": run, "out": tmp_path / "no" / "r.html"}, "there is no such folder", "--out"


def test_mistakes_are_told_before_any_work(
    finished_run: Path, no_work: None, tmp_path: Path, stops: Callable[..., InputError]
) -> None:
    for asked, said, remedy in mistakes(finished_run, tmp_path):
        error = stops(lambda asked=asked: make_report(**asked), says=said)
        assert remedy in error.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_another_version_is_refused(
    copied: Path, no_work: None, stops: Callable[..., InputError]
) -> None:
    about = json.loads((copied / "run.json").read_text("utf-8"))
    (copied / "run.json").write_text(json.dumps({**about, "format": 1}))
    stops(lambda: make_report(copied), says="another version")


# On the command line -----------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_writes_briefs_of_the_countries_asked_for(
    finished_run: Path,
    no_figures: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "r.html"
    asked = ["report", str(finished_run), "--countries", "Germany,zaf", "--out", str(out)]
    assert main(asked) == 0
    assert capsys.readouterr().out.strip() == str(out)
    links = re.findall(r'href="#country-(\w+)"', out.read_text("utf-8"))
    assert links == ["DEU", "ZAF"]


def test_an_unknown_country_is_an_error_in_one_line(
    finished_run: Path, no_work: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(finished_run), "--countries", "Frence"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gravicast: the run has no country 'Frence'")
    assert error.count("\n") == 1


# Words -------------------------------------------------------------------------------------------


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
