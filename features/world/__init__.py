"""The simulated world: trade with known causes, to run and to test on without data."""
