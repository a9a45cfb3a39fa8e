"""Plots for reports, one module a family; `plots` lists every kind there is."""
