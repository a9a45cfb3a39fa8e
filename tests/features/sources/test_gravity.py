from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from fake_sources.gravity import COLUMNS, COUNTRIES, YEARS, archive, fake_gravity, rows, table

from features.data.pairs import PairAttributes
from features.errors import InputError, SourceError
from features.sources.geodist import DISTANCES, FLAGS
from features.sources.gravity import GEOGRAPHY, Gravity
from features.store.dataset import Dataset
from features.tidy import csv_stream

Get = Callable[..., Dataset]


def geography(get: Get, serve: Callable, body: bytes | None = None) -> tuple[pd.DataFrame, Dataset]:
    made = get(Gravity(), serve(fake_gravity(body)))
    return made.read().set_index(["iso3_o", "iso3_d"]), made


def agreements(
    get: Get, serve: Callable, body: bytes | None = None
) -> tuple[pd.DataFrame, Dataset]:
    made = get(Gravity(what="agreements"), serve(fake_gravity(body)))
    return made.read().set_index(["iso3_o", "iso3_d", "year"]), made


def test_the_fake_has_the_columns_of_the_source() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 87


def test_a_pair_is_taken_from_the_last_year_in_which_both_existed(
    get: Get, serve: Callable
) -> None:
    pairs, made = geography(get, serve)
    # The Germany of today, not that of before 1990, whose distances differ in the fake.
    assert pairs.loc[("DEU", "FRA"), "dist"] == 1000 + 10 * len("DEU.2") + len("FRA")
    # The Soviet Union's last year with the Federal Republic was 1990, with united Germany 1991.
    assert pairs.loc[("DEU", "SUN"), "dist"] == 1000 + 10 * len("DEU.2") + len("SUN")
    assert pairs.index.is_unique
    assert any("from a year before 2021" in line for line in made.statements)


def test_countries_that_do_not_exist_and_those_without_a_code_are_left_out_and_counted(
    get: Get, serve: Callable
) -> None:
    lines = rows()
    both = [x for x in lines if x["country_exists_o"] == x["country_exists_d"] == "1"]
    coded = [x for x in both if x["iso3_o"] and x["iso3_d"]]
    pairs, made = geography(get, serve)
    assert set(pairs.reset_index()["iso3_o"]) == {"DEU", "FRA", "NAM", "SUN"}
    gone, without = len(lines) - len(both), len(both) - len(coded)
    assert without > 0
    assert f"{gone:,} rows of countries that did not exist in the year left out" in made.statements
    assert f"{without:,} rows of countries without an ISO code left out" in made.statements


def test_namibia_stays_and_its_colonial_tie_is_the_one_that_ever_was(
    get: Get, serve: Callable
) -> None:
    pairs, _ = geography(get, serve)
    assert pairs.loc[("NAM", "DEU"), "colony"] == 1
    assert pairs.loc[("FRA", "DEU"), "colony"] == 0


def test_geography_has_names_of_geodist() -> None:
    assert set(GEOGRAPHY.values()) <= {*FLAGS, *DISTANCES}


def test_an_empty_cell_is_unknown(get: Get, serve: Callable) -> None:
    lines = rows()
    for line in lines:
        if {line["iso3_o"], line["iso3_d"]} == {"FRA", "NAM"}:
            line["comcol"] = ""
    pairs, _ = geography(get, serve, archive(lines))
    assert np.isnan(pairs.loc[("FRA", "NAM"), "comcol"])
    assert pairs.loc[("DEU", "FRA"), "comcol"] == 0


def test_agreements_have_their_types_from_the_label_file(get: Get, serve: Callable) -> None:
    table, made = agreements(get, serve)
    assert made.years == YEARS
    assert table.loc[("DEU", "FRA", 1990), ["rta", "cu", "fta", "psa", "eia"]].tolist() == [
        1, 1, 0, 0, 0,
    ]  # fmt: skip
    assert table.loc[("FRA", "DEU", 1991), ["rta", "cu", "fta", "psa", "eia"]].tolist() == [
        1, 1, 0, 0, 1,
    ]  # fmt: skip
    assert table.loc[("FRA", "NAM", 2021), ["rta", "cu", "fta", "psa", "eia"]].tolist() == [0] * 5


def test_nothing_is_carried_beyond_the_last_year_and_that_is_said(
    get: Get, serve: Callable
) -> None:
    _, made = agreements(get, serve)
    assert max(made.years) == 2021
    assert any("Agreements end in 2021" in line for line in made.statements)


def test_an_unknown_agreement_stays_unknown_for_a_run(get: Get, serve: Callable) -> None:
    lines = rows()
    for line in lines:
        if (line["iso3_o"], line["iso3_d"], line["year"]) == ("FRA", "NAM", "2021"):
            line["fta_wto"] = ""
    _, made = agreements(get, serve, archive(lines))
    read = PairAttributes.from_frames([("gravity", made.read())], countries=("DEU", "FRA", "NAM"))
    rta = read.yearly["rta"]
    assert np.isnan(rta.values[-1, 1, 2])
    assert rta.values[-1, 2, 1] == 0
    assert np.isnan(rta.values[2000 - rta.first_year]).all()
    assert any("unknown whether there is an agreement" in line for line in made.statements)


def test_a_type_without_an_agreement_is_counted(get: Get, serve: Callable) -> None:
    lines = rows()
    for line in lines:
        if (line["iso3_o"], line["iso3_d"], line["year"]) == ("FRA", "NAM", "2021"):
            line["rta_type"] = "4"
    table, made = agreements(get, serve, archive(lines))
    assert table.loc[("FRA", "NAM", 2021), "fta"] == 0
    assert any(line.startswith("1 pair-years with a type") for line in made.statements)


def test_geography_and_agreements_feed_one_run(get: Get, serve: Callable) -> None:
    server = serve(fake_gravity())
    frames = [
        (what, get(Gravity(what=what), server).read()) for what in ("geography", "agreements")
    ]
    read = PairAttributes.from_frames(frames, countries=("DEU", "FRA", "NAM"))
    assert {"dist", "contig", "comlang_off", "comlang_ethno", "comcol", "colony"} <= set(
        read.static
    )
    assert read.yearly["rta"].values[-1, 0, 1] == 1
    # Both come from one archive, which is asked for once.
    assert len(server.requests) == 1


def test_the_file_is_read_in_small_blocks(
    get: Get, serve: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = geography(get, serve)
    monkeypatch.setattr(csv_stream, "BLOCK", 3000)
    batches: list[int] = []
    original = csv_stream.csv_batches

    def counted(*args: object, **options: object) -> object:
        for batch in original(*args, **options):
            batches.append(batch.num_rows)
            yield batch

    monkeypatch.setattr("features.sources.gravity.csv_batches", counted)
    made = get(Gravity(), serve(fake_gravity()), refresh=True)
    assert len(batches) > 5
    pd.testing.assert_frame_equal(made.read().set_index(["iso3_o", "iso3_d"]), whole)


@pytest.mark.parametrize("what", ["geography", "agreements"])
def test_a_renamed_column_is_named(get: Get, serve: Callable, what: str) -> None:
    gone = {"geography": "col_dep_ever", "agreements": "fta_wto"}[what]
    columns = [f"{name}_new" if name == gone else name for name in COLUMNS]
    with pytest.raises(SourceError, match=f"expected column {gone}"):
        get(Gravity(what=what), serve(fake_gravity(archive(columns=columns))))


def test_a_country_twice_in_a_year_is_refused(get: Get, serve: Callable) -> None:
    lines = rows()
    for line in lines:
        if line["country_id_o"] == "DEU.1":
            line["country_exists_o"] = "1"
    for what in ("geography", "agreements"):
        with pytest.raises(SourceError, match=r"DEU .* occurs twice"):
            get(Gravity(what=what), serve(fake_gravity(archive(lines))))


@pytest.mark.parametrize("what", ["geography", "agreements"])
def test_a_table_without_rows_is_refused(get: Get, serve: Callable, what: str) -> None:
    with pytest.raises(InputError, match="no row is left"):
        get(Gravity(what=what), serve(fake_gravity(archive([]))))


def test_an_unknown_code_is_refused(get: Get, serve: Callable) -> None:
    lines = rows()
    for line in lines:
        if line["country_id_o"] == "FRA":
            line["iso3_o"] = "F?A"
    with pytest.raises(SourceError, match="which country 'F\\?A' is"):
        get(Gravity(), serve(fake_gravity(archive(lines))))


@pytest.mark.parametrize("labels", ["rta_type,rta_type_lbl\n1,?\n2,?\n", "rta_type,rta_type_lbl\n"])
def test_a_type_without_a_label_is_refused(get: Get, serve: Callable, labels: str) -> None:
    with pytest.raises(SourceError, match="which type of agreement"):
        get(Gravity(what="agreements"), serve(fake_gravity(archive(labels=labels))))


@pytest.mark.parametrize("word", ["far", "null", "nan?"])
def test_a_word_among_the_numbers_is_refused(get: Get, serve: Callable, word: str) -> None:
    lines = rows()
    lines[0]["dist"] = word
    with pytest.raises(SourceError, match=f"invalid value '{word[:3]}"):
        get(Gravity(), serve(fake_gravity(archive(lines))))


@pytest.mark.parametrize(
    "body", [b"", b"<html>maintenance</html>", archive()[:-40]], ids=["empty", "html", "cut"]
)
def test_what_is_no_archive_is_not_kept(get: Get, serve: Callable, body: bytes) -> None:
    with pytest.raises(SourceError, match="not a complete zip archive"):
        get(Gravity(), serve(fake_gravity(body)))
    pairs, _ = geography(get, serve)
    assert len(pairs)


def test_a_garbled_archive_is_told_in_one_line(get: Get, serve: Callable) -> None:
    body = bytearray(archive())
    for place in range(300, 1500):
        body[place] ^= 0xFF
    with pytest.raises(SourceError) as caught:
        get(Gravity(), serve(fake_gravity(bytes(body))))
    assert "\n" not in str(caught.value)


def test_an_archive_without_the_table_says_what_is_in_it(get: Get, serve: Callable) -> None:
    body = archive().replace(b"Gravity_V202211", b"Gravity_V209901")
    with pytest.raises(SourceError, match=r"found Countries_V202211.csv, Gravity_V209901.csv"):
        get(Gravity(), serve(fake_gravity(body)))


@pytest.mark.parametrize("options", [{"release": "2022"}, {"what": "trade"}])
def test_wrong_options_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"--release 202211|--what geography"):
        Gravity(**options)


def test_keys_do_not_nest() -> None:
    assert Gravity().key == "gravity:202211:geography"
    assert Gravity(what="agreements").key == "gravity:202211:agreements"


def test_the_table_of_the_fake_is_square() -> None:
    assert table(rows()).count("\n") == 1 + len(COUNTRIES) ** 2 * len(YEARS)
