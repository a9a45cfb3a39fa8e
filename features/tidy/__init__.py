"""From raw files to tidy tables: what the connectors share."""
