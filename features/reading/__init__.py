"""How the tables that people have become gravicast's: names, codes, units, layouts.

A trade file may have Comtrade's columns (``reporterISO, partnerISO, refYear, primaryValue,
flowDesc``) or WITS's, countries by alpha-3, alpha-2, numeric or M49 code or by name, years as
columns, dates or months (summed to years), thousand or million USD where the header says so, cells
separated by semicolons or tabs, decimal commas and thousands separators. Rows of the world and rows
that repeat another are left out and counted. What can be read in two ways is an error that names
the option that decides: ``--columns exporter=reporter,value=cif``, ``--flow exports``, ``--unit
million``, ``--decimal ,``.

Codes that ISO 3166 leaves to users (``XEU``) are countries in a table of nothing else (a simulated
world) and where ``--extra-codes`` lists them; every other unknown code is an error that lists them
all. In an indicator file codes of groups (``WLD``, ``EUU``) are left out and counted. `gravicast
check FILE...` says what a run would read. From Python, `TradePanel.from_frame` takes tidy tables of
pandas, polars or Arrow.
"""
