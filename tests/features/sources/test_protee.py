from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_sources.protee import HEADER, ROWS, fake_protee, table

from features.errors import InputError, SourceError
from features.sources.protee import Protee
from features.store.dataset import Dataset

Get = Callable[..., Dataset]
SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "reference"
FILE = SHARED / "trade_elasticities_hs6.csv"


def test_products_keep_their_zeros_and_their_flags(get: Get, serve: Callable) -> None:
    made = get(Protee(), serve(fake_protee()))
    products = made.read().set_index("hs6")
    assert made.key == "protee:0.1"
    assert len(products) == len(ROWS)
    assert products.loc["010210", "sigma"] == -12.5
    assert np.isnan(products.loc["010110", "sigma"])
    assert products.loc["280120", "positive"] == 1
    assert "5 products with an estimate of their own" in made.statements


def test_a_file_by_hand_is_taken_whatever_its_name(
    get: Get, serve: Callable, tmp_path: Path
) -> None:
    # A spreadsheet has dropped the zeros.
    (tmp_path / "elasticities.csv").write_bytes(table([row.lstrip("0") for row in ROWS]))
    server = serve(fake_protee())
    made = get(Protee(), server, given=tmp_path)
    assert "010210" in set(made.read()["hs6"])
    assert not server.requests


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>Service unavailable</html>", "expected column HS6"),
        (table(header=HEADER.replace("sigma", "elasticity")), "expected column sigma"),
        (table(header=HEADER)[:-9], "ends in the middle"),
        (table([*ROWS, "010210,0,0,-3"]), "product 010210 occurs twice"),
        (table([*ROWS, "870323,0,0,3"]), "is not a negative elasticity"),
        (table([*ROWS, "870323,0,1,0"]), "is not a negative elasticity"),
        (table([*ROWS, "870323,2,0,-1"]), "is not 0 or 1"),
        (table([*ROWS, "cars,0,0,-1"]), "is not a product"),
        (table([*ROWS, "870323,0,0,many"]), "cannot be read"),
    ],
)
def test_what_misbehaves_is_one_line(get: Get, serve: Callable, body: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        get(Protee(), serve(fake_protee(body)))
    assert "\n" not in str(caught.value)


def test_a_release_that_is_no_version_is_refused() -> None:
    with pytest.raises(InputError, match="is not a version"):
        Protee(release="newest")


@pytest.mark.skipif(not FILE.exists(), reason=f"needs {FILE.name}")
def test_the_file_as_published_is_read_whole(get: Get, serve: Callable) -> None:
    made = get(Protee(), serve(fake_protee(FILE.read_bytes())))
    assert made.rows == 5050
