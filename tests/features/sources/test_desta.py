from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fake_sources.desta import (
    CAN,
    COLUMNS,
    DEU,
    FRA,
    GBR,
    IND,
    KOR,
    NAM,
    POL,
    fake_desta,
    table,
    treaties,
    treaty,
    withdrawals,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from features.data.pairs import PairAttributes
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError
from features.sources.desta import Desta
from features.store.dataset import Dataset
from features.tidy.parts import Notes

Get = Callable[..., Dataset]


def read(made: Dataset) -> pd.DataFrame:
    return made.read().set_index(["iso3_o", "iso3_d", "year"]).sort_index()


def test_a_treaty_is_in_force_from_its_entry_to_the_last_year_of_the_list(
    get: Get, serve: Callable
) -> None:
    made = get(Desta(), serve(fake_desta()))
    pair = read(made).loc[("IND", "NAM")]
    # Signed in 2008, in force from 2009. The last treaty of the list was signed in 2010; that of
    # 2020 is a negotiation.
    assert pair.index.tolist() == [2009, 2010]
    assert made.key == "desta:02_03:listed"


def test_every_pair_has_both_directions(get: Get, serve: Callable) -> None:
    frame = get(Desta(), serve(fake_desta())).read()
    frame = frame.astype({"iso3_o": "str", "iso3_d": "str"})
    there = frame.set_index(["iso3_o", "iso3_d", "year"]).sort_index()
    back = frame.set_index(["iso3_d", "iso3_o", "year"]).sort_index()
    pd.testing.assert_frame_equal(there, back, check_names=False)


def test_treaties_are_counted_once_whatever_their_versions(get: Get, serve: Callable) -> None:
    pair = read(get(Desta(), serve(fake_desta()))).loc[("DEU", "FRA")]
    assert pair.loc[2000, "n_treaties"] == 1
    assert pair.loc[2002, "n_treaties"] == 2
    # The consolidated version of 2004 is the treaty of 2000.
    assert pair.loc[2004, "n_treaties"] == 2
    assert (pair["rta"] == 1).all()


def test_the_wto_lists_a_pair_if_it_lists_one_of_its_treaties(get: Get, serve: Callable) -> None:
    frame = read(get(Desta(), serve(fake_desta())))
    assert frame.loc[("DEU", "FRA", 2002), "rta_wto"] == 1
    assert frame.loc[("IND", "NAM", 2009), "rta_wto"] == 0


def test_a_withdrawal_ends_its_treaty_and_no_other(get: Get, serve: Callable) -> None:
    made = get(Desta(), serve(fake_desta()))
    pair = read(made).loc[("DEU", "POL")]
    assert pair.index.tolist() == list(range(2002, 2011))
    assert pair.loc[2003, "n_treaties"] == 1
    # The association agreement ends as the accession begins.
    assert pair.loc[2004, "n_treaties"] == 1
    assert "1 treaties of a pair ended by a withdrawal" in made.statements
    assert "1 withdrawals from a treaty that the list does not have in force" in made.statements


def test_without_the_withdrawals_file_the_treaty_would_go_on(get: Get, serve: Callable) -> None:
    pair = read(get(Desta(), serve(fake_desta(left=[])))).loc[("DEU", "POL")]
    assert pair.loc[2004, "n_treaties"] == 2


def test_a_pair_that_comes_back_is_in_force_again(get: Get, serve: Callable) -> None:
    dyads = [
        treaty(DEU, FRA, treaty="1", year=1990, entry=1990),
        treaty(DEU, FRA, treaty="1", year=2001, entry=2001, kind="consolidated", number="1a"),
        treaty(FRA, DEU, treaty="1", year=2005, entry=2005, kind="accession", number="1+1"),
        treaty(DEU, POL, treaty="2", year=2010, entry=2010),
    ]
    left = [treaty(FRA, DEU, treaty="1", year=2000, entry="NA", kind="withdrawal")]
    made = get(Desta(), serve(fake_desta(dyads, left)))
    years = read(made).loc[("DEU", "FRA")].index.tolist()
    # The new version of 2001 brings back the pair that left in 2000.
    assert years == [*range(1990, 2000), *range(2001, 2011)]
    assert "2 treaties of a pair in force again after a withdrawal" in made.statements


def test_the_united_kingdom_carries_the_unions_treaties_on(get: Get, serve: Callable) -> None:
    dyads = [
        treaty(KOR, GBR, treaty="815", year=2010, entry=2011),
        treaty(KOR, GBR, treaty="815", year=2019, entry=2021, kind="consolidated", number="1017a"),
        treaty(CAN, GBR, treaty="848", year=2016, entry=2017),
        treaty(CAN, GBR, treaty="848", year=2020, entry=2021, kind="consolidated", number="1059a"),
        # Not carried on: over with the transition.
        treaty(IND, GBR, treaty="900", year=2000, entry=2001),
        treaty(DEU, FRA, treaty="1", year=2022, entry=2022),
    ]
    left = [
        treaty(GBR, KOR, treaty="815", year=2020, entry=2020, kind="withdrawal"),
        treaty(GBR, CAN, treaty="848", year=2020, entry=2020, kind="withdrawal"),
        treaty(GBR, IND, treaty="900", year=2020, entry=2020, kind="withdrawal"),
    ]
    frame = read(get(Desta(), serve(fake_desta(dyads, left))))
    assert frame.loc[("GBR", "KOR")].index.tolist() == list(range(2011, 2023))
    assert frame.loc[("CAN", "GBR")].index.tolist() == list(range(2017, 2023))
    assert frame.loc[("GBR", "IND")].index.tolist() == list(range(2001, 2021))
    assert (frame.loc[("CAN", "GBR"), "n_treaties"] == 1).all()


def test_what_is_not_in_force_is_left_out_and_counted(get: Get, serve: Callable) -> None:
    made = get(Desta(), serve(fake_desta()))
    assert "CIV" not in set(made.read()["iso3_o"])
    assert "1 rows of treaties not in force, without a year of entry, left out" in made.statements
    assert any("negotiations and withdrawals" in line for line in made.statements)


def test_codes_are_numeric_and_kosovo_has_one_of_its_own(get: Get, serve: Callable) -> None:
    made = get(Desta(), serve(fake_desta()))
    assert ("ALB", "XKX", 2007) in read(made).index
    # North Yemen is Yemen too, and has no agreement with itself.
    assert "YEM" not in set(made.read()["iso3_o"])
    assert any("country with itself" in line for line in made.statements)


def test_monaco_is_a_country_and_no_area_of_comtrade(get: Get, serve: Callable) -> None:
    dyads = [treaty("492", DEU, treaty="1", year=2000, entry=2000)]
    assert ("DEU", "MCO", 2000) in read(get(Desta(), serve(fake_desta(dyads)))).index


def test_what_has_no_code_is_left_out_and_counted(get: Get, serve: Callable) -> None:
    made = get(
        Desta(),
        serve(fake_desta([*treaties(), treaty("", DEU, treaty="1", year=2000, entry=2000)])),
    )
    assert "1 rows of areas that are not countries left out" in made.statements


def test_until_carries_on_and_says_so(get: Get, serve: Callable) -> None:
    made = get(Desta(until=2012), serve(fake_desta()))
    assert max(made.years) == 2012
    assert made.key == "desta:02_03:to2012"
    assert any("Years after 2010 repeat" in line for line in made.statements)


def test_an_earlier_end_leaves_out_later_treaties(get: Get, serve: Callable) -> None:
    made = get(Desta(until=2005), serve(fake_desta()))
    assert max(made.years) == 2005
    assert any("enter into force after 2005" in line for line in made.statements)


def test_both_ends_may_be_in_one_store(get: Get, serve: Callable) -> None:
    server = serve(fake_desta())
    get(Desta(), server)
    get(Desta(until=2012), server)
    assert len(server.requests) == 2
    assert max(get(Desta(), server).years) == 2010


def test_it_feeds_a_run_beside_a_table_of_distances(get: Get, serve: Callable) -> None:
    made = get(Desta(), serve(fake_desta()))
    geography = pd.DataFrame({"iso3_o": ["DEU"], "iso3_d": ["FRA"], "dist": [880.0]})
    pairs = PairAttributes.from_frames(
        [("geography", geography), ("desta", made.read())], countries=("DEU", "FRA", "IND", "NAM")
    )
    rta, wto = pairs.yearly["rta"], pairs.yearly["rta_wto"]
    assert rta.values[2000 - rta.first_year, 0, 1] == 1
    # Within the years of a list of occurrences no row means no agreement.
    assert rta.values[2000 - rta.first_year, 0, 2] == 0
    assert wto.values[2010 - wto.first_year, 3, 2] == 0
    assert pairs.yearly["n_treaties"].values[2003 - rta.first_year, 1, 0] == 2


SPELLS = st.lists(
    st.tuples(
        st.sampled_from([(DEU, FRA), (FRA, DEU), (DEU, POL), (IND, NAM)]),
        st.sampled_from("123"),
        st.integers(1990, 1995),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=12, deadline=None)
@given(entries=SPELLS, exits=SPELLS)
def test_in_force_is_as_a_calendar_would_have_it(entries: list, exits: list) -> None:
    names = {DEU: "DEU", FRA: "FRA", POL: "POL", IND: "IND", NAM: "NAM"}
    dyads = [treaty(*pair, treaty=number, year=1995, entry=year) for pair, number, year in entries]
    left = [treaty(*pair, treaty=number, year=year, entry="NA") for pair, number, year in exits]
    expected: dict[tuple[str, str, int], set[str]] = {}
    for pair, number, start in entries:
        ends = [y for p, n, y in exits if {*p} == {*pair} and n == number and y >= start]
        for year in range(start, min([*ends, 1996])):
            for one, two in (pair, pair[::-1]):
                expected.setdefault((names[one], names[two], year), set()).add(number)
    with tempfile.TemporaryDirectory() as folder:
        raw = [RawFile(Path(folder) / name, "", "", 0, "") for name in ("dyads.csv", "left.csv")]
        for file, lines in zip(raw, (dyads, left), strict=True):
            file.path.write_bytes(table(lines))
        frames = [part.build(Notes()).to_pandas() for part in Desta().tidy(raw)]
    found = {
        (row.iso3_o, row.iso3_d, row.year): row.n_treaties
        for frame in frames
        for row in frame.itertuples()
    }
    assert found == {key: len(numbers) for key, numbers in expected.items()}


def test_latin_letters_and_a_byte_order_mark_do_no_harm(get: Get, serve: Callable) -> None:
    body = "\ufeff".encode() + table(treaties()).decode("latin-1").encode()
    assert (
        get(Desta(), serve(fake_desta(body))).rows
        == get(Desta(until=2010), serve(fake_desta())).rows
    )


@pytest.mark.parametrize("which", ["dyads", "withdrawals"])
def test_a_renamed_column_is_named_and_not_kept(get: Get, serve: Callable, which: str) -> None:
    columns = ["base" if name == "base_treaty" else name for name in COLUMNS]
    bodies = {"dyads": (table(treaties(), columns), None),
              "withdrawals": (None, table(withdrawals(), columns))}[which]  # fmt: skip
    with pytest.raises(SourceError, match="expected column base_treaty"):
        get(Desta(), serve(fake_desta(*bodies)))
    assert get(Desta(), serve(fake_desta())).rows


@pytest.mark.parametrize("body", [b"", b"<html>maintenance</html>"])
def test_an_empty_answer_or_a_page_is_not_kept(get: Get, serve: Callable, body: bytes) -> None:
    with pytest.raises(SourceError, match="expected column iso1"):
        get(Desta(), serve(fake_desta(body)))
    assert get(Desta(), serve(fake_desta())).rows


def test_an_unknown_code_is_refused(get: Get, serve: Callable) -> None:
    with pytest.raises(SourceError, match="which country '999' is"):
        get(Desta(), serve(fake_desta([treaty("999", FRA, treaty="1", year=1990, entry=1990)])))


def test_a_word_for_a_year_is_refused_with_its_row(get: Get, serve: Callable) -> None:
    dyads = [*treaties(), treaty(DEU, NAM, treaty="20", year=2000, entry="soon")]
    with pytest.raises(SourceError, match=f"'entryforceyear', row {len(dyads) + 1}: 'soon'"):
        get(Desta(), serve(fake_desta(dyads)))


def test_a_cut_table_is_refused(get: Get, serve: Callable) -> None:
    body = table(treaties()).replace(b"a country", b'"a country', 1)
    with pytest.raises(SourceError, match="cannot be read"):
        get(Desta(), serve(fake_desta(body)))


@pytest.mark.parametrize("options", [{"release": "02_04"}, {"until": 1800}])
def test_wrong_options_are_refused(options: dict) -> None:
    with pytest.raises(InputError, match=r"--release 02_03|--until 2024"):
        Desta(**options)
