"""CEPII ProTEE: one small file of products, some of them without an estimate of their own."""

from __future__ import annotations

from collections.abc import Sequence

from fake_sources.server import Fake, Reply, Request, ranged

PATH = "/DATA_DOWNLOAD/ProTEE/ProTEE_0_1.csv"
HEADER = "HS6,zero,positive,sigma"
ROWS = ("010110,1,0,", "010210,0,0,-12.5", "010290,0,0,-7.5", "280110,0,0,-4", "280120,0,1,-6.25",
        "847130,0,0,-3", "847950,0,0,-5", "854231,1,0,-4.5")  # fmt: skip


def table(rows: Sequence[str] = ROWS, *, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def fake_protee(body: bytes | None = None) -> Fake:
    """The source; ``body`` replaces what it serves."""
    content = table() if body is None else body

    def reply(request: Request) -> Reply:
        return ranged(content, request) if request.path == PATH else Reply("no", status=404)

    return reply
