"""Which model becomes champion: evidence, gates, comparison, record."""
