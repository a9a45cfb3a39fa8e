"""What is known, and what is computed from it."""
