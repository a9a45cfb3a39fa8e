"""Column names that Comtrade, WITS, CEPII and others use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from features.errors import InputError
from features.reading.units import split_unit

EXPORTER = ("exporter", "exporteriso3", "exporteriso", "exporteriso3code", "exportercode",
            "exporterm49", "exportername", "exportercountry", "exportingcountry", "exp", "iso3o",
            "isoo", "iso3origin", "origin", "origincode", "orig", "countryo", "countryorigin",
            "source", "sourcecountry", "from", "o", "i")  # fmt: skip
IMPORTER = ("importer", "importeriso3", "importeriso", "importeriso3code", "importercode",
            "importerm49", "importername", "importercountry", "importingcountry", "imp", "iso3d",
            "isod", "iso3destination", "destination", "destinationcode", "dest", "countryd",
            "countrydestination", "usecountry", "to", "d", "j")  # fmt: skip
REPORTER = ("reporter", "reporteriso", "reporteriso3", "reportercode", "reporterm49",
            "reporterdesc", "reportername", "reportercountry", "declarant", "rt",
            "reportingcountry")  # fmt: skip
PARTNER = ("partner", "partneriso", "partneriso3", "partnercode", "partnerm49", "partnerdesc",
           "partnername", "partnercountry", "pt", "counterpart", "counterpartcountry",
           "counterpartarea")  # fmt: skip
YEAR = ("year", "refyear", "yr", "t", "period", "timeperiod", "time", "date", "refdate",
        "refperiodid", "yearmonth", "calendaryear")  # fmt: skip
MONTH = ("month", "refmonth")
VALUE = ("primaryvalue", "value", "tradevalue", "trade", "tradeflow", "amount", "obsvalue", "val",
         "v", "fobvalue", "cifvalue", "exports", "exportvalue", "export", "exportsvalue",
         "imports", "importvalue", "import", "importsvalue")  # fmt: skip
FLOW = ("flowdesc", "flowcode", "flow", "tradeflow", "flowname", "tradeflowname",
        "tradeflowcode")  # fmt: skip
VALUATION = ("valuation", "fobcif", "pricebasis")
PUBLISHED = ("published", "firstreleased", "released", "releasedate", "publicationdate",
             "datepublished")  # fmt: skip
REGION = ("region", "regionname", "area")
COUNTRY = ("iso3", "iso3code", "iso3c", "iso", "iso2", "countrycode", "country", "countryname",
           "economy", "refarea", "code", "entity", "countryiso3")  # fmt: skip
INDICATOR = ("indicator", "indicatorcode", "seriescode", "series", "indicatorname", "seriesname",
             "variable")  # fmt: skip
PRODUCT = ("sector", "cmdcode", "commoditycode", "productcode", "commodity", "product", "k", "hs6",
           "industry", "hs", "sitc", "isic", "productcluster")  # fmt: skip
UNIT = ("unit", "units", "unitname", "unitofmeasure", "unitmeasure", "currency")

TEXT = ("exporter", "importer", "sector", "reporter", "partner", "reporterISO", "partnerISO",
        "reporterDesc", "partnerDesc", "flowDesc", "flowCode", "cmdCode", "iso3", "iso3_o",
        "iso3_d", "iso_o", "iso_d", "indicator", "Country Code", "Indicator Code", "Country Name",
        "Indicator Name", "Reporter", "Partner", "exporter_iso3", "importer_iso3")  # fmt: skip
"""Columns of codes, read as text or categories."""


def plain(name: object) -> str:
    """A column's name without case, blanks and punctuation."""
    return re.sub(r"[^a-z0-9]+", "", str(name).lower())


def find(columns: Sequence[str], known: Sequence[str]) -> str | None:
    """The column with the first of the known names; None if absent."""
    by_name = {plain(name): name for name in reversed(columns)}
    return next((by_name[name] for name in known if name in by_name), None)


def year_columns(columns: Sequence[str]) -> dict[str, int]:
    """Columns that are calendar years: ``2017``, ``YR2017``, ``X2017``, ``2017 [YR2017]``."""
    pattern = re.compile(r"(?:yr|x|y)?[ _]?((?:18|19|20|21)\d\d)(?:\.0)?(?: ?\[YR\1\])?", re.I)
    found = {name: pattern.fullmatch(str(name).strip()) for name in columns}
    return {name: int(match[1]) for name, match in found.items() if match}


def value_columns(columns: Sequence[str]) -> list[str]:
    """Columns that may hold trade values, the likeliest first."""
    rank = {name: place for place, name in enumerate(VALUE)}
    named = {name: split_unit(str(name))[0] for name in columns}
    present = [
        name for name in columns if named[name] in rank and name not in year_columns(columns)
    ]
    return sorted(present, key=lambda name: rank[named[name]])


def check_given(
    given: Mapping[str, str], columns: Sequence[str], roles: Sequence[str], *, file: object
) -> None:
    """Raise `InputError` where ``--columns`` names a column that the table lacks."""
    for role, column in given.items():
        if role in roles and column not in columns:
            raise InputError(
                f"`--columns {role}={column}` names a column that is not there",
                remedy=f"The columns found are: {', '.join(map(str, columns))}",
                file=file,
            )
