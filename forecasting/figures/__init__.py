"""Plots for reports, one module per family; `plots` lists every kind."""
