"""The AI diffusion report: a table of English names and percentages in Mac Roman."""

from __future__ import annotations

from fake_sources.server import Fake, Reply, Request, ranged

PATH = "/microsoft/ai-diffusion-report/main/data/AI_Diffusion_Q12026_Update.csv"
TABLE = (
    "Economy,H1 2025 AI Diffusion,H2 2025 AI Diffusion,Q1 2026 AI Diffusion\r\n"
    "United Arab Emirates,59.40%,64.00%,70.10%\r\n"
    "Germany,26.50%,28.60%,\r\n"
    "T\N{LATIN SMALL LETTER U WITH DIAERESIS}rkiye,13.40%,14.60%,15%\r\n"
    '"Korea, Rep.",25.90%,30.70%,32.10%\r\n'
    "Namibia,9.00%,9.30%,9.90%\r\n"
)


def fake_diffusion(table: str = TABLE, *, encoding: str = "mac_roman") -> Fake:
    """The source with this table; any other path is 404."""

    def reply(request: Request) -> Reply:
        if request.path != PATH:
            return Reply("404: Not Found", status=404)
        return ranged(table.encode(encoding), request)

    return reply
