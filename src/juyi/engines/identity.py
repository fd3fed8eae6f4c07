"""What a vector depends on, as one string: the key of whatever is kept of an engine's vectors."""

from __future__ import annotations

import hashlib
from pathlib import Path

from juyi.engines.engine import EngineKind, Precision
from juyi.hub import folder_digest
from juyi.prompts import Prompt
from juyi.tokenization import SubwordTokenizer, WordTokenizer

VECTORS_VERSION = 2
"""Counts up when juyi's own code gives other vectors for the same folder; a test holds the vectors of the embedded encoder."""


def identity_of(
    folder: Path, kind: EngineKind, precision: Precision, pooling: str, tokenizer: SubwordTokenizer | WordTokenizer
) -> str:
    """Thirty-two hexadecimal digits that change when anything does that the vectors of an engine depend on.

    That is: the model's folder (`folder_digest`), the engine, the precision, the pooling, and jieba's version where words are
    cut, for its dictionary decides about the ids. The versions of torch, ONNX Runtime and tokenizers are left out, and so is the
    device: they move vectors by rounding alone, and an index that was built on one machine is to be searched on another. So is
    the version of juyi, for `VECTORS_VERSION` says when it matters.
    """
    material = [f"juyi {VECTORS_VERSION}", folder_digest(folder), kind, precision, pooling]
    if isinstance(tokenizer, WordTokenizer):
        material.append(f"jieba {tokenizer.jieba_version}")
    return hashlib.sha256("\n".join(material).encode()).hexdigest()[:32]


def prompted_identity(identity: str, prompt: Prompt) -> str:
    """What vectors depend on that were encoded with a prompt: the engine's identity, and the text of the prompt.

    The name does not matter. Without a prompt it is the engine's identity itself: the same text has the same vector.
    """
    return hashlib.sha256(f"{identity}\n{prompt.text}".encode()).hexdigest()[:32] if prompt else identity
