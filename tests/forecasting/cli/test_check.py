from __future__ import annotations

import pandas as pd
import pytest

from features.errors import InputError
from forecasting import RunConfig
from forecasting.cli.main import main
from forecasting.inputs.load import load


@pytest.fixture
def messy(tmp_path, trade):
    """The tiny world's trade in million USD with a World row, separated by semicolons."""
    rows = trade.rename(columns={"value_usd": "value_musd"})
    world = rows.head(1).assign(importer="World")
    path = tmp_path / "messy.csv"
    pd.concat([rows, world]).to_csv(path, index=False, sep=";", decimal=",")
    return path


def test_check_says_what_a_run_would_read(messy, world_files, capsys):
    files = (world_files.indicators, world_files.catalogue, world_files.geography)
    assert main(["check", str(messy), *map(str, files)]) == 0
    printed = capsys.readouterr().out
    for words in ("semicolons", "decimal commas", "value_usd=value_musd", "million USD",
                  "1 row of 'World' left out", "8 countries, 1999-2010"):  # fmt: skip
        assert words in printed
    kinds = [line.rpartition(": ")[2] for line in printed.splitlines() if not line.startswith(" ")]
    assert kinds == ["trade", "indicators", "indicator catalogue", "pairs"]


def test_check_goes_on_after_a_file_that_is_wrong(messy, tmp_path, capsys):
    (tmp_path / "bad.csv").write_text("exporter,importer,year,value_usd\nDEU,XXX,2000,1\n")
    assert main(["check", str(tmp_path / "bad.csv"), str(messy)]) == 2
    out, err = capsys.readouterr()
    assert "'XXX' is not a country code" in err
    assert "million USD" in out


def test_what_reading_did_is_in_the_sources_and_on_stderr(messy):
    data = load(RunConfig(trade=messy, experiment=None))
    (source,) = data.sources
    assert source.statements[0].startswith("read: ")
    (line,) = data.reading
    assert line.startswith(f"{messy}: ")
    assert "World" in line


def test_one_reporters_trade_leaves_the_others_unknown(tmp_path, trade):
    path = tmp_path / "star.csv"
    trade[(trade["exporter"] == "DEU") & (trade["value_usd"] > 0)].to_csv(path, index=False)
    data = load(RunConfig(trade=path, experiment=None))
    panel = data.bundle.panel
    assert panel.notes.absent_means == "missing"
    assert "exports of DEU" in data.sources[0].statements[0]


def test_groups_of_countries_in_an_indicator_file_are_left_out_by_name(
    world_files, tmp_path, indicator_tables
):
    values, _ = indicator_tables
    groups = [values.head(3).assign(iso3=code) for code in ("WLD", "EUU", "XQQ")]
    pd.concat([values, *groups]).to_csv(tmp_path / "i.csv", index=False)
    options = {**world_files.options, "indicators": tmp_path / "i.csv", "experiment": None}
    with_groups, without = load(RunConfig(**options)), load(RunConfig(**world_files.options))
    statements = " ".join(next(s.statements for s in with_groups.sources if s.role == "indicators"))
    assert "9 rows of 3 codes that are not countries left out: EUU, WLD, XQQ" in statements
    left, right = with_groups.bundle.indicators, without.bundle.indicators
    for name, series in right.values.items():
        assert pd.DataFrame(series).equals(pd.DataFrame(left.values[name])), name


def test_rows_are_compared_before_the_smaller_traders_become_one(tmp_path, trade):
    twice = pd.concat([trade, trade.head(4)])
    twice.to_csv(tmp_path / "twice.csv", index=False)
    trade.to_csv(tmp_path / "once.csv", index=False)
    panels = [
        load(RunConfig(trade=tmp_path / f"{name}.csv", largest=4, experiment=None)).bundle.panel
        for name in ("once", "twice")
    ]
    assert pd.DataFrame(panels[0].values).equals(pd.DataFrame(panels[1].values))
    contradicted = pd.concat([trade, trade.head(1).assign(value_usd=1.5)])
    contradicted.to_csv(tmp_path / "twice.csv", index=False)
    with pytest.raises(InputError, match="occurs twice"):
        load(RunConfig(trade=tmp_path / "twice.csv", largest=4, experiment=None))


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("columns", "exporters=reporter", "Name one of exporter"),
        ("columns", "exporter", "exporter=COLUMN"),
        ("columns", 3, "exporter=COLUMN"),
        ("unit", "eur", "usd, thousand, million, billion"),
        ("flow", "X", "exports, imports"),
        ("decimal", ";", "','"),
        ("extra_codes", "WLD", "leaves to users"),
        ("extra_codes", 7, "XEU"),
    ],
)
def test_an_option_of_reading_that_does_not_fit_is_refused(option, value, says):
    with pytest.raises(InputError, match=f"'{option}'") as caught:
        RunConfig(**{option: value})
    assert says in caught.value.remedy


def test_options_of_reading_come_as_text_or_as_values():
    text = RunConfig(columns="exporter=r,value_usd=cif", extra_codes="XEU,XAS")
    values = RunConfig(columns={"exporter": "r", "value": "cif"}, extra_codes=["XEU", "XAS"])
    assert text == values
    assert RunConfig.from_mapping(text.to_dict()) == text
