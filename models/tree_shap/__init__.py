"""Exact SHAP values of LightGBM boosters, fast.

Takes a ``lightgbm.Booster``, ``LGBMRegressor``, ``LGBMClassifier`` or ``LGBMRanker`` of one output
or several classes, on numbers and categories but without linear leaves, and features as a
DataFrame, an array or nested lists of numbers.

On two cores it was 71 times as fast as ``shap.TreeExplainer`` on 20,000 rows, 60 features and 300
trees of depth 6, and 39 times on trees of 63 leaves and any depth, model preparation included; the
values differ by 5e-13 of the predictions' spread (``python tests/benchmarks/tree_shap.py``). The
first call after an installation compiles for two seconds.
"""
