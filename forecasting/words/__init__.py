"""How numbers, names and tables are written, in briefs, reports, figures and notes."""
