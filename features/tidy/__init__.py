"""From raw files to tidy tables: what connectors share."""
