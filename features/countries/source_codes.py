"""Sources' country codes (numeric, two or three letters), translated to ISO alpha-3.

Every source goes through `translate`. A code is a country, a known non-country (a group, an area
"not elsewhere specified", by the source's own list where it has one), or unknown. Unknown codes are
an error, unless the user drops and counts their rows (`unknown_codes`). User-assigned codes of ISO
3166 differ between sources: none passes through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Literal

from features.countries.panel_codes import AGGREGATES
from features.errors import InputError, SourceError, listed

# Codes of UN Comtrade and BACI that ISO 3166 does not have, or has for another state. Several codes
# may mean one country, so the table cannot be inverted.
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
    698: "IND",  # Sikkim
    699: "IND",  # with Sikkim
    711: "ZAF",  # South African Customs Union, to 1999
    717: "ZWE",  # Rhodesia and Nyasaland
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
_ENLARGED = {
    "BEL": (1998, "Belgium stands for Belgium-Luxembourg to 1998"),
    "ZAF": (1999, "South Africa stands for the South African Customs Union to 1999"),
    "SDN": (2011, "Sudan stands for Sudan with South Sudan to 2011"),
}
"""Countries whose figures up to a year cover a larger territory, in BACI and Comtrade."""

_ALPHA3 = {
    "KOS": "XKX",  # IMF
    "UVK": "XKX",  # IMF, legacy WEO
    "OWID_KOS": "XKX",
    "XKO": "XKX",
    "XKV": "XKX",  # OECD
    "KSV": "XKX",
    "WBG": "PSE",
    "PAL": "PSE",
    "ROM": "ROU",
    "ZAR": "COD",
    "TMP": "TLS",
    "S19": "TWN",
    "888": "XKX",  # BaTIS
    # Withdrawn codes of states that only changed their name.
    "BUR": "MMR",
    "BYS": "BLR",
    "DHY": "BEN",
    "FXX": "FRA",
    "HVO": "BFA",
    "NHB": "VUT",
    "RHO": "ZWE",
}
_WITHOUT_CODE = frozenset({"CHI", "NSP", "FRE"})
"""The Channel Islands, of which ISO has no code together (WDI); of sources that have no list of
areas, what is not specified and free zones (ITPD-E)."""
_ALPHA2 = {"XK": "XKX", "UK": "GBR", "EL": "GRC", "AN": "ANT", "CS": "SCG", "KV": "XKX",
           "YU": "SCG"}  # fmt: skip


def territory_statements(countries: Iterable[str], year: int) -> list[str]:
    """Statements on territories behind a year's figures of BACI or Comtrade."""
    found = set(countries)
    statements = [
        text for code, (last, text) in _ENLARGED.items() if code in found and year <= last
    ]
    if "TWN" in found:
        statements.append('Taiwan is what the source calls "Other Asia, not elsewhere specified"')
    return statements


class UnknownCodeError(LookupError):
    """A code that no table knows."""


UnknownCodes = Literal["error", "drop"]
UNKNOWN_CODES: tuple[UnknownCodes, ...] = ("error", "drop")
_unknown: ContextVar[UnknownCodes] = ContextVar("unknown_codes", default="error")


@contextmanager
def unknown_codes(choice: str) -> Iterator[None]:
    """Set how rows of unknown codes are treated while a data set is made.

    ``error`` or ``drop``; raises `InputError` for another word.
    """
    known = next((word for word in UNKNOWN_CODES if word == choice), None)
    if known is None:
        raise InputError(
            f"--unknown-codes: there is no {choice!r}",
            remedy=f"Choose {' or '.join(UNKNOWN_CODES)}",
        )
    before = _unknown.set(known)
    try:
        yield
    finally:
        _unknown.reset(before)


def drops_unknown() -> bool:
    """Whether rows of unknown codes are dropped, to be counted under `dropped_rows`."""
    return _unknown.get() == "drop"


def dropped_rows(code: str) -> str:
    """Words under which rows of an unknown code are counted, beside those of no country."""
    return f"rows of {code!r}, an unknown country code, among those left out"


@lru_cache(maxsize=1)
def _numeric() -> dict[str, str]:
    import pycountry

    iso = {c.numeric: c.alpha_3 for c in pycountry.historic_countries if hasattr(c, "numeric")}
    iso |= {c.numeric: c.alpha_3 for c in pycountry.countries}
    return {code.lstrip("0"): alpha for code, alpha in iso.items()} | {
        str(code): alpha for code, alpha in _COMTRADE.items()
    }


@lru_cache(maxsize=1)
def _three_letters() -> frozenset[str]:
    """Codes of ISO 3166, past and present, Kosovo's, and aggregates such as ROW."""
    import pycountry

    both = (pycountry.countries, pycountry.historic_countries)
    return frozenset({c.alpha_3 for some in both for c in some} | {"XKX"} | AGGREGATES)


def has_iso3(code: str) -> bool:
    """Whether a code is one that `alpha3_to_iso3` gives; codes left to users are none."""
    return code in _three_letters()


@lru_cache(maxsize=1)
def _two_letters() -> dict[str, str]:
    import pycountry

    return {c.alpha_2: c.alpha_3 for c in pycountry.countries} | _ALPHA2


def numeric_to_iso3(code: str) -> str | None:
    """ISO or UN numeric code, as DESTA and BACI use it; None for an empty one.

    Raises `UnknownCodeError` if neither table has it.
    """
    short = code.strip().lstrip("0")
    if not short:
        return None
    try:
        return _numeric()[short]
    except KeyError:
        raise UnknownCodeError(code) from None


def of_comtrade(code: int) -> str | None:
    """Country of a code that only Comtrade and BACI use, or use for another state than ISO 3166.

    The sources' own lists call some of them groups or give them placeholders: 490, "Other Asia,
    nes", is Taiwan. None for all other codes.
    """
    return _COMTRADE.get(code)


def alpha3_to_iso3(code: str) -> str | None:
    """Three-letter code as sources spell it; None for what is not a country.

    Raises `UnknownCodeError` if no table has it.
    """
    code = code.strip()
    if code in _WITHOUT_CODE:
        return None
    code = _ALPHA3.get(code, code)
    if not has_iso3(code):
        raise UnknownCodeError(code)
    return code


def alpha2_to_iso3(code: str) -> str | None:
    """Two-letter code, where ``NA`` is Namibia; raises `UnknownCodeError` if no table has it."""
    try:
        return _two_letters()[code.strip()]
    except KeyError:
        raise UnknownCodeError(code) from None


def translate(
    codes: Mapping[str, int],
    using: Callable[[str], str | None],
    *,
    file: object,
    column: str,
    count: Callable[[str, int], None] | None = None,
) -> dict[str, str | None]:
    """Alpha-3 code of each code; None for known non-countries and codes to drop.

    Parameters
    ----------
    codes
        Rows of each code.
    using
        `numeric_to_iso3`, `alpha3_to_iso3` or `alpha2_to_iso3`, perhaps wrapped.
    file, column
        Named in the error.
    count
        Receives the rows of each dropped code; without it an unknown code is always an error.

    Raises
    ------
    SourceError
        For codes that no table knows, unless their rows are to be dropped; names all of them.
    """
    out: dict[str, str | None] = {}
    unknown: list[str] = []
    for code in codes:
        try:
            out[code] = using(code)
        except UnknownCodeError:
            unknown.append(code)
            out[code] = None
    if unknown and count is not None and drops_unknown():
        for code in unknown:
            count(dropped_rows(code), codes[code])
    elif unknown:
        drop = ", or drop its rows with --unknown-codes drop" if count is not None else ""
        raise SourceError(
            f"no table says which country {listed([*map(repr, unknown)], most=20)} is",
            remedy="The source may be newer than this version of gravicast: upgrade, or take an "
            f"earlier release{drop}",
            file=file,
            column=column,
        )
    return out
