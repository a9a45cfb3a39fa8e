from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable

import pandas as pd
import pytest
from fake_sources.server import Fake, Server
from fake_sources.wdi import TWO, fake_wdi, ordered, tidy

from features.errors import SourceError
from features.sources.indicator_sets import ready_of
from features.sources.wdi import Wdi
from features.sources.wdi_bulk import COUNTRIES as COUNTRY_MEMBER
from features.sources.wdi_bulk import DATA
from features.store.dataset import Dataset
from features.store.store import Store

Get = Callable[..., Dataset]
Serve = Callable[[Fake], Server]
GDP, USERS = TWO
IDS = tuple(series.at_source for series in ready_of("wdi"))
from_archive = Wdi(indicators=TWO, via="bulk")


def test_an_archive_equals_the_api(serve: Serve, get: Get):
    data = fake_wdi(*IDS)
    server = serve(data)
    bulk, api = get(Wdi(via="bulk"), server), get(Wdi(), server)
    pd.testing.assert_frame_equal(ordered(bulk.read()), ordered(api.read()))
    assert bulk.raw[0]["name"] == "WDI_CSV.zip"
    assert len(bulk.raw) == 1


def test_an_archive_whose_connection_breaks_is_continued(serve: Serve, get: Get):
    padding = {"WDIfootnote.csv": random.Random(0).randbytes(600_000).hex()}
    data = fake_wdi(members=lambda members: padding | members, cut=400_000)
    server = serve(data)
    made = get(from_archive, server)
    assert made.rows == len(tidy(data))
    first = int(server.requests[-1].headers["range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < first <= 400_000


def renamed(old: str, new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda members: {name.replace(old, new): text for name, text in members.items()}


def edited(member: str, old: str, new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda members: members | {member: members[member].replace(old, new)}


def test_names_in_another_encoding_and_unended_lines_do_no_harm(serve: Serve, get: Get):
    def old_fashioned(members: dict[str, str]) -> dict[str, str | bytes]:
        country = members[COUNTRY_MEMBER].removeprefix("\ufeff").replace("Viet Nam", "Viêt Nam")
        head, *rows = country.rstrip().split("\n")
        text = "\n".join([head, *(row.removesuffix(",") for row in rows)])
        return members | {COUNTRY_MEMBER: text.encode("latin-1")}

    data = fake_wdi(members=old_fashioned)
    assert get(from_archive, serve(data)).rows == len(tidy(data))


@pytest.mark.parametrize("names", [str.upper, str.lower])
def test_members_are_found_in_any_case(names, serve: Serve, get: Get):
    data = fake_wdi(members=lambda members: {names(name): text for name, text in members.items()})
    assert get(from_archive, serve(data)).rows == len(tidy(data))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (renamed(DATA, "WDIData.csv"), f"expected a file {DATA}, found .*WDIData.csv"),
        (renamed(COUNTRY_MEMBER, "Country.csv"), f"expected a file {COUNTRY_MEMBER}"),
        (edited(DATA, "Indicator Code,", "Series Code,"), "expected column Indicator Code"),
        (edited(DATA, "Country Code,", "Code,"), "expected column Country Code, found .*Code"),
        (edited(DATA, ",2020,", ",2020 [YR2020],"), r"years such as 1960, found 2020 \[YR2020\]"),
        (edited(COUNTRY_MEMBER, ",Region,", ",Area,"), "expected column Region"),
        (edited("WDISeries.csv", USERS, "IT.NET.USER.GONE"), f"no longer has series {USERS}"),
        (edited(DATA, f"{GDP},", f"{GDP},..,"), "is not a number|cells"),
        (edited(DATA, "\n", ",5\n"), "cells|years such as"),
        (lambda members: members | {DATA: members[DATA][: len(members[DATA]) // 2]}, "cells"),
        (lambda members: members | {DATA: ""}, "expected column"),
    ],
)
def test_a_changed_archive_is_one_line(change, told: str, serve: Serve, get: Get, store: Store):
    with pytest.raises(SourceError, match=told) as raised:
        get(from_archive, serve(fake_wdi(members=change)))
    assert "\n" not in str(raised.value)
    assert store.datasets() == []


def test_a_web_page_or_half_an_archive_is_refused_and_not_cached(serve: Serve, get: Get):
    data = fake_wdi()
    server = serve(data)
    whole = data.packed()
    for broken in (b"<html>Request Rejected</html>", whole[: len(whole) // 2]):
        data.archive = broken
        with pytest.raises(SourceError, match="not a complete zip archive"):
            get(from_archive, server)
    data.archive = None
    assert get(from_archive, server).rows == len(tidy(data))


def test_a_garbled_member_is_one_line(serve: Serve, get: Get):
    data = fake_wdi()
    whole = bytearray(data.packed())
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        start = archive.getinfo(DATA).header_offset + 60
    whole[start : start + 40] = bytes(40)
    data.archive = bytes(whole)
    with pytest.raises(SourceError, match=r"the file is broken|has changed") as raised:
        get(from_archive, serve(data))
    assert "\n" not in str(raised.value)
