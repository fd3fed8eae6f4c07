"""Traditional characters read as Simplified ones, inside `tokenizer.json`: whoever loads the folder gets it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tokenizers import normalizers

from juyi.extras import require
from juyi.tokenization.chinese import han_characters
from juyi.tokenization.sentencepieces import train_sentencepiece


def simplifier() -> normalizers.Normalizer:
    """A normalizer that turns each Traditional character into its usual Simplified form, one character for one.

    Words that differ (軟體, 软件) stay what they are.

    Raises:
        MissingExtraError: OpenCC or sentencepiece, which compiles the table, is not installed.

    Source:
        OpenCC's table of characters; the compiled form is sentencepiece's `precompiled_charsmap`.
    """
    purpose = "Reading Traditional characters as Simplified ones"
    convert = require("opencc", extra="vocabulary", purpose=purpose).OpenCC("t2s").convert
    pairs = [(letter, convert(letter)) for letter in han_characters()]
    rules = "".join(f"{ord(letter):X}\t{ord(to):X}\n" for letter, to in pairs if len(to) == 1 and to != letter)
    return normalizers.Precompiled(_compiled(rules, purpose))


def _compiled(rules: str, purpose: str) -> bytes:
    """Sentencepiece compiles such a table only while it trains a model, so it trains the smallest one."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rules.tsv"
        table.write_text(rules, encoding="ascii")
        model = train_sentencepiece(["a b c d"] * 8, purpose=purpose, vocab_size=8, normalization_rule_tsv=str(table))
    return bytes(model.normalizer_spec.precompiled_charsmap)
