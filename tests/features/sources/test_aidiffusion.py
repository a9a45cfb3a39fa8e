"""AI diffusion: names in Mac Roman, percentages as text, the last period of a year."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_sources.aidiffusion import TABLE, fake_diffusion
from fake_sources.server import Server

from features.errors import InputError, SourceError
from features.sources.aidiffusion import AiDiffusion
from features.store.dataset import Dataset
from features.store.store import Store

Serve = Callable[..., Server]
Get = Callable[..., Dataset]


def values(dataset: Dataset) -> dict[tuple[str, int], float]:
    table = dataset.read()
    return dict(zip(zip(table["iso3"], table["year"], strict=True), table["value"], strict=True))


@pytest.mark.parametrize("encoding", ["mac_roman", "utf-8"])
def test_the_last_period_of_each_year_whatever_the_encoding(
    encoding: str, serve: Serve, get: Get
) -> None:
    made = get(AiDiffusion(), serve(fake_diffusion(encoding=encoding)))
    assert made.key == "aidiffusion:Q12026"
    assert values(made) == {
        ("ARE", 2025): 64.0, ("ARE", 2026): 70.1, ("DEU", 2025): 28.6, ("TUR", 2025): 14.6,
        ("TUR", 2026): 15.0, ("KOR", 2025): 30.7, ("KOR", 2026): 32.1, ("NAM", 2025): 9.3,
        ("NAM", 2026): 9.9,
    }  # fmt: skip
    assert "1 empty cells left out" in made.statements
    assert "MIT" in made.licence


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (TABLE.replace("Germany", "Atlantis"), "'Atlantis'"),
        (TABLE.replace("28.60%", "28.60"), "'28.60' in row 3 is not a percentage"),
        (TABLE.replace("Germany,", ""), "row 3 has 3 of 4 cells"),
        (TABLE.replace("AI Diffusion", "share"), "expected columns Economy"),
        (TABLE + "Germany,1%,1%,1%\r\n", "DEU in 2025"),
        ("<html>Not found</html>", "expected columns Economy"),
        ("", "expected columns Economy"),
    ],
)
def test_a_table_of_another_form_is_refused(
    table: str, problem: str, serve: Serve, get: Get, store: Store
) -> None:
    with pytest.raises(SourceError, match=problem) as caught:
        get(AiDiffusion(), serve(fake_diffusion(table)))
    assert "\n" not in str(caught.value)
    assert store.datasets() == []


def test_an_edition_is_a_quarter_and_one_that_is_not_there_is_named(serve: Serve, get: Get) -> None:
    with pytest.raises(InputError, match="not an edition"):
        AiDiffusion(release="2026")
    with pytest.raises(SourceError, match="Q22027"):
        get(AiDiffusion(release="Q22027"), serve(fake_diffusion()))
