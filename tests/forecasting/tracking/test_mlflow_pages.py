"""The review desk as a person sees it: MLflow's pages and the report, in a real browser.

The browser is the system's Chromium. What a test looked at last is in its ``tmp_path`` as
``seen.png``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from features.choices import SETTINGS
from forecasting import RunResult, read_run, run
from forecasting.promotion.promote import Promotion, promote
from forecasting.results.subjects import country_name
from forecasting.tracking.track import track
from models.registry import backtest_models

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect: Any = sync_api.expect
BACKTEST = [model.name for model in backtest_models(SETTINGS[1:])]
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.is_file(), reason="Chromium is not installed (Debian: chromium)"
    ),
]

SHEET_WIDTH, SHEET_HEIGHT = 688, 1017
"""What the margins leave of A4, in pixels of 1/96 inch."""
HOST, PATIENCE_S, PATIENCE_MS = "127.0.0.1", 90, 30_000
EXPERIMENT, MODEL = "trade review", "flows"
OLDER, NEWER = "older, origin 2009", "newer, origin 2009"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--disable-sync")  # fmt: skip


# What is reviewed ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """Two runs that were tracked and promoted; the newer one has figures and report."""

    address: str
    older: RunResult
    newer: RunResult
    older_page: str
    newer_page: str
    promotions: tuple[Promotion, Promotion]


@pytest.fixture(scope="module")
def server(
    migrated_store: Path,
    start_server: Callable[[str, Path], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """A tracking server; its ``address`` waits until it answers."""
    folder = tmp_path_factory.mktemp("review-server")
    store = Path(shutil.copy(migrated_store, folder / "store.db"))
    started = start_server(f"sqlite:///{store.as_posix()}", folder)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def reviewed(server: Any, review_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    folder = tmp_path_factory.mktemp("review")
    # A run notes the commit of the folder it is started in.
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "empty"], check=True)
    shutil.copytree(review_run, folder / "older")
    found = read_run(folder / "older")
    older = replace(found, config=replace(found.config, experiment=EXPERIMENT))
    config = replace(older.config, rounds=24, seed=2, out=folder / "newer")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", server.address)
        track(older)
        newer = run(config, show_progress=False)
        promotions = [promote(folder / name, name=MODEL) for name in ("older", "newer")]
        pages = _pages(server.address)
    return Reviewed(
        server.address, older, newer, pages[OLDER], pages[NEWER], (promotions[0], promotions[1])
    )


def _pages(address: str) -> dict[str, str]:
    """Address of the page of each run that is no child."""
    import mlflow

    client = mlflow.MlflowClient(address)
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    return {
        found.info.run_name: f"{address}/#/experiments/{experiment}/runs/{found.info.run_id}"
        for found in client.search_runs([experiment])
        if "mlflow.parentRunId" not in found.data.tags
    }


# Who looks at it ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def reviewer(reviewed: Reviewed, browser: Any) -> dict[str, Any]:
    """What a browser remembers of someone who left the pages about language models and the chat."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{reviewed.address}/#/experiments")
    page.get_by_text("Model training", exact=True).click()
    expect(page.get_by_role("link", name=EXPERIMENT, exact=True)).to_be_visible()
    chat = page.get_by_role("button", name="Close")
    if chat.count():
        chat.first.click()
    remembered = dict(context.storage_state())
    context.close()
    return remembered


@pytest.fixture
def page(
    browser: Any, reviewer: dict[str, Any], reviewed: Reviewed, tmp_path: Path
) -> Iterator[Any]:
    """A window of the reviewer's; nothing may be asked of any other machine."""
    context = browser.new_context(storage_state=reviewer, viewport={"width": 1600, "height": 1100})
    opened, asked = context.new_page(), []
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    opened.screenshot(path=tmp_path / "seen.png")
    context.close()
    own = (reviewed.address, f"blob:{reviewed.address}", "data:")
    assert [url for url in asked if not url.startswith(own)] == []


def see(within: Any, *texts: str | re.Pattern[str]) -> None:
    """Each text is there to read, perhaps after scrolling."""
    for text in texts:
        expect(within.get_by_text(text).first).to_be_visible()


def row(within: Any, *cells: str) -> Any:
    """A table's row by what stands in its first cells."""
    words = re.escape(" ".join(cells)).replace("/", r"\/")
    return within.get_by_role("row", name=re.compile(rf"^{words}\b|^{words}\s")).first


def pictures(within: Any) -> list[tuple[int, int]]:
    """Width and height of every picture once all are loaded; 0 where one could not be."""
    found = within.locator("img").evaluate_all(
        """async images => Promise.all(images.map(async image => {
            try { await image.decode() } catch { }
            return [image.naturalWidth, image.naturalHeight]
        }))"""
    )
    return [(int(width), int(height)) for width, height in found]


# The experiment and the comparison ----------------------------------------------------------------


def test_the_experiment_lists_its_runs_and_what_was_tried(page, reviewed):
    page.goto(f"{reviewed.address}/#/experiments")
    page.get_by_role("link", name=EXPERIMENT, exact=True).click()
    for name in (NEWER, OLDER):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    for name in ("Run Name", "Created", "Dataset", "Source", "Models"):
        expect(page.get_by_role("columnheader", name=name).first).to_be_visible()
    see(page, re.compile(r"^trade\.csv \("), *(f"v{done.version}" for done in reviewed.promotions))
    tried = page.get_by_role("link", name=re.compile(r"^[\d.]+ . [\d.]+ \("))
    expect(tried).to_have_count(0)
    cell = page.get_by_role("gridcell").filter(has=page.get_by_role("link", name=NEWER))
    cell.get_by_role("button").first.click()
    expect(tried.first).to_be_visible()
    shown = set(tried.all_inner_texts())
    (choice, *_) = reviewed.newer.provenance["nested_choices"].values()
    candidates = [{k: v for k, v in found.items() if k != "loss"} for found in choice["losses"]]
    assert shown == {
        f"{' / '.join(map(str, found.values()))} ({' / '.join(found)})" for found in candidates
    }


def test_two_runs_are_compared_side_by_side(page, reviewed):
    page.goto(f"{reviewed.newer_page.partition('/runs/')[0]}/runs")
    for name in (NEWER, OLDER):
        listed = page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))
        listed.get_by_role("checkbox", name=re.compile("toggle row selection")).check()
    page.get_by_role("button", name="Compare").click()
    see(page, "Comparing 2 Runs")
    names = row(page, "Run Name:").inner_text()
    newer, older = reviewed.newer, reviewed.older
    both = (newer, older) if names.index(NEWER) < names.index(OLDER) else (older, newer)
    expect(row(page, "rounds", *(str(found.config.rounds) for found in both))).to_be_visible()
    expect(row(page, "max_rows")).to_be_visible()
    page.get_by_role("switch", name="Parameters - Show diff only").click()
    expect(row(page, "max_rows")).to_have_count(0)
    expect(row(page, "seed", *(str(found.config.seed) for found in both))).to_be_visible()
    # The same name on both sides, and a number for each; rows out of sight are not there yet.
    name, (names, numbers) = (
        "scores_by_origin/log_mae/ex_ante/h1/gravicast",
        page.get_by_role("grid").all(),
    )
    numbers.hover()
    for _ in range(100):
        if names.get_by_text(name).count():
            break
        page.mouse.wheel(0, 100)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    see(names, name)
    cells = "model == 'gravicast' and setting == 'ex_ante' and horizon == 1"
    last = [found.scores_by_origin.query(cells)["log_mae"].iloc[-1] for found in both]
    see(numbers, *(re.compile(f"^{number:.3f}") for number in last))
    see(page, "scoreboard.json", "data_vintage")


# The run ------------------------------------------------------------------------------------------


def test_the_note_says_how_good_the_run_is(page, reviewed):
    page.goto(reviewed.newer_page)
    see(page, "Against the last value", "Against the raked base")
    page.get_by_role("button", name=re.compile("Show more|Expand description")).first.click()
    board = reviewed.newer.scores.query("stratum == 'all'").set_index(
        ["setting", "horizon", "model"]
    )
    lines = page.get_by_text(re.compile("last value   in 90% interval")).first.inner_text()
    for setting in reviewed.newer.config.settings:
        for horizon in reviewed.newer.config.horizons:
            (line,) = re.findall(rf"^{setting} +{horizon} .*$", lines, re.MULTILINE)
            numbers = [board.loc[(setting, horizon, model), "wape"]
                       for model in ("gravicast", "last_value_raked", "last_value")]  # fmt: skip
            numbers.append(board.loc[(setting, horizon, "gravicast"), "coverage_90"])
            assert line.split()[2:] == [f"{100 * number:.2f}%" for number in numbers]
    # Rendered, not shown as it was written.
    for mark in ("**", "```", "| ---"):
        expect(page.get_by_text(mark)).to_have_count(0)


def test_the_run_says_what_it_was_made_from(page, reviewed):
    page.goto(reviewed.newer_page)
    about = reviewed.newer.provenance
    search = page.get_by_placeholder("Search parameters")
    for name in ("rounds", "seed"):
        search.fill(name)
        expect(row(page, name, str(getattr(reviewed.newer.config, name)))).to_be_visible()
    for tag in ("setting", "data_vintage", "as_of", "gravicast.version"):
        see(page, re.compile(f"^{re.escape(tag)}$"))
    see(page, re.compile(about["as_of"]), re.compile(f"trade to {about['origin']}"))
    see(page, re.compile(about["git"]["commit"][:6]))
    trade, *others = about["data"]
    see(page, re.compile(re.escape(f"trade.csv ({trade['sha256'][:36]})")), f"+{len(others)}")
    page.get_by_text(f"+{len(others)}", exact=True).first.click()
    see(page, *(re.compile(source["sha256"][:36]) for source in others))


def test_the_run_leads_to_its_model(page, reviewed):
    page.goto(reviewed.newer_page)
    see(page, "Logged models (1)", "Registered models")
    logged = page.get_by_role("row").filter(has_text="forecaster").filter(has_text="Ready")
    logged.get_by_role("link", name="forecaster").click()
    expect(page.get_by_role("heading", name="forecaster")).to_be_visible()
    see(page, "Ready", re.compile("predict.* answers with base, forecast, intervals"), NEWER)
    board = reviewed.newer.scores.query("stratum == 'all' and model == 'gravicast'")
    wape = board.query("setting == 'totals_known' and horizon == 1")["wape"].item()
    shown = row(page, "scores/mean_wape/totals_known/h1")
    expect(shown).to_contain_text(f"{wape:.6f}"[:-1])
    expect(shown).to_contain_text("trade.csv")
    see(page, "scores/skill_wape/totals_known/h1")
    page.get_by_text("Artifacts", exact=True).first.click()
    see(page, "MLmodel", re.compile("^input_example.json$"))


def test_metrics_are_drawn_by_origin_beside_every_baseline(page, reviewed):
    page.goto(f"{reviewed.newer_page}/model-metrics")
    origins = reviewed.newer.scores_by_origin.query("horizon == 1")["origin"]
    for setting in reviewed.newer.config.settings:
        page.get_by_placeholder("Search metric charts").fill(
            f"^scores_by_origin/wape/{setting}/h1/"
        )
        for model in BACKTEST:
            expect(page.get_by_role("heading", name=model, exact=True)).to_be_visible()
            see(page, f"{NEWER} (scores_by_origin/wape/{setting}/h1/{model})")
        for year in (origins.min() + 1, origins.max()):
            see(page.locator("svg text"), re.compile(f"^{year}$"))


def test_tables_are_shown_as_tables(page, reviewed):
    page.goto(f"{reviewed.newer_page}/artifacts")
    scores = reviewed.newer.scores
    for name, heads, cells in (
        ("scoreboard.json", ("setting", "horizon", "model", "wape"), ("totals_known", "1")),
        ("largest_shifts.json", ("exporter", "importer", "change_percent"), ("XA",)),
        ("largest_errors.json", ("setting", "horizon", "exporter", "importer"), ("XA",)),
        ("largest_flows.json", ("rank", "exporter", "importer", "target_year"), ("1", "XA")),
        ("channels.json", ("channel", "label"), ("persistence",)),
    ):
        page.get_by_text(name, exact=True).first.click()
        see(page, "View as table")
        for head in heads:
            see(page.get_by_role("columnheader"), re.compile(f"^{head}$"))
        for cell in cells:
            see(page.get_by_role("cell"), re.compile(f"^{cell}"))
    page.get_by_text("scoreboard.json", exact=True).first.click()
    board = scores.query("stratum == 'all' and model == 'drift' and horizon == 1")
    see(page, f"{board['wape'].iloc[0]:.4g}")


def test_figures_and_report_open_in_place(page, reviewed):
    page.goto(f"{reviewed.newer_page}/artifacts")
    page.get_by_text("report.html", exact=True).first.click()
    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", level=1)).to_be_visible()
    assert all(width > 300 for width, _ in pictures(report))
    page.get_by_text("figures", exact=True).first.click()
    for path in sorted((reviewed.newer.out / "figures").glob("*.png")):
        see(page, path.name)
    page.get_by_text("scoreboard.png", exact=True).first.click()
    see(page, "figures/scoreboard.png")
    figure = page.locator("img[src^='blob:'], img[src*='scoreboard.png'], .main-svg image").first
    expect(figure).to_be_visible()
    assert figure.bounding_box()["width"] > 300


# The registered model -----------------------------------------------------------------------------


def test_the_registered_model_shows_which_version_is_the_champion(page, reviewed):
    page.goto(f"{reviewed.address}/#/models/{MODEL}")
    older, newer = reviewed.promotions
    assert older.promoted
    champion, other = (newer, older) if newer.promoted else (older, newer)
    holder = row(page, f"Version {champion.version}")
    expect(holder).to_contain_text("champion")
    expect(holder).to_contain_text("gravicast.verdict")
    loser = row(page, f"Version {other.version}")
    expect(loser.get_by_text("@ champion")).to_have_count(0)
    for version in reviewed.promotions:
        # A list shows the description as it was written.
        expect(row(page, f"Version {version.version}")).not_to_contain_text("**")


@pytest.mark.parametrize("which", [0, 1])
def test_a_version_says_why_it_was_promoted_or_not(page, reviewed, which):
    done = reviewed.promotions[which]
    page.goto(f"{reviewed.address}/#/models/{MODEL}/versions/{done.version}")
    expect(page.get_by_role("heading", name=f"Version {done.version}")).to_be_visible()
    see(page, done.verdict, *done.reasons)
    for gate in done.gates:
        listed_gate = row(page, gate.name)
        for text in (gate.required, gate.found, "yes" if gate.passed else "no"):
            expect(listed_gate).to_contain_text(text)
        edges = listed_gate.get_by_role("cell").evaluate_all(WORDS)
        assert all(right + 4 <= left for (_, right), (left, _) in pairwise(edges)), edges
    for comparison in done.comparisons:
        see(page, f"{comparison.score:.4f}")
    for tag in ("verdict", "reasons", "gates", "score", "data_sha256"):
        see(page, f"gravicast.{tag}")
    see(page, (OLDER, NEWER)[which], "forecaster")
    page.get_by_text(re.compile(r"Inputs \(3\)")).first.click()
    see(page, "exporter", "importer", "horizon")


WORDS = """cells => cells.map(cell => {
    const range = document.createRange()
    const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT)
    const boxes = []
    while (text.nextNode()) {
        const length = text.currentNode.data.trimEnd().length
        range.setStart(text.currentNode, 0)
        range.setEnd(text.currentNode, length)
        boxes.push(range.getBoundingClientRect())
    }
    return [Math.min(...boxes.map(b => b.left)), Math.max(...boxes.map(b => b.right))]
})"""
"""Left and right edge of the words in each cell."""


# The report ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report(reviewed: Reviewed) -> str:
    return (reviewed.newer.out / "report.html").as_uri()


@pytest.fixture
def reader(browser: Any, report: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the report without scripts and without a network; it may ask for nothing more."""
    context = browser.new_context(java_script_enabled=False, offline=True)
    asked: list[str] = []
    opened = context.new_page()
    opened.on("request", lambda request: asked.append(request.url))

    def go(*, width: int = 1280, height: int = 900) -> Any:
        opened.set_viewport_size({"width": width, "height": height})
        opened.goto(report)
        return opened

    yield go
    opened.screenshot(path=tmp_path / "seen.png")
    context.close()
    assert [url for url in asked if not url.startswith(("data:", report))] == []
    assert asked.count(report) == 1


def test_the_report_is_in_order_and_has_its_pictures(reader, reviewed):
    page = reader()
    levels = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(
        "all => all.map(heading => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    found = pictures(page)
    assert len(found) >= 5
    assert all(width > 300 and height > 40 for width, height in found)
    legends = page.locator("img[alt^='Legend']").count()
    assert sum(height > 100 for _, height in found) == len(found) - legends
    texts = page.locator("img").evaluate_all("all => all.map(image => image.alt)")
    assert all(len(text) > 30 for text in texts)
    assert page.locator("table").count() == page.locator("table > caption").count() > 5
    for caption in page.locator("caption").all_inner_texts():
        assert caption.strip()


def test_the_report_has_levels_of_each_of_the_largest_countries(reader, reviewed):
    page = reader()
    forecasts = reviewed.newer.forecasts.query("horizon == 1")
    sums = forecasts.groupby("exporter", observed=True)["value_origin"].sum()
    for code in sums.nlargest(2).index:
        caption = f"{country_name(str(code))}: levels in USD, growth"
        expect(page.locator("caption").filter(has_text=caption).first).to_be_visible()
    see(
        page,
        re.compile("How good forecasts have been"),
        re.compile("Data provenance"),
        re.compile("Limits"),
    )


def test_every_entry_of_the_contents_leads_to_its_chapter(reader, reviewed):
    page = reader()
    entries = page.get_by_role("navigation").get_by_role("link")
    assert entries.count() >= 7
    for entry in entries.all():
        entry.click()
        target = page.locator(f"[id='{str(entry.get_attribute('href')).removeprefix('#')}']")
        assert target.inner_text().startswith(entry.inner_text())
        expect(target).to_be_in_viewport()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_fits_a_desk_and_a_phone(reader, width):
    page = reader(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 600:
        sideways = page.locator(".wide, figure, img").evaluate_all(
            "all => all.filter(part => part.scrollWidth > part.clientWidth + 1).length"
        )
        assert sideways == 0
    smallest = page.locator("p, li, td, th, figcaption, caption").evaluate_all(
        "all => Math.min(...all.map(part => parseFloat(getComputedStyle(part).fontSize)))"
    )
    assert smallest >= 12
    narrow = page.locator("main p").evaluate_all(
        "all => Math.min(...all.map(part => part.getBoundingClientRect().width))"
    )
    # What is said of exports and of imports stands side by side on a desk: some sixty letters.
    assert narrow >= min(width, 600) * 0.8


def test_the_text_of_the_report_can_be_told_from_its_ground(reader):
    found = reader().evaluate(CONTRASTS)
    assert len(found) > 100
    faint = [(text, ratio) for text, ratio in found if ratio < 4.5]
    assert faint == []


CONTRASTS = """() => {
    const numbers = colour => colour.match(/[0-9.]+/g).map(Number)
    const light = colour => {
        const [r, g, b] = numbers(colour).slice(0, 3).map(v => v / 255).map(
            v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const ground = node => {
        for (; node; node = node.parentElement) {
            const colour = getComputedStyle(node).backgroundColor
            if ((numbers(colour)[3] ?? 1) > 0) return colour
        }
        return 'rgb(255, 255, 255)'
    }
    const text = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const found = []
    while (text.nextNode()) {
        const words = text.currentNode.data.trim()
        if (!words) continue
        const parent = text.currentNode.parentElement
        const both = [light(getComputedStyle(parent).color), light(ground(parent))]
        found.push([words, (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)])
    }
    return found
}"""
"""Text and its contrast as of WCAG 2: (L1 + 0.05) / (L2 + 0.05), L relative luminance."""


def test_the_report_prints(reader, tmp_path):
    page = reader()
    printed = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page[^s]", printed))
    assert 6 <= pages <= 30


def test_the_first_pages_of_the_report_are_one_sheet_each_and_the_record_two(reader):
    page = reader(width=SHEET_WIDTH, height=SHEET_HEIGHT)
    page.emulate_media(media="print")
    heading = page.locator("h1").bounding_box()["height"]
    for name, sheets in (("summary", 1), ("movers", 1), ("chosen", 1), ("track", 2)):
        height = page.locator(f"section.{name}").bounding_box()["height"]
        assert height + heading * (name == "summary") <= sheets * SHEET_HEIGHT, name
    page.emulate_media(media="screen")
