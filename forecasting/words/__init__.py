"""Numbers, labels and tables in words."""
