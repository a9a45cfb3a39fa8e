"""What the pattern of trade is measured by: one module a family of measures, one catalogue."""
