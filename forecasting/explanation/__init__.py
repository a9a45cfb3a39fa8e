"""What a forecast is made of: totals, channels, features, and how stable each part is.

Every forecast flow is explained, not a sample, and the parts add up exactly: changed totals (world
trade, exporter, importer, all others) lead from the origin's value to the base, channels from the
base to the forecast. Where totals are forecast with technology (`models.totals_technology`), what
each channel adds to them is a part of its own. Channels are shown net of the adjustment to country
totals, so that over all partners of a country they sum to nothing: they move trade, they do not
make it. Beside each channel stand its range over back-test origins and other seeds, both
definitions of a SHAP value, the signs the literature expects, and what leaving it out does to the
errors. SHAP values describe the model, not causes.
"""
