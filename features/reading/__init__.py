"""Reads users' tables: other column names, codes, separators, units and layouts."""
