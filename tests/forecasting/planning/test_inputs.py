"""Every bad input gets its one line, before any work."""

import pytest

from features.errors import InputError
from forecasting.planning.plan import answer_plan


@pytest.mark.parametrize(
    ("name", "old", "new", "column", "row", "says"),
    [
        ("suppliers.csv", "CHN,0.6", "CHN,0.5", "share", 2, "sum to 0.9"),
        ("suppliers.csv", "1.9,60,20", "1.9,0,20", "lead_time_days", 2, "0"),
        ("suppliers.csv", "CHN,0.6,1.9", "CHN,0.6,0", "unit_price", 2, "above 0"),
        ("suppliers.csv", "bolt,CHN", "bolt,DEU", "country", 2, "sells nothing"),
        ("suppliers.csv", "bolt,CHN", "bolt,Chinaa", "country", 2, "Nearest"),
        ("suppliers.csv", "bolt,ZAF", "bolt,China", "country", 3, "twice"),
        ("suppliers.csv", "bolt,ZAF", "nut,FRA", "item", 3, "not among the items"),
        ("items.csv", "12000,2,", "12000,-2,", "unit_cost", 2, "above 0"),
        ("items.csv", "12000,2,", "0,2,", "demand", 2, "above 0"),
        ("items.csv", "12000,2,", "many,2,", "demand", 2, "many"),
        ("items.csv", "150,,0.95", "150,,1", "service_level", 3, "100 %"),
        ("items.csv", "150,,0.95", "150,,", "item", 3, "neither a stock-out cost"),
        ("items.csv", "150,,0.95", "150,7,0.95", "service_level", 3, "one of the two"),
        ("items.csv", "Germany,goods", "Germany,good", "sector", 2, "Nearest: goods"),
        ("items.csv", "order_cost", "ordre_cost", "ordre_cost", None, "order_cost"),
        ("items.csv", "=app,USA", "bolt,USA", "item", 3, "twice"),
        ("history.csv", "bolt,2005-07,1115\n", "", "period", 2, "has no 2005-07"),
        ("history.csv", "bolt,2005-07", "bolt,2005-13", "period", 56, "2019-03"),
    ],
)
def test_bad_tables_get_one_line(files, bound, name, old, new, column, row, says):
    path = files.folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    files.write(name, text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        bound()
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    assert (caught.value.column, caught.value.row) == (column, row), str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("servicelevel: 95%", "Did you mean 'service_level'"),
        ("service_level: 100%", "100 %"),
        ("year: 2050", "does not forecast 2050"),
        ("demand_year: 1990", "demand_year 1990"),
        ("draws: 30", "multiple of 20"),
        ("risk: {wieght: 1}", "Did you mean 'weight'"),
        ("limits: {largest_share: 140%}", "at most 1"),
        ("limits: {groups: {CHN+Atlantis: 20%}}", "Atlantis"),
        ("limits: [1]", "mapping"),
    ],
)
def test_bad_plans_get_one_line(files, bound, line, says):
    files.write("plan.yaml", files.plan.read_text().replace("draws: 40\n", "") + line + "\n")
    with pytest.raises(InputError) as caught:
        bound()
    assert "\n" not in str(caught.value)
    assert says in str(caught.value)
    assert "plan.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("limits: {largest_share: 30%}", "single suppliers"),
        ("limits: {groups: {CHN+ZAF: 50%}}", "the largest share of CHN+ZAF (50%)"),
        ("limits: {budget: 900}", "the budget of 900"),
    ],
)
def test_limits_that_leave_no_shares_are_named(files, bound, sectors_read, line, says):
    files.write("plan.yaml", files.plan.read_text() + line + "\n")
    with pytest.raises(InputError) as caught:
        answer_plan(sectors_read, bound())
    assert says in str(caught.value)
    assert "bolt" in str(caught.value)


def test_suppliers_or_a_lead_time_but_not_both_and_not_neither(files, bound):
    files.write("plan.yaml", "items: items.csv\n")
    with pytest.raises(InputError, match="neither suppliers nor a lead time"):
        bound()
    text = (files.folder / "items.csv").read_text().splitlines()
    text = [text[0] + ",lead_time_days", *(line + ",30" for line in text[1:])]
    files.write("items.csv", "\n".join(text))
    assert len(bound().tables.suppliers) == 0
    files.write("plan.yaml", "items: items.csv\nsuppliers: suppliers.csv\n")
    with pytest.raises(InputError, match="a lead time of its own"):
        bound()
