"""Which texts are almost the same as another, found exactly and without comparing all with all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_CHUNK = 200_000  # pairs verified at a time
_ONES = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)


@dataclass(frozen=True)
class NearDuplicates:
    """Which texts have a near-duplicate, and some pairs.

    Shapes:
        has_one: (n,) bool.
    """

    has_one: NDArray[np.bool_]
    examples: tuple[tuple[int, int], ...]
    is_complete: bool


def find_near_duplicates(
    texts: Sequence[str], *, percent: int = 90, examples: int = 5, most_candidates: int = 50_000_000
) -> NearDuplicates:
    """The texts that share at least `percent` % of their character 3-grams (Jaccard: common over all) with another text.

    Exact: no pair is missed and none is guessed, as long as there are at most `most_candidates` candidates; beyond,
    `is_complete` is False and there may be more. Texts of fewer than three characters have no 3-gram and no near-duplicate. Give
    every text once: equal texts are near-duplicates of each other.

    It takes some 110 bytes of memory a character: 400 MB for 100,000 sentences of 35.

    Args:
        texts: Distinct texts.
        percent: Lower bound of the Jaccard similarity, 1 to 100.
        examples: How many pairs to give, at most.
        most_candidates: Candidate pairs to look at before giving up.

    Source:
        Prefix and length filtering of Chaudhuri, Ganti and Kaushik (2006) and Bayardo, Ma and Srikant (2007): two sets of sizes
        a <= b with a Jaccard of t have a >= t b and meet within the first n - ceil(t n) + 1 of their members, rarest first. Each
        set of 3-grams has a 64-bit signature, which rules out most of the candidates before they are compared.
    """
    sets = _Sets(texts)
    search = _Search(sets, percent, examples)
    rows, tokens = sets.prefix(percent)
    order = np.lexsort((sets.sizes[rows], tokens))
    rows, tokens = rows[order], tokens[order]
    left = np.arange(len(rows))
    looked_at = 0
    distance = 0
    while len(left):
        distance += 1
        left = left[left + distance < len(rows)]
        a, b = rows[left], rows[left + distance]
        # Within a token the sets grow, so a partner that is too large ends the search for this left side.
        going = (tokens[left] == tokens[left + distance]) & (100 * sets.sizes[a] >= percent * sets.sizes[b])
        left, a, b = left[going], a[going], b[going]
        looked_at += len(left)
        if looked_at > most_candidates:
            return NearDuplicates(search.has_one, tuple(search.examples), False)
        search.look_at(a, b)
    return NearDuplicates(search.has_one, tuple(search.examples), True)


class _Sets:
    """The set of 3-grams of each text; members are numbered by rarity, the rarest is 0."""

    def __init__(self, texts: Sequence[str]) -> None:
        from scipy.sparse import csr_array  # a quarter of the start of `juyi encode`, which needs none

        lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
        # "surrogatepass": a lone surrogate is a code point like any other here.
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
        owner = np.repeat(np.arange(len(texts)), lengths)
        ends = np.repeat(np.cumsum(lengths), lengths)
        starts = np.flatnonzero(np.arange(len(points)) + 3 <= ends)
        grams = (points[starts] << 42) | (points[starts + 1] << 21) | points[starts + 2]
        _, numbers, counts = np.unique(grams, return_inverse=True, return_counts=True)
        rank = np.empty(len(counts), dtype=np.int64)
        rank[np.argsort(counts, kind="stable")] = np.arange(len(counts))
        width = max(len(counts), 1)
        keys = np.unique(owner[starts] * width + rank[numbers])
        self.rows: Ints = keys // width
        self.members: Ints = keys % width
        self.sizes: Ints = np.bincount(self.rows, minlength=len(texts)).astype(np.int64)
        self.starts: Ints = np.concatenate(([0], np.cumsum(self.sizes))).astype(np.int64)
        self.matrix = csr_array((np.ones(len(keys), dtype=np.int32), self.members, self.starts), shape=(len(texts), width))
        bits = np.left_shift(np.uint64(1), (self.members * 2654435761 % 4294967291 % 64).astype(np.uint64))
        self.signatures = np.zeros(len(texts), dtype=np.uint64)
        np.bitwise_or.at(self.signatures, self.rows, bits)

    def prefix(self, percent: int) -> tuple[Ints, Ints]:
        """Rows and members of the rarest part of each set, in which two similar sets must meet."""
        needed = -(-percent * self.sizes // 100)
        place = np.arange(len(self.rows)) - self.starts[self.rows]
        kept = place <= (self.sizes - needed)[self.rows]
        return self.rows[kept], self.members[kept]


@dataclass
class _Search:
    """What has been found so far."""

    sets: _Sets
    percent: int
    most_examples: int
    has_one: NDArray[np.bool_] = field(init=False)
    examples: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.has_one = np.zeros(len(self.sets.sizes), dtype=np.bool_)

    def look_at(self, a: Ints, b: Ints) -> None:
        """Verify the pairs that could tell something new."""
        new = ~(self.has_one[a] & self.has_one[b])
        a, b = a[new], b[new]
        both = self.sets.sizes[a] + self.sets.sizes[b]
        differing = (self.sets.signatures[a] ^ self.sets.signatures[b]).view(np.uint8).reshape(-1, 8)
        # |A xor B| <= (1 - t) / (1 + t) (|A| + |B|), and each differing bit of the signatures is at least one differing member.
        possible = (100 + self.percent) * _ONES[differing].sum(axis=1, dtype=np.int64) <= (100 - self.percent) * both
        a, b = a[possible], b[possible]
        for start in range(0, len(a), _CHUNK):
            self._verify(a[start : start + _CHUNK], b[start : start + _CHUNK])

    def _verify(self, a: Ints, b: Ints) -> None:
        matrix = self.sets.matrix
        common = np.asarray(matrix[a].multiply(matrix[b]).sum(axis=1)).ravel().astype(np.int64)
        union = self.sets.sizes[a] + self.sets.sizes[b] - common
        for one, other in zip(a[100 * common >= self.percent * union], b[100 * common >= self.percent * union], strict=True):
            pair = (int(min(one, other)), int(max(one, other)))
            if len(self.examples) < self.most_examples and pair not in self.examples:
                self.examples.append(pair)
            self.has_one[[one, other]] = True
