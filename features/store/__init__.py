"""The local store of public data: how data sets are fetched, kept and checked.

A data set is Parquet by year, whole or absent, with its source, release, day of retrieval, licence,
checksums, and counts of everything dropped, mapped or left out. Downloads resume, wait where a
source asks for it, and are checked at every reuse. Where a source turns programs away, ``--from``
takes a file downloaded in a browser, whatever its name.
"""
