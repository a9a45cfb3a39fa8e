"""``gravicast fetch`` for every source from its local server, and a run from what it stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_sources.batis import FakeBatis
from fake_sources.everything import CODES, YEARS, everything
from fake_sources.icio import ALIVE
from fake_sources.server import Server

from features.download.client import Client
from features.errors import InputError
from features.sources.presets import PRESETS
from features.store.coverage import coverage
from features.store.registry import INDICATORS, SOURCES
from features.store.store import Store
from forecasting.cli.fetch import parse_source
from forecasting.cli.main import main
from forecasting.inputs.load import load
from forecasting.options.run_config import RunConfig

FETCH = re.compile(r"gravicast fetch (\w[^`\n&]+)")
COMMANDS = {
    "baci": ("--level", "section"),
    "technology": (),
    "gravity": (),
    "geodist": (),
    "comtrade": ("--reporters", "DEU,USA,CHN", "--years", "2016-2017"),
    "wdi": ("--indicators", "MACRO.GDP,IT.NET.USER.ZS"),
    "weo": (),
    "imts": ("--years", "2016-2017"),
    "aipi": (),
    "owid": (),
    "eurostat": (),
    "aidiffusion": (),
    "stri": (),
    "icio": ("--what", "flows", "--years", "2016"),
    "batis": (),
    "itpde": (),
    "desta": (),
    "larch": (),
    "cpb": (),
    "brent": (),
    "protee": (),
}


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    server = Server(everything())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.sources.icio_reading.ECONOMIES", len(ALIVE))
        yield server.url
    server.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("store"))


@pytest.fixture
def fetch(mirror, folder, capsys):
    """Fetch from the mirror into the module's store; exit code, stdout and stderr."""

    def go(*arguments: str) -> tuple[int, str, str]:
        code = main(["fetch", *arguments, "--mirror", mirror, "--store", folder, "--quiet"])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return go


def test_every_source_has_a_command_here():
    assert set(COMMANDS) == set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_fetched_from_its_server_and_read_by_a_run(fetch, folder, source):
    code, out, err = fetch(source, *COMMANDS[source])
    assert (code, err) == (0, "")
    key = out.partition(": ")[0]
    dataset = Store(folder).open(key)
    assert dataset.source == source
    assert dataset.raw
    assert all(raw["sha256"] for raw in dataset.raw)
    used = f"--{dataset.kind} {key}" if dataset.kind != "elasticities" else f"file: {key}"
    assert used in out.splitlines()[-1]
    assert dataset.licence in out
    if dataset.kind == "trade":
        lag = dataset.publication_lag_months
        trade = RunConfig(trade=key, store=folder, trade_lag_months=lag, negatives="zero")
        assert load(trade).bundle.panel.last_year == dataset.years[-1]


def test_reports_and_monthly_trade_are_fetched_and_read_by_a_run(fetch, folder, tmp_path):
    keys = {}
    for source, *options in (
        ("imts", "--flow", "both", "--years", "2016-2017"),
        ("comtrade", "--flow", "both", "--reporters", "DEU,USA", "--years", "2016-2017"),
        ("cpb",),
        ("brent",),
    ):
        code, out, err = fetch(source, *options)
        assert (code, err) == (0, "")
        keys[source] = out.partition(": ")[0]
        option = "reports" if options else "monthly"
        assert f"--{option} {keys[source]}" in out.splitlines()[-1]
        dataset = Store(folder).open(keys[source])
        assert coverage(dataset).to_numpy().sum() == dataset.rows
    names = sorted(CODES.values())
    rows = [(o, d, year, 1e6) for o in names for d in names for year in YEARS if o != d]
    trade = pd.DataFrame(rows, columns=["exporter", "importer", "year", "value_usd"])
    trade.to_csv(tmp_path / "trade.csv", index=False)
    for source in ("imts", "comtrade"):
        config = RunConfig(trade=tmp_path / "trade.csv", reports=keys[source],
                           monthly=(keys["cpb"], keys["brent"]), store=folder)  # fmt: skip
        data = load(config)
        assert (data.bundle.reports.values["importer"] > 0).any()
        assert data.bundle.monthly.months(2003).size == 12
        assert {one.role for one in data.sources} == {"trade", "reports", "monthly trade"}
        assert all(len(one.sha256) == 64 for one in data.sources)
    config = RunConfig(trade=tmp_path / "trade.csv", reports=keys["cpb"], store=folder)
    with pytest.raises(InputError, match="does not hold what each country declares"):
        load(config)


@pytest.fixture(scope="module")
def finished(mirror, folder, tmp_path_factory):
    """The main job from the store: trade, technology of three sources, distances, agreements."""
    how = ["--mirror", mirror, "--store", folder, "--quiet"]
    for command in (
        ["baci", "--level", "section"],
        ["indicators", "--preset", "technology"],
        ["geodist"],
        ["larch"],
    ):
        assert main(["fetch", *command, *how]) == 0
    out = tmp_path_factory.mktemp("runs") / "run"
    code = main(["run", "--store", folder, "--trade", "baci:HS92:202601:section", "--indicators",
                 "indicators:technology", "--pairs", "geodist", "--pairs", "larch", "--horizons",
                 "1", "--settings", "ex_ante", "--rounds", "3", "--no-tracking", "--quiet",
                 "--first-origin", str(YEARS[-1] - 1), "--no-figures", "--no-report",
                 "--out", str(out)])  # fmt: skip
    assert code == 0
    return out


def test_a_run_from_the_store_says_which_releases_it_read(finished):
    data = json.loads((finished / "run.json").read_text())["data"]
    statements = {source["role"]: " ".join(source["statements"]) for source in data}
    assert set(statements) == {"trade", "indicators", "pairs", "sectors"}
    assert "baci:HS92:202601:section: CEPII BACI, release 202601" in statements["trade"]
    assert "Etalab" in statements["trade"]
    assert "AI.ARTICLES stands in for NSF.AI.ARTICLES" in statements["indicators"]
    assert "WDI.WORKERS stands in for PWT.emp" in statements["indicators"]
    assert all(len(source["sha256"]) == 64 for source in data)
    forecasts = pd.read_parquet(finished / "forecasts.parquet")
    assert set(forecasts["exporter"]) == set(CODES.values())
    assert set(forecasts["target_year"]) == {YEARS[-1] + 1}


@pytest.mark.slow
def test_services_from_a_file_run_with_technology_and_totals_known_are_no_worse(
    fetch, folder, tmp_path
):
    """No index of services is published: totals known must fall back to what is forecast."""
    rng = np.random.default_rng(7)
    codes = ("BE", "CN", "DE", "FR", "IN", "JP", "NA", "US")
    rows = [
        (one, other, flow, item, year, float(level * np.exp(0.04 * (year - 2005) + noise)))
        for one in codes for other in codes if one != other
        for item in ("SC", "SH", "SI")
        for level in [rng.lognormal(4, 1)]
        for year in range(2005, 2019)
        for noise in [0.1 * rng.normal()]
        for flow in "XM"
    ]  # fmt: skip
    archive = tmp_path / "batis.zip"
    archive.write_bytes(FakeBatis(mirrored(rows)).zip())
    code, out, _ = fetch("batis", "--from", str(archive), "--items", "SC,SH,SI")
    assert code == 0
    fetch("indicators", "--preset", "technology")
    key, run = out.partition(": ")[0], tmp_path / "run"
    command = ["run", "--store", folder, "--trade", key, "--indicators", "indicators:technology",
               "--horizons", "1", "--rounds", "3", "--no-tracking", "--quiet", "--first-origin",
               "2016", "--no-figures", "--no-report", "--trade-lag-months", "12",
               "--out", str(run)]  # fmt: skip
    assert main(command) == 0
    scores = pd.read_csv(run / "scores.csv")
    ours = scores[(scores["model"] == "gravicast") & (scores["stratum"] == "all")]
    wape = ours.set_index("setting")["wape"]
    assert wape["totals_known"] <= wape["ex_ante"] + 1e-12
    measured = set(pd.read_csv(run / "measures_scores.csv")["measure"])
    assert {"exporter_concentration", "digital_balance", "digital_share_of_exports"} <= measured
    covered = pd.read_csv(run / "coverage.csv").set_index("feature")["share_of_flows"]
    assert covered["robots_per_worker_importer"] > 0
    assert covered["digital_x_broadband_min"] > 0


def mirrored(rows):
    """Imports as their partners' exports, as balanced data have them."""
    sold = {
        (one, other, item, year): value for one, other, f, item, year, value in rows if f == "X"
    }
    return [
        (one, other, f, item, year,
         sold[(one, other, item, year) if f == "X" else (other, one, item, year)])
        for one, other, f, item, year, _ in rows
    ]  # fmt: skip


def test_the_technology_channels_are_filled_without_hand_work(finished):
    covered = pd.read_csv(finished / "coverage.csv").set_index("feature")
    for feature in (
        "robots_per_worker_importer",
        "robots_importer_x_wage_gap",
        "robot_maker_exporter",
        "chips_per_worker_exporter",
        "computers_per_worker_min",
        "ai_articles_exporter",
        "ai_patents_exporter",
        "capital_per_worker_exporter",
        "broadband_min",
    ):
        assert covered.loc[feature, "share_of_flows"] > 0, feature


def test_the_same_fetch_again_asks_nothing(fetch, mirror):
    fetch("baci", "--level", "section")
    code, out, _ = fetch("baci", "--level", "section")
    assert code == 0
    assert out.startswith("baci:HS92:202601:section: 2003-2018")


def test_a_snapshot_is_refused_by_a_back_test_unless_forced(fetch, folder):
    _, _, _ = fetch("aipi")
    fetch("baci", "--level", "section")
    given = {"trade": "baci:HS92:202601:section", "indicators": "aipi", "store": folder}
    with pytest.raises(ValueError, match=r"AIPI.* has one year only.*--allow-snapshots"):
        load(RunConfig(**given))
    forced = load(RunConfig(**given, allow_snapshots=True))
    assert "one year spread over all years" in " ".join(forced.sources[1].statements)


# A user's mistakes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("bacci",), "there is no source 'bacci'"),
        (("baci", "--level", "hs3"), "unknown --level 'hs3'"),
        (("baci", "--release", "209901"), "no release 209901"),
        (("indicators", "--preset", "tech"), "no preset 'tech'"),
        (("wdi", "--indicators", "MACRO.GPD"), "MACRO.GPD"),
        (("icio", "--from", "nowhere"), "there is no such folder"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(fetch, folder, arguments, says):
    before = {dataset.key for dataset in Store(folder).datasets()}
    code, out, err = fetch(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("gravicast: ")
    assert err.count("\n") == 1
    assert says in err
    assert {dataset.key for dataset in Store(folder).datasets()} == before


@pytest.mark.parametrize("years", ["twenty", "2010-2005", ""])
def test_years_that_are_none_are_refused(fetch, capsys, years):
    with pytest.raises(SystemExit):
        fetch("baci", "--years", years)
    assert "not a list of years such as 1995-2024" in capsys.readouterr().err


def test_no_network_is_one_line_that_names_what_could_be_used(fetch, folder, capsys, monkeypatch):
    monkeypatch.setattr(
        "features.store.fetching.Client", partial(Client, sleep=lambda _seconds: None)
    )
    fetch("baci", "--level", "section")
    code = main(["fetch", "baci", "--revision", "HS02", "--mirror", "http://127.0.0.1:9",
                 "--store", folder, "--quiet"])  # fmt: skip
    err = capsys.readouterr().err
    assert code == 2
    assert err.count("\n") == 1
    assert "baci:HS92:202601:section" in err


def test_a_key_of_another_kind_or_none_is_refused(fetch, folder):
    fetch("geodist")
    for given, says in (
        ({"trade": "geodist"}, "holds pairs, not trade"),
        ({"trade": "baci:HS02"}, "no data set baci:HS02"),
        ({"trade": "bacy:HS92"}, "there is no such file"),
    ):
        with pytest.raises(ValueError, match=says):
            load(RunConfig(**given, store=folder))


def test_releases_of_baci_are_never_mixed(fetch, folder, finished):
    fetch("technology", "--release", "202501")
    trade = {"trade": "baci:HS92:202601:section", "store": folder}
    with pytest.raises(ValueError, match=r"release 202601, and technology .* of 202501"):
        load(RunConfig(**trade, indicators="technology:HS96:202501"))
    # The one that the finished run read joins technology of the same release.
    load(RunConfig(**trade, indicators="indicators:technology"))


def test_trade_that_comes_out_later_than_the_run_believes_is_refused(fetch, folder):
    fetch("baci", "--level", "section")
    with pytest.raises(ValueError, match=r"13 months after its end.*--trade-lag-months 13"):
        load(RunConfig(trade="baci:HS92:202601:section", store=folder, trade_lag_months=4))


def test_commands_of_the_readme_that_fetch_work():
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    commands = [words.split() for words in FETCH.findall(readme)]
    assert len(commands) >= 3
    for source, *options in commands:
        if source == INDICATORS:
            assert options[1] in PRESETS
        elif options != ["--help"]:
            connector, _ = parse_source(source, options)
            assert connector.INFO.name == source


def test_sources_and_options_are_listed(capsys):
    with pytest.raises(SystemExit):
        main(["fetch", "--list"])
    listed = capsys.readouterr().out
    assert all(f"\n{name} " in f"\n{listed}" for name in SOURCES)
    with pytest.raises(SystemExit):
        main(["fetch", "baci", "--help"])
    assert "--revision" in capsys.readouterr().out
