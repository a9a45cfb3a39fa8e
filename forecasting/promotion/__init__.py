"""Which model becomes champion: evidence, gates, record."""
