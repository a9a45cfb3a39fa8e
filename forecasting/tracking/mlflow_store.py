"""The MLflow store: its address, connections to it, and its failures in one message.

Importing this module is cheap: MLflow is imported by the functions.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from features.errors import InputError
from forecasting.tracking.autologging import autologging_off
from forecasting.tracking.deadlines import deadlines
from forecasting.tracking.new_store import empty_store, make_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

BOUNDED = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Limits on requests to a server: by default, MLflow retries for minutes."""
HASTY = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
"""Limits on the first request to a server, and the last to one that has failed."""
_SILENT = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_DATABASES = ("postgresql", "mysql", "mssql")
_PASSWORD = re.compile(r"//[^/@\s]*@")
_REASON_LENGTH = 300


@contextmanager
def at_store(*, problem: str, remedy: str, must_exist: bool = False) -> Iterator[MlflowClient]:
    """Point MLflow at the store within the block, then restore the state of the process.

    Parameters
    ----------
    problem, remedy
        Error and remedy to give if the store fails in the block.
    must_exist
        Whether a missing SQLite store is an error; otherwise it is created.

    Raises
    ------
    InputError
        If the store cannot be reached, or fails in the block. A server that does not answer is
        abandoned within half a minute.
    """
    os.environ.update(quiet_environment())
    import mlflow
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    uri = store_uri()
    if must_exist:
        require_store(uri)
    try:
        check_database(uri)
        with ExitStack() as stack:
            stack.enter_context(_quiet())
            stack.enter_context(environment({**BOUNDED, **_artifact_root(uri)}))
            stack.enter_context(_tracking_at(uri))
            stack.enter_context(autologging_off())
            if uri.startswith(("http://", "https://")):
                stack.enter_context(deadlines(uri))
            if (file := sqlite_file(uri)) is not None:
                make_store(file, _artifacts(file))
            client = mlflow.MlflowClient()
            with environment(HASTY):
                client.search_experiments(max_results=1)
            yield client
    except (MlflowException, SQLAlchemyError, CommandError, OSError) as error:
        raise InputError(
            f"{problem} ({_reason(error)})", remedy=remedy, file=without_password(uri)
        ) from error


def prepare_tracking() -> None:
    """Import MLflow, and make what `at_store` writes where there is no SQLite store yet.

    Touches no file and no server.
    """
    os.environ.update(quiet_environment())
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    with quiet_logs():
        # MLflow lists every installed package the first time, which takes most of a second.
        warn_dependency_requirement_mismatches([f"mlflow=={mlflow.__version__}"])

    file = sqlite_file(store_uri())
    if file is not None and not file.exists():
        with quiet_logs():
            empty_store(_artifacts(file))


@contextmanager
def ended(end: Callable[[str], object]) -> Iterator[None]:
    """End an MLflow run with the status of the block: FINISHED, FAILED, or KILLED by the user.

    A store that has just failed may be gone, so there is no wait for it: a run that could not be
    ended stays RUNNING until `killed_runs.end_killed`.
    """
    try:
        yield
    except BaseException as error:
        with environment(HASTY), suppress(Exception):
            end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    end("FINISHED")


def store_uri() -> str:
    """Address of the store: as set in MLflow, else ``mlflow.db`` in the working directory."""
    set_by_user = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    # `mlflow.set_tracking_uri` sets the variable too.
    return set_by_user or sqlite_uri(Path.cwd() / "mlflow.db")


def sqlite_uri(file: Path) -> str:
    """Address of a SQLite store, for any names of folders."""
    path = file.as_posix()
    if not _means_another(path):
        return f"sqlite:///{path}"
    # With the driver, because MLflow creates the folder of other addresses without decoding it.
    return f"sqlite+pysqlite:///{quote(path, safe='/:')}"


def local_uri(path: Path) -> str:
    """Address of a file or folder that MLflow resolves to exactly that path."""
    return path.absolute().as_uri() if _means_another(str(path)) else str(path)


def _means_another(path: str) -> bool:
    """Whether a path, read as an address, means another one: ``a%20b``, ``a?b``, ``a#b``."""
    return unquote(path) != path or "?" in path or "#" in path


def review_hint() -> str:
    """One line on where to review what was tracked."""
    uri = store_uri()
    served = uri.startswith(("http://", "https://"))
    return f"Review it in the browser: {without_password(uri) if served else 'gravicast ui'}"


def sqlite_file(uri: str) -> Path | None:
    """File of a SQLite store, None for any other store."""
    if not uri.startswith(("sqlite:", "sqlite+")):
        return None
    from sqlalchemy.engine import make_url

    database = make_url(uri).database
    return Path(database).absolute() if database and database != ":memory:" else None


def require_store(uri: str) -> None:
    """Refuse a missing SQLite store: MLflow would spend ten seconds creating an empty one.

    Raises
    ------
    InputError
        If its file does not exist.
    """
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        raise InputError(
            "there is no MLflow store yet",
            remedy="Run `gravicast run` first, or name another store with MLFLOW_TRACKING_URI",
            file=file,
        )


def without_password(uri: str) -> str:
    """An address that is safe to show."""
    return _PASSWORD.sub("//***@", uri)


def quiet_environment() -> dict[str, str]:
    """Variables that switch off MLflow's telemetry, unless the user set them."""
    name = "MLFLOW_DISABLE_TELEMETRY"
    return {name: os.environ.get(name, "true")}


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables within the block, except those that the user has set to something else."""
    chosen = {
        name: value
        for name, value in values.items()
        if os.environ.get(name) in (None, BOUNDED.get(name))
    }
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's notes, progress bars, addresses and Python warnings off the terminal.

    Its warnings and errors still show, except notices of retried requests.
    """
    bytecode = sys.dont_write_bytecode
    # MLflow loads the model it has just written, which would leave a __pycache__ in its files.
    sys.dont_write_bytecode = True
    try:
        with quiet_logs(), environment(_SILENT), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"mlflow\.")
            yield
    finally:
        sys.dont_write_bytecode = bytecode


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Log MLflow's warnings and errors only, and no notices of retried requests."""
    levels = {"mlflow": logging.WARNING, "urllib3": logging.ERROR}
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def check_database(uri: str) -> None:
    """Refuse at once a database that MLflow would retry ten times.

    Raises
    ------
    OSError, SQLAlchemyError
        If the store is a database that cannot be opened.
    """
    file = sqlite_file(uri)
    if file is not None:
        _check_file(file)
    elif uri.partition(":")[0].partition("+")[0] in _DATABASES:
        from sqlalchemy import create_engine

        try:
            create_engine(uri).connect().close()
        except ImportError as error:
            raise OSError(f"the database's driver is not installed: {error}") from error


def _check_file(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        with file.open("rb") as opened:
            head = opened.read(16)
        if head not in (b"", b"SQLite format 3\x00"):
            raise OSError("the file is not a SQLite database")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise OSError("the file cannot be written")


def _artifact_root(uri: str) -> dict[str, str]:
    """Keep MLflow from leaving an empty ``mlruns`` in the working directory."""
    file = sqlite_file(uri)
    return {} if file is None else {"_MLFLOW_SERVER_ARTIFACT_ROOT": _artifacts(file)}


def _artifacts(file: Path) -> str:
    """Folder of a SQLite store's artifacts."""
    return local_uri(file.parent / "mlruns")


@contextmanager
def _tracking_at(uri: str) -> Iterator[None]:
    """Point MLflow at the store within the block, then restore the state of the process."""
    import mlflow

    found_set, path = mlflow.is_tracking_uri_set(), sys.path
    if not found_set:
        mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        # Logging a model adds to the path a folder that is gone afterwards.
        sys.path = path
        if not found_set:
            mlflow.set_tracking_uri(None)


def _reason(error: BaseException) -> str:
    """What went wrong, in a few words; for a failed request, not the library's own text."""
    from requests import exceptions

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, exceptions.RetryError):
            return "the server answered every request with an error"
        if isinstance(cause, exceptions.Timeout):
            return "the server took too long to answer"
        if isinstance(cause, exceptions.ConnectionError):
            return "the server does not answer"
        cause = cause.__cause__ or cause.__context__
    return first_line(error)


def first_line(error: BaseException) -> str:
    """First line of an error, without passwords."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return without_password(lines[0])[:_REASON_LENGTH]
