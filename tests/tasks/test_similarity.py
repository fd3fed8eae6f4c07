from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.data import ScoredPairs, Triplets
from juyi.errors import UsageError
from juyi.evaluation import evaluate_suite
from juyi.postprocessing import fit_whitening
from juyi.tasks import STS, Cosine, Geometry, PairClassification, Retrieval, Similarity, TripletAccuracy
from juyi.tasks.similarity import encode_of, similarity_of
from juyi.types import Embeddings, Hits

TEXTS = [f"句{i}" for i in range(12)]


def encode(texts: Sequence[str]) -> Embeddings:
    """A fixed random direction for each text."""
    return np.stack([np.random.default_rng(list(text.encode())).normal(size=5) for text in texts]).astype(np.float32)


def slow_cosine(a: str, b: str) -> float:
    x, y = (encode([text])[0].astype(float).tolist() for text in (a, b))
    product = sum(p * q for p, q in zip(x, y, strict=True))
    return float(product / (sum(p * p for p in x) * sum(q * q for q in y)) ** 0.5)


class SharedCharacters:
    """Compares texts by how many characters they share; it has no vectors."""

    def pairs(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        return np.array([len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in zip(first, second, strict=True)])

    def nearest(self, queries: Sequence[str], corpus: Sequence[str], k: int) -> Hits:
        scores = np.array([self.pairs([query] * len(corpus), corpus) for query in queries])
        ids = np.argsort(-scores, axis=1, kind="stable")
        found = np.take_along_axis(scores, ids, axis=1)
        padding = ((0, 0), (0, max(0, k - len(corpus))))
        ids, found = np.pad(ids, padding, constant_values=-1), np.pad(found, padding, constant_values=-np.inf)
        return Hits(ids[:, :k].astype(np.int64), found[:, :k].astype(np.float32))


def test_pairs_equal_the_loop_and_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    first, second = ([TEXTS[i] for i in rng.integers(0, 12, 40)] for _ in range(2))
    got = Cosine(encode).pairs(first, second)
    np.testing.assert_allclose(got, [slow_cosine(a, b) for a, b in zip(first, second, strict=True)], atol=1e-7)
    assert got.dtype == np.float64


def test_pairs_of_equal_texts_are_ties() -> None:
    assert Cosine(encode).pairs(["甲", "乙", "丙"], ["甲", "乙", "丙"]).tolist() == [1.0, 1.0, 1.0]
    assert Cosine(lambda texts: np.ones((0, 3), dtype=np.float32)).pairs([], []).shape == (0,)


@pytest.mark.parametrize("k", [1, 3, 12])
def test_nearest_equals_the_loop(k: int) -> None:
    queries = ["问一", "问二", "句3"]
    hits = Cosine(encode).nearest(queries, TEXTS, k)
    for query, ids, scores in zip(queries, hits.ids, hits.scores, strict=True):
        wanted = sorted(range(12), key=lambda place: -slow_cosine(query, TEXTS[place]))[:k]
        assert ids.tolist() == wanted
        np.testing.assert_allclose(scores, [slow_cosine(query, TEXTS[place]) for place in wanted], atol=1e-6)


def test_of_equal_texts_the_first_of_the_corpus_comes_first_and_the_rest_is_padded() -> None:
    hits = Cosine(encode).nearest(["甲"], ["乙", "甲", "丙", "甲"], 6)
    assert hits.ids[0, :2].tolist() == [1, 3]
    assert hits.scores[0, 0] == hits.scores[0, 1] == 1
    assert hits.ids[0, 4:].tolist() == [-1, -1]


def test_each_text_of_a_call_is_encoded_once() -> None:
    asked: list[str] = []

    def recording(texts: Sequence[str]) -> Embeddings:
        asked.extend(texts)
        return encode(texts)

    Cosine(recording).pairs(["甲", "乙", "甲"], ["乙", "丙", "甲"])
    assert asked == ["甲", "乙", "丙"]
    asked.clear()
    Cosine(recording).nearest(["甲", "甲"], ["乙", "甲", "乙"], 1)
    assert asked == ["甲", "乙"]


@pytest.mark.parametrize(
    "ask", [lambda cosine: cosine.pairs(TEXTS[:6], TEXTS[:5:-1]), lambda cosine: cosine.nearest(TEXTS, TEXTS, 2)]
)
def test_a_collapsed_encoder_is_one_clear_error(ask: Callable[[Cosine], object]) -> None:
    words = (
        r"12 different texts have only 5 different vectors: '句0' and '句5' have the same one.*has collapsed, or does not know"
    )
    with pytest.raises(UsageError, match=words):
        ask(Cosine(lambda texts: encode([f"{int(text[1:]) % 5}" for text in texts])))
    # Half of the vectors may be twins: the other half is told apart.
    ask(Cosine(lambda texts: encode([f"{int(text[1:]) % 6}" for text in texts])))


def test_unusable_vectors_are_refused() -> None:
    with pytest.raises(UsageError, match=r"gave an array of the shape \(1, 3\) for 2 texts"):
        Cosine(lambda texts: np.ones((1, 3), dtype=np.float32)).pairs(["甲"], ["乙"])
    # Rows of NaN are equal bytes, and yet the encoder has not collapsed.
    with pytest.raises(UsageError, match="embeddings has 36 values that are NaN"):
        Cosine(lambda texts: np.full((len(texts), 3), np.nan, dtype=np.float32)).pairs(TEXTS, TEXTS)
    with pytest.raises(UsageError, match="rows of zeros"):
        Cosine(lambda texts: np.zeros((len(texts), 3), dtype=np.float32)).nearest(["甲"], ["乙"], 1)
    with pytest.raises(UsageError, match="corpus is empty"):
        Cosine(encode).nearest(["甲"], [], 1)


def test_what_compares_is_taken_as_it_is_and_has_no_vectors() -> None:
    lexical = SharedCharacters()
    assert isinstance(lexical, Similarity) and not isinstance(encode, Similarity)
    assert similarity_of(lexical) is lexical
    assert similarity_of(encode).pairs(["甲"], ["乙"])[0] == pytest.approx(slow_cosine("甲", "乙"), abs=1e-7)
    assert encode_of(encode) is encode
    with pytest.raises(UsageError, match="SharedCharacters compares texts and has no vectors; this task needs an encoder"):
        encode_of(lexical)


def test_a_comparison_without_vectors_does_every_task_but_those_on_vectors() -> None:
    rng = np.random.default_rng(0)
    first, second = (["".join(rng.choice(list("天地玄黄宇宙洪荒"), 4)) for _ in range(30)] for _ in range(2))
    graded, binary = (
        ScoredPairs(first, second, scores.astype(np.float64)) for scores in (rng.integers(0, 6, 30), np.arange(30) % 2)
    )
    tasks = [
        STS("a", "test", graded),
        PairClassification("b", "test", binary),
        TripletAccuracy("c", "test", Triplets(first, second, first[::-1])),
        Retrieval("d", "test", first, second, [[i] for i in range(30)]),
        Geometry("e", "test", graded),
    ]
    result = evaluate_suite(tasks, SharedCharacters())
    assert {score.task for score in result.scores} == {"a", "b", "c", "d"}
    (problem,) = result.problems
    assert problem.startswith("e test could not be measured: SharedCharacters compares texts and has no vectors")
    wanted = SharedCharacters().pairs(first, second)
    assert result.value("a", "test") == pytest.approx(STS("a", "test", graded).score(wanted).value)


def test_cosines_that_differ_by_rounding_alone_are_refused() -> None:
    # As many texts as dimensions and one: whitened, they are the corners of a simplex.
    texts = [f"text {i}" for i in range(9)]
    vectors = dict(zip(texts, np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32), strict=True))
    whitening = fit_whitening(np.stack(list(vectors.values())))
    with pytest.raises(UsageError, match=r"all 8 pairs of different texts lie within .* of -0\.125.*fitted on no more texts"):
        Cosine(lambda asked: whitening(np.stack([vectors[text] for text in asked]))).pairs(texts[:-1], texts[1:])
    plain = Cosine(lambda asked: np.stack([vectors[text] for text in asked])).pairs(texts[:-1], texts[1:])
    assert np.ptp(plain) > 0.1
