"""AI use by enterprises: places of JSON-stat, codes of Eurostat, and what is no data."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_sources.eurostat import GEO, TIME, FakeEurostat, share, toy_table
from fake_sources.server import Server

from features.data.indicators import Indicators
from features.errors import InputError, SourceError
from features.sources.eurostat import Eurostat
from features.store.dataset import Dataset
from features.store.store import Store

Serve = Callable[..., Server]
Get = Callable[..., Dataset]
ISO3 = {"BE": "BEL", "DE": "DEU", "EL": "GRC", "FR": "FRA", "UK": "GBR", "XK": "XKX"}


def values(dataset: Dataset) -> dict[tuple[str, int], float]:
    table = dataset.read()
    return dict(zip(zip(table["iso3"], table["year"], strict=True), table["value"], strict=True))


def test_every_country_and_year_has_its_own_value(serve: Serve, get: Get) -> None:
    made = get(Eurostat(), serve(FakeEurostat()))
    assert made.key == "eurostat:20261125:GE10:C10-S951_X_K:all"
    unknown = {("UK", "2023"), ("UK", "2024")}
    assert values(made) == {
        (ISO3[geo], int(year)): share(geo, year)
        for geo in GEO for year in TIME if geo in ISO3 and (geo, year) not in unknown
    }  # fmt: skip
    assert "8 rows of groups of countries dropped" in made.statements
    assert "2 empty cells left out" in made.statements


def test_the_order_of_dimensions_and_lists_of_codes_and_values_are_read(
    serve: Serve, get: Get
) -> None:
    table = {
        "id": ["geo", "time"], "size": [2, 2], "value": [1.0, None, 3.0, 4.0],
        "dimension": {"geo": {"category": {"index": ["DE", "FR"]}},
                      "time": {"category": {"index": {"2024": 1, "2023": 0}}}},
    }  # fmt: skip
    made = get(Eurostat(), serve(FakeEurostat(table)))
    assert values(made) == {("DEU", 2023): 1.0, ("FRA", 2023): 3.0, ("FRA", 2024): 4.0}


def test_other_sizes_and_industries_are_asked_for_by_name(serve: Serve, get: Get) -> None:
    made = get(Eurostat(size="10-49", industry="J", years=(2025,)), serve(FakeEurostat()))
    assert values(made)["DEU", 2025] == share("DE", "2025", size="10-49", industry="J")
    assert {year for _, year in values(made)} == {2025}
    assert "size 10-49, industries J" in made.catalogue["note"].iloc[0]
    with pytest.raises(SourceError, match=r"nace_r2 has no code 'K'.*--industry"):
        get(Eurostat(industry="K"), serve(FakeEurostat()))


@pytest.mark.parametrize(
    "body",
    [
        '{"warning": {"status": 413, "label": "ASYNCHRONOUS_RESPONSE"}}',
        '{"id": ["geo", "time"], "size": [1], "value": {"0": 1}}',
        '{"id": ["geo", "time"], "size": [1, 1], "value": {}}',
        "[]", "<html>Maintenance</html>", "",
    ],
)  # fmt: skip
def test_what_is_no_data_is_an_error_and_never_cached(
    body: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match="expected JSON-stat") as caught:
        get(Eurostat(), serve(FakeEurostat(body=body)))
    assert "\n" not in str(caught.value)
    assert not list(store.raw_folder("eurostat", "20261125").glob("[!.]*"))


def changed(**parts: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(toy_table())), **parts}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (changed(size=[1, 2, 2, 1, 1, 4, 9]), "dimension geo has 8 codes of 9"),
        (changed(value={"999999": 1.0}), "not a number"),
        (changed(value={"0": "many"}), "not a number"),
        (changed(value={"two": 1.0}), "not a number"),
        (json.loads(json.dumps(toy_table()).replace('"2025"', '"2025-Q1"')), "is not a year"),
        (json.loads(json.dumps(toy_table()).replace('"BE"', '"QQ"')), "'QQ'"),
        (json.loads(json.dumps(toy_table()).replace("PC_ENT", "PC")), "unit has no code 'PC_ENT'"),
    ],
)
def test_a_table_of_another_form_is_refused(
    table: dict[str, Any], problem: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=problem):
        get(Eurostat(), serve(FakeEurostat(table)))
    assert store.datasets() == []


def test_it_feeds_a_run(serve: Serve, get: Get) -> None:
    made = get(Eurostat(), serve(FakeEurostat()))
    read = Indicators.from_frames(made.read(), made.catalogue, countries=("DEU", "FRA"))
    assert read.specs["AI.ENTERPRISES"].channel == "ai_adoption"
    assert read.specs["AI.ENTERPRISES"].publication_lag_months == 2


def test_years_before_the_survey_are_refused() -> None:
    with pytest.raises(InputError, match="begins in 2021"):
        Eurostat(years=(2019,))
