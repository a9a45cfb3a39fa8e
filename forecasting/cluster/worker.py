"""What runs on a worker of a cluster: a task of the back-test, on data read from shared files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from features.errors import InputError
from forecasting.cluster.bundle_files import read_bundle
from forecasting.evaluation.prepared import PreparedData, prepare
from forecasting.evaluation.tasks import Task
from forecasting.fingerprint import code
from forecasting.options.run_config import RunConfig

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SharedInputs:
    """What a worker needs to know to compute any task of a run; small enough to send with each.

    Attributes
    ----------
    folder, digest
        Where the run wrote its data, see `bundle_files`; the digest names the run.
    options
        Of the run, `RunConfig.to_dict`.
    code
        `fingerprint.code` of the run: a worker with another one would compute something else.
    """

    folder: str
    digest: str
    options: Mapping[str, Any]
    code: Mapping[str, str]


def code_here() -> dict[str, str]:
    """The code of this worker."""
    return code()


def difference(ours: Mapping[str, str], theirs: Mapping[str, str], *, worker: str) -> str:
    """The first difference of a worker's code from the run's, in words; empty if there is none."""
    for name, version in ours.items():
        if theirs.get(name) != version:
            other = theirs.get(name, "nothing")
            return f"the worker {worker} has {name} {other}, and this run {version}"
    return ""


def compute(task: Task[T], inputs: SharedInputs) -> T:
    """Compute a task.

    Raises
    ------
    InputError
        If this worker's code is not the run's.
    OSError
        If the run's files cannot be read here.
    """
    from distributed import get_worker

    worker = get_worker()
    if differs := difference(inputs.code, code_here(), worker=worker.address):
        raise InputError(differs, remedy="Install the same versions on every worker")
    worker.log_event(started(inputs), task.name)
    config = replace(
        RunConfig.from_mapping(inputs.options), cluster=None, workers=worker.state.nthreads
    )
    return task.run(_prepared(inputs, config), config)


def started(inputs: SharedInputs) -> str:
    """Name under which workers tell that they have started a task of a run."""
    return f"gravicast-{inputs.digest}"


_latest: dict[str, PreparedData] = {}
_lock = Lock()


def _prepared(inputs: SharedInputs, config: RunConfig) -> PreparedData:
    """The data of a run, prepared once a worker; an earlier run's are let go of."""
    key = f"{inputs.digest} {sorted(inputs.options.items())}"
    with _lock:
        if key not in _latest:
            # As in `job.run`, and for good: the number of BLAS threads changes the rounding.
            threadpool_limits(limits=1, user_api="blas")
            _latest.clear()
            bundle = read_bundle(Path(inputs.folder), digest=inputs.digest)
            _latest[key] = prepare(bundle, config)
        return _latest[key]
