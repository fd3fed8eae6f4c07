"""The tiny encoders as fixtures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from juyi.encoder import Encoder

sys.path.insert(0, str(Path(__file__).parent))  # test modules are no package here, and the scripts import it by this name too

import tiny_encoders


@pytest.fixture
def tiny() -> Callable[..., Encoder]:
    """Builds an encoder: kind, dropout, seed, pooling, heads."""
    return tiny_encoders.build


@pytest.fixture
def rows() -> list[list[int]]:
    """Tokenized sentences of unequal length."""
    return tiny_encoders.rows()


@pytest.fixture
def sentences() -> list[str]:
    """The sentences of `rows`."""
    return list(tiny_encoders.SENTENCES)
