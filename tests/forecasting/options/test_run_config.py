"""`RunConfig`: what it takes, what it refuses, and that a file says the same as Python."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.information import AsOfRule, last_published_year
from forecasting import RunConfig

EVERYTHING: dict[str, Any] = {
    "trade": Path("data/trade.parquet"),
    "indicators": Path("data/indicators.csv"),
    "indicator_catalogue": Path("data/catalogue.csv"),
    "pairs": (Path("a.csv"), Path("b.parquet")),
    "sectors": Path("data/sectors.csv"),
    "tables": Path("data/tables"),
    "reports": Path("data/reports.csv"),
    "report_delays": Path("data/delays.csv"),
    "report_revisions": 2.5,
    "monthly": (Path("monthly.csv"), Path("brent.csv")),
    "store": Path("store"),
    "allow_snapshots": True,
    "largest": 60,
    "universe": "dense",
    "columns": {"exporter": "reporter", "value": "cif"},
    "unit": "thousand",
    "flow": "imports",
    "decimal": ",",
    "extra_codes": ("XEU", "XAS"),
    "out": Path("runs/goods"),
    "overwrite": True,
    "horizons": (1, 3, 5),
    "settings": ("ex_ante",),
    "first_origin": 2003,
    "as_of": date(2019, 3, 15),
    "trade_lag_months": 12,
    "pair_lag_months": 6,
    "absent": "missing",
    "late": "zero",
    "strict": True,
    "accept": ("trader-jump", "succession"),
    "negatives": "zero",
    "domestic": "include",
    "features": ("my_features.py", "shop.features"),
    "rounds": 7,
    "max_rows": 5_000,
    "params": {"num_leaves": 7, "learning_rate": 0.05},
    "tune_every": 3,
    "tune": 40,
    "compare_with": ("theta", "my_models.py:Mine"),
    "study": True,
    "seed": 11,
    "workers": 3,
    "cluster": "tcp://scheduler:8786",
    "resume": True,
    "experiment": "goods",
    "explain_flow": ("DEU", "FRA", "goods"),
    "quiet": True,
    "figures": False,
    "report": False,
}


def through_yaml(config: RunConfig, path: Path) -> RunConfig:
    path.write_text(yaml.safe_dump(config.to_dict()), encoding="utf-8")
    return RunConfig.from_yaml(path)


# The same in a file as in Python ------------------------------------------------------------------


def test_the_example_sets_every_option_away_from_its_default():
    # A simulated world goes without a trade file only, and rounds with LightGBM alone.
    assert {*EVERYTHING, "world", "learner"} == {f.name for f in fields(RunConfig)}
    assert all(RunConfig.OPTIONS[name].default != value for name, value in EVERYTHING.items())


@pytest.mark.parametrize(
    "values", [{}, EVERYTHING, {"experiment": None}, {"world": "goods"}, {"world": "sectors"}]
)
def test_a_yaml_file_gives_back_the_configuration_it_was_written_from(values, tmp_path):
    config = RunConfig(**values)
    assert through_yaml(config, tmp_path / "config.yaml") == config


@settings(max_examples=20, deadline=None)
@given(
    horizons=st.sets(st.integers(1, 10), min_size=1),
    as_of=st.dates(date(1900, 1, 1), date(2100, 12, 31)) | st.none(),
    numbers=st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**31 - 1),
            "rounds": st.integers(1, 5_000),
            "first_origin": st.integers(1800, 2200) | st.none(),
        }
    ),
    experiment=st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs"])) | st.none(),
    params=st.dictionaries(
        st.sampled_from(["num_leaves", "lambda_l2", "extra_trees", "max_depth"]),
        st.floats(allow_nan=False) | st.booleans(),
    ),
)
def test_any_valid_configuration_survives_yaml(
    tmp_path_factory, horizons, as_of, numbers, experiment, params
):
    config = RunConfig(
        horizons=tuple(horizons), as_of=as_of, experiment=experiment, params=params, **numbers
    )
    assert through_yaml(config, tmp_path_factory.mktemp("yaml") / "c.yaml") == config


def test_options_that_a_file_leaves_out_keep_their_defaults(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("seed: 5\n", encoding="utf-8")
    assert RunConfig.from_yaml(path) == RunConfig(seed=5)


def test_a_configuration_cannot_be_changed():
    params = {"num_leaves": 7}
    config = RunConfig(params=params)
    params["num_leaves"] = 8
    assert config.params["num_leaves"] == 7
    with pytest.raises(FrozenInstanceError):
        config.seed = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.params["num_leaves"] = 8  # type: ignore[index]


# What text and lists become -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "given_as", "becomes"),
    [
        ("out", "runs/a", Path("runs/a")),
        ("horizons", 3, (3,)),
        ("horizons", [3, 1, 2], (1, 2, 3)),
        ("horizons", "1-5", (1, 2, 3, 4, 5)),
        ("horizons", "1,3, 2", (1, 2, 3)),
        ("horizons", "5,1-3", (1, 2, 3, 5)),
        ("horizons", ["1", "3"], (1, 3)),
        ("first_origin", "2005", 2005),
        ("largest", "60", 60),
        ("rounds", " 80", 80),
        ("settings", "totals_known,ex_ante", ("totals_known", "ex_ante")),
        ("explain_flow", "DEU,FRA", ("DEU", "FRA")),
        ("as_of", datetime(2019, 3, 15, 12), date(2019, 3, 15)),
        ("settings", "ex_ante", ("ex_ante",)),
        ("settings", ["ex_ante", "totals_known"], ("ex_ante", "totals_known")),
        ("as_of", "2019-03-15", date(2019, 3, 15)),
        ("explain_flow", ["DEU", "FRA"], ("DEU", "FRA")),
        ("explain_flow", None, None),
        ("experiment", None, None),
    ],
)
def test_plain_values_become_the_declared_type(option, given_as, becomes):
    options = {"trade": "t.csv", option: given_as}
    assert getattr(RunConfig(**options), option) == becomes
    assert getattr(RunConfig.from_mapping(options), option) == becomes


@pytest.mark.parametrize("pairs", ["a.csv", ["a.csv"], (Path("a.csv"),)])
def test_one_pair_file_or_a_list_of_them_are_paths(pairs):
    assert RunConfig(trade="t.csv", pairs=pairs).pairs == (Path("a.csv"),)


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unknown", "close"),
    [
        ("horizon", "horizons"),
        ("asof", "as_of"),
        ("indicator_catalog", "indicator_catalogue"),
        ("neg", None),
        (3, None),
    ],
)
def test_an_unknown_option_is_refused_with_the_one_that_was_meant(unknown, close, tmp_path, stops):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({unknown: 1}), encoding="utf-8")
    error = stops(lambda: RunConfig.from_yaml(path), says=f"unknown option {unknown!r}")
    assert error.file == path
    if close:
        assert error.remedy == f"Did you mean {close!r}?"
    else:
        assert all(f.name in error.remedy for f in fields(RunConfig))


INVALID: list[tuple[str, object]] = [
    *((name, value) for name in ("trade_lag_months", "pair_lag_months") for value in (-1, 121)),
    ("trade_lag_months", 13.0),
    *(("rounds", value) for value in (0, 5_001, "eighty", "8 0", "", True, None)),
    *(("max_rows", value) for value in (999, 50_000_001)),
    *(("tune_every", value) for value in (0, 101)),
    *(("seed", value) for value in (-1, 2**31, 1.5)),
    *(("workers", value) for value in (-1, 1_025, "1025")),
    *(
        ("horizons", value)
        for value in ((), (0,), (11,), (1, 1), (1.0,), (True,), "0-3", "3-1", "1-", "1;2")
    ),
    *(("settings", value) for value in (("known",), ("ex_ante", "ex_ante"), "both", (1,))),
    *(("absent", value) for value in ("no", None, 0)),
    *(("negatives", value) for value in ("drop", None)),
    *(("domestic", value) for value in ("exclude", True, None)),
    *(("overwrite", value) for value in ("yes", 1, None)),
    *(("first_origin", value) for value in ("now", 2005.0, True, 1799)),
    *(("as_of", value) for value in ("1 July 2019", "2019-13-01", 2019, "")),
    *(("params", value) for value in (["num_leaves"], "num_leaves=7", None)),
    *((n, 3) for n in ("trade", "indicators", "indicator_catalogue", "sectors", "tables", "out")),
    ("out", None),
]


@pytest.mark.parametrize(("option", "value"), INVALID)
def test_an_invalid_value_is_refused_by_the_name_of_its_option(option, value, tmp_path, stops):
    says = f"option {option!r} cannot be"
    stops(lambda: RunConfig(**{option: value}), says=says)
    path = tmp_path / "config.yaml"
    plain = list(value) if isinstance(value, tuple) else value
    path.write_text(yaml.safe_dump({option: plain}), encoding="utf-8")
    assert stops(lambda: RunConfig.from_yaml(path), says=says).file == path


@pytest.mark.parametrize(
    ("content", "row", "says"),
    [
        ("as_of: 2015-02-30", None, "option 'as_of' cannot be '2015-02-30'"),
        ("seed: 1\nrounds: 5\nseed: 2", 3, "'seed' is given twice"),
        ("params: {num_leaves: 7, num_leaves: 9}", 1, "'num_leaves' is given twice"),
        ("seed: 1\nhorizons: [1\0]", 2, "the configuration cannot be read"),
        ("params: " + "[" * 900, 1, "more than 8 levels"),
        ("seed: 1\nparams:\n\t{a: 1}", 3, "the configuration cannot be read"),
        ("a: &a [x,x]\nb: &b [*a,*a]", 1, "anchors and aliases"),
        ("out: !!python/object/apply:os.getcwd []", 1, "the configuration cannot be read"),
        ("seed: 1\nout: \udcff", 2, "it is not UTF-8"),
        ("<html>" + "x" * 131_000, None, "too long"),
        ("x" * 1_000 + ": 1", None, "unknown option 'xxx"),
        ("? [seed]\n: 1", 1, "the configuration cannot be read"),
        ("trade: \"a\\0b.csv\"", None, "option 'trade' cannot be"),
        ("trade: ''", None, "option 'trade' cannot be"),
        ("no_tracking: maybe", None, "option 'no_tracking' cannot be"),
        ("horizons: " + "9" * 5_000, None, "option 'horizons' cannot be"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_of_options_is_refused_in_one_line(
    content, row, says, tmp_path, stops
):
    path = tmp_path / "config.yaml"
    path.write_bytes(content.encode("utf-8", errors="surrogateescape"))
    error = stops(lambda: RunConfig.from_yaml(path), says=says)
    assert (error.file, error.row) == (path, row)
    assert len(str(error)) <= 2_000


def test_a_file_takes_what_the_command_line_takes(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        "horizons: 1-3\nsettings: ex_ante,totals_known\ntrade: t.csv\npairs: a,b.csv\n"
        'seed: "010"\nrounds: 010\nas_of: 2019-03-15\nno_tracking: true\nquiet: true\n'
        "params: {learning_rate: 1e-2}\n",
        encoding="utf-8",
    )
    assert RunConfig.from_yaml(path) == RunConfig(
        horizons=(1, 2, 3),
        settings=("ex_ante", "totals_known"),
        trade="t.csv",
        pairs="a,b.csv",
        seed=10,
        rounds=10,
        as_of=date(2019, 3, 15),
        experiment=None,
        quiet=True,
        params={"learning_rate": 0.01},
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("horizons", 1.5),
        ("horizons", None),
        ("settings", 1.5),
        ("settings", None),
        ("pairs", 1.5),
        ("pairs", None),
        ("pairs", [1]),
        ("explain_flow", 1.5),
        ("figures", "never"),
        ("report", 0),
        ("explain_flow", [1, 2]),
        ("experiment", 5),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_the_name_of_its_option(option, value):
    with pytest.raises(InputError, match=f"option '{option}' cannot be"):
        RunConfig(**{"trade": "t.csv", option: value})


@pytest.mark.parametrize(
    ("given_options", "lacking"),
    [
        ({"trade": "t.csv", "indicators": "i.csv"}, "indicator_catalogue"),
        ({"trade": "t.csv", "indicator_catalogue": "c.csv"}, "indicators"),
        ({"indicators": "i.csv", "indicator_catalogue": "c.csv"}, "trade"),
        ({"pairs": "p.csv"}, "trade"),
        ({"sectors": "s.csv"}, "trade"),
        ({"tables": "tables"}, "trade"),
        ({"world": "goods", "domestic": "include"}, "trade"),
    ],
)
def test_a_file_that_cannot_be_used_alone_is_refused(given_options, lacking, stops):
    stops(lambda: RunConfig(**given_options), says=f"option {lacking!r} cannot be None")


@pytest.mark.parametrize("content", [None, "", "- 1\n- 2\n", "seed: [1\n", "\udcff"])
def test_a_file_that_is_no_configuration_is_refused_by_name(content, tmp_path, stops):
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content.encode("utf-8", errors="surrogateescape"))
    error = stops(lambda: RunConfig.from_yaml(path), says="the configuration")
    assert error.file == path


# The as-of rule -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "last_year", "rule"),
    [
        (None, 2017, AsOfRule(2, 7, 1)),
        (date(2019, 7, 1), 2017, AsOfRule(2, 7, 1)),
        (date(2019, 2, 1), 2017, AsOfRule(2, 2, 1)),  # the day 2017 is published
        (date(2019, 1, 31), 2017, AsOfRule(3, 1, 31)),  # the day before
        (date(2011, 7, 1), 2017, AsOfRule(2, 7, 1)),
        (date(2024, 12, 31), 2017, AsOfRule(7, 12, 31)),  # the panel ends early
    ],
)
def test_the_as_of_rule_keeps_the_distance_from_origin_to_as_of_date(as_of, last_year, rule):
    assert RunConfig(as_of=as_of).as_of_rule(last_year) == rule


@settings(max_examples=200, deadline=None)
@given(
    as_of=st.dates(date(1950, 1, 1), date(2050, 12, 31)).filter(
        lambda day: (day.month, day.day) != (2, 29)
    ),
    lag=st.integers(0, 48),
    last_year=st.integers(1990, 2030),
)
def test_the_as_of_rule_leads_from_the_last_origin_back_to_the_as_of_date(as_of, lag, last_year):
    rule = RunConfig(as_of=as_of, trade_lag_months=lag).as_of_rule(last_year)
    origin = min(last_published_year(as_of, lag_months=lag), last_year)
    assert rule.date(origin) == as_of
    # Earlier origins see no less than their own year: what was published then is known.
    assert last_published_year(rule.date(origin - 5), lag_months=lag) >= origin - 5


def test_a_leap_day_can_be_the_as_of_date():
    rule = RunConfig(as_of=date(2020, 2, 29)).as_of_rule(2017)
    assert rule.date(2017).year == 2020
    assert rule.date(2016).year == 2019


def test_tables_need_domestic_sales_among_the_flows(stops):
    error = stops(lambda: RunConfig(trade="t.csv", sectors="s.csv", tables="icio"), says="domestic")
    assert "--domestic include" in error.remedy
    RunConfig(trade="t.csv", sectors="s.csv", tables="icio", domestic="include")
