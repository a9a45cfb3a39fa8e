"""What is in a run's folder, and how it is kept whole: claimed, staged, recorded, checked.

- ``forecasts.parquet``, ``backtest.parquet``: base, forecast, intervals and probability of trade of
  every flow, now and at past origins, there with the actual value and a column for every model.
- ``tuning_trials.csv``, ``tuning_gain.csv``: every trial of ``--tune`` by origin, and what the
  search gained.
- ``births.parquet``, ``births_scores.csv``: flows that start, forecast by exporter and importer,
  and how well; with an active universe.
- ``scores*.csv``, ``significance.csv``, ``reliability.csv``: errors, calibration, skill and tests;
  ``scoreboard.md`` shows them as tables. ``world_errors.csv``: how far forecasts of world trade may
  be off, by setting and origin.
- ``attributions.parquet``: totals, SHAP values and net channels of every flow; ``channels.csv``,
  ``drivers.csv``: their size, sign and stability; ``stability.csv``: the same in other models;
  ``coverage.csv``: what the data fill.
- ``measures_*``: measures of the trade pattern, with intervals, contributions and scores.
- ``figures/``, ``report.html``: plots as PNG and SVG; a page that opens offline.
- ``scenarios/``: a folder a scenario, added by ``gravicast scenario``: flows, countries, groups,
  welfare and measures before and after, figures, and ``scenario.json`` with what they rest on.
- ``plans/``: a folder a plan, added by ``gravicast plan``: tables, a workbook, a page, figures.
- ``model/``, ``run.json``: the fitted forecaster; data, versions, choices and the sha256 of every
  file.

`files` declares them all, and those of a study. One process at a time writes a folder and puts it
in place whole: Ctrl-C, ``kill``, a closed terminal and a full disk leave the earlier run, or
nothing. The next run into the folder removes or puts back what ``kill -9`` leaves beside it.
However a run is stopped, its finished folds stay beside the folder, and ``--resume`` goes on from
them if nothing that decides a forecast has changed.

Exit codes: 0; 2 for a mistake or a system that refuses, in one line; 1 for a fault of gravicast,
whose traceback goes into a file; 128 and the signal's number if stopped.
"""
