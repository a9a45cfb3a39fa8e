"""The estimator behind the gravity baselines against four published tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.gravity import Estimate, least_squares, ppml

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA.is_dir(), reason=f"needs the published data sets, and {DATA} is not there"
    ),
]
pytest.importorskip("pyfixest", reason="needs the extra `gravity`")


def agrees(
    estimate: Estimate,
    published: dict[str, tuple[float, float | None]],
    *,
    observations: int,
) -> None:
    """Coefficients to three decimals, standard errors (where printed) within a tenth."""
    assert estimate.observations == observations
    for name, (coefficient, error) in published.items():
        # Half a unit of the third decimal, and that of the printed figure's own rounding.
        assert estimate.coefficients[name] == pytest.approx(coefficient, abs=5.5e-4), name
        if error is not None:
            assert estimate.standard_errors[name] == pytest.approx(error, rel=0.1), name


@pytest.fixture(scope="module")
def log_of_gravity() -> pd.DataFrame:
    return pd.read_parquet(DATA / "log_of_gravity.parquet").assign(
        positive=lambda table: table["trade"] > 0
    )


VARIABLES = (
    "lypex + lypim + lyex + lyim + ldist + border + comlang + colony + landl_ex + landl_im"
    " + lremot_ex + lremot_im + comfrt_wto + open_wto"
)


def test_santos_silva_and_tenreyro_2006_ppml(log_of_gravity):
    published = {
        "lypex": (0.732, 0.027), "lypim": (0.741, 0.027), "lyex": (0.157, 0.053),
        "lyim": (0.135, 0.045), "ldist": (-0.784, 0.055), "border": (0.193, 0.104),
        "comlang": (0.746, 0.135), "colony": (0.025, 0.150), "landl_ex": (-0.863, 0.157),
        "landl_im": (-0.696, 0.141), "lremot_ex": (0.660, 0.134), "lremot_im": (0.562, 0.119),
        "comfrt_wto": (0.181, 0.089), "open_wto": (-0.107, 0.131),
    }  # fmt: skip
    agrees(ppml(log_of_gravity, f"trade ~ {VARIABLES}"), published, observations=18_360)


def test_santos_silva_and_tenreyro_2006_positive_flows(log_of_gravity):
    positive = log_of_gravity[log_of_gravity["positive"]].reset_index(drop=True)
    published = {"lypex": 0.721, "ldist": -0.776, "comlang": 0.751, "landl_ex": -0.872}
    agrees(
        ppml(positive, f"trade ~ {VARIABLES}"),
        {name: (value, None) for name, value in published.items()},
        observations=9_613,
    )


FIXED = "ldist + border + comlang + colony + comfrt_wto | s1_im + s2_ex"


def test_santos_silva_and_tenreyro_2006_country_effects(log_of_gravity):
    published = {
        "ldist": (-0.750, 0.041), "border": (0.370, 0.091), "comlang": (0.383, 0.094),
        "colony": (0.079, 0.135), "comfrt_wto": (0.376, 0.077),
    }  # fmt: skip
    agrees(ppml(log_of_gravity, f"trade ~ {FIXED}"), published, observations=18_360)
    positive = log_of_gravity[log_of_gravity["positive"]].reset_index(drop=True)
    logs = positive.assign(log_trade=np.log(positive["trade"]))
    published = {
        "ldist": (-1.347, 0.031), "border": (0.174, None), "comlang": (0.406, None),
        "colony": (0.666, None), "comfrt_wto": (0.310, None),
    }  # fmt: skip
    agrees(least_squares(logs, f"log_trade ~ {FIXED}"), published, observations=9_613)


@pytest.fixture(scope="module")
def agtpa() -> pd.DataFrame:
    table = pd.read_parquet(DATA / "agtpa.parquet")
    table = table[table["year"].isin(range(1986, 2007, 4))].copy()
    table["log_dist"] = np.log(table["dist"])
    table["exporter_year"] = table["exporter"] + table["year"].astype(str)
    table["importer_year"] = table["importer"] + table["year"].astype(str)
    inside = table["exporter"] == table["importer"]
    table["pair"] = table["pair_id"].astype(str).where(~inside, "0-intra")
    table["inside"] = inside
    return table.reset_index(drop=True)


def test_yotov_et_al_2016_cross_section(agtpa):
    between = agtpa[~agtpa["inside"]].reset_index(drop=True)
    effects = "exporter_year + importer_year"
    plain = ppml(between, f"trade ~ log_dist + cntg + lang + clny | {effects}", cluster="pair_id")
    published = {
        "log_dist": (-0.8409, 0.0317), "cntg": (0.4374, None), "lang": (0.2475, None),
        "clny": (-0.2225, None),
    }  # fmt: skip
    agrees(plain, published, observations=28_152)
    with_rta = ppml(
        between, f"trade ~ log_dist + cntg + lang + clny + rta | {effects}", cluster="pair_id"
    )
    published = {
        "log_dist": (-0.8216, None), "cntg": (0.4155, None), "lang": (0.2499, None),
        "clny": (-0.2054, None), "rta": (0.1907, 0.0658),
    }  # fmt: skip
    agrees(with_rta, published, observations=28_152)


@pytest.mark.parametrize(
    ("regressors", "published"),
    [
        ("rta", {"rta": (0.5572, 0.1022)}),
        ("rta + rta_lead4", {"rta": (0.5200, None), "rta_lead4": (0.0774, None)}),
        (
            "rta + rta_lag4 + rta_lag8 + rta_lag12",
            {"rta": (0.2914, None), "rta_lag4": (0.4135, None), "rta_lag8": (0.1687, None),
             "rta_lag12": (0.1189, None)},
        ),
    ],
)  # fmt: skip
def test_yotov_et_al_2016_three_way(agtpa, regressors, published):
    trades = agtpa.groupby("pair_id")["trade"].transform("sum") > 0
    table = agtpa[trades].reset_index(drop=True)
    estimate = ppml(
        table, f"trade ~ {regressors} | exporter_year + importer_year + pair", cluster="pair_id"
    )
    agrees(estimate, published, observations=28_482)


@pytest.mark.parametrize(
    ("category", "coefficient", "error"),
    [("TOTAL", 0.19245, 0.04258), ("MANUF", 0.12959, 0.03936), ("NONMANUF", 0.46272, 0.10449)],
)
def test_correia_guimaraes_and_zylkin_2020(category, coefficient, error):
    table = pd.read_parquet(DATA / "ppmlhdfe_fta.parquet")
    table = table[table["category"] == category].reset_index(drop=True)
    table["exporter_year"] = table["isoexp"].astype(str) + table["year"].astype(str)
    table["importer_year"] = table["isoimp"].astype(str) + table["year"].astype(str)
    table["pair"] = table["isoexp"].astype(str) + table["isoimp"].astype(str)
    estimate = ppml(table, "trade ~ fta | exporter_year + importer_year + pair", cluster="pair")
    agrees(estimate, {"fta": (coefficient, error)}, observations=5_950)


def test_fixest_trade():
    table = pd.read_parquet(DATA / "eu15_products.parquet")
    table["log_dist"] = np.log(table["dist_km"])
    table["log_trade"] = np.log(table["trade_eur"])
    effects = "exporter + importer + product_id + year"
    poisson = ppml(table, f"trade_eur ~ log_dist | {effects}", cluster="exporter")
    agrees(poisson, {"log_dist": (-1.52787, 0.11566)}, observations=38_325)
    ordinary = least_squares(table, f"log_trade ~ log_dist | {effects}", cluster="exporter")
    agrees(ordinary, {"log_dist": (-2.16988, 0.15426)}, observations=38_325)
