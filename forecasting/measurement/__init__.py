"""Measures of the trade pattern: computed for past and forecast trade, scored and explained."""
