"""Exact SHAP values of LightGBM boosters."""
