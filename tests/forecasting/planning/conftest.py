"""A plan's files for the tiny world with sectors, and a copy of a run to write it into."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from forecasting import read_run
from forecasting.planning.binding import BoundPlan, bind
from forecasting.planning.plan_file import read_plan
from forecasting.planning.tables import read_tables
from forecasting.results.result import RunResult

ITEMS = """item,importer,sector,demand,unit_cost,holding_cost,order_cost,stockout_cost,service_level
bolt,Germany,goods,12000,2,0.4,50,3,
=app,USA,services,800,90,20,150,,0.95
"""
SUPPLIERS = """item,country,share,unit_price,lead_time_days,lead_time_sd_days,capacity
bolt,CHN,0.6,1.9,60,20,9000
bolt,ZAF,0.4,2.1,20,5,
=app,IND,0.5,88,30,0,
=app,DEU,0.5,95,10,2,
"""
HISTORY = "item,period,quantity\n" + "".join(
    f"bolt,{year}-{month:02d},{900 + 20 * month + 15 * (year - 2000)}\n"
    for year in range(2001, 2014)
    for month in range(1, 13)
)
PLAN = "items: items.csv\nsuppliers: suppliers.csv\nhistory: history.csv\ndraws: 40\n"


@dataclass(frozen=True)
class PlanFiles:
    """A folder with a plan; ``write`` replaces one of its files."""

    folder: Path

    @property
    def plan(self) -> Path:
        return self.folder / "plan.yaml"

    def write(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name


@pytest.fixture
def files(tmp_path) -> PlanFiles:
    folder = tmp_path / "inputs"
    folder.mkdir()
    found = PlanFiles(folder)
    for name, text in (("items.csv", ITEMS), ("suppliers.csv", SUPPLIERS),
                       ("history.csv", HISTORY), ("plan.yaml", PLAN)):  # fmt: skip
        found.write(name, text)
    return found


@pytest.fixture(scope="session")
def sectors_read(sector_run) -> RunResult:
    """The run with two sectors, read once."""
    return read_run(sector_run)


@pytest.fixture
def own_run(sector_run, tmp_path) -> Path:
    """A copy of the run with two sectors, to write into."""
    return shutil.copytree(sector_run, tmp_path / "run")


@pytest.fixture
def bound(files, sectors_read) -> Callable[[], BoundPlan]:
    def go() -> BoundPlan:
        written = read_plan(files.plan)
        return bind(written, read_tables(written), sectors_read)

    return go
