"""Which tokens make up a word, so that a masked language model can hide it whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from tokenizers import Encoding, Tokenizer

from juyi.tokenization.chinese import HAN, cut_chinese
from juyi.tokenization.subword import SubwordTokenizer
from juyi.tokenization.tokenizer import TokenIds
from juyi.tokenization.words import WordTokenizer

_PURPOSE = "Hiding whole Chinese words"
_RUN = re.compile(rf"(?P<chinese>[{HAN}]+)|[^\W{HAN}]+")
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")  # how a vocabulary with byte fallback writes the bytes of a character that it lacks
_INNER_BYTE = re.compile(r"<0x[89AB][0-9A-F]>")  # of UTF-8, all but the first of a character


def row_words(texts: Sequence[str], rows: Sequence[TokenIds], tokenizer: SubwordTokenizer | WordTokenizer) -> list[list[int]]:
    """For each token the number of its word in the row; every special token is a word of its own.

    What a word is says `piece_words`.

    Args:
        texts: As they were written.
        rows: What `tokenizer.tokenize` made of them, cut off or not.
        tokenizer: The one that made them.
    """
    special, numbered = tokenizer.special, []
    for row, words in zip(rows, piece_words(texts, tokenizer), strict=True):
        first, last = row[:1] == [special.cls], row[-1:] == [special.sep]
        inner = [number + first for number in words[: len(row) - first - last]]
        numbered.append([0] * first + inner + [max(inner, default=first - 1) + 1] * last)
    return numbered


def piece_words(texts: Sequence[str], tokenizer: SubwordTokenizer | WordTokenizer) -> list[list[int]]:
    """For each token of each whole text, special ones not added, the number of its word.

    A word is one of jieba's in a Chinese stretch, any other run of letters and digits (iPhone15, café), or a single character of
    what is left; never more than stands between two spaces. A token belongs to the word that its first character belongs to,
    unless a part of that character came before. Where the tokenizer turns Traditional characters into Simplified ones, jieba
    sees the latter: most Traditional words are not in its dictionary.
    """
    if isinstance(tokenizer, WordTokenizer):
        return [_numbers_of_words(tokenizer.cut(text), tokenizer) for text in texts]
    tokenizer.pieces(())  # the backend cuts nothing off from here on
    backend = tokenizer.backend
    encodings = backend.encode_batch(list(texts), add_special_tokens=False)
    return [_numbers(encoding, set(_word_starts(text, backend)), text) for text, encoding in zip(texts, encodings, strict=True)]


def _numbers_of_words(words: Sequence[str], tokenizer: WordTokenizer) -> list[int]:
    counts = [len(row) - 2 for row in tokenizer.tokenize(words)]  # without [CLS] and [SEP]; of white space nothing is left
    return [number for number, count in enumerate(filter(None, counts)) for _ in range(count)]


def _numbers(encoding: Encoding, starts: set[int], text: str) -> list[int]:
    """The word of each token, by where its characters lie in the text."""
    numbers: list[int] = []
    for place in _places(encoding, text):
        numbers.append((numbers[-1] if numbers else -1) + (place in starts or not numbers))
    return numbers


def _places(encoding: Encoding, text: str) -> Iterator[int]:
    """Where each token's first character stands; -1 where a part of that character was in the token before."""
    end = 0
    for (start, stop), tokens in _runs(encoding, text):
        places = [start if start >= end else -1] + [-1] * (len(tokens) - 1)
        firsts = [place for place, token in enumerate(tokens) if _BYTE.fullmatch(token) and not _INNER_BYTE.fullmatch(token)]
        if len(firsts) == stop - start > 1:  # these are the offsets of several characters that the vocabulary lacks
            for character, place in enumerate(firsts[1:], start=1):
                places[place] = start + character
        yield from places
        end = max(end, stop)


def _runs(encoding: Encoding, text: str) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """Neighbouring tokens that have the same offsets."""
    for (start, stop), run in groupby(zip(encoding.offsets, encoding.tokens, strict=True), key=lambda pair: pair[0]):
        spaces = len(text[start:stop]) - len(text[start:stop].lstrip())  # some tokenizers count the space before a token to it
        yield (start + spaces, stop), [token for _, token in run]


def _word_starts(text: str, backend: Tokenizer) -> Iterator[int]:
    """Where the words of a text begin."""
    end = 0
    for run in _RUN.finditer(text):
        yield from range(end, run.start())
        place = run.start()
        yield place
        if run["chinese"]:
            for word in cut_chinese(_as_read(run[0], backend), purpose=_PURPOSE):
                yield place
                place += len(word)
        end = run.end()
    yield from range(end, len(text))


def _as_read(run: str, backend: Tokenizer) -> str:
    """A Chinese run after the tokenizer's normalisation, where that leaves its characters in their places."""
    read = "" if backend.normalizer is None else backend.normalizer.normalize_str(run).replace(" ", "")
    return read if len(read) == len(run) else run
