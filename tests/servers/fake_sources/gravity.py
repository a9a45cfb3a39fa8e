"""CEPII Gravity: a zip of a square panel by country_id with all 87 columns, and label files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

from fake_sources.server import Fake, Reply, Request, ranged

PATH = "/DATA_DOWNLOAD/gravity/data/Gravity_csv_V202211.zip"
_HEADER = """
year country_id_o/d iso3_o/d iso3num_o/d country_exists_o/d gmt_offset_2020_o/d distw_harmonic
distw_arithmetic distw_harmonic_jh distw_arithmetic_jh dist main_city_source_o/d distcap contig
diplo_disagreement scaled_sci_2021 comlang_off comlang_ethno comcol col45 legal_old_o/d
legal_new_o/d comleg_pretrans comleg_posttrans transition_legalchange comrelig heg_o/d col_dep_ever
col_dep col_dep_end_year col_dep_end_conflict empire sibling_ever sibling sever_year sib_conflict
pop_o/d gdp_o/d gdpcap_o/d pop_source_o/d gdp_source_o/d gdp_ppp_o/d gdpcap_ppp_o/d pop_pwt_o/d
gdp_ppp_pwt_o/d gatt_o/d wto_o/d eu_o/d fta_wto fta_wto_raw rta_coverage rta_type entry_cost_o/d
entry_proc_o/d entry_time_o/d entry_tp_o/d tradeflow_comtrade_o/d tradeflow_baci
manuf_tradeflow_baci tradeflow_imf_o/d
"""


def _columns() -> list[str]:
    out: list[str] = []
    for name in _HEADER.split():
        stem = name.removesuffix("_o/d")
        out += [name] if stem == name else [f"{stem}_o", f"{stem}_d"]
    return out


COLUMNS = _columns()
# country_id: iso3, first and last year it existed. The two Germanies of before and after 1990
# share a code, and a federation of the time has none.
COUNTRIES = {
    "DEU.1": ("DEU", 1948, 1990),
    "DEU.2": ("DEU", 1991, 2021),
    "FRA": ("FRA", 1948, 2021),
    "MYS.1": ("", 1963, 1989),
    "NAM": ("NAM", 1990, 2021),
    "SUN": ("SUN", 1948, 1991),
}
YEARS = (1988, 1989, 1990, 1991, 2020, 2021)
LABELS = "rta_type,rta_type_lbl\n1,CU\n2,CU & EIA\n3,EIA\n4,FTA\n5,FTA & EIA\n6,PSA\n7,PSA & EIA\n"


def _row(year: int, origin: str, other: str) -> dict[str, str]:
    cells = dict.fromkeys(COLUMNS, "")
    cells |= {"year": str(year), "country_id_o": origin, "country_id_d": other}
    for side, country in (("o", origin), ("d", other)):
        iso3, first, last = COUNTRIES[country]
        cells[f"iso3_{side}"] = iso3
        cells[f"country_exists_{side}"] = str(int(first <= year <= last))
    if cells["country_exists_o"] == cells["country_exists_d"] == "1":
        distance = 1000 + 10 * len(origin) + len(other) + (500 if origin == "DEU.1" else 0)
        cells |= {"dist": str(distance), "distcap": str(distance + 1), "contig": "0",
                  "distw_harmonic": str(distance + 2), "distw_arithmetic": str(distance + 3),
                  "comlang_off": "0", "comlang_ethno": "0", "comcol": "0", "col45": "0",
                  "col_dep_ever": str(int("NAM" in (origin, other) and "DEU.2" in (origin, other))),
                  }  # fmt: skip
        if origin != other:
            union = {cells["iso3_o"], cells["iso3_d"]} == {"DEU", "FRA"}
            services = "2" if year > 1990 else "1"
            cells |= {"fta_wto": str(int(union)), "rta_type": services if union else ""}
    return cells


def rows() -> list[dict[str, str]]:
    """Every pair in every year, whether or not both existed then, in the source's order."""
    return [_row(year, origin, other)
            for origin in COUNTRIES for other in COUNTRIES for year in YEARS]  # fmt: skip


def table(lines: Iterable[dict[str, str]], columns: list[str] | None = None) -> str:
    names = columns or COLUMNS
    body = [",".join(line.get(name, "") for name in names) for line in lines]
    return "\n".join([",".join(names), *body, ""])


def archive(
    lines: Iterable[dict[str, str]] | None = None,
    *,
    columns: list[str] | None = None,
    labels: str = LABELS,
) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("Countries_V202211.csv", "country_id,iso3\nDEU.1,DEU\n")
        made.writestr("Gravity_V202211.csv", table(rows() if lines is None else lines, columns))
        made.writestr("Label_rta_type_V202211.csv", labels)
    return body.getvalue()


def fake_gravity(body: bytes | None = None) -> Fake:
    """The source; ``body`` replaces its archive."""
    served = archive() if body is None else body

    def reply(request: Request) -> Reply:
        return ranged(served, request) if request.path == PATH else Reply("no", status=404)

    return reply
