"""How good forecasts are: folds, the back-test over origins, scores, tests, the leak audit.

Two settings are always scored: *totals known* (country totals of the year after the origin are
published) and *ex ante* (no total beyond the origin is used; other news published by the as-of date
is). With ``--reports`` there is a third, *reports known*: what countries have declared of the year
after the origin, partner by partner, makes a nowcast of that year, and later years start from it.
It is learned from the nowcasts of earlier origins alone, in the levels that a reporter's own recent
ratio to the reconciled flows implies; a flow that neither side has reported takes the forecast of
totals known. Only today's figures are at hand, so a back-test takes first reports to differ from
them by a usual revision (``--report-revisions``). Published totals are of merchandise: those of
services, which ``--sectors`` names, are forecast in both; without it every sector is goods. The
as-of date is 1 July two years after the last trade year unless you say otherwise.

Intervals are split conformal, pooled by horizon and size of flow, calibrated on outcomes known at
the time; the world's own error enters them as a distribution, because a few past years hold only a
few of its slumps. Fewer than 19 past errors give no 90 % interval: the cell is empty, and a panel
as small as that is refused. A flow that is zero in the last year keeps the forecast zero, with an
interval above it and a probability of trade beside it. A small flow more likely to stop than not is
forecast at zero.

A model of the back-test draws at most ``--max-rows`` past flows to learn from. The last one, which
forecasts the years to come and is explained, draws four times as many: errors differ by little,
explanations are less noisy.

``gravicast run --study`` adds three-way and dynamic PPML gravity (with ``gravicast[gravity]``), the
model without each channel in turn, placebos (technology of another country or year, and indicators
published early, which must help), and trials of every decision in the shift model, judged on years
before each origin. It takes some ten times as long and adds ``study_by_origin.csv``,
``ablation.csv``, ``placebos.csv`` and ``trials.csv``.

``--tune N`` (with ``gravicast[tune]``) searches the parameters of LightGBM at every origin where
weights are chosen, on target years up to it, and the folds from there on use the best of N trials.
Beside the main model stands the same one with the run's own parameters, so that every outcome that
says whether the search gained is later than all that it saw. Parameters given with ``params`` stay.
Forty trials on 99 countries take some eight times as long as none. ``--tune-every`` counts the
years between two searches, as between two choices of weights.

``--compare-with`` adds models of other libraries and of your own to every fold, see
`models.comparators`.
"""
