"""A vocabulary of one's own, learned from text."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from juyi.errors import DataError, UsageError
from juyi.tokenization.chinese import cut_chinese
from juyi.tokenization.sentencepieces import train_sentencepiece
from juyi.tokenization.subword import SubwordTokenizer
from juyi.tokenization.traditional import simplifier

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_SMALLEST_UNIGRAM = 512
_LONGEST_PIECE = 8
_PURPOSE = "Learning a vocabulary of Chinese words"
_MOST_SEEDS = 1_000_000


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
    return _finished(backend)


def train_unigram(
    texts: Iterable[str], *, size: int, words: bool = True, simplify: bool = True, min_frequency: int = 5
) -> SubwordTokenizer:
    """A unigram tokenizer: frequent Chinese words are tokens of their own, rare ones fall into characters, nothing is unknown.

    Text is NFKC-normalised and lower-cased as in `train_wordpiece`. A character that is not in the vocabulary (an emoji, a rare
    ideograph) becomes its UTF-8 bytes. The result is one `tokenizer.json` that needs neither a word segmenter nor a converter
    when it is used.

    Args:
        texts: Read once, and held until the vocabulary is learned.
        size: Tokens in all, the 256 bytes among them.
        words: Let jieba cut the training text first, so that no piece is longer than a word. Without it the pieces are whatever
            is frequent, "的时候" too.
        simplify: Read Traditional characters as Simplified ones.
        min_frequency: A character that occurs less often is no token.

    Raises:
        UsageError: The size leaves no room for characters and words beside the bytes.
        DataError: No character occurs often enough.
        MissingExtraError: jieba or sentencepiece, or what `simplify` needs, is not installed.

    Source:
        Kudo (arXiv:1804.10959) for the model; that words as tokens help Chinese encoders: Su, WoBERT (2020).
    """
    if size < _SMALLEST_UNIGRAM:
        raise UsageError(
            f"The size is {size}; a unigram vocabulary takes at least {_SMALLEST_UNIGRAM} tokens, 256 of which are bytes. "
            "8192 or 16384 is usual."
        )
    normalizer = _normalizer(split_ideographs=False)
    if simplify:
        normalizer = normalizers.Sequence([normalizer, simplifier()])
    lines = [normalizer.normalize_str(text) for text in texts]
    counts = _words(lines, size, cut=words, min_frequency=min_frequency)
    pieces = _unigram_pieces(counts, size - len(_SPECIAL) - len(_BYTES), cut=words)
    worst = min(score for _, score in pieces) - 10.0
    vocabulary = [(token, 0.0) for token in _SPECIAL] + pieces + [(token, worst) for token in _BYTES]
    backend = tokenizers.Tokenizer(models.Unigram(vocabulary, unk_id=_SPECIAL.index("[UNK]"), byte_fallback=True))
    backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return _finished(backend)


def _words(lines: Sequence[str], size: int, *, cut: bool, min_frequency: int) -> Counter[str]:
    """How often each word occurs, in the characters that become tokens; what lies between the other ones is a word too."""
    counts = Counter[str]()
    for line in lines:
        counts.update(line)
    frequent = [letter for letter in _by_frequency(counts)[: size * 3 // 8] if counts[letter] >= min_frequency]
    if not frequent:
        raise DataError(f"No character occurs {min_frequency} times in {len(lines):,} lines. Give more text.")
    strange = re.compile(f"[^{re.escape(''.join(frequent))}]+")
    rough = Counter[str]()
    for line in lines:
        text = strange.sub(" ", line)
        rough.update(cut_chinese(text, purpose=_PURPOSE) if cut else text.split())
    split, words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str, Counter[str]()
    for chunk, count in rough.items():
        for word, _ in split(chunk):  # as the tokenizer will do: no piece reaches over punctuation
            words[word] += count
    return words


def _unigram_pieces(words: Counter[str], size: int, *, cut: bool) -> list[tuple[str, float]]:
    """Pieces and their log-probabilities, the most likely first.

    Sentencepiece learns them and not the trainer of `tokenizers`, which adds up in the order of a hash table: it gives other
    pieces every time.
    """
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds.tsv"
        if cut:
            seeds.write_text(_seeds(words, size), encoding="utf-8")
        model = train_sentencepiece(
            (f"{word}\t{words[word]}" for word in sorted(words)),
            purpose="Learning a unigram vocabulary",
            input_format="tsv",
            vocab_size=size + 1,  # its own <unk> counts
            seed_sentencepieces_file=str(seeds) if cut else "",
            max_sentencepiece_length=_LONGEST_PIECE,
            character_coverage=1.0,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            split_by_unicode_script=False,
            split_by_number=False,
            bos_id=-1,
            eos_id=-1,
        )
    return [(piece.piece, float(piece.score)) for piece in model.pieces if piece.type == piece.NORMAL]


def _seeds(words: Counter[str], size: int) -> str:
    """Every stretch of the frequent words and how often it occurs, a line each.

    Left alone, the trainer counts in how many different words a stretch occurs: a word that is part of no other one could not
    become a piece, however frequent it is.
    """
    counts = Counter[str]()
    for word, count in words.most_common(8 * size):
        for length in range(2, min(len(word), _LONGEST_PIECE) + 1):
            for start in range(len(word) - length + 1):
                counts[word[start : start + length]] += count
    often = sorted((-count * len(stretch), stretch) for stretch, count in counts.items() if count > 1)
    return "".join(f"{stretch}\t{counts[stretch]}\n" for _, stretch in often[:_MOST_SEEDS])


def _finished(backend: tokenizers.Tokenizer) -> SubwordTokenizer:
    backend.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in _SPECIAL])
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return SubwordTokenizer(backend)


def _normalizer(*, split_ideographs: bool) -> normalizers.Normalizer:
    return normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=split_ideographs)]
    )


def _empty(vocabulary: dict[str, int] | None = None) -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = _normalizer(split_ideographs=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return backend


def _alphabet(texts: Sequence[str], limit: int) -> list[str]:
    normalise, counts = _normalizer(split_ideographs=True).normalize_str, Counter[str]()
    for text in texts:
        counts.update(normalise(text))
    return _by_frequency(counts)[:limit]


def _by_frequency(counts: Counter[str]) -> list[str]:
    letters = [letter for letter in counts if not letter.isspace()]
    return sorted(letters, key=lambda letter: (-counts[letter], letter))


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
