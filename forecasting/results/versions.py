"""Which code made a run: versions of the packages that matter, and the git commit."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

VERSIONED = (
    "gravicast",
    "lightgbm",
    "numpy",
    "pandas",
    "scikit-learn",
    "shap",
    "mlflow",
    "pyarrow",
)


def versions(packages: Sequence[str] = VERSIONED) -> dict[str, str]:
    """Version of each package."""
    return {name: _version(name) for name in packages}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def git_commit() -> dict[str, str] | None:
    """The commit a run is made from.

    Programs that the repository's own configuration names are never run: the working directory may
    come from anyone.

    Returns
    -------
    dict or None
        ``commit``; ``of``: ``package`` where gravicast runs from its own checkout, otherwise
        ``working directory``; and ``changed``, whether tracked files differ from the commit:
        ``yes``, ``no``, or ``not known`` where only a filter from the repository could tell. None
        outside a repository, in one that git does not trust, and without git.
    """
    here = Path(__file__).resolve()
    tracked = _git(here.parent, "ls-files", "--error-unmatch", here.name) is not None
    folder = here.parent if tracked else Path.cwd()
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if not commit:
        return None
    return {
        "commit": commit,
        "of": "package" if tracked else "working directory",
        "changed": _changed(folder),
    }


def _changed(folder: Path) -> str:
    # Comparing files runs filters. Those in the user's own configuration, such as Git LFS, are the
    # user's choice; those in the repository's are someone else's commands.
    for scope in ("--local", "--worktree"):
        if _git(folder, "config", scope, "--includes", "--get-regexp", _FILTERS):
            return "not known"
    options = ("--porcelain", "--untracked-files=no", "--ignore-submodules=all")
    status = _git(folder, "status", *options)
    return "not known" if status is None else "yes" if status else "no"


_QUIET = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
"""Without these two settings git runs programs the repository names; see ``git help config``."""
_FILTERS = r"^filter\..*\.(clean|process)$"
_OF_THE_USER = ("GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM",
                "GIT_CONFIG_SYSTEM")  # fmt: skip
"""Variables passed to git; others, such as ``GIT_DIR`` inside a hook, point it elsewhere."""
_NO_REMOTE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
"""Objects missing from a partial clone are not fetched: the remote may be a command."""


def _git(folder: Path, *arguments: str) -> str | None:
    """Output of git in a folder; None if it fails or is not installed."""
    program = shutil.which("git")
    # Windows searches the working directory first.
    if program is None or Path(program).resolve().parent == Path.cwd():
        return None
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in _OF_THE_USER}
    try:
        done = subprocess.run(
            [program, "-C", str(folder), *_QUIET, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=20,
            check=True,
            env=kept | _NO_REMOTE,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
