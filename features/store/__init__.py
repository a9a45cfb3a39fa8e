"""The local store of public data: fetching, raw files, and tidy data sets beside them."""
