"""Joint draws of a run: intervals, probabilities and past outcomes of any sum of flows.

An interval of a sum is not the sum of intervals: errors of flows of one country go together. Two
hundred draws of all flows and years (`models.joint_draws`) have the printed interval of each flow
as their margins, and the dependence of past errors: of the world, of exporters, importers and
sectors, and of whole matrices of earlier origins. `draws` sums them over a selection such as
``DEU:exports``, ``EU27:CHN`` or ``DEU,FRA`` (`selections` has the grammar), `shares` and
`orderings` compare sums, and `past_outcomes` says how forecasts of the same sum came out.

On goods trade 90 % intervals of country totals hold 87 to 95 % of outcomes one and three years
ahead, and too few five years ahead (75 to 86 %): ``notebooks/scoreboard.md`` has all rows. Five
years ahead only two origins have enough earlier ones, 2011 and 2012, and nearly every miss lies
below, in the slump of 2015 and 2016. Members of groups are in ``features/countries/groups.csv``.
"""
