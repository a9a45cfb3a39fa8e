"""How a trained model forecasts new data: from a run's folder or from MLflow.

``gravicast forecast --model models:/gravicast@champion --trade newer.parquet`` or ``--model
runs/goods``, which needs no MLflow.
"""
