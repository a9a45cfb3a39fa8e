"""Execute every notebook of a folder from top to bottom; fail on the first error."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main(folder: Path) -> int:
    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        print(f"no notebook in {folder}", file=sys.stderr)
        return 1
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        # A folder of its own, so that what a notebook writes never lands in the checkout.
        with tempfile.TemporaryDirectory() as scratch:
            NotebookClient(
                notebook, timeout=600, resources={"metadata": {"path": scratch}}
            ).execute()
        print(f"{path}: {len(notebook.cells)} cells ran")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
