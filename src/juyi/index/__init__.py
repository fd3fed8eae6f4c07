"""Where embeddings are searched."""

from __future__ import annotations

from juyi.index.corpus import Found, TextIndex, saved_model
from juyi.index.exact import ExactIndex
from juyi.index.index import Index

__all__ = ["ExactIndex", "Found", "Index", "TextIndex", "saved_model"]
