"""The folds of a back-test on a Dask cluster: the same plan, the same bytes.

``gravicast run --cluster tcp://HOST:8786`` (or ``local:N``, N processes on this machine; both need
``pip install 'gravicast[cluster]'``) sends the nested choices of weights and the folds to the
workers of a cluster. All else happens where the command runs: reading, scoring, the final fit,
explanation, a ``--study``, files and MLflow. A worker gets no data with a task: the run writes its
inputs once, as Parquet beside ``--out``, and each worker prepares them once. Results come in any
order, are kept as they come (`forecasting.evaluation.finished_tasks`) and used in that of the plan.

A worker whose code, packages or kind of machine differ from the run's is refused, since it could
compute other bytes. A busy cluster is waited for; so are workers that have yet to start. The task
of a lost worker is run again on another. If the cluster itself is lost, the run ends in one line,
and ``--resume`` goes on from its finished folds, on a cluster or without one.

**On Kubernetes** (the Dask operator or its Helm chart, or plain deployments):

- One image for client, scheduler and workers: Python, ``gravicast[cluster]`` and its pins.
- A volume that all of them mount at the same path (ReadWriteMany), for ``--out`` alone: data files
  are read by the client only.
- Workers with one thread each, ``dask worker tcp://scheduler:8786 --nthreads 1``, and one CPU per
  worker. LightGBM fits on one thread whatever the machine, for the same bytes.
- Memory of a worker: see below. Too little shows as workers that are lost again and again, which
  ends the run in one line.
- The client as a Job whose command holds ``--resume``: it starts anew where nothing was finished,
  and after an eviction goes on. It alone needs ``MLFLOW_TRACKING_URI``.
- Whoever reaches the scheduler's port can run code on the workers: keep it inside the namespace
  (NetworkPolicy), or use ``tls://`` with certificates in Dask's own configuration.
- More workers than folds (at most 14) help no single run: start several runs, each on a part of
  the products.

**What HS6 costs there** (5,000 products x 50,000 pairs, of which about a fifth ever trade: 50
million flows). It is 50 runs of a million flows, each a group of products. A fit draws a capped
number of rows, so a fold costs a constant and a little for every flow; ``python
tests/benchmarks/cluster.py --blocks`` times one fold on panels of 3,540 and 22,350 flows and
extends the line: 68 CPU seconds a fold and 136 to prepare at a million flows, 21 GB a worker. With
seven workers a run and two folds each that is 27 core hours in all, beside scores, contributions
and files, which the client makes.
"""
