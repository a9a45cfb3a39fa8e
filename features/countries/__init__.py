"""Country codes: those of the panel, those of sources, and regions."""
