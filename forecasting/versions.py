"""Which code a run was made with: versions of the packages that matter, and the git commit."""

from __future__ import annotations

import subprocess
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


def versions() -> dict[str, str]:
    """Version of each package in `VERSIONED`."""
    return {name: _version(name) for name in VERSIONED}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def git_commit() -> dict[str, str] | None:
    """The commit a run is made from.

    Returns
    -------
    dict or None
        ``commit``; ``of``: ``package`` where gravicast runs from its own checkout, otherwise
        ``working directory``; and ``changed``, ``yes`` or ``no``: whether tracked files differ
        from the commit. None outside a repository and without git.
    """
    here = Path(__file__).resolve()
    tracked = _git(here.parent, "ls-files", "--error-unmatch", here.name) is not None
    folder = here.parent if tracked else Path.cwd()
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if not commit:
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "of": "package" if tracked else "working directory",
        "changed": "yes" if changed else "no",
    }


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says in a folder; None if it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
