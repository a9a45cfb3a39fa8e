"""What decides the results of a back-test: options, inputs, code and versions.

Two runs with the same fingerprint make the same forecasts, byte for byte.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import features
import forecasting
import models
from forecasting.inputs.load import Source
from forecasting.options import kinds
from forecasting.options.run_config import RunConfig
from forecasting.results.versions import versions
from models.comparators.comparator import is_named, place_of
from models.learner_text import LIGHTGBM, module_of

_COMPUTING = ("gravicast", "lightgbm", "numba", "numpy", "pandas", "scikit-learn", "scipy")
_DECIDES_NOTHING = frozenset(
    {"accept", "cluster", "experiment", "explain_flow", "figures", "overwrite", "quiet", "report",
     "resume", "strict", "study", "workers"}
)  # fmt: skip
"""Options without a part in a fold; paths, whose content counts, are told by their kind."""
_SHORT = 12
"""Digits of a digest that a message can hold."""


def fingerprint(config: RunConfig, sources: Sequence[Source]) -> dict[str, str]:
    """Everything that decides the bytes of a fold, by its name in words.

    Parameters
    ----------
    config
        Of the run.
    sources
        Its inputs, with their sums.
    """
    options = {
        f"option {name!r}": json.dumps(value)
        for name, value in config.to_dict().items()
        if name not in _DECIDES_NOTHING
        and RunConfig.OPTIONS[name].kind not in (kinds.PATH, kinds.PATHS)
    }
    inputs: dict[str, str] = {}
    for source in sources:
        number = sum(name.startswith(f"sha256 of {source.role}") for name in inputs) + 1
        inputs[f"sha256 of {source.role} {number}"] = source.sha256 or "none, it is simulated"
    own = [] if config.learner == LIGHTGBM else [module_of(config.learner)]
    own += [place_of(text) for text in config.compare_with if is_named(text)]
    named = {name: value for where in own for name, value in _of_module(where).items()}
    used = {"optuna": config.tune > 0, "statsmodels": {"theta", "ets"} & {*config.compare_with}}
    further = versions([package for package, needed in used.items() if needed])
    return {**options, **inputs, **code(), **further, **named}


def _of_module(where: str) -> dict[str, str]:
    """Version of the package that a learner or comparator comes from, or its file's content."""
    if where.endswith(".py"):
        return {f"the code of {where}": sha256(Path(where).read_bytes()).hexdigest()[:_SHORT]}
    package = where.partition(".")[0]
    module = sys.modules.get(package)
    return {f"version of {package}": str(getattr(module, "__version__", "not known"))}


@lru_cache(maxsize=1)
def code() -> dict[str, str]:
    """The code that computes: versions of packages, the source of this one, the machine's kind."""
    return {
        **versions(_COMPUTING),
        "the code of gravicast": _source(),
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _source() -> str:
    """A digest of every module, since a checkout changes without a new version."""
    digest = sha256()
    for package in (features, models, forecasting):
        folder = Path(package.__file__ or "").parent
        for file in sorted(folder.rglob("*.py")):
            digest.update(file.relative_to(folder.parent).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:_SHORT]
