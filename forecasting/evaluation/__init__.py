"""How good forecasts are: folds, the back-test, scores, tests, the leak audit."""
