"""Scenarios: what a tariff, an agreement, an embargo or a cost does to a run's forecasts.

``gravicast scenario RUN scenario.yaml`` reads `scenario_file`, solves the partial, conditional and
full effect of its `changes` on the `baseline` of every target year, and leaves tables, figures and
what each number rests on in ``RUN/scenarios/NAME/``. The booster's own answer to a changed feature
is no effect and is never printed as one.
"""
