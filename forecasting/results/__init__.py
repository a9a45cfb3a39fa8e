"""What a run found: its result, and reading and writing it."""
