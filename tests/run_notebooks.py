"""Execute every notebook of a folder from top to bottom; fail on the first error.

``python tests/run_notebooks.py notebooks --write`` also keeps the output in the files.

A notebook whose metadata say ``needs_real_data`` finds the folder of the real data in the
environment variable GRAVICAST_DATA, and is skipped with the reason where there is none.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def main(folder: Path, *, write: bool) -> int:
    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        print(f"no notebook in {folder}", file=sys.stderr)
        return 1
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        if notebook.metadata.get("needs_real_data"):
            os.environ.setdefault("GRAVICAST_DATA", str(DATA))
            if not Path(os.environ["GRAVICAST_DATA"]).is_dir():
                print(f"{path}: skipped, needs the real data, which are not at {DATA}")
                continue
        # A folder of its own, so that what a notebook writes never lands in the checkout.
        with tempfile.TemporaryDirectory() as scratch:
            NotebookClient(
                notebook, timeout=600, resources={"metadata": {"path": scratch}}
            ).execute()
        if write:
            for cell in notebook.cells:
                cell.metadata.pop("execution", None)  # Times differ from run to run.
            nbformat.write(notebook, path)
        print(f"{path}: {len(notebook.cells)} cells ran")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), write="--write" in sys.argv[2:]))
