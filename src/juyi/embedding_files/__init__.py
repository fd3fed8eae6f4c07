"""Vectors in files: any number of texts, block by block, into arrays, tables or lines; continued where it was stopped."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from juyi.embedding_files.blocks import check_source, line_list
    from juyi.embedding_files.draft import ids_path
    from juyi.embedding_files.numbers import stored_numbers, stored_width
    from juyi.embedding_files.options import (
        EMBEDDING_FORMATS,
        EMPTY_CHOICES,
        NUMBER_TYPES,
        EmbeddingFormat,
        Empty,
        NumberType,
        OutputOptions,
    )
    from juyi.embedding_files.write import WrittenEmbeddings, write_embeddings

_HOME = {
    "blocks": ("check_source", "line_list"),
    "draft": ("ids_path",),
    "numbers": ("stored_numbers", "stored_width"),
    "options": (
        "EMBEDDING_FORMATS",
        "EMPTY_CHOICES",
        "NUMBER_TYPES",
        "EmbeddingFormat",
        "Empty",
        "NumberType",
        "OutputOptions",
    ),
    "write": ("WrittenEmbeddings", "write_embeddings"),
}

__all__ = [
    "EMBEDDING_FORMATS",
    "EMPTY_CHOICES",
    "NUMBER_TYPES",
    "EmbeddingFormat",
    "Empty",
    "NumberType",
    "OutputOptions",
    "WrittenEmbeddings",
    "check_source",
    "ids_path",
    "line_list",
    "stored_numbers",
    "stored_width",
    "write_embeddings",
]


def __getattr__(name: str) -> Any:
    """Import on first use: the command line asks for the choices before it needs numpy."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"juyi.embedding_files.{module}"), name)
    raise AttributeError(f"module 'juyi.embedding_files' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
