"""The local store of public data: asking sources, keeping files, tidy data sets beside them."""
