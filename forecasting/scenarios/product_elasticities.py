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
from forecasting.scenarios.estimate import Estimate

SOURCE = "CEPII ProTEE, Fontagne, Guimbard and Orefice 2022: mean of {n} of {all} products"


def sector_elasticities(file: Path, products: Path) -> dict[str, Estimate]:
    """Mean elasticity of every sector's products, with the standard error of that mean.

    Parameters
    ----------
    file
        ``HS6, zero, positive, sigma`` as CEPII publishes it.
    products
        ``hs6, sector``: the sector of each product, HS 2007.

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
    found = _columns(file, ("HS6", "zero", "positive", "sigma"), text=["HS6"])
    sectors = _columns(products, ("hs6", "sector"), text=["hs6", "sector"])
    for table, key, path in ((found, "HS6", file), (sectors, "hs6", products)):
        twice = table.duplicated(key).to_numpy()
        if twice.any():
            raise InputError("a product is listed twice", remedy="Keep one row of each", file=path,
                             column=key, row=int(np.argmax(twice)) + 2)  # fmt: skip
    joined = sectors.assign(HS6=sectors["hs6"].str.zfill(6)).merge(
        found.assign(HS6=found["HS6"].str.zfill(6)), on="HS6"
    )
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


def _columns(file: Path, names: tuple[str, ...], *, text: list[str]) -> pd.DataFrame:
    if not file.is_file():
        raise InputError("there is no such file", remedy="Check the elasticity", file=file)
    table = read_table(file, text=text)
    lacking = [name for name in names if name not in table]
    if lacking:
        raise InputError("a column is missing", remedy=f"Give {', '.join(names)}", file=file,
                         column=lacking[0])  # fmt: skip
    return table
