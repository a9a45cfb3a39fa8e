"""Forecasts of new data by a model that was trained before."""
