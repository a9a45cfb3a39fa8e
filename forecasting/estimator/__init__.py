"""The main job as a scikit-learn estimator: tables in, tables out, no folder and no tracking.

`TradeForecaster` runs the stages of `forecasting.run` on tables in memory: the same checks
(`inputs.frames`), information sets and features (`evaluation.prepared`), nested choice of weights
and back-test (`evaluation.backtest`), and last fit (`final_forecast.fit_forecaster`). With the same
data and options its forecasts are those of a run, to the bit. A run adds what stays: the folder,
explanations, measures, figures, the report and MLflow.

`OriginSplit` cuts a table of trade at origins, for `sklearn.model_selection.GridSearchCV` and its
like.
"""
