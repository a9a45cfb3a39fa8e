"""Every channel is explained to readers, once."""

from __future__ import annotations

from features.feature import CHANNELS
from forecasting.words.channels import CHANNEL_WORDS


def test_every_channel_has_its_words_in_the_order_of_reports() -> None:
    assert list(CHANNEL_WORDS) == list(CHANNELS)
    assert len(set(CHANNEL_WORDS.values())) == len(CHANNELS)
