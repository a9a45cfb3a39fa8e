"""What public data are there, and how they are fetched and kept: the local store.

Data sets are Parquet by year, with source, release, day of retrieval, licence, checksums, and
everything that was dropped, mapped or left out beside them. A set is there whole or not at all.
Downloads resume where they broke off, wait where a source asks for it, and are checked at every
reuse. ``--preset technology --with stri`` joins other sets of the store to a preset: a run takes
one set of indicators. ``gravicast data list``, ``data check`` and ``data show KEY --out pictures``
look into the store.

Where a source turns programs away, download the file in a browser and give it or its folder with
``--from``, whatever its name. A code that no table knows ends a fetch, unless ``--unknown-codes
drop`` leaves out and counts its rows.

BACI is 2.4 GB once; other levels come from the same file. A year of 11 million rows becomes pairs
by chapter in 3 s and some 400 MB, a third of the time and memory of pandas, and a release of 28
years needs no more memory than one of 14 (``python tests/benchmarks/baci.py``).
"""
