"""Tables of items, suppliers and past demand, checked before any work starts."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from features.files.table_schema import Column, TableSchema
from features.files.tables import read_table, refuse_cells
from forecasting.planning.plan_file import PlanFile

_LARGEST = 1e15
_SHARES_TOLERANCE = 1e-3
"""Shares written with three digits, such as 0.333, still sum to 1."""
_PERIOD = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?(?:\.0)?")

_ITEM = Column("item", "code", "Name the item")
ITEMS = TableSchema(
    (
        _ITEM,
        Column("importer", "code", "Name the country that the item is sold or used in"),
        Column("sector", "text", required=False),
        Column("demand", "number", "Give units a year"),
        Column("unit_cost", "number", "Give the cost of a unit"),
        Column("holding_cost", "number", "Give the cost of holding a unit for a year"),
        Column("order_cost", "number", "Give the cost of placing an order"),
        Column("stockout_cost", "number or empty", required=False),
        Column("service_level", "number or empty", "Write 95 % as 0.95", required=False),
        Column("review_days", "number or empty", required=False),
        Column("lead_time_days", "number or empty", required=False),
        Column("lead_time_sd_days", "number or empty", required=False),
    ),
    key=("item",),
)
SUPPLIERS = TableSchema(
    (
        _ITEM,
        Column("country", "code", "Name the supplier's country"),
        Column("share", "number", "Give a share from 0 to 1", bounds=(0, 1)),
        Column("unit_price", "number", "Give the price of a unit"),
        Column("lead_time_days", "number", "Give the mean days from order to delivery"),
        Column("lead_time_sd_days", "number", "Give the standard deviation in days; 0 if fixed",
               bounds=(0, 3650)),
        Column("capacity", "number or empty", required=False),
        Column("minimum_order", "number or empty", required=False),
        Column("ramp_up", "number or empty", required=False),
    ),
    key=("item", "country"),
)  # fmt: skip
HISTORY = TableSchema(
    (_ITEM, Column("period", "text"), Column("quantity", "number", bounds=(0, _LARGEST))),
    key=("item", "period"),
)
_POSITIVE = ("demand", "unit_cost", "holding_cost", "order_cost", "stockout_cost", "unit_price",
             "lead_time_days", "capacity")  # fmt: skip
_NOT_NEGATIVE = ("review_days", "lead_time_sd_days", "minimum_order", "ramp_up")


@dataclass(frozen=True, slots=True)
class PlanTables:
    """Checked tables of a plan; absent optional columns are NaN or ``""``.

    Attributes
    ----------
    items
        One row an item, columns of `ITEMS`.
    suppliers
        One row an item and country, columns of `SUPPLIERS`; perhaps without rows.
    history
        ``item, year, month`` (0 for a whole year) ``, quantity``; perhaps without rows.
    """

    items: pd.DataFrame
    suppliers: pd.DataFrame
    history: pd.DataFrame


def read_tables(plan: PlanFile) -> PlanTables:
    """Read and check every table that a plan names.

    Raises
    ------
    InputError
        For the first cell that cannot be; see `forecasting.planning`.
    """
    items = _read(plan.items, ITEMS)
    _check_items(items, plan)
    suppliers = _blank(SUPPLIERS)
    if plan.suppliers is not None:
        suppliers = _read(plan.suppliers, SUPPLIERS)
        _check_suppliers(suppliers, items, file=plan.suppliers)
    _check_lead_times(items, suppliers, plan)
    history = empty_tables().history
    if plan.history is not None:
        history = _history(_read(plan.history, HISTORY), items, file=plan.history)
    return PlanTables(items, suppliers, history)


def empty_tables() -> PlanTables:
    """Tables without rows."""
    history = pd.DataFrame(columns=["item", "year", "month", "quantity"])
    return PlanTables(_blank(ITEMS), _blank(SUPPLIERS), history)


def _read(path: Path, schema: TableSchema) -> pd.DataFrame:
    table = read_table(path, text=schema.text)
    for name in table.columns:
        if name not in schema.names:
            near = difflib.get_close_matches(str(name), schema.names, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"Choose from {', '.join(schema.names)}"
            raise InputError("the column is not known", remedy=hint, file=path, column=str(name))
    checked = schema.check(table, file=path)
    out = pd.DataFrame(index=range(len(table)))
    for column in schema.columns:
        name = column.name
        if name in checked.codes:
            out[name] = [str(word).strip() for word in checked.codes[name].texts()]
        elif name in checked.numbers:
            out[name] = checked.numbers[name]
        elif name in checked.texts:
            out[name] = [str(word).strip() for word in checked.texts[name]]
        else:
            out[name] = "" if column.kind == "text" else np.nan
    for name in out.columns.intersection(_POSITIVE):
        values = out[name].to_numpy()
        _refuse(out, name, (values <= 0) | (values > _LARGEST), "is not above 0",
                "Give a number above 0", path)  # fmt: skip
    for name in out.columns.intersection(_NOT_NEGATIVE):
        values = out[name].to_numpy()
        _refuse(out, name, (values < 0) | (values > _LARGEST), "is below 0",
                "Give a number of at least 0", path)  # fmt: skip
    return out


def _blank(schema: TableSchema) -> pd.DataFrame:
    return pd.DataFrame({c.name: pd.Series(dtype=object if c.kind in ("code", "text") else float)
                         for c in schema.columns})  # fmt: skip


def _refuse(
    table: pd.DataFrame,
    name: str,
    wrong: NDArray[np.bool_],
    problem: str,
    remedy: str,
    file: object,
) -> None:
    refuse_cells(table[name], wrong, problem, remedy=remedy, file=file)


def _check_items(items: pd.DataFrame, plan: PlanFile) -> None:
    file, level = plan.items, items["service_level"].to_numpy()
    _refuse(items, "service_level", level >= 1, "is a service level of 100 % or more: no stock is "
            "sure to last", "Write 95 % as 0.95", file)  # fmt: skip
    _refuse(items, "service_level", level <= 0, "is not above 0", "Write 95 % as 0.95", file)
    has_cost, has_level = items["stockout_cost"].notna().to_numpy(), ~np.isnan(level)
    _refuse(items, "service_level", has_cost & has_level, "stands beside a stock-out cost",
            "Give one of the two", file)  # fmt: skip
    if plan.service_level is not None:
        items.loc[~has_cost & ~has_level, "service_level"] = plan.service_level
    neither = (items["stockout_cost"].isna() & items["service_level"].isna()).to_numpy()
    _refuse(items, "item", neither, "has neither a stock-out cost nor a service level",
            "Give one of the two, or a service_level in the plan", file)  # fmt: skip


def _check_suppliers(suppliers: pd.DataFrame, items: pd.DataFrame, *, file: Path) -> None:
    unknown = ~suppliers["item"].isin(items["item"]).to_numpy()
    _refuse(suppliers, "item", unknown, "is not among the items", "Add it there, or leave it out",
            file)  # fmt: skip
    sums = suppliers.groupby("item", sort=False)["share"].sum()
    wrong = sums[(sums - 1).abs() > _SHARES_TOLERANCE]
    if len(wrong):
        item = str(wrong.index[0])
        raise InputError(
            f"the shares of item {item!r} sum to {wrong.iloc[0]:.4g}, not to 1",
            remedy="Give each supplier's share of today's orders, 40 % as 0.4",
            file=file,
            column="share",
            row=int(np.flatnonzero(suppliers["item"] == item)[0]) + 2,
        )
    suppliers["share"] /= suppliers["item"].map(sums)
    over = (suppliers["minimum_order"] > suppliers["capacity"]).to_numpy()
    _refuse(suppliers, "minimum_order", over, "is above the capacity", "Correct one of them", file)


def _check_lead_times(items: pd.DataFrame, suppliers: pd.DataFrame, plan: PlanFile) -> None:
    supplied = items["item"].isin(suppliers["item"]).to_numpy()
    given = items["lead_time_days"].notna().to_numpy()
    _refuse(items, "item", ~supplied & ~given, "has neither suppliers nor a lead time",
            "Give lead_time_days, or its suppliers", plan.items)  # fmt: skip
    _refuse(items, "item", supplied & given, "has suppliers and a lead time of its own",
            "Leave lead_time_days empty: the suppliers' count", plan.items)  # fmt: skip


def _history(table: pd.DataFrame, items: pd.DataFrame, *, file: Path) -> pd.DataFrame:
    """Past demand by year or month, without gaps."""
    unknown = ~table["item"].isin(items["item"]).to_numpy()
    _refuse(table, "item", unknown, "is not among the items", "Add it there, or leave it out", file)
    found = table["period"].str.fullmatch(_PERIOD).to_numpy(dtype=bool)
    _refuse(table, "period", ~found, "is neither a year nor a month", "Write 2019 or 2019-03", file)
    parts = table["period"].str.extract(_PERIOD)
    years, months = parts[0].astype(int), parts[1].fillna("0").astype(int)
    out = table[["item", "quantity"]].assign(year=years, month=months)
    for item, block in out.groupby("item", sort=False):
        _check_gaps(str(item), block, file=file)
    return out.sort_values(["item", "year", "month"], ignore_index=True)


def _check_gaps(item: str, block: pd.DataFrame, *, file: Path) -> None:
    row, is_monthly = int(block.index[0]) + 2, (block["month"] > 0)
    if is_monthly.any() and not is_monthly.all():
        raise InputError(f"the history of item {item!r} has both years and months",
                         remedy="Give one of the two", file=file, row=row)  # fmt: skip
    step = 12 if is_monthly.all() else 1
    place = block["year"] * step + (block["month"] - 1 if step == 12 else 0)
    absent = sorted(set(range(place.min(), place.max() + 1)) - set(place))
    if absent:
        year, month = divmod(absent[0], step)
        when = f"{year}-{month + 1:02d}" if step == 12 else f"{year}"
        raise InputError(
            f"the history of item {item!r} has no {when}: demand with gaps",
            remedy="Give every period from its first to its last, with 0 where nothing was sold",
            file=file,
            column="period",
            row=row,
        )
