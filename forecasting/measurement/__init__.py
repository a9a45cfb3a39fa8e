"""Shifts of the trade pattern: measures of past and forecast trade, scored and explained."""
