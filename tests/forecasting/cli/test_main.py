"""The command line: one line for every mistake, a scoreboard for a run, and nothing else."""

from __future__ import annotations

import gzip
import io
import re
import signal
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from features.choices import SETTINGS
from features.errors import InputError
from forecasting import RunConfig, RunResult
from forecasting.cli.main import main
from forecasting.inputs.load import load
from forecasting.results.versions import versions
from models.registry import backtest_models

BACKTEST = [model.name for model in backtest_models(SETTINGS[1:])]
QUICK = ["--horizons", "1,2", "--rounds", "3", "--workers", "1", "--no-tracking"]
FAST = ["--horizons", "1", "--rounds", "3", "--workers", "1", "--no-tracking", "--quiet"]
"""For runs whose length does not matter; a late first origin makes them shorter still."""
LATE = ["--first-origin", "2008"]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def fails(tmp_path, capsys) -> Callable[..., str]:
    """Run a command that must fail as a user's mistake should, and give back its message.

    Exit code 2, one line on stderr, nothing on stdout, and neither a file nor a folder more.
    """

    def go(*arguments: str, out: Path | None = None) -> str:
        out = out or tmp_path / "runs" / "out"
        before = listing(tmp_path)
        code = main(["run", *arguments, *QUICK, "--quiet", "--out", str(out)])
        printed = capsys.readouterr()
        assert code == 2
        assert printed.out == ""
        assert printed.err.startswith("gravicast: ")
        assert printed.err.count("\n") == 1
        assert printed.err.endswith("\n")
        assert "Traceback" not in printed.err
        assert listing(tmp_path) == before
        return printed.err

    return go


def reads(message: str, *, file: Path, column: str | None = None, row: int | None = None) -> bool:
    """Whether a message begins with the place: file, then column and row where there are any."""
    place = f"gravicast: {file}"
    place += f", column {column!r}" if column else ""
    place += f", row {row}" if row else ""
    return message.startswith(f"{place}: ")


# Mistakes in a table ------------------------------------------------------------------------------
# Each takes a good table and gives back a bad one.

Change = Callable[[pd.DataFrame], pd.DataFrame]


def without(column: str) -> Change:
    return lambda frame: frame.drop(columns=column)


def put(column: str, value: object, *, row: int = 7) -> Change:
    """A value in one cell; ``row`` counts as a spreadsheet does, the header being 1."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        cells = frame[column].astype(object)
        cells.iloc[row - 2] = value
        return frame.assign(**{column: cells})

    return change


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    """The third row once more at the end."""
    return pd.concat([frame, frame.iloc[[3]]], ignore_index=True)


def contradicted(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[[3]].assign(value_usd=1.5)], ignore_index=True)


def years(frame: pd.DataFrame, *kept: int) -> pd.DataFrame:
    return frame[frame["year"].isin(kept)].reset_index(drop=True)


def no_2004(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["year"] != 2004]


def one_country(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.head(12).assign(importer=frame["exporter"].iloc[0])


# table, what is done to it, column, row, words of problem and remedy
TABLES: dict[str, tuple[str, Change, str | None, int | str | None, tuple[str, ...]]] = {
    "missing column": ("trade", without("value_usd"), "value_usd", None,
                       ("is missing", "exporter, importer, year")),
    "missing key": ("trade", without("importer"), "importer", None, ("is missing",)),
    "text for a number": ("trade", put("value_usd", "lots"), "value_usd", 7,
                          ("'lots' is not a finite number", "write 0 where it is zero")),
    "text for a year": ("trade", put("year", "FY05"), "year", 7, ("'FY05'",)),
    "half a year": ("trade", put("year", 2005.5), "year", 7, ("not a calendar year", "2017")),
    "negative": ("trade", put("value_usd", -2.5), "value_usd", 7,
                 ("-2.5 is negative", "--negatives zero", "counted")),
    "empty cell": ("trade", put("value_usd", None), "value_usd", 7,
                   ("an empty cell is not a finite number", "Leave the row out")),
    "infinite": ("trade", put("value_usd", np.inf), "value_usd", 7, ("not a finite number",)),
    "NaN as a word": ("trade", put("value_usd", "NaN"), "value_usd", 7, ("not a finite number",)),
    "duplicate key": ("trade", contradicted, None, "last", ("occurs twice", "Keep one row")),
    "unknown country": ("trade", put("importer", "EUU"), "importer", 7,
                        ("'EUU' is not a country code", "alpha-3")),
    "malformed country": ("trade", put("exporter", "deu"), "exporter", 7, ("'deu'",)),
    "empty country": ("trade", put("exporter", None), "exporter", 7, ("an empty cell",)),
    "NA among alpha-3 codes": ("trade", put("exporter", "NA"), "exporter", 7, ("'NA'",)),
    "a year missing": ("trade", no_2004, "year", None,
                       ("year 2004 is missing from the middle of 1999-2010", "Supply that year")),
    "one country": ("trade", one_country, None, None, ("only one country", "at least two")),
    "no rows": ("trade", lambda frame: frame.head(0), None, None, ("no rows",)),
    "indicator column missing": ("indicators", without("value"), "value", None, ("is missing",)),
    "indicator text": ("indicators", put("value", "n/a"), "value", 7, ("'n/a'",)),
    "indicator NaN": ("indicators", put("value", None), "value", 7, ("an empty cell",)),
    "indicator country": ("indicators", put("iso3", None), "iso3", 7, ("an empty cell",)),
    "indicator twice": ("indicators", doubled, None, "last", ("occurs twice",)),
    "indicator not in the catalogue": ("indicators", put("indicator", "MACRO.GPD"), "indicator", 7,
                                       ("MACRO.GPD is not in the catalogue", "Add a line")),
    "indicator no rows": ("indicators", lambda frame: frame.head(0), None, None, ("no rows",)),
    "lag missing": ("catalogue", put("publication_lag_months", None), "publication_lag_months", 7,
                    ("an empty cell", "Give the months")),
    "lag column missing": ("catalogue", without("publication_lag_months"),
                           "publication_lag_months", None, ("is missing",)),
    "lag of half a month": ("catalogue", put("publication_lag_months", 1.5),
                            "publication_lag_months", 7, ("whole number from 0 to 240",)),
    "lag in words": ("catalogue", put("publication_lag_months", "a year"),
                     "publication_lag_months", 7, ("'a year'",)),
    "catalogue line without values": (
        "catalogue",
        lambda frame: pd.concat([frame, frame.tail(1).assign(indicator="X.NEW")]),
        "indicator", "last", ("X.NEW is in the catalogue but has no row", "Remove the line")),
    "catalogue line twice": ("catalogue", doubled, "indicator", "last", ("occurs twice",)),
    "catalogue no rows": ("catalogue", lambda frame: frame.head(0), None, None, ("no rows",)),
    "pair key missing": ("geography", without("iso3_d"), "iso3_d", None, ("is missing",)),
    "pair country": ("geography", put("iso3_o", "XX"), "iso3_o", 7, ("'XX'",)),
    "pair twice": ("geography", doubled, None, "last", ("occurs twice",)),
    "pair in words": ("geography", put("dist", "far"), "dist", 7, ("'far'",)),
    "pair infinite": ("agreements", put("rta", np.inf), "rta", 7, ("not a finite number",)),
    "pair year": ("agreements", put("year", 20.5), "year", 7, ("not a calendar year",)),
    "pair-year twice": ("agreements", doubled, None, "last", ("occurs twice",)),
    "no attribute": ("geography", lambda frame: frame[["iso3_o", "iso3_d"]], None, None,
                     ("no attribute column",)),
    "attribute in two files": (
        "agreements", lambda frame: frame.rename(columns={"rta": "contig"}), "contig", None,
        ("another pair file already has", "Keep it in one file")),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", TABLES)
def test_a_mistake_in_a_table_is_told_in_one_line_with_its_place(
    name, kind, world_files, tmp_path, fails
):
    which, change, column, row, words = TABLES[name]
    good = getattr(world_files, which)
    table = pd.read_csv(good) if good.suffix == ".csv" else pd.read_parquet(good)
    table = change(table)
    bad = tmp_path / f"bad.{kind}"
    if kind == "csv":
        table.to_csv(bad, index=False)
    else:
        # A column of a Parquet file has one type: numbers and words together are words.
        mixed = {c: "str" for c in table if table[c].map(type).nunique() > 1 and _words(table[c])}
        table.astype(mixed).to_parquet(bad, index=False)
    files = replace(world_files, **{which: bad})
    message = fails(*files.arguments)
    line = len(table) + 1 if row == "last" else row
    assert reads(message, file=bad, column=column, row=line), message
    for word in words:
        assert word in message
    assert message.strip()[-1] not in ":("  # the remedy closes the line


def _words(column: pd.Series) -> bool:
    return any(isinstance(cell, str) for cell in column)


def test_a_parquet_column_of_the_wrong_type_is_told(world_files, tmp_path, trade, fails):
    for column, value in (
        ("value_usd", True),
        ("value_usd", pd.Timestamp("2005-01-01")),
        ("year", True),
        ("exporter", 2.76),
    ):
        bad = tmp_path / "bad.parquet"
        trade.assign(**{column: value}).to_parquet(bad, index=False)
        message = fails("--trade", str(bad))
        assert message.startswith(f"gravicast: {bad}, column {column!r}"), message
        bad.unlink()


# Mistakes in a file -------------------------------------------------------------------------------


def _truncated_parquet(folder: Path, trade: pd.DataFrame) -> Path:
    trade.to_parquet(folder / "t.parquet", index=False)
    whole = (folder / "t.parquet").read_bytes()
    (folder / "t.parquet").write_bytes(whole[: len(whole) // 2])
    return folder / "t.parquet"


def _damaged_parquet(folder: Path, trade: pd.DataFrame) -> Path:
    trade.to_parquet(folder / "t.parquet", index=False, compression="zstd")
    whole = bytearray((folder / "t.parquet").read_bytes())
    whole[40:400] = bytes(360)
    (folder / "t.parquet").write_bytes(bytes(whole))
    return folder / "t.parquet"


def _truncated_zip(folder: Path, trade: pd.DataFrame) -> Path:
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", trade.to_csv(index=False))
    (folder / "t.csv.zip").write_bytes(text.getvalue()[:-200])
    return folder / "t.csv.zip"


def _truncated_gzip(folder: Path, trade: pd.DataFrame) -> Path:
    (folder / "t.csv.gz").write_bytes(gzip.compress(trade.to_csv(index=False).encode())[:-200])
    return folder / "t.csv.gz"


def _empty(name: str) -> Callable[[Path, pd.DataFrame], Path]:
    def write(folder: Path, trade: pd.DataFrame) -> Path:
        (folder / name).write_bytes(b"")
        return folder / name

    return write


def _blank(folder: Path, trade: pd.DataFrame) -> Path:
    (folder / "t.csv").write_text("\n\n")
    return folder / "t.csv"


def _latin(folder: Path, trade: pd.DataFrame) -> Path:
    trade.assign(note="Côte").to_csv(folder / "t.csv", index=False, encoding="latin-1")
    return folder / "t.csv"


def _ragged(folder: Path, trade: pd.DataFrame) -> Path:
    (folder / "t.csv").write_text(trade.head(9).to_csv(index=False) + "BRA,CHN,2001,1,2,3\n")
    return folder / "t.csv"


def _excel(folder: Path, trade: pd.DataFrame) -> Path:
    (folder / "t.xlsx").write_bytes(b"PK")
    return folder / "t.xlsx"


def _folder(folder: Path, trade: pd.DataFrame) -> Path:
    (folder / "t.csv").mkdir()
    return folder / "t.csv"


def _nothing(folder: Path, trade: pd.DataFrame) -> Path:
    return folder / "none.csv"


def _below(folder: Path, trade: pd.DataFrame) -> Path:
    return _blank(folder, trade) / "t.csv"


FILES = {
    "truncated Parquet": (_truncated_parquet, ("cannot be read", "download it again")),
    "damaged Parquet": (_damaged_parquet, ("cannot be read", "download it again")),
    "truncated zip": (_truncated_zip, ("cannot be read", "complete")),
    "truncated gzip": (_truncated_gzip, ("cannot be read", "complete")),
    "empty CSV": (_empty("t.csv"), ("the file is empty", "Name a file with rows")),
    "empty Parquet": (_empty("t.parquet"), ("the file is empty",)),
    "blank CSV": (_blank, ("the file is empty",)),
    "another encoding": (_latin, ("cannot be read", "UTF-8")),
    "a line too long": (_ragged, ("6 cells and the header 4", "a cell for each column")),
    "a spreadsheet": (_excel, ("workbook cannot be read", "CSV")),
    "a folder": (_folder, ("this is a folder",)),
    "nothing there": (_nothing, ("no such file", "Check the path")),
    "below a file": (_below, ("no such file",)),
}
ROWS = {"another encoding": 2, "a line too long": 11}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_told_in_one_line(name, world_files, tmp_path, trade, fails):
    write, words = FILES[name]
    bad = write(tmp_path, trade)
    for which in ("trade", "indicators", "catalogue", "geography"):
        message = fails(*replace(world_files, **{which: bad}).arguments)
        assert reads(message, file=bad, row=ROWS.get(name)), message
        for word in words:
            assert word in message


def test_a_configuration_file_that_cannot_be_used_is_told_in_one_line(tmp_path, fails):
    config = tmp_path / "config.yaml"
    for text, words in (
        ("horizon: [1]\n", ("unknown option 'horizon'", "Did you mean 'horizons'?")),
        ("tune_every: 0\n", ("option 'tune_every' cannot be 0",)),
        ("- 1\n", ("not a mapping",)),
        ("a: [1\n", ("cannot be read",)),
    ):
        config.write_text(text)
        message = fails(str(config))
        assert reads(message, file=config, row=2 if text == "a: [1\n" else None), message
        assert all(word in message for word in words)
    config.unlink()
    assert "No such file" in fails(str(config))


# Mistakes in options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as-of", "1999-07-01"], ("1999-07-01", "panel begins in 1999", "later as-of date")),
        (["--as-of", "1905-01-01"], ("1905-01-01", "later as-of date")),
        (["--as-of", "2003-07-01"], ("3 years (1999-2001) are too few", "at least 7 years")),
        (["--as-of", "soon"], ("option 'as_of' cannot be 'soon'", "YYYY-MM-DD")),
        (["--horizons", "5"], ("12 years (1999-2010) are too few", "at least 14 years")),
        (["--horizons", "0"], ("option 'horizons'", "1 to 10")),
        (["--settings", "both"], ("option 'settings'", "totals_known, ex_ante")),
        (["--first-origin", "2001"], ("first_origin 2001", "from 2004 to 2008")),
        (["--explain-flow", "DEU,DEU"], ("option 'explain_flow' cannot be 'DEU,DEU'",)),
        (["--explain-flow", "DEU,XXX"], ("'DEU,XXX'", "as they stand in the trade file")),
        (["--explain-flow", "DEU,FRA,goods"], ("'DEU,FRA,goods'", "Give exporter,importer ")),
        (["--absent", "no"], ("option 'absent' cannot be 'no'", "auto, zero, missing")),
        (["--rounds", "0"], ("option 'rounds' cannot be 0",)),
        (["--trade-lag-months", "-1"], ("option 'trade_lag_months'",)),
    ],
)
def test_a_mistake_in_an_option_is_told_in_one_line(
    arguments, words, world_files, tmp_path, capsys, trade
):
    # An option may be given only once.
    quick = QUICK.copy()
    if arguments[0] in quick:
        place = quick.index(arguments[0])
        del quick[place : place + 2]
    base = ["run", "--trade", str(world_files.trade), *quick, "--quiet"]
    out = tmp_path / "out"
    assert main([*base, *arguments, "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("gravicast: ")
    assert printed.err.count("\n") == 1
    for word in words:
        assert word in printed.err
    assert listing(tmp_path) == set()


@pytest.mark.parametrize(
    ("lacking", "given_up"),
    [
        ("indicator_catalogue", ["--indicator-catalogue"]),
        ("indicators", ["--indicators"]),
        ("trade", ["--trade"]),
    ],
)
def test_a_file_that_goes_with_another_is_asked_for(lacking, given_up, world_files, fails):
    arguments = world_files.arguments
    at = arguments.index(given_up[0])
    message = fails(*arguments[:at], *arguments[at + 2 :])
    assert f"option {lacking!r} cannot be None" in message


def test_a_folder_that_cannot_be_written_is_told_before_any_work(world_files, tmp_path, fails):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        message = fails(*world_files.arguments, out=out)
        assert reads(message, file=out), message
        assert "Choose another --out folder" in message
    assert text_of(tmp_path / "file") == "mine"


def test_a_folder_with_other_files_is_refused_and_kept(world_files, tmp_path, fails):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "thesis.docx").write_text("mine")
    for more in ([], ["--overwrite"]):
        message = fails(*world_files.arguments, *more, out=out)
        assert "not from a gravicast run" in message
    assert text_of(out / "thesis.docx") == "mine"


def test_a_mistake_is_one_line_without_quiet_too(world_files, tmp_path, capsys):
    bad = tmp_path / "bad.csv"
    bad.write_text("exporter,importer,year\nBRA,CHN,2001\n")
    assert main(["run", "--trade", str(bad), *QUICK, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert printed.err.strip().count("\n") == 0
    assert reads(printed.err.strip(), file=bad, column="value_usd")


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """A background job is deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_its_finished_folds_and_no_more(
    world_files, tmp_path, capsys, monkeypatch, number
):
    def interrupt(*arguments: object, **options: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr("forecasting.final_forecast.explain", interrupt)
    arguments = ["run", "--trade", str(world_files.trade), *FAST, *LATE]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 128 + number
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("gravicast: interrupted; the output folder is as it was")
    assert printed.err.count("\n") == 1
    assert {Path(name).parts[0] for name in listing(tmp_path)} == {".out.gravicast-folds"}


# Data at the edge of what can be forecast ---------------------------------------------------------

TWO = {"BRA", "CHN"}


def two_countries(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["exporter"].isin(TWO) & frame["importer"].isin(TWO)]


def no_trade_in(*at: int) -> Change:
    return lambda frame: frame.assign(
        value_usd=frame["value_usd"].where(~frame["year"].isin(at), 0.0)
    )


def no_exports_of(country: str) -> Change:
    return lambda frame: frame.assign(
        value_usd=frame["value_usd"].where(frame["exporter"] != country, 0.0)
    )


@pytest.mark.parametrize(
    ("change", "more"),
    [
        pytest.param(two_countries, LATE, id="two countries", marks=pytest.mark.slow),
        pytest.param(no_trade_in(*range(1999, 2011)), LATE, id="no trade"),
        pytest.param(no_trade_in(2005), LATE, id="a year without trade"),
        pytest.param(
            no_trade_in(2010), LATE, id="a last year without trade", marks=pytest.mark.slow
        ),
        pytest.param(
            no_exports_of("NAM"), LATE, id="a country without exports", marks=pytest.mark.slow
        ),
        pytest.param(put("value_usd", 1e39), LATE, id="beyond float32"),
        pytest.param(
            lambda frame: frame,
            ["--as-of", "2012-02-29"],
            id="as of 29 February",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda frame: frame,
            ["--trade-lag-months", "24"],
            id="published late",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda frame: frame,
            ["--trade-lag-months", "0"],
            id="published at once",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda frame: frame,
            ["--as-of", "2030-01-01", *LATE],
            id="long after the panel",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_odd_data_are_forecast_without_nan_or_refused_in_one_line(
    change, more, world_files, tmp_path, trade, capsys, draw_nothing, few_measures
):
    path, out = tmp_path / "trade.csv", tmp_path / "out"
    change(trade).to_csv(path, index=False)
    code = main(["run", "--trade", str(path), *FAST, "--out", str(out), *more])
    printed = capsys.readouterr()
    if code == 0:
        numbers = pd.read_parquet(out / "forecasts.parquet").select_dtypes("number")
        assert np.isfinite(numbers.to_numpy()).all()
        assert (numbers.to_numpy() >= 0).all()
    else:
        assert code == 2
        *noticed, refusal = printed.err.splitlines()
        assert refusal.startswith("gravicast: ")
        assert all(line.startswith("warning: ") for line in noticed)
        assert listing(tmp_path) == {"trade.csv"}


def _gap_in_gdp(values: pd.DataFrame) -> pd.DataFrame:
    return values[(values["indicator"] != "MACRO.GDP") | (values["year"] != 2003)]


def _late_gdp(values: pd.DataFrame) -> pd.DataFrame:
    return values[(values["indicator"] != "MACRO.GDP") | (values["year"] > 2009)]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_gap_in_gdp, id="a year without GDP", marks=pytest.mark.slow),
        pytest.param(_late_gdp, id="GDP that begins late"),
        pytest.param(
            lambda values: values.assign(value=0.0), id="nothing but zeros", marks=pytest.mark.slow
        ),
        pytest.param(
            lambda values: values.assign(value=-values["value"]),
            id="signs turned",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda values: values.assign(value=1e300),
            id="beyond float32",
        ),
    ],
)
def test_odd_indicators_are_used_without_nan_or_refused_in_one_line(
    change, world_files, tmp_path, capsys, draw_nothing, few_measures
):
    path, out = tmp_path / "indicators.parquet", tmp_path / "out"
    change(pd.read_parquet(world_files.indicators)).to_parquet(path, index=False)
    arguments = replace(world_files, indicators=path).arguments
    code = main(["run", *arguments, *FAST, *LATE, "--out", str(out)])
    printed = capsys.readouterr()
    if code == 0:
        numbers = pd.read_parquet(out / "forecasts.parquet").select_dtypes("number")
        assert np.isfinite(numbers.to_numpy()).all()
    else:
        assert code == 2
        assert printed.err.startswith(f"gravicast: {path}, column 'value', row ")
        assert listing(tmp_path) == {"indicators.parquet"}


def test_the_file_and_the_command_line_are_checked_together(world_files, tmp_path, monkeypatch):
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"pairs": [str(world_files.geography)]}))
    assert asked_for(monkeypatch, [str(config), "--trade", str(world_files.trade)]).trade


# What is run --------------------------------------------------------------------------------------


def asked_for(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> RunConfig:
    """The configuration that a command line comes to."""
    seen: list[RunConfig] = []

    def record(config: RunConfig, **options: object) -> RunResult:
        seen.append(config)
        raise InputError("enough", remedy="Nothing")

    monkeypatch.setattr("forecasting.job.run", record)
    assert main(["run", *arguments]) == 2
    return seen[0]


def test_without_options_the_default_configuration_is_run(monkeypatch):
    assert asked_for(monkeypatch, []) == RunConfig()


def test_every_option_reaches_the_configuration(monkeypatch):
    arguments = [
        *("--trade", "t.csv", "--indicators", "i.csv", "--indicator-catalogue", "c.csv"),
        *("--pairs", "a.csv", "--pairs", "b.csv", "--absent", "zero", "--negatives", "zero"),
        *("--out", "o", "--overwrite", "--horizons", "3,1", "--settings", "ex_ante"),
        *("--as-of", "2019-07-01", "--trade-lag-months", "12", "--first-origin", "2005"),
        *("--explain-flow", "DEU,FRA", "--rounds", "9", "--seed", "4", "--workers", "2"),
        *("--experiment", "goods"),
    ]
    expected: dict[str, Any] = {
        "trade": "t.csv",
        "indicators": "i.csv",
        "indicator_catalogue": "c.csv",
        "pairs": ("a.csv", "b.csv"),
        "absent": "zero",
        "negatives": "zero",
        "out": "o",
        "overwrite": True,
        "horizons": (1, 3),
        "settings": ("ex_ante",),
        "as_of": "2019-07-01",
        "trade_lag_months": 12,
        "first_origin": 2005,
        "explain_flow": ("DEU", "FRA"),
        "rounds": 9,
        "seed": 4,
        "workers": 2,
        "experiment": "goods",
    }
    assert asked_for(monkeypatch, arguments) == RunConfig(**expected)


def test_the_command_line_wins_over_the_file_and_leaves_the_rest_of_it(monkeypatch, tmp_path):
    config = tmp_path / "config.yaml"
    options = {"seed": 3, "rounds": 7, "out": "from-file", "horizons": [2], "experiment": "goods"}
    config.write_text(yaml.safe_dump(options))
    assert asked_for(monkeypatch, [str(config)]) == RunConfig(**options)
    merged = asked_for(monkeypatch, [str(config), "--rounds", "9", "--out", "o", "--no-tracking"])
    assert merged == RunConfig(**{**options, "rounds": 9, "out": "o", "experiment": None})


def test_a_run_prints_the_scoreboard_to_stdout_and_nothing_else(
    world_files, tmp_path, capsys, draw_nothing, few_measures
):
    out = tmp_path / "runs" / "deep" / "out"
    least = [word for word in FAST if word != "--quiet"]
    arguments = ["run", *world_files.arguments, *least, *LATE, "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "read the data" in printed.err
    assert "back-test" in printed.err
    scores = pd.read_csv(out / "scores.csv")
    everything = scores[scores["stratum"] == "all"].set_index(["setting", "model", "horizon"])
    forecast, errors, further = printed.out.strip().split("\n\n")
    rows = pd.read_parquet(out / "forecasts.parquet")
    year = int(re.match(r"Forecast of (\d{4}) ", forecast)[1])
    rows = rows[rows["target_year"] == year]
    change = (rows["forecast"] - rows["value_origin"]).abs().nlargest(5)
    movers = forecast.splitlines()[-5:]
    for line, (place, _) in zip(movers, change.items(), strict=True):
        codes = rows.loc[place, ["exporter", "importer"]]
        assert all(code in line.split(":")[0] for code in codes)
    settings = ("totals_known", "ex_ante")
    boards = dict(zip(settings, re.split(r"^[A-Z][a-z ]+:\n", errors, flags=re.M)[1:], strict=True))
    for setting, board in boards.items():
        for line in board.splitlines()[1:4]:
            model, *numbers = line.split()
            for horizon, number in enumerate(numbers, 1):
                value = 100 * everything.loc[(setting, model, horizon), "wape"]
                assert float(number.rstrip("%")) == pytest.approx(value, abs=0.051)
    assert str(out / "scoreboard.md") in further

    # The same once more: refused, then replaced on request, and quiet where that is wanted.
    assert main(arguments) == 2
    refusal = capsys.readouterr()
    assert refusal.out == ""
    assert refusal.err.count("\n") == 1
    assert "--overwrite" in refusal.err
    before = (out / "forecasts.parquet").stat().st_mtime_ns
    assert main([*arguments, "--overwrite", "--quiet"]) == 0
    again = capsys.readouterr()
    assert again.err == ""
    assert again.out == printed.out
    assert (out / "forecasts.parquet").stat().st_mtime_ns > before
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_namibia_survives_as_na_and_negative_values_are_counted_on_request(
    tmp_path, trade, draw_nothing, few_measures, capsys
):
    path, out = tmp_path / "trade.csv", tmp_path / "out"
    put("value_usd", -2.5)(two_letters(trade)).to_csv(path, index=False)
    arguments = ["run", "--trade", str(path), *FAST, *LATE, "--out", str(out)]
    assert main([*arguments, "--negatives", "zero"]) == 0
    assert "1 negative values set to zero" in text_of(out / "run.json")
    forecasts = pd.read_parquet(out / "forecasts.parquet")
    assert set(forecasts["exporter"]) == set(forecasts["importer"]) == set(TWO_LETTERS)


def test_namibia_is_read_as_na_from_parquet(tmp_path, trade):
    two_letters(trade).to_parquet(tmp_path / "trade.parquet", index=False)
    found = load(RunConfig(trade=tmp_path / "trade.parquet")).bundle.panel.flows.countries
    assert set(found) == set(TWO_LETTERS)


TWO_LETTERS = {"BRA": "BR", "CHN": "CN", "DEU": "DE", "FRA": "FR", "IND": "IN", "NAM": "NA",
               "USA": "US", "ZAF": "ZA"}  # fmt: skip


def two_letters(trade: pd.DataFrame) -> pd.DataFrame:
    sides = ("exporter", "importer")
    return trade.assign(**{side: trade[side].map(TWO_LETTERS) for side in sides})


# Help ---------------------------------------------------------------------------------------------


def helped(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


@pytest.mark.parametrize("command", ["run", "ui"])
def test_the_help_of_a_command_shows_examples(command, capsys):
    text = helped([command, "--help"], capsys)
    examples = text[text.index("examples:") :]
    assert examples.count(f"gravicast {command}") >= 2


def test_the_help_shows_examples(capsys):
    assert "gravicast run --trade" in helped(["--help"], capsys)


@pytest.mark.parametrize("arguments", [[], ["forecast"], ["run", "--horizon-years", "3"]])
def test_an_unknown_command_or_option_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "error:" in printed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "run", "--country", "DEU", "--country", "USA"],
        ["run", "--seed=1", "--seed", "2"],
    ],
)
def test_an_option_given_twice_is_refused(arguments, capsys):
    assert main(arguments) == 2
    assert re.search(r"option --\w+ is given twice. Give it once", capsys.readouterr().err)


def test_a_shortened_option_is_not_guessed_at(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--horizon", "1"])
    assert "unrecognized arguments: --horizon" in capsys.readouterr().err


# What becomes of options --------------------------------------------------------------------------


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"gravicast {versions()['gravicast']}\n"


@pytest.mark.parametrize(
    ("text", "given", "wanted"),
    [
        ("", ["--horizons", "1-3", "--rounds", "7"], {"horizons": (1, 2, 3), "rounds": 7}),
        ("", ["--settings", "ex_ante", "--explain-flow", "DEU,USA", "--quiet"],
         {"settings": ("ex_ante",), "explain_flow": ("DEU", "USA"), "quiet": True}),
        ("", ["--no-tracking"], {"experiment": None}),
        ("no_tracking: true\nquiet: true", [], {"experiment": None, "quiet": True}),
        ("no_tracking: true\nhorizons: 2", ["--experiment", "goods", "--horizons", "1,4"],
         {"experiment": "goods", "horizons": (1, 4)}),
        ("experiment: goods", ["--no-tracking"], {"experiment": None}),
    ],
)  # fmt: skip
def test_options_of_the_command_line_win_over_the_file(text, given, wanted, tmp_path, monkeypatch):
    if text:
        (tmp_path / "config.yaml").write_text(text)
        given = [str(tmp_path / "config.yaml"), *given]
    seen = []

    def stop(config: RunConfig) -> None:
        seen.append(config)
        raise InputError("stopped", remedy="Go on")

    monkeypatch.setattr("forecasting.job.run", stop)
    assert main(["run", *given]) == 2
    assert {name: getattr(seen[0], name) for name in wanted} == wanted


@pytest.mark.parametrize("option", ["--seed", "--largest", "--first-origin"])
def test_a_word_for_a_number_is_told_in_one_line(option, fails):
    message = fails(option, "many")
    assert f"option {option.strip('-').replace('-', '_')!r} cannot be 'many'" in message
