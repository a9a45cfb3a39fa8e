"""The data of a finished run, read again from where it read them."""

from __future__ import annotations

from features.errors import InputError
from forecasting.inputs.load import LoadedData, load
from forecasting.results.result import RunResult


def run_data(run: RunResult) -> LoadedData:
    """Read the data of a run or forecast again.

    Raises
    ------
    InputError
        If a file has changed since, or can no longer be read.
    """
    data = load(run.config)
    then = [(one["role"], one["sha256"]) for one in run.provenance["data"]]
    now = [(source.role, source.sha256) for source in data.sources]
    if then != now:
        changed = next((role for role, _ in set(then) ^ set(now)), "data")
        raise InputError(
            f"the {changed} of the run has changed since it was made",
            remedy="Put the files back, or run again",
            file=run.out,
        )
    return data
