"""Public sources as they behave, traps included, on a local server: one module a source."""
