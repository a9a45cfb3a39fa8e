"""Learners as text, which a command line, a record and another machine can hold, and back.

``sklearn.ensemble:RandomForestRegressor(n_estimators=200)`` names a class, or a function that makes
a learner, and its parameters: numbers, text, lists and other learners. ``my_learner.py:pipeline``
names an object in a file.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import re
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

from features.errors import InputError, cut, first_line
from features.plugins import own_module

LIGHTGBM = "lightgbm"
"""The learner by default: boosted trees of LightGBM, trained without its scikit-learn wrapper."""

_TEXT = re.compile(
    r"(?:(?P<file>.+?\.py):|(?P<module>[\w.]+):)?(?P<name>[^\W\d][\w.]*)\s*(?P<call>\(.*\))?",
    re.DOTALL,
)
_NUMBERS = {"nan": math.nan, "inf": math.inf}
_EXAMPLE = "sklearn.ensemble:RandomForestRegressor(n_estimators=200)"


# From text ----------------------------------------------------------------------------------------


def check_text(text: str) -> None:
    """Refuse what cannot name a learner; nothing is imported.

    Raises
    ------
    InputError
        If it does not parse.
    """
    if text != LIGHTGBM:
        _split(text)


def learner_of(text: str) -> Any:
    """A new learner, not fitted.

    Raises
    ------
    InputError
        If its module does not import, holds no such name, or refuses the parameters; or what it
        names is no learner.
    """
    where, name, call = _split(text)
    target = _in_module(own_module(where, what=_what(text)), name, text)
    if isinstance(target, type) and not hasattr(target, "fit"):
        raise InputError(
            f"{_what(text)}: {target.__name__} has no `fit`",
            remedy="Name a regressor with scikit-learn's fit and predict",
        )
    if call is not None or isinstance(target, (type, FunctionType)):
        target = _called(target, call, text)
    for verb in ("fit", "predict", "get_params", "set_params"):
        if not callable(getattr(target, verb, None)):
            raise InputError(
                f"{_what(text)}: {type(target).__name__} has no `{verb}`",
                remedy="Name a regressor that follows scikit-learn's contract, such as a subclass "
                "of sklearn.base.BaseEstimator with fit and predict",
            )
    return target


def module_of(text: str) -> str:
    """Module or file that a learner's text names."""
    return _split(text)[0]


def _split(text: str) -> tuple[str, str, ast.Call | None]:
    """Module or file, name in it, and the call."""
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise _unread(text)
    where, name = found["file"] or found["module"], found["name"]
    if where is None:
        where, _, name = name.rpartition(".")
    if not where or not name:
        raise _unread(text)
    call = None
    if found["call"] is not None:
        try:
            parsed = ast.parse(f"f{found['call']}", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise _unread(text) from error
        if not isinstance(parsed, ast.Call) or not isinstance(parsed.func, ast.Name):
            raise _unread(text)
        call = parsed
    return where, name, call


def _called(target: Any, call: ast.Call | None, text: str) -> Any:
    if not callable(target):
        raise InputError(
            f"{_what(text)}: a {type(target).__name__} takes no parameters here",
            remedy="Name its class to give parameters",
        )
    positional = [] if call is None else [_value(one, text) for one in call.args]
    named = {} if call is None else {str(k.arg): _value(k.value, text) for k in call.keywords}
    try:
        return target(*positional, **named)
    except Exception as error:
        raise InputError(
            f"{_what(text)}: it refuses its parameters ({first_line(error)})",
            remedy="See its documentation",
        ) from error


def _value(node: ast.expr, text: str) -> Any:
    """A parameter: a literal, something imported, or a call of it."""
    if isinstance(node, ast.Call):
        return _called(_dotted(node.func, text), node, text)
    if isinstance(node, ast.Name) and node.id in _NUMBERS:
        return _NUMBERS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, text)
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [_value(one, text) for one in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    if isinstance(node, ast.Dict) and None not in node.keys:
        pairs = zip(node.keys, node.values, strict=True)
        return {_value(k, text): _value(v, text) for k, v in pairs if k is not None}
    if isinstance(node, ast.Constant):
        return node.value
    return _dotted(node, text)


def _dotted(node: ast.expr, text: str) -> Any:
    """What a dotted name such as ``sklearn.linear_model.Ridge`` stands for."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or not parts:
        raise InputError(
            f"{_what(text)}: {ast.unparse(node)!r} is neither a value nor a dotted name",
            remedy=f"Write it as in {_EXAMPLE}, names inside with their module",
        )
    names = [node.id, *parts]
    return _in_module(own_module(".".join(names[:-1]), what=_what(text)), names[-1], text)


def _in_module(module: ModuleType, name: str, text: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(
                f"{_what(text)}: {module.__name__} holds no {name!r}",
                remedy=f"Name a class and its module, as in {_EXAMPLE}",
            )
        found = getattr(found, part)
    return found


def _what(text: str) -> str:
    return f"learner {cut(repr(text))}"


def _unread(text: str) -> InputError:
    return InputError(
        f"option 'learner' cannot be {cut(repr(text))}",
        remedy=f"Give {LIGHTGBM}, or a learner's module and name, as in {_EXAMPLE}",
    )


# To text ------------------------------------------------------------------------------------------


def text_of(learner: Any) -> str:
    """The text that `learner_of` makes an equal learner from: its class, and what is not default.

    Raises
    ------
    InputError
        If it is no learner, or holds a parameter that text cannot.
    """
    if isinstance(learner, type) or not hasattr(learner, "get_params"):
        raise InputError(
            f"option 'learner' cannot be a {type(learner).__name__}",
            remedy="Give an object with scikit-learn's fit, predict and get_params, or its name, "
            f"as in {_EXAMPLE}",
        )
    module, name = _place(type(learner), type(learner).__name__)
    return f"{module}:{name}({_parameters(learner)})"


def _parameters(learner: Any) -> str:
    known = inspect.signature(type(learner).__init__).parameters
    return ", ".join(
        f"{name}={_text(value, f'{type(learner).__name__}.{name}')}"
        for name, value in learner.get_params(deep=False).items()
        if name not in known or repr(known[name].default) != repr(value)
    )


def _text(value: Any, of: str) -> str:
    if type(value).__module__ == "numpy" and hasattr(value, "item") and not value.shape:
        value = value.item()
    if hasattr(value, "get_params") and not isinstance(value, type):
        module, name = _place(type(value), of)
        return f"{module}.{name}({_parameters(value)})"
    if callable(value) and hasattr(value, "__name__"):
        return ".".join(_place(value, of))
    if isinstance(value, (list, tuple)):
        items = ", ".join(_text(one, of) for one in value)
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(k, of)}: {_text(v, of)}" for k, v in value.items()) + "}"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    raise InputError(
        f"learner: parameter {of} is a {type(value).__name__}, which a record cannot hold",
        remedy="Put the learner into a file and give its name, my_learner.py:name",
    )


def _place(thing: Any, of: str) -> tuple[str, str]:
    """Shortest module that holds a class or function, and its name there."""
    name = getattr(thing, "__qualname__", thing.__name__)
    # NumPy's universal functions do not say where they are.
    module = getattr(thing, "__module__", None) or "numpy"
    parts = module.split(".")
    for size in range(1, len(parts) + 1):
        shorter = ".".join(parts[:size])
        if getattr(importlib.import_module(shorter), name, None) is thing:
            return shorter, name
    raise InputError(
        f"learner: {of} is {name!r} of {module}, which cannot be imported by name",
        remedy="Define it at the top of a module",
    )
