"""Models of other libraries and of users, forecast and scored beside ours in one back-test.

`comparator` says how one is called; `statistical` holds theta and ets of statsmodels, `chronos` the
foundation model Chronos-2. ``gravicast run --compare-with theta,ets,my_models.py:Mine`` names them:
words for those that come with gravicast, module or file and class for any other. A class of one's
own is this much::

    class Mine:
        def fit_predict(self, history, horizons, known_future):
            last = history.ffill().iloc[-1].fillna(0.0)
            return {h: pd.DataFrame({0.5: last}) for h in horizons}

``history`` has one row a year up to the origin and one column a flow, USD, NaN where unknown.
``known_future`` holds ``exporter_total`` and ``importer_total`` of every flow in the same form, and
also of the years up to the last horizon: published ones, NaN where none are. So a model that takes
known future values has what ours has. One that takes none says ``takes_totals = False``: it gets an
empty mapping, and its forecasts are raked to the totals that are published.

The answer has for each horizon a frame with one row a flow, in the order of ``history``'s columns,
and one column a quantile; 0.5 is the forecast, and with 0.05, 0.25, 0.75 and 0.95 intervals are
scored too. Quantiles that cross are sorted, and values below 0 count as 0.
"""
