"""`import forecasting` is light, complete, and refuses modules that shadow its layers."""

from __future__ import annotations

import os
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import forecasting

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("pandas", "lightgbm", "shap", "mlflow", "matplotlib", "sklearn", "pyarrow", "rich",
         "numba")  # fmt: skip


def fresh(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter that stands in ``folder``, as a user's script does."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "code",
    [
        "import forecasting",
        "import forecasting; dir(forecasting)",
        "from forecasting.cli.main import COMMANDS, main\n"
        "for command in COMMANDS:\n"
        "    try: main([command.__name__.rpartition('.')[2], '--help'])\n"
        "    except SystemExit: pass",
    ],
    ids=["import", "dir", "help"],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(tmp_path, code):
    done = fresh(f"{code}\nimport sys; print('loaded:', *sys.modules)", tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[0] == "loaded:"
    assert not set(HEAVY) & set(loaded)
    assert "forecasting" in loaded


@pytest.mark.parametrize("name", ["models", "features"])
@pytest.mark.parametrize("kind", ["module", "package"])
def test_a_module_that_shadows_a_layer_is_named(tmp_path, name, kind):
    shadow = tmp_path / (f"{name}.py" if kind == "module" else f"{name}/__init__.py")
    shadow.parent.mkdir(exist_ok=True)
    shadow.write_text("something = 'else'\n")
    done = fresh("import forecasting", tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert str(shadow) in last
    assert repr(name) in last
    assert "rename or move it" in last


def test_a_data_folder_of_the_same_name_does_no_harm(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "forecast.pkl").write_text("")
    done = fresh("import forecasting; print(forecasting.RunConfig().seed)", tmp_path)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_every_public_name_resolves_and_is_listed():
    assert dir(forecasting) == sorted(forecasting.__all__)
    assert len(set(forecasting.__all__)) == len(forecasting.__all__)
    for name in forecasting.__all__:
        found = getattr(forecasting, name)
        assert found.__name__ == name
        assert found.__doc__


def test_a_public_name_stands_once_in_the_package_and_is_imported_by_a_star(tmp_path):
    source = Path(forecasting.__file__).read_text(encoding="utf-8")
    for name in forecasting.__all__:
        assert source.count(f" import {name} as {name}\n") == source.count(f" as {name}\n") == 1
    done = fresh("from forecasting import *; import sys; print(*vars(), *sys.modules)", tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(forecasting.__all__) <= set(done.stdout.split())
    # What the check of light imports looks for is seen where it is loaded.
    assert {"pandas", "numpy"} <= set(done.stdout.split())


def test_what_the_package_gives_can_be_pickled():
    rule = forecasting.AsOfRule(years_after_origin=3)
    assert pickle.loads(pickle.dumps(rule)) == rule
    assert pickle.loads(pickle.dumps(forecasting.run)) is forecasting.run


def test_another_name_is_an_attribute_error():
    with pytest.raises(
        AttributeError, match="'forecasting' has no attribute 'forecast_everything'"
    ):
        _ = forecasting.forecast_everything


def test_no_public_name_is_a_room_too():
    """Importing a room would put a module in the function's place."""
    rooms = {module.name for module in pkgutil.iter_modules(forecasting.__path__)}
    assert not rooms & set(forecasting.__all__)
