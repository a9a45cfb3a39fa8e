"""Users' models and tables, turned into a booster and rows of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError

if TYPE_CHECKING:
    import lightgbm

_ROWS = "Give rows of numbers, shape [row, feature], and NaN where a number is missing"
_DEFAULT_NAME = "Column_{}"
"""LightGBM's own names of columns, where a model was trained on a table without names."""


def booster_of(model: Any) -> lightgbm.Booster:
    """The booster of a model of LightGBM.

    Parameters
    ----------
    model
        A ``lightgbm.Booster``, or a fitted ``LGBMRegressor``, ``LGBMClassifier`` or ``LGBMRanker``.

    Raises
    ------
    InputError
        If it is anything else, or not fitted.
    """
    import lightgbm
    from sklearn.exceptions import NotFittedError

    if isinstance(model, lightgbm.Booster):
        return model
    if not isinstance(model, lightgbm.LGBMModel):
        raise InputError(
            f"a {type(model).__name__} is not a LightGBM model",
            remedy="Give a lightgbm.Booster or a fitted LGBMRegressor, LGBMClassifier or "
            "LGBMRanker",
        )
    try:
        return model.booster_
    except NotFittedError as error:
        raise InputError(
            f"the {type(model).__name__} is not fitted", remedy="Call its fit first"
        ) from error


def rows_of(features: Any, booster: lightgbm.Booster) -> NDArray[np.floating[Any]]:
    """Rows exactly as the booster's own ``predict`` would read them.

    Parameters
    ----------
    features
        Shape ``[row, feature]``: an array, nested lists, a pandas, polars or Arrow table.
        Categories of pandas become the codes of the training table.
    booster
        It is for.

    Returns
    -------
    ndarray
        Of float32 or float64.

    Raises
    ------
    InputError
        If a cell holds text or a date, or the columns are not those of the training table in
        their order.
    ValueError
        If the shape does not fit.
    """
    names = booster.feature_name()
    if not isinstance(features, pd.DataFrame) and hasattr(features, "to_pandas"):
        features = features.to_pandas()
    if isinstance(features, pd.DataFrame):
        return _of_frame(features, booster, names)
    if hasattr(features, "toarray"):
        raise InputError("the features are a sparse matrix", remedy="Give features.toarray()")
    try:
        rows = np.asarray(features)
    except ValueError as error:
        raise InputError("the rows have different lengths", remedy=_ROWS) from error
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise ValueError(
            f"features have shape {rows.shape}, the booster has {len(names)} columns. {_ROWS}"
        )
    if rows.dtype in (np.float32, np.float64):
        return rows
    if rows.dtype.kind == "O":
        return np.column_stack([_numbers(c, n) for c, n in zip(rows.T, names, strict=True)])
    if rows.dtype.kind not in "biuf":
        raise InputError(f"the features are of type {rows.dtype}, no numbers", remedy=_ROWS)
    # Lists hold Python numbers; LightGBM converts arrays of other types to float32.
    return rows.astype(np.float32 if isinstance(features, np.ndarray) else np.float64)


def _of_frame(
    frame: pd.DataFrame, booster: lightgbm.Booster, names: list[str]
) -> NDArray[np.floating[Any]]:
    if frame.shape[1] != len(names):
        raise ValueError(f"features have shape {frame.shape}, the booster has {len(names)} columns")
    _check_names([str(name).replace(" ", "_") for name in frame.columns], names)
    columns = [frame.iloc[:, place] for place in range(len(names))]
    of_categories = [isinstance(column.dtype, pd.CategoricalDtype) for column in columns]
    known = iter(booster.pandas_categorical or [])
    if sum(of_categories) != len(booster.pandas_categorical or []):
        raise InputError(
            f"{sum(of_categories)} columns are categorical and the model was trained on "
            f"{len(booster.pandas_categorical or [])}",
            remedy="Give the columns the types they had in training",
        )
    numbers = [
        _codes(column, next(known)) if categorical else _numbers(column, name)
        for column, name, categorical in zip(columns, names, of_categories, strict=True)
    ]
    single = all(column.dtype == np.float32 for column in columns)
    return np.column_stack(numbers).astype(np.float32 if single else np.float64, copy=False)


def _check_names(given: list[str], names: list[str]) -> None:
    """Refuse columns in another order: each would be explained as another feature."""
    if given == names or names == [_DEFAULT_NAME.format(place) for place in range(len(names))]:
        return
    place = next(k for k, pair in enumerate(zip(given, names, strict=True)) if pair[0] != pair[1])
    raise InputError(
        f"feature {place + 1} of the model is {names[place]!r}",
        remedy="Give the columns of the training table in their order, "
        "features[booster.feature_name()]",
        column=given[place],
    )


def _codes(column: pd.Series, categories: list[Any]) -> NDArray[np.float64]:
    """Codes of training; unknown categories are missing, as in LightGBM."""
    codes = column.cat.set_categories(categories).cat.codes.to_numpy(np.float64, copy=True)
    codes[codes < 0] = np.nan
    return codes


def _numbers(column: pd.Series | NDArray[Any], name: str) -> NDArray[np.floating[Any]]:
    """A column as numbers; text is refused even if it looks like a number."""
    cells = pd.Series(column)
    if cells.dtype == np.float32:
        return cells.to_numpy()
    found = cells.infer_objects() if cells.dtype == object else cells
    if found.dtype == object and not found.dropna().map(_is_number).all():
        wrong = next(cell for cell in found.dropna() if not _is_number(cell))
        raise InputError(
            f"{str(wrong)[:40]!r} is a {type(wrong).__name__}, no number",
            remedy=_ROWS, column=name,
        )  # fmt: skip
    if found.dtype != object and not pd.api.types.is_numeric_dtype(found):
        raise InputError(f"the column is of type {found.dtype}, no numbers", remedy=_ROWS,
                         column=name)  # fmt: skip
    if pd.api.types.is_complex_dtype(found):
        raise InputError("the column holds complex numbers", remedy=_ROWS, column=name)
    return found.to_numpy(np.float64, na_value=np.nan)


def _is_number(cell: object) -> bool:
    from decimal import Decimal
    from numbers import Real

    return isinstance(cell, (Real, Decimal, np.bool_))
