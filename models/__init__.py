"""What learns and predicts: totals, raking, the shift, probability of trade, intervals, baselines.

`forecaster` makes a flow's forecast of all of them: base times shift, raked.
"""
