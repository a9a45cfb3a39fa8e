"""Plausibility of well-formed data: traders that vanish, jump or count twice."""
