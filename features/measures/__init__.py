"""Measures of the trade pattern: a module per family, and one catalogue."""
