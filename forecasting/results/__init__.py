"""What a run found: its result, how it is written and read, and what can be asked of it."""
