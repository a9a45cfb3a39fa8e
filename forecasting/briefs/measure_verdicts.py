"""Which measures are forecast better than by their rivals, and which are not, in words."""

from __future__ import annotations

from forecasting.evaluation.significance import FEWEST_ORIGINS
from forecasting.measurement.scores import RIVALS
from forecasting.results.measures import Measures
from forecasting.words.numbers import listed
from models.registry import ABLATION

RIVAL_LABELS: dict[str, str] = {
    "no_change": "no change",
    "base": "the raked base",
    ABLATION: "the model without its technology channels",
}


def record_words(found: Measures) -> tuple[str, ...]:
    """Which measures are forecast better than by each rival, and which are not."""
    return tuple(verdict_words(found, rival) for rival in RIVALS)


def verdict_words(found: Measures, rival: str) -> str:
    """Measures whose forecasts are better and worse than a rival's; the others are ties."""
    scores, labels = found.scores, {measure.name: measure.label for measure in found.measures}
    verdict = scores[f"verdict_{rival}"]
    counts = []
    for word in ("better", "worse"):
        rows = scores[verdict == word]
        names = [
            f"{labels[name]} ({listed(str(h) for h in block['horizon'])} y)"
            for name, block in rows.groupby("measure", sort=False)
        ]
        counts.append(f"{word} {len(rows)}{f': {listed(names)}' if names else ''}")
    ties = int((verdict == "tie").sum())
    few = scores["origins"] < FEWEST_ORIGINS
    lacking = "".join(
        f"; {count} untested {why}"
        for count, why in (
            (int(((verdict == "untested") & few).sum()), "for want of origins"),
            (int(((verdict == "untested") & ~few).sum()), "for the same forecasts"),
        )
        if count
    )
    # What could not be tested is not a null result.
    null = "A null result. " if ties and not verdict.isin(["better", "worse"]).any() else ""
    return (
        f"{null}Against {RIVAL_LABELS[rival]}, of {len(scores)} tests (measures by years ahead): "
        f"{'; '.join(counts)}; {ties} ties{lacking}."
    )
