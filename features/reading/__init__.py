"""Reading the tables that people have: other column names, codes, separators, units and layouts."""
