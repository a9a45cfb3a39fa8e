"""Public sources: downloaders, readers and the local store they write."""
