"""Scenarios: what a tariff, an agreement, an embargo or a cost does to a run's forecasts.

``gravicast scenario RUN scenario.yaml`` reads `scenario_file`, solves the partial, conditional and
full effect of its `changes` on the `baseline` of every target year, and leaves tables, figures and
what each number rests on in ``RUN/scenarios/NAME/``. The booster's own answer to a changed feature
is no effect and is never printed as one; ``from_model`` asks for a gravity estimate on the run's
data (`from_model`), with its standard error and whether the data reach so far.
"""
