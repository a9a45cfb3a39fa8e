"""Every mistake in a scenario file has one line, before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecasting.scenarios.estimate import AGREEMENT_EFFECT, TRADE_ELASTICITY
from forecasting.scenarios.scenario_file import read_scenario

TARIFF = "changes:\n  - tariff: 25%\n    exporters: CHN\n    importers: USA\n"
ESTIMATE = "{value: 6, standard_error: 1, source: mine}"


def write(folder: Path, text: str) -> Path:
    file = folder / "question.yaml"
    file.write_text(text)
    return file


def test_it_reads_what_is_written_and_states_its_defaults(tmp_path):
    found = read_scenario(write(tmp_path, TARIFF))
    assert found.name == "question"
    assert found.elasticity is TRADE_ELASTICITY
    (change,) = found.changes
    assert (change.kind, change.size) == ("tariff", 0.25)
    assert (change.exporters, change.importers) == (("CHN",), ("USA",))


def test_sigma_is_theta_and_one(tmp_path):
    text = TARIFF + "elasticity: {value: 6, standard_error: 1, source: mine, is: sigma}\n"
    assert read_scenario(write(tmp_path, text)).elasticity.value == 5


def test_an_agreement_has_the_textbook_effect_unless_another_is_stated(tmp_path):
    text = "changes:\n  - agreement: [USA, DEU]\n    phase: {2010: 50%, 2011: 1}\n"
    (change,) = read_scenario(write(tmp_path, text)).changes
    assert change.effect is AGREEMENT_EFFECT
    assert change.phase == {2010: 0.5, 2011: 1.0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TARIFF + "elastcity: 5\n", "Did you mean 'elasticity'?"),
        (TARIFF + "    importer: DEU\n", "Did you mean 'importers'?"),
        ("changes:\n  - tarif: 25%\n", "Did you mean 'tariff'?"),
        ("text: nothing\n", "no `changes`"),
        ("changes: []\n", "not a list of changes"),
        ("changes:\n  - tariff: -150%\n", "not above -100 %"),
        ("changes:\n  - tariff: 25\n", "a tariff of 25 is 2500%"),
        ("changes:\n  - tariff: a lot\n", "Give a number"),
        ("changes:\n  - embargo: true\n", "names no country"),
        ("changes:\n  - agreement: [USA, USA]\n", "USA is in 'agreement' twice"),
        (TARIFF + "    from: 2010\n    phase: {2010: 1}\n", "both `from` and `phase`"),
        (TARIFF + "elasticity: 5\n", "standard error and source"),
        (TARIFF + "elasticity: {value: 5, standard_error: 1}\n", "does not state its source"),
        (TARIFF + "elasticity: {value: -5, standard_error: 1, source: x}\n", "not positive"),
        (TARIFF + "deficits: none\n", "additive"),
        (TARIFF + "draws: 7\n", "multiple of 20"),
        (TARIFF + "groups: {north: [USA, CAN, USA]}\n", "USA is in 'north' twice"),
        ("changes:\n  - indicator: ROBOTS\n    change: {2010: 1}\n", "no semi_elasticity"),
        (TARIFF + "name: ../elsewhere\n", "cannot be"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(tmp_path, refused, text, says):
    file = write(tmp_path, text)
    refused(lambda: read_scenario(file), file=file, says=says)
