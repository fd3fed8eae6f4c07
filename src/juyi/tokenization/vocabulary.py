"""A vocabulary of one's own, learned from text."""

from __future__ import annotations

from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from juyi.tokenization.subword import SubwordTokenizer

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def train_wordpiece(texts: Iterable[str], *, size: int, min_frequency: int = 2) -> SubwordTokenizer:
    """A WordPiece tokenizer: every Chinese character a token, other scripts in pieces.

    Text is NFKC-normalised (full-width forms become ordinary ones) and lower-cased.

    Args:
        texts: Read once.
        size: Tokens in all; the most frequent characters come first.
        min_frequency: A piece that occurs less often is not learned.
    """
    backend = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))  # type: ignore[call-arg]
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.BertNormalizer(lowercase=True)])
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=_SPECIAL,
        limit_alphabet=size * 3 // 4,
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return SubwordTokenizer(backend)
