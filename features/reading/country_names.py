"""Country names and codes as Comtrade, the World Bank, the IMF and the WTO write them."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from features.countries.panel_codes import AGGREGATES, is_country
from features.countries.source_codes import (
    UnknownCodeError,
    alpha2_to_iso3,
    alpha3_to_iso3,
    numeric_to_iso3,
)

WORLD = ""
"""Stands for the world and for partners that are not countries."""

_WORLD_WORDS = frozenset({"wld", "world", "w00", "all", "total", "all countries", "world total",
                          "total world", "all partners", "owid wrl", "w0", "w1", "wl"})  # fmt: skip
_WORLD_NUMBERS = frozenset({"0", "1"})
"""Of Comtrade (000) and of M49 (001)."""
_NO_COUNTRY_NUMBERS = frozenset(map(str, (
    97, 129, 221, 290, 471, 472, 473, 492, 527, 536, 568, 577, 636, 637, 697, 837, 838, 839, 879,
    899,
)))  # fmt: skip
"""Partners of Comtrade that are groups, bunkers or "not elsewhere specified"."""
_MONACO = "492"
_NO_PARTNER_WORDS = frozenset({"x", "bun", "bunkers", "areas nes", "areas not elsewhere specified",
                               "special categories", "free zones", "unspecified", "not specified",
                               "unspecified areas", "us misc pacific isds"})  # fmt: skip

_NAMES = {
    "ARE": ("uae",),
    "ATF": ("fr south antarctic terr", "french southern territories"),
    "ATG": ("antigua barbuda",),
    "BES": ("bonaire", "br antilles", "bonaire saint eustatius and saba"),
    "BHS": ("bahamas",),
    "BIH": ("bosnia herzegovina", "bosnia"),
    "BOL": ("bolivia", "plurinational state of bolivia", "bolivia plurinational state of"),
    "BRN": ("brunei",),
    "CAF": ("central african rep", "central african republic"),
    "CHE": ("switzerland liechtenstein", "switzerland incl liechtenstein"),
    "CHN": ("china mainland", "mainland china", "china p r mainland", "china peoples republic",
            "people s republic of china", "china people s republic of"),
    "CIV": ("cote d ivoire", "ivory coast"),
    "COD": ("dem rep of the congo", "congo dem rep", "democratic republic of congo", "dr congo",
            "congo democratic republic of", "congo dem rep of the", "drc", "congo drc"),
    "COG": ("congo", "congo rep", "congo republic of", "republic of congo",
            "congo rep of", "congo brazzaville"),
    "COK": ("cook isds",),
    "CPV": ("cape verde", "cabo verde"),
    "CSK": ("czechoslovakia", "former czechoslovakia"),
    "CUW": ("curacao", "curacao kingdom of the netherlands"),
    "CYM": ("cayman isds",),
    "CZE": ("czech republic", "czech rep", "czechia"),
    "DDR": ("fmr dem rep of germany", "east germany"),
    "DEU": ("fmr fed rep of germany", "federal republic of germany", "west germany"),
    "DOM": ("dominican rep", "dominican republic"),
    "EGY": ("egypt arab rep", "egypt arab republic of"),
    "ETH": ("fmr ethiopia", "ethiopia federal democratic republic of"),
    "FLK": ("falkland isds malvinas", "falkland islands"),
    "FRA": ("france incl monaco", "france monaco"),
    "FRO": ("faeroe isds", "faroe isds", "faeroe islands"),
    "FSM": ("fs micronesia", "micronesia", "micronesia fed sts", "micronesia federated states of"),
    "GBR": ("uk", "great britain", "britain", "u k"),
    "GMB": ("gambia", "gambia the"),
    "GNB": ("guinea bissau",),
    "HKG": ("hong kong", "china hong kong sar", "hong kong sar china", "hong kong china",
            "china hong kong", "hong kong sar", "china p r hong kong"),
    "IRN": ("iran", "iran islamic rep", "islamic republic of iran", "iran islamic republic of"),
    "KGZ": ("kyrgyz republic", "kyrgyz rep", "kyrgyzstan"),
    "KNA": ("st kitts and nevis", "saint kitts and nevis", "st kitts nevis"),
    "KOR": ("rep of korea", "korea rep", "south korea", "korea republic of", "republic of korea",
            "korea south", "korea", "korea rep of"),
    "LAO": ("lao people s dem rep", "lao pdr", "laos", "lao people s democratic republic",
            "lao peoples dem rep"),
    "LBY": ("libya", "libyan arab jamahiriya"),
    "LCA": ("st lucia", "saint lucia"),
    "MAC": ("macao", "macau", "china macao sar", "macao sar china", "macao china",
            "macao sar", "china p r macao"),
    "MDA": ("rep of moldova", "moldova", "moldova rep", "moldova republic of"),
    "MHL": ("marshall isds",),
    "MKD": ("tfyr of macedonia", "macedonia fyr", "macedonia", "north macedonia",
            "north macedonia republic of", "former yugoslav republic of macedonia"),
    "MMR": ("burma", "myanmar burma"),
    "MNP": ("n mariana isds", "northern mariana islands"),
    "NLD": ("holland", "netherlands the"),
    "PRK": ("dem people s rep of korea", "korea dem people s rep", "north korea",
            "korea dem people s republic of", "democratic people s republic of korea",
            "korea democratic people s republic of", "korea north", "korea dem rep",
            "korea dem people s rep of", "korea democratic people s rep of"),
    "PSE": ("state of palestine", "west bank and gaza", "palestine", "occ palestinian terr",
            "occupied palestinian territory", "palestinian territory"),
    "REU": ("reunion",),
    "ROW": ("rest of world", "rest of the world"),
    "RUS": ("russia", "russian federation"),
    "SCG": ("serbia and montenegro",),
    "SLB": ("solomon isds",),
    "STP": ("sao tome and principe", "sao tome principe"),
    "SUN": ("fmr ussr", "ussr", "soviet union"),
    "SVK": ("slovak republic", "slovak rep", "slovakia"),
    "SWZ": ("swaziland", "eswatini", "eswatini kingdom of"),
    "SXM": ("st maarten", "sint maarten", "saint maarten"),
    "SYR": ("syria", "syrian arab republic", "syrian arab rep"),
    "TCA": ("turks and caicos isds",),
    "TLS": ("timor leste", "east timor"),
    "TTO": ("trinidad tobago",),
    "TUR": ("turkey", "turkiye", "turkiye republic of"),
    "TWN": ("taiwan", "other asia nes", "other asia not elsewhere specified", "chinese taipei",
            "taiwan china", "taiwan province of china", "separate customs territory of taiwan"),
    "TZA": ("tanzania", "united rep of tanzania", "united republic of tanzania"),
    "USA": ("us", "u s", "usa", "u s a", "united states", "united states of america",
            "usa puerto rico and us virgin islands", "america"),
    "VAT": ("holy see", "vatican", "vatican city", "holy see vatican city state"),
    "VCT": ("st vincent and the grenadines", "saint vincent and the grenadines",
            "st vincent and grenadines"),
    "VEN": ("venezuela", "venezuela rb", "venezuela bolivarian republic of",
            "venezuela republica bolivariana de", "bolivarian republic of venezuela"),
    "VGB": ("br virgin isds", "british virgin islands"),
    "VIR": ("virgin islands u s", "us virgin islands", "united states virgin islands"),
    "VNM": ("viet nam", "vietnam", "fmr rep of vietnam"),
    "WLF": ("wallis and futuna isds",),
    "XKX": ("kosovo", "kosovo rep of", "kosovo republic of",
            "kosovo under un security council resolution 1244"),
    "YEM": ("yemen", "yemen rep", "yemen republic of"),
    "YUG": ("fmr yugoslavia", "yugoslavia"),
}  # fmt: skip
"""Names that ISO 3166 does not have, as `normal` leaves them."""


def normal(name: str) -> str:
    """A name without case, accents, punctuation and articles at the ends."""
    # A dotless i and a curved apostrophe have no plain letter under their accent.
    name = name.replace("\u0131", "i").replace("\u2019", "'").replace("\u2018", "'")
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore")
    words = re.sub(r"[^a-z0-9]+", " ", plain.decode().lower().replace("&", " and ")).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    return " ".join(words)


@lru_cache(maxsize=1)
def _by_name() -> dict[str, str]:
    import pycountry

    # A name of a present and a past country means the present one.
    found: dict[str, str] = {}
    for country in (*pycountry.historic_countries, *pycountry.countries):
        for kind in ("name", "common_name", "official_name"):
            if spelled := getattr(country, kind, ""):
                found[normal(spelled)] = country.alpha_3
    return found | {name: code for code, names in _NAMES.items() for name in names}


@lru_cache(maxsize=1)
def _by_short_name() -> dict[str, str]:
    """The part of a name before its comma or bracket, if only one country has it."""
    import pycountry

    found: dict[str, set[str]] = {}
    for country in pycountry.countries:
        for kind in ("name", "common_name", "official_name"):
            if spelled := getattr(country, kind, ""):
                found.setdefault(normal(_short(spelled)), set()).add(country.alpha_3)
    return {name: codes.pop() for name, codes in found.items() if len(codes) == 1}


def _short(name: str) -> str:
    return re.split(r"[,(:]", name)[0]


def alpha3_of_name(name: str) -> str | None:
    """Alpha-3 code of a name such as ``Afghanistan, Islamic Rep. of``; None for an unknown one."""
    return _by_name().get(normal(name)) or _by_short_name().get(normal(_short(name)))


def is_world(code: str) -> bool:
    """Whether a code or name means the world or a partner that is not a country (bunkers)."""
    word, digits = normal(code), _digits(code)
    if digits is not None:
        known = digits in _WORLD_NUMBERS | _NO_COUNTRY_NUMBERS
        return known or _numeric(digits) == WORLD
    if word in _WORLD_WORDS | _NO_PARTNER_WORDS:
        return True
    # "Other Europe, nes" and the like, and Comtrade's codes of them: a letter and two digits.
    rest = word.endswith(" nes") or re.fullmatch(r"[A-Z]\d\d", code) is not None
    return rest and word not in _NAMES["TWN"] and code != "S19"


def _numeric(digits: str) -> str | None:
    """Alpha-3 code of a number, `WORLD` for a partner that is not a country, None for no code."""
    try:
        return numeric_to_iso3(digits) or WORLD
    except UnknownCodeError:
        return None


def alpha3(code: str, *, two_letters: bool, comtrade: bool = False) -> str | None:
    """Alpha-3 code of a code or name; `WORLD` for the world, None for what no table knows.

    Parameters
    ----------
    code
        Alpha-3, numeric (ISO, M49 or Comtrade) or a name. Names match exactly but for case,
        accents and punctuation: nothing is guessed.
    two_letters
        Whether the column holds alpha-2 codes: ``NA`` is Namibia there, and an error elsewhere.
    comtrade
        Whether it holds Comtrade's numbers: 492 is "Europe EU, nes" there, and Monaco in ISO 3166.
    """
    if code in AGGREGATES:
        return code
    digits = _digits(code)
    if digits == _MONACO and not comtrade:
        return "MCO"
    if is_world(code):
        return WORLD
    try:
        if digits is not None:
            return _numeric(digits)
        if two_letters:
            return alpha2_to_iso3(code)
        if len(code) == 3 and code.isupper() and (found := alpha3_to_iso3(code)) is not None:
            return found
    except UnknownCodeError:
        pass
    # Three lower-case letters may be a code or a name.
    return _by_name().get(normal(code))


def is_comtrade(codes: Iterable[str]) -> bool:
    """Whether numeric codes are Comtrade's, which has its own of France, India, USA and others."""
    return bool({"251", "579", "699", "757", "842"} & {_digits(code) for code in codes})


def nearest(name: str) -> list[str]:
    """Known names like an unknown one, with their codes."""
    if len(name) <= 3:
        return [name.upper()] if name != name.upper() and is_country(name.upper()) else []
    known = _by_name()
    found = difflib.get_close_matches(normal(name), known, n=2, cutoff=0.75)
    return [f"{known[each]} ({each})" for each in found]


def _digits(code: str) -> str | None:
    """The number of a numeric code, which a spreadsheet may write as 842.0."""
    found = re.fullmatch(r"(\d{1,3})(?:\.0+)?", code)
    return None if found is None else found[1].lstrip("0") or "0"
