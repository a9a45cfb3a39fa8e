"""What is known at a date, and what is computed from it.

`information` answers what was published by an as-of date, `catalogue` which features there are.
The rooms read files (`files`, `reading`), hold data (`data`, `countries`), look for what is
implausible (`plausibility`), compute features (`channels`) and measures of the trade pattern
(`measures`), bring public data (`sources`, `download`, `tidy`, `store`) and simulate a `world`.
"""
