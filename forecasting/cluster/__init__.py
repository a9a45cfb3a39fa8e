"""The folds of a back-test on a Dask cluster: the same plan, the same bytes."""
