"""Word vectors from running text, learned without a network, as a row of the comparison.

    python benchmarks/word_vectors.py --text FILE… --write words.vec
    juyi reproduce encoders-chinese --data DIR -o OUT --encoder vectors:words.vec --cell "*:*"

The vectors are the singular vectors of the words' positive pointwise mutual information with the words around them.
"""

from __future__ import annotations

import argparse
import sys
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import svds

from juyi.atomic import write_text
from juyi.data import read_lines
from juyi.errors import DataError, JuyiError
from juyi.tokenization.chinese import cut_chinese
from juyi.types import Embeddings

DIMENSIONS = 200
WINDOW = 5
MIN_COUNT = 5
SMOOTHING = 0.75

_BLOCK = 2_000_000  # tokens whose neighbours are counted at once
_NOWHERE = -1


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn, and write a text file: the number of words and of dimensions, then a word and its vector a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", nargs="+", type=Path, required=True, metavar="FILE", help="a sentence a line")
    parser.add_argument("--write", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        places, vectors = learn_word_vectors(cut(line) for path in options.text for _, line in read_lines(path))
        rows = (f"{word} {' '.join(f'{value:.5f}' for value in vectors[place])}" for word, place in places.items())
        write_text(options.write, "\n".join([f"{len(places)} {vectors.shape[1]}", *rows]) + "\n")
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def cut(text: str) -> list[str]:
    """Jieba's words (`HMM=False`) in lower case, without punctuation and white space."""
    words = cut_chinese(text.lower(), purpose="The average of word vectors")
    return [word for word in words if any(character.isalnum() for character in word)]


def learn_word_vectors(
    sentences: Iterable[Sequence[str]], *, dimensions: int = DIMENSIONS, window: int = WINDOW, min_count: int = MIN_COUNT
) -> tuple[dict[str, int], Embeddings]:
    """Word vectors from sentences that are cut into words: the row of each word, and the rows, of length one.

    Args:
        sentences: The words of each.
        dimensions: Width of the vectors; fewer where there are too few words.
        window: How many words to each side are neighbours; all count alike, and none beyond the sentence.
        min_count: Words that occur less often get no vector. They keep their place in the window.

    Raises:
        DataError: Fewer than three words occur often enough, or no two words appear together more often than by chance.

    Source:
        Levy & Goldberg 2014; Levy, Goldberg & Dagan 2015, §3: context distribution smoothing, singular values to the power
        of 1/2, rows of length one.
    """
    places, ids = _numbered(sentences, window, min_count)
    if len(places) < 3:
        raise DataError(f"Only {len(places)} words occur {min_count} times or more; word vectors need running text. Add some.")
    information = ppmi(neighbour_counts(ids, len(places), window))
    if information.nnz == 0:
        raise DataError("No two words appear together more often than by chance; word vectors need running text. Add some.")
    width = min(dimensions, len(places) - 1)
    left, values, _ = svds(information, k=width, rng=0)  # one seed: every run gives the same vectors
    vectors = left * np.sqrt(np.maximum(values, 0))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return places, (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def neighbour_counts(ids: NDArray[np.int32], size: int, window: int, *, block: int = _BLOCK) -> Any:
    """How often each word stands at most `window` places from each other word.

    Args:
        ids: All sentences in one row, at least `window` negative numbers between two of them. A negative number is no word.
        size: How many words there are.
        window: The farthest distance that counts.
        block: How many tokens are looked at together; it changes no count.

    Shapes:
        ids: (tokens,); returns: (size, size) csr_array, symmetric.
    """
    counts = csr_array((size, size), dtype=np.float64)
    for start in range(0, len(ids), block):
        tokens = ids[start : start + block + window]
        rows, columns = [], []
        for distance in range(1, window + 1):
            here = tokens[: min(block, len(tokens) - distance)] if distance < len(tokens) else tokens[:0]
            there = tokens[distance : distance + len(here)]
            both = (here >= 0) & (there >= 0)
            rows.append(here[both])
            columns.append(there[both])
        place = (np.concatenate(rows), np.concatenate(columns))
        counts = counts + coo_array((np.ones(len(place[0])), place), shape=(size, size)).tocsr()
    return (counts + counts.T).tocsr()


def ppmi(counts: Any, smoothing: float = SMOOTHING) -> Any:
    """Positive pointwise mutual information of words (rows) and contexts (columns), natural logarithm.

    `max(0, log P(w, c) / (P(w) P'(c)))`, where `P'(c)` is proportional to the count of c to the power of `smoothing`: rare
    contexts would otherwise look more telling than they are.

    Shapes:
        counts: (words, contexts) sparse; returns: the same, csr_array.

    Source:
        Levy, Goldberg & Dagan 2015, eq. 3.
    """
    pairs = counts.tocoo()
    words, contexts = (np.asarray(counts.sum(axis=axis), dtype=np.float64).reshape(-1) for axis in (1, 0))
    smoothed = contexts**smoothing
    rows, columns = pairs.row, pairs.col
    values = np.log(pairs.data * smoothed.sum() / (words[rows] * smoothed[columns]))
    positive = values > 0
    return csr_array((values[positive], (rows[positive], columns[positive])), shape=counts.shape)


def _numbered(sentences: Iterable[Sequence[str]], window: int, min_count: int) -> tuple[dict[str, int], NDArray[np.int32]]:
    """The row of each frequent word, and the sentences as rows, separated as `neighbour_counts` wants it."""
    numbers: dict[str, int] = {}
    tokens = array("i")
    for sentence in sentences:
        tokens.extend(numbers.setdefault(word, len(numbers)) for word in sentence)
        tokens.extend([_NOWHERE] * window)
    ids = np.frombuffer(tokens, dtype=np.int32) if tokens else np.empty(0, dtype=np.int32)
    frequent = np.bincount(ids[ids >= 0], minlength=len(numbers)) >= min_count
    rows = np.where(frequent, np.cumsum(frequent) - 1, _NOWHERE).astype(np.int32)
    places = {word: int(rows[number]) for word, number in numbers.items() if frequent[number]}
    # The last entry is for the separators: the index -1 reads it.
    return places, np.append(rows, np.int32(_NOWHERE))[ids]


if __name__ == "__main__":
    main()
