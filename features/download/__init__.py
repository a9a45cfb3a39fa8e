"""Getting raw files from a source: requests, retries, partial files, the cache."""
