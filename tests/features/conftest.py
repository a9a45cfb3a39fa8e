"""A local server on a free port, and a store and client that talk to nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from fake_sources.server import Fake, Server

from features.download.client import Client
from features.store.connector import Connector
from features.store.dataset import Dataset
from features.store.fetching import fetch
from features.store.store import Store

TODAY = date(2026, 11, 25)


@pytest.fixture
def serve() -> Iterator[Callable[[Fake], Server]]:
    """Start a server that answers as a function of the request says; stopped after the test."""
    running: list[Server] = []

    def start(fake: Fake) -> Server:
        running.append(Server(fake))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def get(store: Store) -> Callable[..., Dataset]:
    """Fetch from a server into the test's store without waiting between tries."""

    def run(connector: Connector, server: Server, *, today: date = TODAY,
            **options: object) -> Dataset:  # fmt: skip
        client = Client(mirror=server.url, sleep=lambda _seconds: None)
        try:
            return fetch(connector, store=store, client=client, today=today, **options)
        finally:
            client.close()

    return run
