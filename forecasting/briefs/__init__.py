"""Short answers in plain words: a flow, a country, two blocs, a year."""
