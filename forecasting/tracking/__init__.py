"""What a run logs to MLflow, and the page on which runs are compared.

A run is logged to ``MLFLOW_TRACKING_URI``, else to ``mlflow.db`` in the working directory, with a
note that holds its verdict, errors by origin beside every baseline, tables of forecasts and errors,
figures, data sets with digests, the model as a pyfunc, and everything that was tried as child runs.
SQLite, a server with PostgreSQL, and artifacts over HTTP work. ``--no-tracking`` leaves it out;
``gravicast track RUN`` logs a finished run (again); ``gravicast ui`` opens the runs on 127.0.0.1.

The first run on a new store makes its content beside the back-test and writes it when the run is
tracked; several first runs at once wait for one of them. What a killed process was logging is
marked as killed by the next run.
"""
