"""Files downloaded by hand: known by their content, whatever they are called."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fake_sources.baci import FakeBaci, release_zip
from fake_sources.desta import table, treaties, withdrawals
from fake_sources.geodist import HEADER, fake_geodist, rows
from fake_sources.itpde import FakeItpde
from fake_sources.larch import fake_larch
from fake_sources.larch import table as agreements
from fake_sources.server import Reply, Server
from fake_sources.wdi import FakeWdi, toy

from features.errors import InputError, SourceError
from features.files import inflated
from features.sources.baci import Baci
from features.sources.desta import Desta
from features.sources.geodist import GeoDist
from features.sources.itpde import Itpde
from features.sources.larch import Larch
from features.sources.wdi import Wdi
from features.store.dataset import Dataset
from features.store.store import Store

Get = Callable[..., Dataset]
Serve = Callable[..., Server]
BACI = Baci(revision="HS96", level="total")


def same(one: Dataset, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one.read(), other)


def test_an_archive_is_taken_under_any_name_from_a_folder_or_alone(
    get: Get, serve: Serve, tmp_path: Path
) -> None:
    server = serve(FakeBaci())
    whole = get(BACI, server).read()
    before = len(server.requests)
    (tmp_path / "download (3)").write_bytes(release_zip())
    (tmp_path / "another.zip").write_bytes(release_zip(release="202501"))
    (tmp_path / "notes.txt").write_text("nothing")
    same(get(BACI, server, given=tmp_path), whole)
    same(get(BACI, server, given=tmp_path / "download (3)"), whole)
    assert len(server.requests) == before


def test_an_unpacked_archive_is_taken(get: Get, serve: Serve, tmp_path: Path) -> None:
    server = serve(FakeBaci())
    whole = get(BACI, server).read()
    packed = tmp_path / "BACI.zip"
    packed.write_bytes(release_zip())
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    same(get(BACI, server, given=folder), whole)


def test_two_that_fit_and_none_that_fits_are_told(get: Get, serve: Serve, tmp_path: Path) -> None:
    server = serve(FakeBaci())
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"content of BACI_HS96_V202601.zip \(found notes.txt\)"):
        get(BACI, server, given=tmp_path)
    for name in ("one.zip", "two.zip"):
        (tmp_path / name).write_bytes(release_zip())
    with pytest.raises(InputError, match=r"one.zip, two.zip could all be BACI_HS96_V202601.zip"):
        get(BACI, server, given=tmp_path)
    assert server.requests == []


def test_stata_files_are_read_where_the_source_has_them(
    get: Get, serve: Serve, tmp_path: Path
) -> None:
    whole = get(GeoDist(), serve(fake_geodist())).read()
    frame = pd.DataFrame(rows(), columns=HEADER)
    frame[HEADER[2:]] = frame[HEADER[2:]].apply(pd.to_numeric, errors="coerce")
    frame.to_stata(tmp_path / "dist.dta", write_index=False)
    lines = pd.DataFrame([line.split(",") for line in agreements().split()[1:]],
                         columns=agreements().split()[0].split(","))  # fmt: skip
    flags = list(lines.columns[2:])
    lines[flags] = lines[flags].astype("int16")
    lines.to_stata(tmp_path / "rta.dta", write_index=False)
    server = serve(fake_geodist())
    same(get(GeoDist(), server, given=tmp_path), whole)
    same(
        get(Larch(), server, given=tmp_path), get(Larch(), serve(fake_larch()), refresh=True).read()
    )
    assert server.requests == []


def test_lists_with_alike_columns_are_told_apart(get: Get, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(table(withdrawals()))
    (tmp_path / "b.csv").write_bytes(table(treaties()))
    made = get(Desta(), serve(fake_geodist()), given=tmp_path)
    assert "1 treaties of a pair ended by a withdrawal" in made.statements


def test_industries_come_with_names_or_unpacked(get: Get, serve: Serve, tmp_path: Path) -> None:
    server = serve(FakeItpde())
    whole = get(Itpde(), server).read()
    (raw,) = (tmp_path / "store" / "raw" / "itpde" / "r03").glob("*.zip")
    folder = tmp_path / "by hand"
    folder.mkdir()
    with zipfile.ZipFile(raw) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".csv"))
        text = archive.read(name).decode()
    header, *lines = text.split("\n")
    named = [f"{header},exporter_name", *(f"{line},Somewhere" for line in lines if line)]
    (folder / "ITPDE.csv").write_text("\n".join(named) + "\n")
    same(get(Itpde(), server, given=folder), whole)


def test_pages_of_an_interface_are_known_by_their_series(
    get: Get, serve: Serve, store: Store, tmp_path: Path
) -> None:
    names = ("NY.GDP.MKTP.CD", "IT.NET.USER.ZS")
    server = serve(FakeWdi({name: toy(name) for name in names}))
    wanted = Wdi(indicators=names)
    whole = get(wanted, server).read()
    before = len(server.requests)
    answers = (p for p in store.folder.rglob("*.json") if "raw" in p.parts)
    pages = [p for p in answers if not p.name.endswith(".from.json")]
    for number, path in enumerate(sorted(pages)):
        (tmp_path / f"answer-{number}.json").write_bytes(path.read_bytes())
    (tmp_path / "other.json").write_text(json.dumps([{"page": 1}, []]))
    same(get(wanted, server, given=tmp_path), whole)
    assert len(server.requests) == before


def test_an_answer_that_inflates_beyond_measure_is_refused(
    get: Get, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflated, "SMALL", 1 << 16)
    body = gzip.compress(bytes(1 << 22))
    server = serve(lambda _request: Reply(body, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(SourceError, match="inflates to more than"):
        get(Wdi(indicators=("MACRO.GDP",)), server)


def test_a_bomb_is_refused_before_it_is_read(
    get: Get, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflated, "SMALL", 1 << 16)
    bomb = tmp_path / "BACI_HS96_V202601.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BACI_HS96_Y1996_V202601.csv", bytes(1 << 20))
    server = serve(FakeBaci(BACI_HS96_V202601=bomb.read_bytes()))
    for options in ({"given": tmp_path}, {}):
        with pytest.raises(InputError, match="inflate to more than"):
            get(BACI, server, **options)
    assert not list((tmp_path / "store" / "raw").rglob("*.zip"))
