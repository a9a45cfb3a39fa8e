"""Logging runs in MLflow for review."""
