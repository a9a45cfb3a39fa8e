"""Modules of the user's own: by name, or by the path of a file."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

from features.errors import InputError, first_line

_PREFIX = "gravicast_plugin_"
"""A file is imported under a name of its own: one called ``models.py`` must not hide a package."""


def own_module(where: str, *, what: str) -> ModuleType:
    """Import a module.

    Parameters
    ----------
    where
        Its name, or the path of a file that ends in ``.py``.
    what
        What it is wanted for, in words: begins the message of an error.

    Raises
    ------
    InputError
        If there is no such module or file, or it does not import; with the file and line.
    """
    path = Path(where) if where.endswith(".py") else None
    if path is not None and not path.is_file():
        raise InputError(f"{what}: there is no such file", remedy="Check the path", file=path)
    try:
        return importlib.import_module(where) if path is None else _from_file(path)
    except ModuleNotFoundError as error:
        if path is not None or not error.name or not f"{where}.".startswith(f"{error.name}."):
            raise _broken(error, what) from error
        raise InputError(
            f"{what}: there is no module {error.name!r}",
            remedy="Install the package that holds it, or give the path of a file, name.py",
        ) from error
    except Exception as error:
        raise _broken(error, what) from error


def _from_file(path: Path) -> ModuleType:
    """Import a file once; a changed file is another module."""
    path = path.resolve()
    name = _PREFIX + re.sub(r"\W", "_", path.stem)
    found = sys.modules.get(name)
    if found is not None and found.__dict__.get("_stamp") == _stamp(path):
        return found
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__["_stamp"] = _stamp(path)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _stamp(path: Path) -> tuple[str, int, int]:
    about = path.stat()
    return str(path), about.st_mtime_ns, about.st_size


def _broken(error: Exception, what: str) -> InputError:
    """The error of a module that does not import, at the line that fails."""
    if isinstance(error, SyntaxError):
        file, row = error.filename, error.lineno
    else:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        file, row = frame.filename, frame.lineno
    return InputError(
        f"{what}: the module does not import ({type(error).__name__}: {first_line(error)})",
        remedy="Correct it; `python FILE` shows the whole error",
        file=file,
        row=row,
    )
