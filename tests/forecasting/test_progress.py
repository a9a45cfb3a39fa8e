"""Progress goes to stderr, in a notebook too."""

from __future__ import annotations

import pytest

from forecasting.progress import Progress


@pytest.mark.parametrize("show", [True, False])
def test_a_notebook_is_left_without_widgets(
    show: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: list[object] = []
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda *given, **_: drawn.extend(given))
    progress = Progress(show=show)
    with progress.stage("first"):
        pass
    assert list(progress.steps("second", range(3), total=3)) == [0, 1, 2]
    assert drawn == []
    assert ("first" in capsys.readouterr().err) == show
    assert list(progress.seconds) == ["first", "second"]
