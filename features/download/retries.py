"""Retries with growing waits, the wait a source asks for, and a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from features.download.answers import BrokenOffError, RetryableError, host_of
from features.download.watcher import Watcher
from features.errors import UnreachableError

LONGEST_WAIT_SECONDS = 120.0
"""Longest wait a source may ask for; beyond it the error says when to come back."""
_LONGEST_OWN_WAIT = 60.0
T = TypeVar("T")


class Retries:
    """Retries failed requests with growing waits.

    Parameters
    ----------
    attempts
        Failed tries in a row after which a source counts as unreachable. A download that made
        progress has not failed.
    first_wait
        Seconds before the second try, doubled at every further failed one.
    """

    def __init__(
        self,
        *,
        attempts: int,
        first_wait: float,
        sleep: Callable[[float], None] = time.sleep,
        watcher: Watcher,
    ) -> None:
        self._attempts, self._first_wait, self.sleep = attempts, first_wait, sleep
        self._watcher = watcher

    def __call__(self, url: str, once: Callable[[], T]) -> T:
        """Call ``once`` until it succeeds, and return its result.

        Raises
        ------
        UnreachableError
            If all tries fail, or the source asks for too long a wait.
        """
        fruitless = 0

        def attempt() -> T:
            nonlocal fruitless
            try:
                return once()
            except RetryableError as error:
                fruitless = 0 if isinstance(error, BrokenOffError) else fruitless + 1
                raise

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.wait if isinstance(error, RetryableError) else None
            growing = min(self._first_wait * 2.0 ** max(fruitless - 1, 0), _LONGEST_OWN_WAIT)
            return self._checked(url, growing if asked is None else asked, error)

        try:
            return Retrying(
                stop=lambda _: fruitless >= self._attempts,
                wait=wait,
                retry=retry_if_exception_type(RetryableError),
                sleep=self.sleep,
                reraise=True,
            )(attempt)
        except RetryableError as error:
            raise UnreachableError(
                f"no complete answer after {self._attempts} tries ({error})",
                remedy="Check the connection and run the command again: it resumes where it "
                "stopped",
                file=host_of(url),
            ) from error

    def _checked(self, url: str, seconds: float, error: BaseException | None) -> float:
        """The wait, reported where it is long; refused beyond `LONGEST_WAIT_SECONDS`."""
        if seconds > LONGEST_WAIT_SECONDS:
            raise UnreachableError(
                f"the source asks to come back in {seconds:,.0f} seconds",
                remedy="Run the command again then: what was downloaded is kept",
                file=host_of(url),
            )
        if seconds >= 1.0:
            self._watcher.report(f"{host_of(url)}: {error}; next try in {seconds:.0f} s")
        return seconds
