"""Where embeddings are searched."""

from __future__ import annotations

from juyi.index.exact import ExactIndex
from juyi.index.index import Index
from juyi.index.open import open_index
from juyi.index.text_index import SavedEncoder, TextHit, TextIndex, saved_encoder

__all__ = ["ExactIndex", "Index", "SavedEncoder", "TextHit", "TextIndex", "open_index", "saved_encoder"]
