"""Execute every notebook of a folder from top to bottom; fail on the first error.

``python tests/run_notebooks.py notebooks --write`` also keeps the output in the files.

A notebook whose metadata say ``needs_real_data`` finds the folder of the real data in the
environment variable GRAVICAST_DATA, and is skipped with the reason where there is none.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def main(folder: Path, *, write: bool) -> int:
    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        print(f"no notebook in {folder}", file=sys.stderr)
        return 1
    # One at a time: CI runs them beside the slow tests.
    for notebook in notebooks:
        print(execute(notebook, write=write), flush=True)
    return 0


def execute(path: Path, *, write: bool) -> str:
    """Run a notebook in a folder and with a store of its own; what became of it, in a line."""
    notebook = nbformat.read(path, as_version=4)
    if notebook.metadata.get("needs_real_data"):
        os.environ.setdefault("GRAVICAST_DATA", str(DATA))
        if not Path(os.environ["GRAVICAST_DATA"]).is_dir():
            return f"{path}: skipped, needs the real data, which are not at {DATA}"
    began = time.monotonic()
    # What a notebook writes never lands in the checkout.
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{scratch}/mlflow.db"
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": scratch}}).execute()
    if write:
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # Times differ from run to run.
        nbformat.write(notebook, path)
    return f"{path}: {len(notebook.cells)} cells ran in {time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), write="--write" in sys.argv[2:]))
