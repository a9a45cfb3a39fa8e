"""What a run needs later and can be had at once: made in a thread beside its first stages.

A fresh installation compiles the SHAP kernels, matplotlib lists the fonts, and MLflow is imported
and makes its store; none of it depends on the run. A task that fails is left to the stage that
needs it, which meets the same failure and reports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from forecasting.options.run_config import RunConfig

Task = Callable[[], object]


@contextmanager
def beside(tasks: Sequence[Task]) -> Iterator[None]:
    """Run the tasks one after the other beside the block.

    The block waits at its end for the task that is running, and drops the others.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as pool:
        for task in tasks:
            pool.submit(task)
        try:
            yield
        finally:
            pool.shutdown(cancel_futures=True)


def preparations(config: RunConfig) -> list[Task]:
    """What a run of this configuration needs later, first what it needs first."""
    from models.tree_shap.first_use import use_kernels

    tasks: list[Task] = [use_kernels]
    if config.figures or config.report:
        tasks.append(_import_matplotlib)
    if config.experiment is not None:
        # MLflow imports polars where it is installed. Here, before the thread starts, it comes in
        # whole: scikit-learn, in the folds' threads, fails on one that is half imported.
        with suppress(ImportError):
            import polars  # noqa: F401

        from forecasting.tracking.mlflow_store import prepare_tracking

        tasks.append(prepare_tracking)
    return tasks


def _import_matplotlib() -> None:
    import matplotlib.figure
    import matplotlib.style  # noqa: F401
