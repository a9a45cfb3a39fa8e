"""How measures of the trade pattern are forecast, calibrated, scored and explained."""
