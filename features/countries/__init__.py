"""Which country a code means: codes of the panel, of sources, and regions."""
