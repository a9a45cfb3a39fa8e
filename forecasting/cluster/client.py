"""A run's side of a cluster: connecting, comparing versions, collecting results."""

from __future__ import annotations

import logging
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from features.errors import InputError
from features.information import DataBundle
from forecasting.cluster.bundle_files import write_bundle
from forecasting.cluster.worker import SharedInputs, code_here, compute, difference, started
from forecasting.evaluation.finished_tasks import FinishedTasks
from forecasting.evaluation.tasks import Compute, Task
from forecasting.options.run_config import RunConfig
from forecasting.run_folder.staging import beside

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL = "local:"
CONNECTING_S = 15.0
BUSY_S = 10.0
"""After so long without a task begun, the user is told what is waited for."""
ATTEMPTS = 2
"""Times a task that failed is run again, as after a hiccup of the shared disk; one whose worker
was lost is run again anyway."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that answered, whose present workers have the run's code.

    Attributes
    ----------
    client
        Of Dask.
    address
        As the user gave it.
    say
        Takes a line for the user.
    """

    client: Client
    address: str
    say: Callable[[str], None]

    @contextmanager
    def on_workers(
        self, bundle: DataBundle, config: RunConfig, finished: FinishedTasks
    ) -> Iterator[Compute]:
        """Compute tasks on the workers, which read the data from beside the output folder.

        Parameters
        ----------
        bundle, config
            Of the run; ``config.out`` lies on a disk that every worker sees.
        finished
            Keeps results as they come, and has those of an earlier run.
        """
        folder = beside(config.out.resolve(), "inputs")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            digest = write_bundle(bundle, folder)
            inputs = SharedInputs(str(folder), digest, config.to_dict(), code_here())
            yield lambda tasks: self._results(tasks, inputs, finished)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _results(
        self, tasks: Sequence[Task[Any]], inputs: SharedInputs, finished: FinishedTasks
    ) -> Iterator[Any]:
        """Results in order. Each is kept as it comes; one that comes early is read again later."""
        from distributed import as_completed

        kept = {n for n, task in enumerate(tasks) if finished.read(task) is not None}
        waiting = {
            self.client.submit(compute, task, inputs, pure=False, retries=ATTEMPTS): n
            for n, task in enumerate(tasks)
            if n not in kept
        }
        try:
            self._await_start(list(waiting), inputs)
            coming = as_completed(list(waiting))
            for due, task in enumerate(tasks):
                result = finished.read(task) if due in kept else None
                while result is None:
                    future = next(coming)
                    number = waiting.pop(future)
                    found = self._result(future, tasks[number])
                    finished.write(tasks[number], found)
                    if number == due:
                        result = found
                    else:
                        kept.add(number)
                yield result
        finally:
            self.client.cancel(list(waiting))

    def _await_start(self, futures: Sequence[Future], inputs: SharedInputs) -> None:
        """Tell the user what is waited for where no worker has begun a task after a while."""
        told = time.monotonic() + BUSY_S
        while futures and not any(future.done() for future in futures):
            if self.client.get_events(started(inputs)):
                return
            if time.monotonic() > told:
                count = len(self.client.scheduler_info(n_workers=-1)["workers"])
                waits = f"its workers ({count}) are busy" if count else "it has no worker yet"
                self.say(f"waiting for the cluster at {self.address}: {waits}")
                return
            time.sleep(0.1)

    def _result(self, future: Future, task: Task[Any]) -> Any:
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            return future.result()
        except KilledWorker as error:
            raise InputError(
                f"worker after worker was lost while it computed {task.name}",
                remedy="Give workers more memory, then go on with --resume",
            ) from error
        except (CommClosedError, CancelledError) as error:
            raise InputError(
                f"the cluster at {self.address} is gone", remedy="Go on with --resume"
            ) from error
        except OSError as error:
            raise InputError(
                f"a worker cannot read the run's data ({error})",
                remedy="Put --out on a disk that every worker sees at the same path",
            ) from error


@contextmanager
def connected(address: str | None, *, say: Callable[[str], None]) -> Iterator[Cluster | None]:
    """The cluster at an address while the block goes on; None without an address.

    Parameters
    ----------
    address
        Of a Dask scheduler, such as ``tcp://scheduler:8786``, or ``local:N`` for N processes here.
    say
        Takes a line for the user.

    Raises
    ------
    InputError
        If the extra is not installed, no scheduler answers, or a worker has another code.
    """
    if address is None:
        yield None
        return
    if find_spec("distributed") is None:
        raise InputError(
            "option 'cluster' needs dask and distributed",
            remedy="Install the extra: pip install 'gravicast[cluster]'",
        )
    with _quiet(), _client(address) as client:
        _refuse_other_code(client)
        yield Cluster(client, address, say)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    from distributed import Client, LocalCluster

    if address.startswith(LOCAL):
        workers = int(address.removeprefix(LOCAL))
        # Threads of one process would share what must not be shared: LightGBM's thread count.
        local = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        )
        with local, Client(local) as client:
            client.wait_for_workers(workers)
            yield client
        return
    try:
        client = Client(address, timeout=CONNECTING_S)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address}",
            remedy="Give the address that `dask scheduler` prints, such as tcp://host:8786",
        ) from error
    with client:
        yield client


def _refuse_other_code(client: Client) -> None:
    """Compare every worker's code with this one's; those that join later compare themselves."""
    ours = code_here()
    for worker, theirs in client.run(code_here, on_error="return").items():
        if isinstance(theirs, Exception):
            differs = f"the worker {worker} cannot run gravicast ({theirs})"
        else:
            differs = difference(ours, theirs, worker=worker)
        if differs:
            raise InputError(differs, remedy="Install the same versions on every worker")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own lines off the terminal: what matters to a user is said by this module."""
    import distributed  # noqa: F401  (it gives its loggers their levels)

    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    for logger in levels:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
