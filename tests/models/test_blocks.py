from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import blocks


@given(rows=st.integers(0, 100), size=st.integers(1, 40))
def test_blocks_take_every_row_once_in_order(rows, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", size)
        parts = [np.arange(rows)[part] for part in blocks.blocks(rows)]
    assert [row for part in parts for row in part] == list(range(rows))
    assert all(0 < part.size <= size for part in parts)
