"""AI Preparedness Index: a snapshot, answers that are errors in disguise, and groups."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from fake_sources.imf_api import MAPPER, FakeDataMapper, index_values, toy_index
from fake_sources.server import Server

from features.data.indicators import Indicators
from features.errors import InputError, SourceError
from features.sources.aipi import Aipi
from features.store.dataset import Dataset
from features.store.store import Store

Serve = Callable[..., Server]
Get = Callable[..., Dataset]


def test_the_index_and_its_parts(serve: Serve, get: Get) -> None:
    dataset = get(Aipi(), serve(FakeDataMapper(toy_index())))
    table = dataset.read()
    assert dataset.key == "aipi:20261125:2023"
    assert dataset.years == (2023,)
    assert set(table["indicator"]) == {"AIPI", "AIPI.DI", "AIPI.HCLMP", "AIPI.IEI", "AIPI.RE"}
    usa = table[table["iso3"] == "USA"].set_index("indicator")["value"]
    assert usa["AIPI"] == 0.77
    assert usa["AIPI.RE"] == 0.77 / 5


def test_kosovo_and_palestine_are_countries_and_groups_are_counted(serve: Serve, get: Get) -> None:
    dataset = get(Aipi(), serve(FakeDataMapper(toy_index())))
    assert set(dataset.read()["iso3"]) == {"DEU", "USA", "XKX", "PSE"}
    assert dataset.statements == ("10 series of groups of countries dropped",)


def test_groups_that_no_list_names_are_dropped_too(serve: Serve, get: Get) -> None:
    values = {"DEU": 0.7, "EME": 0.5, "LIC": 0.3, "WEOWORLD": 0.4}
    fake = FakeDataMapper(toy_index(**{"AIPI/DI": index_values("DI", values)}))
    dataset = get(Aipi(), serve(fake))
    # Two in each of the four other indices.
    assert dataset.statements == ("11 series of groups of countries dropped",)


def test_it_is_a_snapshot(serve: Serve, get: Get) -> None:
    dataset = get(Aipi(), serve(FakeDataMapper(toy_index())))
    assert dataset.catalogue["snapshot"].all()
    assert set(dataset.catalogue["channel"]) == {"ai_adoption"}
    assert dataset.catalogue["note"].str.contains("IMF terms").all()
    assert dataset.licence.startswith("IMF terms")


def test_other_years_and_series_are_dropped(serve: Serve, get: Get) -> None:
    answer = index_values("RE", {"DEU": 0.2})
    answer["values"]["RE"]["DEU"] |= {"2022": 0.1, "2024": 0.3}
    answer["values"]["OTHER"] = {"DEU": {"2023": 9.0}}
    answer["values"]["RE"]["FRA"] = {"2022": 0.1}
    answer["values"]["RE"]["ITA"] = {"2023": None}
    dataset = get(Aipi(), serve(FakeDataMapper(toy_index(**{"AIPI/RE": answer}))))
    table = dataset.read()
    part = table[table["indicator"] == "AIPI.RE"]
    assert dict(zip(part["iso3"], part["value"], strict=True)) == {"DEU": 0.2}
    assert "3 values of years not asked for dropped" in dataset.statements
    assert "1 countries without a value left out" in dataset.statements


def test_names_it_does_not_know_are_errors_and_never_cached(
    serve: Serve, get: Get, store: Store
) -> None:
    fake = FakeDataMapper(toy_index(**{"AIPI/IEI": {}}))
    with pytest.raises(SourceError, match=r"AIPI/IEI: the source answered without values IEI"):
        get(Aipi(), serve(fake))
    cached = {path.name for path in store.raw_folder("aipi", "20261125").glob("*.json")}
    assert "HCLMP.json" in cached
    assert "IEI.json" not in cached


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"api": {"version": "1"}}', "without values AI_PI"),
        ('{"values": {"AI_PI": null}}', "without values AI_PI"),
        ('{"values": {"AI_PI": {}}}', "without values AI_PI"),
        ("[]", "without values AI_PI"),
        ("<html>Maintenance</html>", "not JSON"),
        ('{"values": {"AI_PI": {"DEU"', "not JSON"),
        ("", "not JSON"),
    ],
)
def test_bodies_that_are_no_data(
    body: str, problem: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=problem) as caught:
        get(Aipi(), serve(FakeDataMapper({}, body=body)))
    assert "\n" not in str(caught.value)
    assert not list(store.raw_folder("aipi", "20261125").glob("[!.]*"))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"DEU": 0.7, "ZZQ9": 0.1}, "DI.json, column 'DI': .*'ZZQ9'"),
        ({"DEU": "high"}, "DI.json: 'high' of DEU is not a number"),
        ({"DEU": True}, "True of DEU is not a number"),
    ],
)
def test_values_that_cannot_be(
    values: dict[str, object], problem: str, serve: Serve, get: Get, store: Store
) -> None:
    fake = FakeDataMapper(toy_index(**{"AIPI/DI": index_values("DI", values)}))
    with pytest.raises(SourceError, match=problem):
        get(Aipi(), serve(fake))
    assert store.datasets() == []


def test_a_country_without_years_is_a_changed_source(serve: Serve, get: Get) -> None:
    fake = FakeDataMapper(toy_index(**{"AIPI/DI": {"values": {"DI": {"DEU": 0.7}}}}))
    with pytest.raises(SourceError, match="the values of DEU are not years"):
        get(Aipi(), serve(fake))


def test_the_server_turns_away_what_is_no_browser(serve: Serve, get: Get) -> None:
    server = serve(FakeDataMapper(toy_index()))
    refused = httpx.get(f"{server.url}{MAPPER}/AIPI/AI_PI", headers={"User-Agent": "tool/1.0"})
    assert refused.status_code == 403
    get(Aipi(), server)
    assert server.requests[-1].headers["user-agent"].startswith("Mozilla/")
    assert server.requests[1].query == {"periods": "2023"}


def test_it_feeds_a_run_that_is_forced_to_take_it(serve: Serve, get: Get) -> None:
    dataset = get(Aipi(), serve(FakeDataMapper(toy_index())))
    frames, countries = (dataset.read(), dataset.catalogue), ("DEU", "USA")
    with pytest.raises(InputError, match=r"AIPI.* has one year only"):
        Indicators.from_frames(*frames, countries=countries)
    read = Indicators.from_frames(*frames, countries=countries, snapshots="spread")
    assert read.values["AIPI"].tolist() == [[0.75, 0.77]]
    assert read.other_countries == ("PSE", "XKX")


def test_a_release_is_a_day() -> None:
    with pytest.raises(InputError, match="is not a day"):
        Aipi(release="2023")
