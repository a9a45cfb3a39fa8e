"""What sources call countries: numeric, two- and three-letter codes, translated to ISO alpha-3.

Every source goes through `translate`. A code is a country, known to be none (a group, an area "not
elsewhere specified"), or an error: nothing is dropped because a table does not know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from features.countries import is_country
from features.errors import SourceError

# Codes of UN Comtrade and BACI that ISO 3166 does not have, or has for another state. Many codes
# may mean one country, so the table is never turned round.
_COMTRADE = {
    58: "BEL",  # Belgium-Luxembourg, to 1998
    80: "ATB",  # British Antarctic Territory
    200: "CSK",  # Czechoslovakia
    230: "ETH",  # Ethiopia with Eritrea
    251: "FRA",  # with Monaco and overseas departments
    278: "DDR",
    280: "DEU",  # Federal Republic, to 1990
    381: "ITA",
    490: "TWN",  # "Other Asia, nes"
    530: "ANT",
    579: "NOR",  # with Svalbard
    582: "PCI",
    588: "PAK",  # East and West Pakistan
    590: "PAN",  # without the Canal Zone
    592: "PCZ",
    658: "KNA",  # with Anguilla
    698: "ZWE",  # Rhodesia and Nyasaland
    699: "IND",  # with Sikkim
    711: "ZAF",  # South African Customs Union, to 1999
    717: "VNM",  # Republic of Viet-Nam
    720: "YMD",
    736: "SDN",  # with South Sudan, to 2011
    757: "CHE",  # with Liechtenstein
    810: "SUN",
    835: "TZA",
    841: "USA",  # to 1980
    842: "USA",  # with Puerto Rico and the Virgin Islands
    849: "PUS",
    868: "VDR",
    886: "YEM",
    890: "YUG",
    891: "SCG",
    412: "XKX",
}
_NO_COUNTRY = frozenset(
    {
        *("0", "97", "290", "471", "472", "473", "492", "527", "568", "577", "636", "637", "697"),
        *("837", "838", "839", "879", "899"),
        # Of Comtrade: Caribbean and Eastern Europe not elsewhere specified, the neutral zone.
        *("129", "221", "536"),
    }
)
"""World, groups, free zones, bunkers and areas not elsewhere specified."""
_ENLARGED = {
    "BEL": (1998, "Belgium stands for Belgium-Luxembourg to 1998"),
    "ZAF": (1999, "South Africa stands for the South African Customs Union to 1999"),
    "SDN": (2011, "Sudan stands for Sudan with South Sudan to 2011"),
}
"""Countries whose figures up to a year are of a larger territory, in BACI and Comtrade."""

_ALPHA3 = {
    "KOS": "XKX",  # IMF
    "UVK": "XKX",  # IMF, legacy WEO
    "OWID_KOS": "XKX",
    "XKO": "XKX",
    "KSV": "XKX",
    "WBG": "PSE",
    "PAL": "PSE",
    "ROM": "ROU",
    "ZAR": "COD",
    "TMP": "TLS",
    "S19": "TWN",
    "888": "XKX",  # BaTIS
}
_ALPHA3_NO_COUNTRY = frozenset({"R20", "CHI", "INX", "OWID_WRL", "WLD", "NSP", "FRE"})
_ALPHA2 = {"XK": "XKX", "UK": "GBR", "EL": "GRC", "AN": "ANT", "CS": "SCG", "KV": "XKX",
           "YU": "SCG"}  # fmt: skip


def said_of_territories(countries: Iterable[str], year: int) -> list[str]:
    """What figures of BACI or Comtrade for a year do not say of countries' territory."""
    there = set(countries)
    said = [text for code, (last, text) in _ENLARGED.items() if code in there and year <= last]
    if "TWN" in there:
        said.append('Taiwan is what the source calls "Other Asia, not elsewhere specified"')
    return said


class UnknownCodeError(LookupError):
    """A code of which no table says what it is."""


@lru_cache(maxsize=1)
def _numeric() -> dict[str, str]:
    import pycountry

    iso = {c.numeric: c.alpha_3 for c in pycountry.historic_countries if hasattr(c, "numeric")}
    iso |= {c.numeric: c.alpha_3 for c in pycountry.countries}
    return {code.lstrip("0"): alpha for code, alpha in iso.items()} | {
        str(code): alpha for code, alpha in _COMTRADE.items()
    }


@lru_cache(maxsize=1)
def _two_letters() -> dict[str, str]:
    import pycountry

    return {c.alpha_2: c.alpha_3 for c in pycountry.countries} | _ALPHA2


def numeric_to_iso3(code: str) -> str | None:
    """ISO or UN numeric code, as BACI, Comtrade and DESTA use it; None for what is no country.

    Raises
    ------
    UnknownCodeError
        If neither table has it.
    """
    short = code.strip().lstrip("0") or "0"
    if short in _NO_COUNTRY:
        return None
    try:
        return _numeric()[short]
    except KeyError:
        raise UnknownCodeError(code) from None


def alpha3_to_iso3(code: str) -> str | None:
    """Three-letter code as sources spell it; None for what is no country.

    Raises
    ------
    UnknownCodeError
        If no table has it.
    """
    code = code.strip()
    if code in _ALPHA3_NO_COUNTRY:
        return None
    code = _ALPHA3.get(code, code)
    if not is_country(code):
        raise UnknownCodeError(code)
    return code


def alpha2_to_iso3(code: str) -> str | None:
    """Two-letter code; ``NA`` is Namibia.

    Raises
    ------
    UnknownCodeError
        If no table has it.
    """
    try:
        return _two_letters()[code.strip()]
    except KeyError:
        raise UnknownCodeError(code) from None


def translate(
    codes: Sequence[str],
    using: Callable[[str], str | None],
    *,
    file: object,
    column: str,
) -> tuple[str | None, ...]:
    """Alpha-3 code of each code, None for what is known to be no country.

    Parameters
    ----------
    codes
        Distinct codes, as text.
    using
        `numeric_to_iso3`, `alpha3_to_iso3` or `alpha2_to_iso3`, perhaps wrapped.
    file, column
        Named in the error.

    Raises
    ------
    SourceError
        For a code that no table knows; it names all of them.
    """
    out: list[str | None] = []
    unknown: list[str] = []
    for code in codes:
        try:
            out.append(using(str(code)))
        except UnknownCodeError:
            unknown.append(str(code))
            out.append(None)
    if unknown:
        raise SourceError(
            f"no table says which country {', '.join(map(repr, unknown[:5]))} is",
            remedy="The source may be newer than this version of gravicast: take an earlier "
            "release, or upgrade",
            file=file,
            column=column,
        )
    return tuple(out)
