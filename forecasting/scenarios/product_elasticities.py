"""Trade elasticities by sector from CEPII's product-level trade elasticities (ProTEE).

Fontagne, Guimbard and Orefice (2022), doi:10.1016/j.jinteco.2022.103593. Column ``sigma`` is the
elasticity of a product's imports to one plus its tariff, negative; where it was not significant or
positive (``zero``, ``positive``) it is the mean of its four-digit heading, or missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import InputError
from features.files.tables import read_table
from features.sources.harmonized_system import level_named
from forecasting.inputs.open import open_input
from forecasting.scenarios.estimate import Estimate

SOURCE = "CEPII ProTEE, Fontagne, Guimbard and Orefice 2022: mean of {n} of {all} products"
LEVELS = ("section", "hs2", "hs4")
"""Sectors of the Harmonized System, whose products need no table: those of BACI by level."""
_COLUMNS = ("hs6", "zero", "positive", "sigma")


def sector_elasticities(
    file: Path, products: Path | str, *, store: Path | None = None
) -> dict[str, Estimate]:
    """Mean elasticity of every sector's products, with the standard error of that mean.

    Parameters
    ----------
    file
        ``HS6, zero, positive, sigma`` as CEPII publishes it, or the key of that data set in the
        store.
    products
        Table ``hs6, sector``: the sector of each product, HS 2007; or one of `LEVELS`.
    store
        Folder of the store; None for the default one.

    Returns
    -------
    dict
        theta by sector. A product that was not significant, or positive, is left out: it repeats
        its heading. Sectors without two others have no elasticity.

    Raises
    ------
    InputError
        If a table lacks a column, or lists a product twice.
    """
    found = _elasticities(file, store)
    if isinstance(products, str):
        level = level_named(products)
        sectors = found[["hs6"]].assign(sector=found["hs6"].map(level.sector))
    else:
        sectors = _by_product(products, ("hs6", "sector"))
    joined = sectors.merge(found, on="hs6")
    numbers = joined[["zero", "positive", "sigma"]].apply(pd.to_numeric, errors="coerce")
    estimated = (numbers["zero"] == 0) & (numbers["positive"] == 0) & (numbers["sigma"] < 0)
    theta = -numbers["sigma"][estimated]
    listed = joined.groupby("sector").size()
    out = {}
    for sector, values in theta.groupby(joined["sector"][estimated]):
        if len(values) > 1:
            error = float(values.std(ddof=1) / np.sqrt(len(values)))
            source = SOURCE.format(n=len(values), all=int(listed[sector]))
            out[str(sector)] = Estimate(float(values.mean()), error, source)
    return out


def _elasticities(file: Path, store: Path | None) -> pd.DataFrame:
    """``hs6, zero, positive, sigma`` by product, of a file or of the store."""
    given = open_input(file, kind="elasticities", store=store)
    if given.dataset is not None:
        return given.dataset.read()
    return _by_product(given.path, _COLUMNS)


def _by_product(file: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """A table by product, each once, the code with its leading zeros."""
    if not file.is_file():
        raise InputError("there is no such file", remedy="Check the elasticity", file=file)
    table = read_table(file, text=["HS6", "hs6", "sector"]).rename(columns={"HS6": "hs6"})
    lacking = [name for name in names if name not in table]
    if lacking:
        raise InputError("a column is missing", remedy=f"Give {', '.join(names)}", file=file,
                         column=lacking[0])  # fmt: skip
    table = table.assign(hs6=table["hs6"].str.zfill(6))
    twice = table.duplicated("hs6").to_numpy()
    if twice.any():
        raise InputError("a product is listed twice", remedy="Keep one row of each", file=file,
                         column="hs6", row=int(np.argmax(twice)) + 2)  # fmt: skip
    return table
