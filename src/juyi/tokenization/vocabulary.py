"""A vocabulary of one's own, learned from text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from juyi.tokenization.subword import SubwordTokenizer

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def train_wordpiece(texts: Iterable[str], *, size: int, min_frequency: int = 2) -> SubwordTokenizer:
    """A WordPiece tokenizer: every Chinese character a token, other scripts in pieces.

    Text is NFKC-normalised (full-width forms become ordinary ones) and lower-cased. The same texts give the same vocabulary.

    Args:
        texts: Read once, and held until the vocabulary is learned.
        size: Tokens in all; the most frequent characters come first.
        min_frequency: A piece that occurs less often is not learned.
    """
    texts = texts if isinstance(texts, Sequence) else list(texts)
    alphabet = _alphabet(texts, size * 3 // 4)
    # The trainer numbers the characters inside words in the order of a hash table, which differs from run to run, and breaks ties
    # between pieces by these numbers. So a first pass only finds these characters, and a second one gets them in order.
    inside = sorted(piece for piece in _learn(texts, alphabet, _SPECIAL, 0, min_frequency) if piece.startswith("##"))
    vocabulary = _learn(texts, alphabet, [*_SPECIAL, *inside], size, min_frequency)
    backend = _empty(vocabulary)
    backend.decoder = decoders.WordPiece()
    backend.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in _SPECIAL])
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return SubwordTokenizer(backend)


def _empty(vocabulary: dict[str, int] | None = None) -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.BertNormalizer(lowercase=True)])
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return backend


def _alphabet(texts: Sequence[str], limit: int) -> list[str]:
    normalizer, counts = _empty().normalizer, Counter[str]()
    assert normalizer is not None
    for text in texts:
        counts.update(normalizer.normalize_str(text))
    letters = [letter for letter in counts if not letter.isspace()]
    return sorted(letters, key=lambda letter: (-counts[letter], letter))[:limit]


def _learn(texts: Sequence[str], alphabet: list[str], first: list[str], size: int, min_frequency: int) -> dict[str, int]:
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=[tokenizers.AddedToken(token, normalized=False) for token in first],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    backend = _empty()
    backend.train_from_iterator(texts, trainer, length=len(texts))
    return backend.get_vocab()
