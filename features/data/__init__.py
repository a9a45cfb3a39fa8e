"""What a run holds in memory: the panel, indicators, pair and sector attributes, tables.

Exporter = importer rows are domestic sales. They are kept apart unless ``--domestic include`` makes
them flows like any other; totals are then gross output and absorption, for which nothing is
published ahead of the flows, and absorption follows output where little crosses a country's
borders. Totals are then about as large as the economy, so most of what a forecast saves one year
ahead is that year's GDP, published by the as-of date.

A flow without a row is missing where the table lists its zeros (1 % of the rows of its first five
years or more) and zero where it lists trade only; ``--absent`` decides otherwise. A pair file that
lists every pair in one direction holds in both. Negative values are an error unless ``--negatives
zero`` sets them to zero and counts them. With sectors a country's total is the sum over its
sectors. ``--largest 60`` keeps the largest traders up to the first origin and makes one, ``ROW``,
of all others: a panel has a cell for every pair, sector and year, and all of BACI by chapter would
be five million flows. Indicators are read as they stand in the file: if they are later vintages, so
is what the back-test saw.

Reports are what each country declares of its own trade, partner by partner, and exist from the day
they came out on: a stated one, else the reporter's usual delay, else 18 months. Without a row a
partner is a zero where the reporter has filed the year (five partners or more) and unknown
elsewhere. A row of a year goes before its months; twelve months make a year, and fewer are growth
over the same months of the year before. Monthly trade of a region is out about the 25th of the
second month after, an oil price in the second week of the next.

An indicator that gravicast does not know becomes features (level of exporter and importer, growth,
gap) where its channel is ``ai_adoption``, ``automation`` or ``data_infrastructure``; the run names
those that it does not use.
"""
