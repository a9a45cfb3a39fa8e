from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fake_sources.larch import COLUMNS, fake_larch, rows, table

from features.data.pairs import PairAttributes
from features.errors import InputError, SourceError
from features.sources.larch import Larch
from features.store.dataset import Dataset
from features.tidy import csv_stream

Get = Callable[..., Dataset]
KINDS = ["rta", "cu", "fta", "psa", "eia"]


def read(made: Dataset) -> pd.DataFrame:
    return made.read().set_index(["iso3_o", "iso3_d", "year"])


def test_only_pair_years_with_an_agreement_have_a_row(get: Get, serve: Callable) -> None:
    made = get(Larch(), serve(fake_larch()))
    agreements = read(made)
    assert (agreements["rta"] == 1).all()
    agreed = sum(line[3] == "1" for line in rows())
    assert len(agreements) == agreed
    assert made.years == (1958, 2007, 2009, 2016, 2024)
    left_out = len(rows()) - agreed
    assert any(s.startswith(f"{left_out:,} rows without an agreement") for s in made.statements)


def test_combined_kinds_count_as_both(get: Get, serve: Callable) -> None:
    agreements = read(get(Larch(), serve(fake_larch())))
    assert agreements.loc[("DEU", "FRA", 1958), KINDS].tolist() == [1, 1, 0, 0, 1]
    assert agreements.loc[("IND", "NAM", 2009), KINDS].tolist() == [1, 0, 0, 1, 0]
    assert agreements.loc[("NAM", "FRA", 2024), KINDS].tolist() == [1, 0, 1, 0, 0]


def test_old_codes_are_those_of_today(get: Get, serve: Callable) -> None:
    agreements = read(get(Larch(), serve(fake_larch())))
    assert ("DEU", "ROU", 2007) in agreements.index
    assert "ROM" not in agreements.index.get_level_values(0)


def test_a_country_under_an_old_and_a_new_code_is_joined_and_counted(
    get: Get, serve: Callable
) -> None:
    more = ("ROU", "DEU", "2007", "1", "0", "1", "0", "0", "0", "0", "0")
    lines = [line for line in rows() if line[:3] != more[:3]]
    made = get(Larch(), serve(fake_larch(table([*lines, more]))))
    agreements = read(made)
    assert agreements.loc[("ROU", "DEU", 2007), KINDS].tolist() == [1, 1, 1, 0, 1]
    assert any(s.startswith("1 rows of a country under a second code") for s in made.statements)


def test_it_feeds_a_run_as_a_list_of_occurrences(get: Get, serve: Callable) -> None:
    made = get(Larch(), serve(fake_larch()))
    countries = ("DEU", "FRA", "IND", "NAM")
    pairs = PairAttributes.from_frames([("larch", made.read())], countries=countries)
    rta = pairs.yearly["rta"]
    assert rta.values[1958 - rta.first_year, 0, 1] == 1
    # No row, and so no agreement.
    assert rta.values[2016 - rta.first_year, 0, 2] == 0
    assert rta.values[2016 - rta.first_year, 1, 3] == 1


def test_a_missing_value_is_no_agreement_and_counted(get: Get, serve: Callable) -> None:
    lines = [(*line[:3], "", *line[4:]) if line[:3] == ("IND", "NAM", "2009") else line
             for line in rows()]  # fmt: skip
    made = get(Larch(), serve(fake_larch(table(lines))))
    assert ("IND", "NAM", 2009) not in read(made).index
    assert "1 rows without a value for rta left out" in made.statements


def test_an_earlier_release_is_a_plain_file(get: Get, serve: Callable) -> None:
    server = serve(fake_larch())
    made = get(Larch(release="20221214"), server)
    assert server.requests[0].path == "/pool/dokumente/rta_20221214.csv"
    assert len(made.read()) == len(get(Larch(), server).read())


def test_either_form_is_taken_from_a_folder(get: Get, serve: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "by hand"
    folder.mkdir()
    (folder / "rta_20260111.csv").write_text(table())
    assert get(Larch(), serve(fake_larch()), given=folder).rows > 0


def test_the_file_is_read_in_small_blocks(
    get: Get, serve: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = get(Larch(), serve(fake_larch())).read()
    monkeypatch.setattr(csv_stream, "BLOCK", 400)
    again = get(Larch(), serve(fake_larch()), refresh=True).read()
    pd.testing.assert_frame_equal(whole, again)


def test_a_renamed_column_is_named(get: Get, serve: Callable) -> None:
    columns = ["agreement" if name == "rta" else name for name in COLUMNS]
    with pytest.raises(SourceError, match="expected column rta"):
        get(Larch(), serve(fake_larch(table(columns=columns))))


def test_an_unknown_code_is_refused(get: Get, serve: Callable) -> None:
    with pytest.raises(SourceError, match="which country 'I!D' is"):
        get(Larch(), serve(fake_larch(table().replace("IND", "I!D"))))


def test_a_word_among_the_numbers_is_refused(get: Get, serve: Callable) -> None:
    with pytest.raises(SourceError, match="yes"):
        get(Larch(), serve(fake_larch(table().replace(",1,", ",yes,", 1))))


@pytest.mark.parametrize("body", [b"", b"<html>maintenance</html>"])
def test_what_is_no_archive_is_not_kept(get: Get, serve: Callable, body: bytes) -> None:
    with pytest.raises(SourceError, match="not a complete zip archive"):
        get(Larch(), serve(fake_larch(body=body)))
    assert get(Larch(), serve(fake_larch())).rows > 0


def test_an_empty_plain_file_is_refused(get: Get, serve: Callable) -> None:
    with pytest.raises(SourceError, match="found none"):
        get(Larch(release="20221214"), serve(fake_larch("")))


def test_a_table_without_rows_is_refused(get: Get, serve: Callable) -> None:
    with pytest.raises(InputError, match="no row is left"):
        get(Larch(), serve(fake_larch(table([]))))


def test_a_release_that_is_no_day_is_refused() -> None:
    with pytest.raises(InputError, match="--release 20260111"):
        Larch(release="2026")
