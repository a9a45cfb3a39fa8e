r"""Which measures of the trade pattern there are, and the formula of each: one module a family.

Market shares, concentration and dependence, regions and distance, imports from low-cost countries,
births and deaths of links; with sectors the structure of exports, revealed advantage, digital
slices and the concentration of exporters (platforms); with domestic sales among the flows
reshoring; with input-output tables value chains and the digital services inside exports. Two more
wait for data of yours: a column ``data_intensity`` of the sector table (from 0 to 1), and pairs
with ``hosting``, the share of iso3_d's web content that iso3_o hosts.
``gravicast measures --list`` gives each with its source, unit and needs. All of them need::

    gravicast run --trade sector_flows.parquet --domestic include --negatives zero \
        --sectors sectors.csv --tables icio --pairs geography.parquet \
        --horizons 1,2,3 --settings ex_ante --out runs/sectors

Measures are computed from the forecast flows (input-output tables are moved to them), so they are
coherent with them. Each has an interval calibrated on its own past errors, is scored against no
change and the raked base, and its change is split into sizes of countries and channels, which add
up. On 41 economies x 35 industries, 1995-2009, most are forecast no better than by no change: of
126 measures x horizons 1 is better, 1 worse and the rest ties; with the technology channels none is
better than without them and 2 worse (``python tests/benchmarks/measures.py``, 3 minutes). All value
chains of one year (1,435 x 1,435) take 0.1 to 0.4 s (``python tests/benchmarks/value_chains.py``).
Adding a measure is a function and one entry of ``MEASURES``; see CONTRIBUTING.md.
"""
