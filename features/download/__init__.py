"""Downloading raw files: requests, retries, partial files, the cache."""
