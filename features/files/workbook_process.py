"""A separate process that reads a workbook: bytes on stdin, ``{sheet: rows}`` pickled on stdout.

Its arguments are the folders of packages.

calamine aborts the process for some damaged workbooks, and for a far cell in an otherwise empty
sheet, for which it requests hundreds of gigabytes.
"""

from __future__ import annotations

import io
import pickle
import sys

MEMORY = 8 << 30
"""Bytes that reading a workbook may take."""
UNREADABLE = 3
"""Exit code for an error that calamine reports."""


def main() -> int:
    """Read and pass on; an error is the last line on stderr."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # not on Windows, and a lower limit stays
        pass
    sys.path += sys.argv[1:]
    from python_calamine import CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        sheets = {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for name in book.sheet_names
        }
    except BaseException as error:  # a panic of Rust is not an Exception
        message = (str(error).strip() or type(error).__name__).splitlines()[0]
        sys.stderr.write(f"\n{message}\n")
        return UNREADABLE
    pickle.dump(sheets, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
