"""Plans: what a forecast says of a firm's stock, suppliers and risk.

``gravicast plan RUN plan.yaml`` (or ``items.xlsx``, for items alone) reads

- ``plan.yaml``: `items` (a file) and, where wanted, `suppliers`, `history` (files), `name`, `year`,
  `demand_year`, `service_level`, `risk` (`weight`, `level`, `switching_cost`), `limits`
  (`largest_share`, `groups`, `budget`), `draws`; files are CSV, Excel or Parquet, their paths
  relative to it;
- items: `item, importer, demand` (units a year), `unit_cost`, `holding_cost` (of a unit for a
  year), `order_cost`, one of `stockout_cost` (of a unit) and `service_level` (0 to 1), and where
  wanted `sector`, `review_days` and, of items without suppliers, `lead_time_days`,
  `lead_time_sd_days`;
- suppliers: `item, country, share` (0 to 1), `unit_price`, `lead_time_days`, `lead_time_sd_days`,
  and where wanted `capacity`, `minimum_order` (units a year), `ramp_up` (largest rise of a share);
- history: `item, period` (2019, or 2019-03 for months), `quantity`.

The importer's market in the item's sector grows as in the run's joint draws, and the item with it;
an own history shifts it as far as nested validation says, and adds what varied besides. Lead times
are log-normal and simulated (`models.inventory`); shares weigh cost against the worst shortfalls
(`models.supplier_shares`). ``RUN/plans/NAME/`` gets the tables as Parquet and as one workbook, a
page and figures. `LIMITS` says what none of it can know.
"""

LIMITS = (
    "Country-year data say nothing of one firm's supplier: its strikes, insolvency or quality.",
    "Lead times, costs and today's shares are the user's; they are not checked against anything.",
    "Annual data: within the year only an own monthly history says how demand varies.",
    "A supplier country is taken to deliver at most what it exported to the importer last year.",
    "Draws carry errors of past forecasts; an event without precedent is not among them.",
)
"""What is printed with every plan."""
