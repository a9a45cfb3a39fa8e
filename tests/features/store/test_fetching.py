"""Downloads that break off, servers that misbehave, and a store that is never half-written."""

from __future__ import annotations

import errno
import gzip
import json
import subprocess
import sys
import time
from datetime import date

import numpy as np
import pandas as pd
import pytest
from fake_sources.baci import ROWS, FakeBaci, release_zip
from fake_sources.server import Reply, ranged
from fake_sources.wdi import fake_wdi

from features.download.answers import refusal
from features.download.client import Client
from features.download.raw_cache import RawCache
from features.download.retries import LONGEST_WAIT_SECONDS
from features.errors import InputError, SourceError, UnreachableError
from features.sources.baci import Baci
from features.sources.wdi import Wdi
from features.store.fetching import fetch
from features.store.registry import is_key
from features.store.store import Store, default_store
from features.tidy.parts import Part

BACI = Baci(revision="HS96")
TODAY = date(2026, 11, 25)


@pytest.fixture
def ask(serve):
    """A GET of one path from a fake, and the seconds it waited."""

    def run(fake, *, attempts=5, **options):
        waits: list[float] = []
        server = serve(fake)
        client = Client(mirror=server.url, sleep=waits.append, attempts=attempts)
        try:
            return client.get("https://source.example/x", **options), waits, server
        finally:
            client.close()

    return run


def sequence(*replies: Reply):
    """A fake that gives one reply after another, then the last again."""
    left = list(replies)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


# Patience ---------------------------------------------------------------------------------------


def test_the_wait_a_source_asks_for_is_kept(ask):
    busy = Reply("Rate limit is exceeded.", status=429, headers={"Retry-After": "7"})
    answer, waits, _ = ask(sequence(busy, busy, Reply("fine")))
    assert (answer.text, waits) == ("fine", [7.0, 7.0])


def test_a_403_is_retried_only_where_it_asks_for_it(ask):
    later = Reply("busy", status=403, headers={"Retry-After": "1"})
    answer, waits, _ = ask(sequence(later, Reply("fine")))
    assert (answer.text, waits) == ("fine", [1.0])
    answer, waits, _ = ask(sequence(Reply("no key", status=403), Reply("fine")))
    assert (answer.status, waits) == (403, [])


def test_waits_double_and_end_in_one_line_that_says_how_to_go_on(ask):
    with pytest.raises(UnreachableError) as caught:
        ask(sequence(Reply("Bad gateway", status=502)), attempts=4)
    assert "no complete answer after 4 tries (status 502: Bad gateway)" in str(caught.value)
    assert "\n" not in str(caught.value)
    _, waits, _ = ask(sequence(*[Reply(status=503)] * 3, Reply("fine")))
    assert waits == [1.0, 2.0, 4.0]


def test_a_key_that_a_source_echoes_is_blotted_out(ask):
    echo = Reply("busy, key 5ecret-key" + "." * 59 + "5ecret-key", status=503)
    with pytest.raises(UnreachableError) as caught:
        ask(sequence(echo), attempts=1, headers={"X-Key": "5ecret-key"})
    assert "5ecret" not in str(caught.value)
    assert "busy, key ***" in str(caught.value)
    answer, _, _ = ask(
        sequence(Reply("no key 5ecret-key", status=401)), headers={"K": "5ecret-key"}
    )
    assert "5ecret" not in str(refusal("https://source.example/x", answer))


def test_nobody_waits_for_hours(ask):
    hours = Reply(status=429, headers={"Retry-After": str(int(LONGEST_WAIT_SECONDS) + 1)})
    with pytest.raises(UnreachableError, match="come back in 121 seconds"):
        ask(sequence(hours))


def test_every_request_says_who_asks(ask):
    _, _, server = ask(sequence(Reply("fine")))
    assert "gravicast" in server.requests[0].headers["user-agent"]


def test_requests_to_a_host_keep_their_distance(serve, monkeypatch):
    server = serve(sequence(Reply("fine")))
    waits: list[float] = []
    client = Client(pace_seconds=6.0, sleep=waits.append)
    for _ in range(3):
        client.get(f"{server.url}/x")
    client.close()
    assert len(waits) == 2
    assert all(5.0 < wait <= 6.0 for wait in waits)


def test_no_network_is_one_line_that_names_what_is_cached(serve, get, store):
    server = serve(FakeBaci())
    get(BACI, server)
    server.stop()
    with pytest.raises(UnreachableError) as caught:
        get(Baci(revision="HS92"), server)
    message = str(caught.value)
    assert "\n" not in message
    assert "of use meanwhile: baci:HS96:202601:hs2" in message


def test_a_test_that_asks_the_network_fails(store):
    client = Client(attempts=1)
    with pytest.raises(UnreachableError, match=r"a test asks the network for www\.cepii\.fr"):
        fetch(BACI, store=store, client=client)
    client.close()


def test_no_network_and_an_empty_store_say_so(serve, get):
    server = serve(FakeBaci())
    server.stop()
    with pytest.raises(UnreachableError, match="no other release of baci"):
        get(BACI, server)


@pytest.mark.parametrize("mirror", ["localhost:80", "http://[", "http://localhost:abc", "http://"])
def test_a_mirror_is_an_address(store, mirror):
    with pytest.raises(InputError, match="not an address of a server"):
        fetch(BACI, store=store, mirror=mirror)


# Broken connections -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(50))
def test_a_connection_lost_at_random_bytes_never_leaves_half_a_data_set(serve, get, store, seed):
    """Fifty downloads, each cut up to eight times, by a server with a validator or without.

    Resumed or begun anew to the same bytes, or nothing at all.
    """
    rng = np.random.default_rng(seed)
    body = release_zip()
    cuts = iter([int(rng.integers(0, len(body))) for _ in range(rng.integers(1, 9))])
    etag = '"v1"' if seed % 2 else ""

    def fake(request):
        reply = ranged(body, request, etag=etag, cut=next(cuts, None))
        if not etag:
            del reply.headers["ETag"]
        return reply

    server = serve(fake)
    raw = store.raw_folder("baci", "202601") / "BACI_HS96_V202601.zip"
    client = Client(mirror=server.url, sleep=lambda _: None, attempts=1 + seed % 3)
    try:
        made = fetch(BACI, store=store, client=client, today=TODAY)
    except UnreachableError:
        assert store.datasets() == []
        assert not raw.exists()
        assert not list((store.folder / "data").rglob("*"))
        for _ in cuts:
            pass
        made = get(BACI, server)
    finally:
        client.close()
    made.verify()
    assert raw.read_bytes() == body
    assert made.rows == 12
    assert not list(store.folder.rglob("*.part")) + list(store.folder.rglob("*.partial"))


def endless(kind: str):
    """Servers with which a download never ends well."""
    body = bytes(2_000)
    tries = 0

    def fake(request):
        nonlocal tries
        tries += 1
        tag = {"ETag": '"a"'}
        if kind == "no validator":
            return Reply(body, cut=(100, 50)[tries % 2])
        if "range" not in request.headers:
            return Reply(body, headers=tag, cut=100)
        if kind == "416":
            return Reply(status=416)
        span = {"no range": {}, "other place": {"Content-Range": "bytes 9-1999/2000"}}
        return Reply(body[9:], status=206, headers=tag | span[kind])

    return fake


@pytest.mark.parametrize("kind", ["no validator", "416", "no range", "other place"])
def test_no_server_keeps_a_download_going_for_ever(serve, tmp_path, kind):
    server = serve(endless(kind))
    client = Client(mirror=server.url, sleep=lambda _: None, attempts=3)
    with pytest.raises(UnreachableError, match="after 3 tries"):
        client.download("https://source.example/f.zip", tmp_path / "f.zip")
    client.close()
    assert len(server.requests) <= 8
    assert not (tmp_path / "f.zip").exists()


def test_a_continuation_that_is_short_is_not_the_whole(serve, tmp_path):
    body = bytes(range(200)) * 10
    spans = iter([(100, 150), (150, 2_000)])

    def fake(request):
        if "range" not in request.headers:
            return Reply(body, headers={"ETag": '"a"'}, cut=100)
        first, last = next(spans)
        headers = {"ETag": '"a"', "Content-Range": f"bytes {first}-{last - 1}/2000"}
        return Reply(body[first:last], status=206, headers=headers)

    client = Client(mirror=serve(fake).url, sleep=lambda _: None)
    client.download("https://source.example/f.zip", tmp_path / "f.zip")
    client.close()
    assert (tmp_path / "f.zip").read_bytes() == body


def test_a_file_compressed_on_the_way_all_the_same_is_unpacked(serve, tmp_path):
    packed = gzip.compress(b"plain text")
    client = Client(mirror=serve(lambda _: Reply(packed, headers={"Content-Encoding": "gzip"})).url)
    client.download("https://source.example/f.csv", tmp_path / "f.csv")
    client.close()
    assert (tmp_path / "f.csv").read_bytes() == b"plain text"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=302, headers={"Location": "/again"}),
        Reply(b"no gzip", headers={"Content-Encoding": "gzip"}),
        Reply(status=304),
    ],
    ids=["circle", "garbled", "unasked 304"],
)
def test_odd_answers_are_one_line(serve, tmp_path, reply):
    server = serve(lambda _: reply)
    cache = RawCache(Client(mirror=server.url, sleep=lambda _: None), tmp_path, today=TODAY)
    for ask in (
        lambda: cache.file("https://source.example/f.zip"),
        lambda: cache.answer("https://source.example/f", name="f"),
    ):
        with pytest.raises(SourceError) as caught:
            ask()
        assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir() if ".part" not in path.name] == []


@pytest.mark.parametrize("asked", ["\u00b2", "soon", "-5", "", "nan"])
def test_a_wait_that_is_no_number_is_no_wait(ask, asked):
    busy = Reply(status=503, headers={"Retry-After": asked.encode("latin-1").decode("latin-1")})
    answer, _, _ = ask(sequence(busy, Reply("fine")))
    assert answer.text == "fine"


@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY"])
def test_a_proxy_that_cannot_be_used_is_one_line(store, monkeypatch, variable):
    monkeypatch.setenv(variable, "gopher://localhost:1")
    with pytest.raises(InputError, match="proxy or certificates cannot be used"):
        fetch(BACI, store=store)


def test_a_mirror_may_lie_below_a_path(serve, get, store):
    whole = FakeBaci()

    def below(request):
        assert request.path.startswith("/copies/cepii/")
        request.path = request.path.removeprefix("/copies/cepii")
        return whole(request)

    client = Client(mirror=f"{serve(below).url}/copies/cepii/")
    made = fetch(BACI, store=store, client=client, today=TODAY)
    client.close()
    assert made.rows == 12


def test_a_broken_download_goes_on_where_it_stopped(serve, get):
    body = release_zip()
    server = serve(FakeBaci(cuts=[100], BACI_HS96_V202601=body))
    get(BACI, server)
    asked = [request.headers.get("range") for request in server.requests]
    assert asked == [None, "bytes=100-"]


def test_a_file_replaced_between_two_tries_is_not_joined_to_the_old_one(serve, tmp_path):
    old, new = bytes(1_000), b"n" * 1_200
    replies = iter([("old", old, 400), ("new", new, None)])

    def fake(request):
        etag, body, cut = next(replies)
        return ranged(body, request, etag=f'"{etag}"', cut=cut)

    client = Client(mirror=serve(fake).url, sleep=lambda _: None)
    client.download("https://source.example/f.zip", tmp_path / "f.zip")
    client.close()
    assert (tmp_path / "f.zip").read_bytes() == new


def test_a_server_that_ignores_ranges_is_asked_for_the_whole(serve, tmp_path):
    body = b"x" * 5_000
    replies = iter([Reply(body, headers={"ETag": '"a"'}, cut=700), Reply(body)])
    client = Client(mirror=serve(lambda _: next(replies)).url, sleep=lambda _: None)
    client.download("https://source.example/f.zip", tmp_path / "f.zip")
    client.close()
    assert (tmp_path / "f.zip").read_bytes() == body


@pytest.mark.parametrize("kind", ["416", "elsewhere"])
def test_a_continuation_that_does_not_fit_begins_anew(serve, tmp_path, kind):
    body = b"y" * 2_000
    odd = (
        Reply(status=416)
        if kind == "416"
        else Reply(body[9:], status=206, headers={"Content-Range": "bytes 9-1999/2000"})
    )
    replies = iter([Reply(body, headers={"ETag": '"a"'}, cut=50), odd, Reply(body)])
    client = Client(mirror=serve(lambda _: next(replies)).url, sleep=lambda _: None)
    client.download("https://source.example/f.zip", tmp_path / "f.zip")
    client.close()
    assert (tmp_path / "f.zip").read_bytes() == body


# The cache --------------------------------------------------------------------------------------


def test_what_is_there_is_not_asked_for_again(serve, get):
    server = serve(FakeBaci())
    first = get(BACI, server)
    assert get(BACI, server).digest == first.digest
    assert len(server.requests) == 1


def test_a_refresh_that_finds_nothing_new_sends_nothing(serve, get):
    server = serve(FakeBaci())
    first = get(BACI, server)
    again = get(BACI, server, refresh=True, today=date(2026, 12, 1))
    assert len(server.requests) == 2
    assert server.requests[-1].headers["if-none-match"]
    assert again.digest == first.digest
    assert again.retrieved == "2026-12-01"


def test_a_raw_file_that_was_changed_is_fetched_again(serve, get, store):
    server = serve(FakeBaci())
    get(BACI, server)
    raw = store.raw_folder("baci", "202601") / "BACI_HS96_V202601.zip"
    raw.write_bytes(raw.read_bytes()[:-1])
    get(Baci(revision="HS96", level="total"), server)
    assert len(server.requests) == 2
    assert raw.read_bytes() == release_zip()


def test_a_part_that_was_changed_stops_the_reader(serve, get, store):
    made = get(BACI, serve(FakeBaci()))
    path = made.folder / made.parts[0].file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match="changed or removed"):
        store.open(made.key).read()


def test_files_downloaded_by_hand_are_taken_without_asking(tmp_path, serve, get):
    folder = tmp_path / "by-hand"
    folder.mkdir()
    server = serve(FakeBaci())
    with pytest.raises(InputError, match=r"content of BACI_HS96_V202601\.zip"):
        get(BACI, server, given=folder)
    (folder / "BACI_HS96_V202601.zip").write_bytes(release_zip())
    made = get(BACI, server, given=folder)
    assert server.requests == []
    assert made.raw[0]["url"] == "given by the user: BACI_HS96_V202601.zip"
    with pytest.raises(InputError, match="no such folder"):
        get(BACI, server, given=tmp_path / "nowhere")


def test_an_answer_is_not_cached_before_it_is_checked(serve, tmp_path):
    server = serve(sequence(Reply('{"error": "no"}'), Reply('{"data": 1}')))
    cache = RawCache(Client(mirror=server.url), tmp_path, today=TODAY)

    def check(answer):
        if "error" in answer.text:
            raise SourceError("an error in disguise", remedy="Try again")

    url = "https://source.example/api"
    with pytest.raises(SourceError):
        cache.answer(url, name="a.json", check=check)
    assert list(tmp_path.iterdir()) == []
    kept = cache.answer(url, name="a.json", check=check, headers={"X-Key": "secret"})
    assert json.loads(kept.path.read_text()) == {"data": 1}
    assert "secret" not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_a_past_day_is_what_was_there_that_day(serve, get, store):
    """A vintage asked for again, or for other series, never gets today's figures."""
    server = serve(fake_wdi("NY.GDP.MKTP.CD", "SP.POP.TOTL"))
    old = get(Wdi(indicators=("MACRO.GDP",)), server, today=date(2020, 1, 10))
    asked = len(server.requests)
    same = get(Wdi(indicators=("MACRO.GDP",), release="20200110"), server)
    assert same.digest == old.digest
    with pytest.raises(SourceError, match="release 20200110 is gone"):
        get(Wdi(indicators=("MACRO.GDP",), release="20200110"), server, refresh=True)
    with pytest.raises(SourceError, match=r"20200110 has no file SP\.POP\.TOTL"):
        get(Wdi(indicators=("MACRO.POP",), release="20200110"), server)
    assert len(server.requests) == asked


def test_a_past_day_of_a_source_that_overwrites_its_files_is_gone(store):
    with pytest.raises(SourceError, match=r"release 20200101 is gone.*store has none"):
        fetch(Wdi(release="20200101"), store=store, today=TODAY)


# The store --------------------------------------------------------------------------------------


def test_a_conversion_that_broke_off_goes_on_with_its_notes(serve, get, store, monkeypatch):
    server = serve(FakeBaci())
    built = []
    whole = Part.of_year

    def breaking(fail):
        def of_year(year, build):
            def counted(notes):
                built.append(year)
                if fail and year == 1997:
                    raise KeyboardInterrupt
                return build(notes)

            return whole(year, counted)

        return of_year

    monkeypatch.setattr(Part, "of_year", breaking(fail=True))
    with pytest.raises(KeyboardInterrupt):
        get(BACI, server)
    assert store.datasets() == []
    monkeypatch.setattr(Part, "of_year", breaking(fail=False))
    made = get(BACI, server)
    assert built == [1996, 1997, 1997]
    assert any("Belgium-Luxembourg" in said for said in made.statements)
    assert len(server.requests) == 1


def test_a_full_disk_is_one_line_and_leaves_nothing(serve, get, store, monkeypatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("features.store.conversion.pq.write_table", full)
    with pytest.raises(InputError, match="the disk is full; no data set was changed"):
        get(BACI, serve(FakeBaci()))
    assert store.datasets() == []


def test_a_store_that_cannot_be_written_is_one_line(serve, get, store):
    store.folder.mkdir()
    (store.folder / "raw").write_text("a file, not a folder")
    with pytest.raises(InputError, match="the store cannot be written"):
        get(BACI, serve(FakeBaci()))


def test_what_would_fail_again_leaves_nothing_to_go_on_with(serve, get, store):
    with pytest.raises(SourceError):
        get(
            BACI, serve(FakeBaci(BACI_HS96_V202601=release_zip({1996: [(999, 842, "1", 1, None)]})))
        )
    assert not list(store.folder.rglob("*.partial"))


def test_a_mirror_is_named_beside_the_source(serve, get):
    server = serve(FakeBaci())
    (raw,) = get(BACI, server).raw
    assert raw["via"] == server.url
    assert raw["url"].startswith("https://www.cepii.fr/")


def test_a_word_is_no_connector(store):
    with pytest.raises(InputError, match="'baci' is not a data set of a source"):
        fetch("baci", store=store)


def test_a_key_may_be_shortened_where_it_stays_clear(serve, get, store):
    server = serve(FakeBaci())
    get(BACI, server)
    assert store.open("baci").key == "baci:HS96:202601:hs2"
    get(Baci(revision="HS92", level="total"), server)
    assert store.open("baci:HS92").key == "baci:HS92:202601:total"
    with pytest.raises(InputError, match="could be baci:HS92:202601:total, baci:HS96:202601:hs2"):
        store.open("baci")
    with pytest.raises(InputError, match=r"no data set weo.*gravicast fetch weo"):
        store.open("weo:2024-10")


def test_fetching_a_data_set_again_leaves_its_neighbours(serve, get, store):
    server = serve(FakeBaci())
    get(Baci(revision="HS96", years=(1997,)), server)
    get(BACI, server)
    get(BACI, server, refresh=True)
    keys = [dataset.key for dataset in store.datasets()]
    assert keys == ["baci:HS96:202601:hs2", "baci:HS96:202601:hs2:1997"]
    store.open("baci:HS96:202601:hs2:1997").verify()


def test_what_is_a_key_and_what_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_key("baci:HS92:202601:hs2")
    assert is_key("indicators:technology")
    assert not is_key("flows.parquet")
    assert not is_key("C:/flows.parquet")
    (tmp_path / "baci").touch()
    assert not is_key("baci")


def test_a_store_has_a_place_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("GRAVICAST_STORE", raising=False)
    assert default_store().name == "gravicast-store"
    monkeypatch.setenv("GRAVICAST_STORE", str(tmp_path / "elsewhere"))
    assert Store().folder == tmp_path / "elsewhere"


def test_a_store_has_the_years_in_folders_that_others_read_too(serve, get):
    made = get(Baci(revision="HS96", level="total"), serve(FakeBaci()))
    by_year = pd.concat(
        pd.read_parquet(made.folder / f"year={year}" / "data.parquet") for year in made.years
    )
    assert by_year["value_usd"].sum() == pytest.approx(made.read()["value_usd"].sum())
    about = json.loads((made.folder / "dataset.json").read_text())
    assert about["licence"] == "Etalab Open Licence 2.0"
    assert about["raw"][0]["url"].startswith("https://www.cepii.fr/")


def test_two_fetches_at_once_write_one_data_set(serve, store, tmp_path):
    """Both are after the same file; the second waits and finds it there."""
    slow = FakeBaci()
    served = []

    def fake(request):
        served.append(request.path)
        time.sleep(0.3)
        return slow(request)

    server = serve(fake)
    command = [sys.executable, "-m", "forecasting.cli.main", "fetch", "baci", "--revision", "HS96",
               "--store", str(store.folder), "--mirror", server.url]  # fmt: skip
    both = [
        subprocess.Popen([*command, "--level", level], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        for level in ("hs2", "total")
    ]  # fmt: skip
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(served) == 1
    assert [dataset.key for dataset in store.datasets()] == [
        "baci:HS96:202601:hs2", "baci:HS96:202601:total"
    ]  # fmt: skip


def test_who_comes_second_waits_and_says_so(serve, store, tmp_path):
    server = serve(FakeBaci())
    command = [sys.executable, "-m", "forecasting.cli.main", "fetch", "baci", "--revision", "HS96",
               "--store", str(store.folder), "--mirror", server.url]  # fmt: skip
    with store.alone("raw", "baci", "202601"):
        second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, cwd=tmp_path)  # fmt: skip
        assert second.stderr is not None
        assert "waiting for another process" in second.stderr.readline()
        assert server.requests == []
    second.communicate(timeout=60)
    assert second.returncode == 0


def test_what_is_left_of_another_release_is_not_taken_over(serve, get, store, monkeypatch):
    rows = dict.fromkeys((1996, 1997, 1998), ROWS[1996])
    whole = Part.of_year

    def of_year(year, build):
        def breaking(notes):
            if year == 1998:
                raise KeyboardInterrupt
            return build(notes)

        return whole(year, breaking)

    monkeypatch.setattr(Part, "of_year", of_year)
    with pytest.raises(KeyboardInterrupt):
        get(BACI, serve(FakeBaci(BACI_HS96_V202601=release_zip(rows))))
    monkeypatch.setattr(Part, "of_year", whole)
    made = get(BACI, serve(FakeBaci(BACI_HS96_V202601=release_zip({1996: ROWS[1996]}))),
               refresh=True)  # fmt: skip
    assert made.years == (1996,)
    assert [path.name for path in made.folder.glob("year=*")] == ["year=1996"]


def test_a_data_set_whose_replacement_was_killed_halfway_comes_back(serve, get, store):
    server = serve(FakeBaci())
    made = get(BACI, server)
    made.folder.rename(made.folder.with_name(f".{made.folder.name}.old"))
    again = get(BACI, server)
    assert again.digest == made.digest
    assert not made.folder.with_name(f".{made.folder.name}.old").exists()
