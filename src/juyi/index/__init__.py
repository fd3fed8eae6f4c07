"""Where embeddings are searched."""

from __future__ import annotations

from juyi.index.exact import ExactIndex
from juyi.index.index import Index
from juyi.index.text_index import TextHit, TextIndex, saved_model

__all__ = ["ExactIndex", "Index", "TextHit", "TextIndex", "saved_model"]
