"""How raw files of sources become tidy tables: what the connectors share."""
