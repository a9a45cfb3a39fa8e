"""Joint draws of a run: intervals, probabilities and past outcomes of any sum of flows."""
