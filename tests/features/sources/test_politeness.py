"""What a source bears: requests at its pace, and no further try where one would be no use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_sources.comtrade import FakeComtrade, Flow
from fake_sources.imf_api import FakeSdmx
from fake_sources.server import Reply, Server

from features.download.client import Client
from features.errors import SourceError, UnreachableError
from features.sources.aidiffusion import AiDiffusion
from features.sources.aipi import Aipi
from features.sources.comtrade import Comtrade
from features.sources.eurostat import Eurostat
from features.sources.imts import Imts
from features.sources.owid import Owid
from features.sources.wdi import Wdi
from features.store.connector import Connector
from features.store.fetching import fetch
from features.store.store import Store

ONE_BY_ONE = [AiDiffusion(), Eurostat(), Aipi(), Comtrade(years=(2019,)), Imts(), Owid(), Wdi()]
"""Connectors that put questions to an interface, whose answers are not files."""


@pytest.mark.parametrize(
    ("connector", "fake", "seconds"),
    [
        # After some 70 quick calls every call is turned away.
        (Comtrade(years=(2019,), reporters=("USA",)), FakeComtrade([Flow(842, 156, 2019, 1.0)]), 6),
        # Ten requests in five seconds.
        (Imts(), FakeSdmx([("DEU", "XG_FOB_USD", "USA", "A", "2022", "1")]), 0.5),
    ],
    ids=["comtrade", "imts"],
)
def test_a_source_with_a_limit_is_asked_at_its_pace(
    connector: Connector, fake: Callable, seconds: float, serve: Callable[..., Server],
    store: Store, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("COMTRADE_API_KEY", raising=False)
    paces: list[float] = []

    class Noted(Client):
        def __init__(self, *, pace_seconds: float, **options: object) -> None:
            paces.append(pace_seconds)
            super().__init__(pace_seconds=pace_seconds, **options)

    monkeypatch.setattr("features.store.fetching.Client", Noted)
    fetch(connector, store=store, mirror=serve(fake).url)
    assert paces[0] >= seconds


@pytest.mark.parametrize("connector", ONE_BY_ONE, ids=lambda one: one.INFO.name)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_refusal_is_not_asked_for_again(
    connector: Connector, status: int, serve: Callable[..., Server], get: Callable, store: Store
) -> None:
    server = serve(lambda _request: Reply("no", status=status))
    with pytest.raises(SourceError) as caught:
        get(connector, server)
    assert not isinstance(caught.value, UnreachableError)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1
    assert store.datasets() == []


@pytest.mark.parametrize("connector", ONE_BY_ONE, ids=lambda one: one.INFO.name)
@pytest.mark.parametrize("status", [429, 500, 502, 504])
def test_a_source_in_trouble_is_asked_again(
    connector: Connector, status: int, serve: Callable[..., Server], get: Callable
) -> None:
    server = serve(lambda _request: Reply("Something went wrong", status=status))
    with pytest.raises(UnreachableError, match=f"after 5 tries .status {status}"):
        get(connector, server)
    assert len(server.requests) == 5
