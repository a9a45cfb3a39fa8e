"""A run's input: panel, indicators, pair and sector attributes, input-output tables."""
