from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from features.catalogue import origin_matrix
from features.choices import SETTINGS as EVERY_SETTING
from features.information import AsOfRule, DataBundle
from forecasting import RunConfig
from forecasting.evaluation import matrices as module
from forecasting.evaluation import prepared as prepared_module
from forecasting.evaluation.matrices import OriginMatrices
from forecasting.evaluation.prepared import PreparedData, information_sets, prepare

SETTINGS = EVERY_SETTING[1:]
"""Without that of reports, whose as-of date is another."""
ORIGINS = (2004, 2005, 2006, 2007)


def of(bundle: DataBundle, *, keep: int) -> OriginMatrices:
    rule = AsOfRule()
    infos = {s: information_sets(bundle, setting=s, rule=rule, last=2007) for s in SETTINGS}
    return OriginMatrices(infos, keep=keep)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_matrix_is_what_the_builders_give_in_its_setting(
    prepared: PreparedData, setting: str
) -> None:
    for origin in ORIGINS:
        np.testing.assert_array_equal(
            prepared.matrices[setting, origin], origin_matrix(prepared.infos[setting][origin])
        )


def test_settings_differ_where_totals_were_published_and_share_all_else(
    bundle: DataBundle, make_bundle: Callable[..., DataBundle]
) -> None:
    known, ex_ante = (of(bundle, keep=2)[setting, 2006] for setting in SETTINGS)
    assert not np.array_equal(known, ex_ante, equal_nan=True)
    trade_alone = of(make_bundle(indicators=False, pairs=False), keep=2)
    assert trade_alone[SETTINGS[0], 2006] is trade_alone[SETTINGS[1], 2006]


def test_threads_that_ask_for_the_same_matrix_wait_for_one(
    bundle: DataBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def counting(info, **given):
        built.append(info.origin)
        return origin_matrix(info, **given)

    monkeypatch.setattr(module, "origin_matrix", counting)
    matrices = of(bundle, keep=2 * len(ORIGINS))
    asked = [(setting, origin) for origin in ORIGINS for setting in SETTINGS] * 3
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(matrices.__getitem__, asked))
    assert sorted(built) == list(ORIGINS)


def test_only_the_last_ones_are_kept(bundle: DataBundle) -> None:
    matrices = of(bundle, keep=2)
    first = matrices[SETTINGS[0], 2004]
    assert matrices[SETTINGS[0], 2004] is first
    matrices[SETTINGS[0], 2005], matrices[SETTINGS[0], 2006]
    again = matrices[SETTINGS[0], 2004]
    assert again is not first
    np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize(("kept_bytes", "kept"), [(prepared_module.KEPT_BYTES, True), (0, False)])
def test_matrices_of_a_small_panel_are_kept(
    make_bundle: Callable[..., DataBundle],
    quick: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    kept_bytes: int,
    kept: bool,
) -> None:
    monkeypatch.setattr(prepared_module, "KEPT_BYTES", kept_bytes)
    matrices = prepare(make_bundle(), RunConfig(world="goods", **quick)).matrices
    asked = [(setting, origin) for origin in ORIGINS for setting in SETTINGS]
    found = [matrices[key] for key in asked]
    assert all(matrices[key] is matrix for key, matrix in zip(asked, found, strict=True)) == kept
