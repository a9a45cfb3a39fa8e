"""How raw files are had from a source: requests, retries, partial files, the cache, ``--from``."""
