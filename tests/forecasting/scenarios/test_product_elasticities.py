from __future__ import annotations

from pathlib import Path

import pytest
from fake_sources.protee import fake_protee, table
from fake_sources.server import Server

from features.sources.protee import Protee
from features.store.fetching import fetch
from forecasting.scenarios.product_elasticities import sector_elasticities


def test_the_store_and_the_file_by_hand_say_the_same_of_sections(tmp_path: Path) -> None:
    server = Server(fake_protee())
    try:
        fetch(Protee(), store=tmp_path / "store", mirror=server.url)
    finally:
        server.stop()
    file = tmp_path / "by hand.csv"
    file.write_bytes(table())
    stored = sector_elasticities(Path("protee"), "section", store=tmp_path / "store")
    assert stored == sector_elasticities(file, "section")
    # A product without an estimate of its own does not count, nor does a sector with one product.
    assert stored["s01"].value == 10
    assert stored["s01"].standard_error == pytest.approx(2.5)
    assert stored["s16"].value == 4
    assert set(stored) == {"s01", "s16"}
    assert set(sector_elasticities(file, "hs2")) == {"01", "84"}
