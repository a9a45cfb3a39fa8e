"""What may go wrong with any source: no network, an unknown release, a full disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from fake_sources.everything import everything
from fake_sources.server import Server

from features.errors import InputError, SourceError, UnreachableError
from features.sources.aidiffusion import AiDiffusion
from features.sources.aipi import Aipi
from features.sources.baci import Baci
from features.sources.batis import Batis
from features.sources.brent import Brent
from features.sources.comtrade import Comtrade
from features.sources.cpb import Cpb
from features.sources.desta import Desta
from features.sources.eurostat import Eurostat
from features.sources.geodist import GeoDist
from features.sources.gravity import Gravity
from features.sources.imts import Imts
from features.sources.itpde import Itpde
from features.sources.larch import Larch
from features.sources.owid import Owid
from features.sources.protee import Protee
from features.sources.technology import Technology
from features.sources.wdi import Wdi
from features.sources.weo import Weo
from features.store.connector import Connector
from features.store.store import Store

Serve = Callable[..., Server]
Get = Callable[..., Any]
COMTRADE = Comtrade(reporters=("USA",), years=(2016,))
ALL = [
    AiDiffusion(), Eurostat(),
    Aipi(), Baci(level="total"), Batis(), Brent(), COMTRADE, Cpb(), Desta(), GeoDist(), Gravity(),
    Imts(),
    Itpde(), Larch(), Owid(), Protee(), Technology(), Wdi(), Wdi(via="bulk"), Weo(),
]  # fmt: skip
FULL = Path("/dev/full")


def named(value: object) -> str:
    return value.key.replace(":", "-") if isinstance(value, Connector) else str(value)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMTRADE_API_KEY", raising=False)


@pytest.fixture(scope="module")
def mirror() -> Iterator[Server]:
    """Every source; it is only read."""
    server = Server(everything())
    yield server
    server.stop()


@pytest.mark.parametrize("connector", ALL, ids=named)
def test_no_network_is_one_line_that_names_what_is_in_the_store(
    connector: Connector, mirror: Server, serve: Serve, get: Get
) -> None:
    made = get(connector, mirror)
    gone = serve(everything())
    gone.stop()
    with pytest.raises(UnreachableError) as caught:
        get(connector, gone, refresh=True)
    assert "\n" not in str(caught.value)
    assert f"of use meanwhile: {made.key}" in str(caught.value)
    # What was there is as it was.
    made.verify()
    assert get(connector, gone).digest == made.digest


@pytest.mark.parametrize(
    ("connector", "release"),
    [
        (Baci(release="209901"), "209901"),
        (Batis(release="209901"), "January2099"),
        (Gravity(release="209901"), "209901"),
        (Larch(release="20990101"), "20990101"),
        (Protee(release="9.9"), "ProTEE_9_9"),
        (Technology(release="209901"), "209901"),
    ],
    ids=named,
)
def test_a_release_that_the_source_does_not_have_is_named(
    connector: Connector, release: str, mirror: Server, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=release) as caught:
        get(connector, mirror)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, UnreachableError)
    assert store.datasets() == []


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, which is always full")
@pytest.mark.parametrize(
    ("connector", "ending"),
    [
        *((one, ".part") for one in (Baci(level="total"), Larch(), Wdi(via="bulk"))),
        # Few rows of a year stay in a buffer, which is written when the file is closed.
        *((one, ".bin") for one in (Batis(items=("SC",), years=(2022,)), Itpde(level="total"))),
    ],
    ids=named,
)
def test_a_disk_that_fills_up_on_the_way_is_one_line(
    connector: Connector, ending: str, mirror: Server, get: Get, store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    open_file = Path.open

    def onto_a_full_disk(path: Path, mode: str = "r", *more: Any, **options: Any) -> IO[Any]:
        writes = path.suffix == ending and mode == "ab"
        return open_file(FULL if writes else path, mode, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", onto_a_full_disk)
        with pytest.raises(InputError, match="the disk is full") as caught:
            get(connector, mirror)
    assert "\n" not in str(caught.value)
    assert store.datasets() == []
    assert get(connector, mirror).rows
