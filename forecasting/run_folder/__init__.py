"""What is in a run's folder, and how it is kept whole: claimed, staged, recorded, checked.

========================================= ==================================================
file                                      holds
========================================= ==================================================
``forecasts.parquet``                     flow x target year: base, forecast, 50 and 90 %
                                          interval, probability of trade
``backtest.parquet``                      flow x origin x horizon x setting: the same with
                                          the actual value, and a column for every other model
``scores.csv``, ``scores_by_origin.csv``  error, calibration, skill against the last value
``significance.csv``                      tests of equal accuracy
``reliability.csv``                       how often flows that may start or stop do
``scoreboard.md``                         all of that in tables (``gravicast scoreboard RUN``)
``attributions.parquet``                  totals, SHAP values, net channels of every flow
``channels.csv``, ``drivers.csv``         size, sign and stability of contributions
``stability.csv``, ``coverage.csv``       the same in other models; what the data fill
``measures_*``                            measures of the trade pattern, intervals,
                                          contributions, scores
``figures/``, ``report.html``             plots as PNG and SVG; a page that opens offline
``model/``, ``run.json``                  the fitted forecaster; data, versions, choices and
                                          the sha256 of every file, checked before it is read
========================================= ==================================================

`files` declares every one, and those of a study (see `forecasting.evaluation`).

One process at a time writes a folder and puts it in place whole: Ctrl-C, ``kill``, a closed
terminal and a full disk leave the run that was there before, or nothing. What ``kill -9`` leaves
beside it the next run into that folder removes or puts back (``python tests/benchmarks/kills.py``
counts). However it is stopped, its finished folds stay beside the folder, and ``--resume`` goes on
from them if nothing that decides a forecast has changed. Exit codes: 0; 2 for a mistake or a system
that refuses, in one line; 1 for a fault of gravicast, whose traceback goes into a file; 128 and the
signal's number if stopped.
"""
