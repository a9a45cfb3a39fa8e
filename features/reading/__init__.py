"""Reads users' tables into gravicast's form: names, codes, units, layouts.

A trade file may have the columns of Comtrade or WITS; countries by alpha-3, alpha-2, numeric or M49
code or by name; years as columns, dates or months (summed to years); thousand or million USD where
the header says so. Rows of the world and rows that repeat another are left out and counted. What
can be read in two ways is an error that names the option that decides: ``--columns``, ``--flow``,
``--unit``, ``--decimal``.

A table of reports keeps both flows and its months (``2024-05``, or a column of months beside years,
in which Comtrade's 52 and an empty cell mean the year). Monthly trade may be the series of the CPB
World Trade Monitor, of which volumes times prices are values.

Codes that ISO 3166 leaves to users (``XEU``) are countries in a table of nothing else (a simulated
world) and where ``--extra-codes`` lists them; other unknown codes are an error that lists them all.
In an indicator file codes of groups (``WLD``, ``EUU``) are left out and counted.
"""
