"""Ready sets of indicators joined from several sources."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from fake_sources.everything import CODES, everything

from features.catalogue import FEATURES
from features.data.indicators import Indicators
from features.download.client import Client
from features.errors import InputError
from features.feature import TECHNOLOGY
from features.sources.geodist import GeoDist
from features.sources.presets import (
    CAPITAL,
    CAPITAL_DEPRECIATION,
    PRESETS,
    UNFILLED,
    capital_stock,
    fetch_preset,
)
from features.sources.stri import Stri
from features.sources.technology import FIRST_GROWTH
from features.sources.wdi import Wdi

COUNTRIES = tuple(sorted(CODES.values()))
SERIES = re.compile(r"[A-Z][A-Z.]+")
"""Names of indicator series; attributes of pairs and sectors are in small letters."""


@pytest.fixture
def join(serve, store, request):
    from datetime import date

    def go(preset, fake=None, **options):
        server = serve(fake or everything())
        client = Client(mirror=server.url, sleep=lambda _: None, attempts=2)
        try:
            return fetch_preset(
                preset, store=store, client=client, today=date(2026, 11, 25), **options
            )
        finally:
            client.close()

    return go


def test_technology_is_what_its_members_are_and_fills_every_feature_that_it_can(join, store):
    made = join("technology")
    check_members(made.read(), store)
    read = Indicators.from_frames(made.read(), made.catalogue, countries=COUNTRIES)
    wanted = {
        series
        for feature in FEATURES
        if feature.channel in TECHNOLOGY
        for series in feature.series
        if SERIES.match(series)
    }
    assert "TECH.ROBOTS.STOCK" in wanted
    # What stays empty is declared, with the reason, and nothing else does.
    assert wanted - set(read.values) == set(UNFILLED)
    assert all(UNFILLED.values())
    assert made.key == "indicators:technology:20261125"
    said = " ".join(made.statements)
    for source in ("wdi:", "owid:", "technology:HS96:202601: Etalab"):
        assert source in said


def check_members(made, store):
    made = made.astype({"iso3": "str", "indicator": "str"})
    members = [d for d in store.datasets() if d.source in ("wdi", "owid", "technology")]
    assert len(members) == 3
    keys = ["indicator", "iso3", "year"]
    expected = pd.concat([member.read() for member in members]).astype(
        {"iso3": "str", "indicator": "str"}
    )
    kept = made[made["indicator"] != CAPITAL].sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(kept, expected.sort_values(keys, ignore_index=True))


def test_years_are_kept_as_asked(join):
    made = join("technology", years=(2010, 2011))
    assert made.years == (2010, 2011)
    assert made.key.endswith(":2010-2011")


def test_the_economy_and_snapshots(join):
    economy = join("economy")
    lines = {line.indicator for line in economy.indicators}
    assert {"MACRO.GDP", "WEO.NGDP_RPCH.H1", "TX.VAL.MRCH.XD.WD"} <= lines
    assert all(line.snapshot for line in join("snapshots").indicators)


def test_a_source_that_fails_is_named_and_the_others_stay(join, store):
    whole = everything()

    def without_charts(request):
        if request.path.startswith("/grapher/"):
            from fake_sources.server import Reply

            return Reply(status=503)
        return whole(request)

    with pytest.raises(InputError, match=r"status 503.*owid"):
        join("technology", without_charts)
    assert [dataset.source for dataset in store.datasets()] == ["wdi"]


def test_another_data_set_of_the_store_is_joined(join, get, serve):
    get(Stri(), serve(everything()))
    made = join("technology", also=("stri",))
    assert made.key == "indicators:technology:20261125:with-stri"
    assert "OECD.DSTRI" in {line.indicator for line in made.indicators}
    assert "OECD.DSTRI" in set(made.read()["indicator"])


def test_what_cannot_be_joined_is_refused(join, get, serve):
    server = serve(everything())
    get(GeoDist(), server)
    get(Wdi(indicators=("MACRO.GDP",), years=(2010,)), server)
    with pytest.raises(InputError, match="holds pairs, not indicators"):
        join("technology", also=("geodist",))
    with pytest.raises(InputError, match=r"both have MACRO\.GDP"):
        join("technology", also=("wdi:20261125:MACRO.GDP",))


def test_an_unknown_preset_names_those_there_are(join):
    with pytest.raises(InputError, match=", ".join(PRESETS)):
        join("tech")


def test_capital_is_an_inventory_that_begins_anew_after_a_gap():
    invested = pd.DataFrame(
        {"iso3": "USA", "year": [2000, 2001, 2003], "value": [10.0, 12.0, 20.0]}
    )
    stock = capital_stock(invested).set_index("year")["value"]
    first = 10.0 / (CAPITAL_DEPRECIATION + FIRST_GROWTH)
    assert stock[2000] == pytest.approx(first)
    assert stock[2001] == pytest.approx(first * (1 - CAPITAL_DEPRECIATION) + 12.0)
    # A year without a figure does not count as a year without investment.
    assert stock[2003] != pytest.approx(stock[2001] * (1 - CAPITAL_DEPRECIATION) + 20.0)
    assert capital_stock(invested.iloc[:0]).empty
    assert np.isfinite(stock).all()
