"""Labels in folds: what an encoder is measured on, it has not met, in any kind of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from juyi.adaptation import Evidence, IntentEvidence, PairEvidence, QuestionEvidence, dealt
from juyi.adaptation.evidence import joined_lesson, limited
from juyi.baselines import LexicalOverlap
from juyi.data import LabelledTexts, ScoredPairs, normalise
from juyi.metrics import BinaryRanking, spearman
from juyi.objectives import CoSENT, SimCSESupervised
from juyi.tasks import Retrieval, Similarity
from juyi.tasks.retrieval import retrieval_from_groups
from juyi.types import Hits

FOLDS = 4


def groups(count: int = 40) -> QuestionEvidence:
    rows = [(str(group), f"问题{group} 说法{number}") for group in range(count) for number in range(2 + group % 3)]
    labelled = LabelledTexts([group for group, _ in rows], [text for _, text in rows])
    return QuestionEvidence("groups", retrieval_from_groups("groups", "held-out", labelled))


def pairs(count: int = 60, binary: bool = True) -> PairEvidence:
    rng = np.random.default_rng(0)
    scores = (rng.random(count) < 0.4).astype(float) if binary else rng.integers(0, 6, count).astype(float)
    # Neighbours share a sentence here and there, and some sentences are those of the groups.
    first = [f"问题{i} 说法0" if i % 7 == 0 else f"左边{i - i % 3}" for i in range(count)]
    return PairEvidence("pairs", ScoredPairs(first, [f"右边{i}" for i in range(count)], scores))


def intents(outside: int = 0, count: int = 12) -> IntentEvidence:
    topics = "甲乙丙丁戊己庚辛壬癸子丑"
    rows = [(f"意图{i}", f"{topics[i] * 3}{number}") for i in range(count) for number in range(8)]
    rows += [("oos", f"无关话{number}") for number in range(outside)]
    return IntentEvidence("intents", LabelledTexts([label for label, _ in rows], [text for _, text in rows]))


class Noted:
    """Compares by overlap and remembers what was asked for."""

    def __init__(self) -> None:
        self.overlap = LexicalOverlap()
        self.queries: list[str] = []
        self.corpus: list[str] = []

    def pairs(self, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
        return self.overlap.pairs(first, second)

    def nearest(self, queries: Sequence[str], corpus: Sequence[str], k: int) -> Hits:
        self.queries += queries
        self.corpus += corpus
        return self.overlap.nearest(queries, corpus, k)


KINDS = {
    "groups": [groups()],
    "scored pairs": [pairs(binary=False)],
    "labelled pairs": [pairs()],
    "intents": [intents()],
    "intents and queries without one": [intents(outside=20)],
    "few intents": [intents(count=4)],
    "all of them": [groups(), pairs(), intents()],
}


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_no_encoder_learns_a_text_that_it_is_measured_on(kinds: list[Evidence]) -> None:
    found = dealt(kinds, FOLDS, seed=1)
    assert {fold for each in found for fold in each.folds.tolist()} == set(range(FOLDS))
    for fold in range(FOLDS):
        learned = {normalise(text) for each in found for text in texts_of(each.lesson(fold))}
        for each in found:
            asked = Noted()
            each.outcomes(lambda of_fold, fold=fold, asked=asked: asked if of_fold == fold else LexicalOverlap())
            measured = asked.queries if asked.queries else own_texts(each, fold)
            assert measured and learned.isdisjoint(map(normalise, measured))


def texts_of(lesson: object) -> list[str]:
    columns = getattr(lesson, "columns", {})
    return [cell for name, column in columns.items() if name != "score" for cell in column]


def own_texts(evidence: Evidence, fold: int) -> list[str]:
    return [text for row, of in zip(evidence.rows(), evidence.folds.tolist(), strict=True) if of == fold for text in row]


def test_folds_are_about_equally_large_and_texts_that_hang_together_lie_in_one() -> None:
    found, others = dealt([groups(), pairs()], FOLDS)
    assert np.ptp(np.bincount(np.concatenate([found.folds, others.folds]))) <= 6
    fold_of: dict[str, int] = {}
    for each in (found, others):
        for row, fold in zip(each.rows(), each.fold_of_row.tolist(), strict=True):
            for text in row:
                assert fold_of.setdefault(normalise(text), fold) == fold


def test_pairs_are_measured_as_their_tasks_measure_them() -> None:
    overlap = LexicalOverlap()
    for binary in (True, False):
        (found,) = dealt([pairs(binary=binary)], FOLDS)
        assert isinstance(found, PairEvidence)
        cosines = overlap.pairs(found.pairs.first, found.pairs.second)
        figures = {each.score.metric: each.score.value for each in found.figures(found.outcomes(lambda _: overlap))}
        assert figures["spearman"] == pytest.approx(100 * spearman(cosines, found.pairs.scores))
        if binary:
            assert figures["average-precision"] == pytest.approx(
                100 * BinaryRanking(cosines, found.pairs.scores).average_precision()
            )
        assert next(iter(figures)) == ("average-precision" if binary else "spearman")


def test_scales_of_encoders_do_not_matter_where_folds_are_put_together() -> None:
    class Scaled(LexicalOverlap):
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def pairs(self, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
            return self.factor * super().pairs(first, second) + 1 / self.factor

    (found,) = dealt([pairs()], FOLDS)
    scaled = {fold: Scaled(1.0 + fold) for fold in range(FOLDS)}
    plain, mixed = found.outcomes(lambda _: scaled[0]), found.outcomes(lambda fold: scaled[fold])
    np.testing.assert_allclose(mixed[:, 0], plain[:, 0], atol=1e-9)


def test_questions_are_measured_as_their_task_measures_them() -> None:
    (found,) = dealt([groups()], FOLDS)
    assert isinstance(found, QuestionEvidence)
    expected = {score.metric: score.value for score in found.retrieval.evaluate(LexicalOverlap())}
    figures = {each.score.metric: each.score.value for each in found.figures(found.outcomes(lambda _: LexicalOverlap()))}
    assert figures == pytest.approx(expected)
    assert next(iter(figures)) == "mrr@10"


def test_intents_are_nearest_examples_of_other_folds_and_what_has_none_is_told_apart() -> None:
    for found in dealt([intents(outside=20)], FOLDS) + dealt([intents()], FOLDS):
        figures = {each.score.metric: each.score for each in found.figures(found.outcomes(lambda _: LexicalOverlap()))}
        assert figures["accuracy"].value > 90
        assert figures["auroc"].value > 90
        assert figures["accuracy"].count <= 96
    (few,) = dealt([intents(count=4)], FOLDS)
    assert list(few.statistics(few.outcomes(lambda _: LexicalOverlap()))) == ["accuracy"]


def test_an_intent_that_is_held_out_is_neither_learned_nor_an_example() -> None:
    (found,) = dealt([intents()], FOLDS)
    assert isinstance(found, IntentEvidence)
    intent_of = dict(zip(found.labelled.texts, found.labelled.labels, strict=True))
    held = []
    for fold in range(FOLDS):
        asked = Noted()
        found.outcomes(lambda of_fold, fold=fold, asked=asked: asked if of_fold == fold else LexicalOverlap())
        lesson = found.lesson(fold)
        known = {intent_of[text] for text in texts_of(lesson)}
        assert known == {intent_of[text] for text in asked.corpus}
        held += sorted({*intent_of.values()} - known)
    assert sorted(held) == sorted({*intent_of.values()})  # each once


def test_a_ring_pairs_each_text_with_another_of_its_group() -> None:
    (found,) = dealt([groups()], FOLDS)
    lesson = found.lesson()
    assert lesson is not None and isinstance(lesson.objective, SimCSESupervised) and lesson.distinct
    anchors, positives = lesson.columns["anchor"], lesson.columns["positive"]
    assert sorted(anchors) == sorted(positives) == sorted({text for row in found.rows() for text in row})
    assert all(a != p and a.split()[0] == p.split()[0] for a, p in zip(anchors, positives, strict=True))
    assert lesson.groups == 40


def test_lessons_of_one_objective_are_joined() -> None:
    found = dealt([groups(), pairs(), intents()], FOLDS)
    lessons = [lesson for each in found if (lesson := each.lesson()) is not None]
    joined = joined_lesson(lessons)
    assert joined is not None and len(joined) == len(lessons[0]) + len(lessons[2])
    assert isinstance(lessons[1].objective, CoSENT)
    assert joined_lesson([]) is None


def test_what_teaches_nothing_gives_no_lesson() -> None:
    alike = PairEvidence("pairs", ScoredPairs(["甲", "乙"], ["丙", "丁"], np.array([1.0, 1.0])))
    assert alike.in_folds(np.zeros(2, dtype=np.intp)).lesson() is None


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_a_part_of_the_rows_keeps_whole_units(kinds: list[Evidence]) -> None:
    for each in kinds:
        some = limited(each, 30)
        assert 20 <= len(some.rows()) <= 30
        assert limited(each, 10_000) is each
        kept, rows = {tuple(row) for row in some.rows()}, [tuple(row) for row in each.rows()]
        assert kept <= set(rows)
        inside = {normalise(text) for row in kept for text in row}
        for row in rows:
            if row not in kept:
                assert inside.isdisjoint(map(normalise, row))


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_what_a_part_is_measured_on_the_whole_teaches_without_it(kinds: list[Evidence]) -> None:
    """All labels are learned from, and some are measured on: in the same folds, with the same intents held out."""
    taught = dealt(kinds, FOLDS)
    for whole in taught:
        part = limited(whole, 30)
        for fold in np.unique(part.fold_of_row).tolist():
            lesson = joined_lesson([each for other in taught if (each := other.lesson(fold)) is not None])
            assert lesson is not None
            learned = {normalise(text) for name, cells in lesson.columns.items() if name != "score" for text in cells}
            rows = [row for row, of in zip(part.rows(), part.fold_of_row.tolist(), strict=True) if of == fold]
            assert rows and learned.isdisjoint(normalise(text) for row in rows for text in row)
        if isinstance(whole, IntentEvidence) and isinstance(part, IntentEvidence):
            assert part.held_out == whole.held_out
            for fold in range(FOLDS):
                unknown = {
                    normalise(text)
                    for text, label in zip(whole.labelled.texts, whole.labelled.labels, strict=True)
                    if whole.held_out.get(label) == fold
                }
                lesson = whole.lesson(fold)
                assert lesson is not None and unknown.isdisjoint(map(normalise, lesson.columns["anchor"]))


def test_texts_that_answer_nothing_stay_in_the_corpus() -> None:
    search = Retrieval("queries", "held-out", ["甲", "乙", "丙"], ["一", "二", "三", "四"], [[0], [1], [1, 2]])
    some = QuestionEvidence("queries", search).subset([2])
    assert some.retrieval.corpus == ["二", "三", "四"]
    assert some.rows() == [["丙", "二", "三"]]


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("texts", [40, 60, 90, 10_000])
def test_what_fits_is_no_more_than_so_many_texts(kinds: list[Evidence], texts: int) -> None:
    for whole in dealt(kinds, FOLDS):
        part = whole.fitting(texts, 10_000)
        distinct = len({normalise(text) for text in whole.texts()})
        assert (part is whole) == (distinct <= texts)
        encoded = len({normalise(text) for text in part.texts()})
        assert 0.6 * min(texts, distinct) <= encoded <= texts * (4 if isinstance(whole, IntentEvidence) else 1)
        assert whole.fitting(10_000, texts // 2).measured_rows <= texts // 2
        folds = dict(zip(map(tuple, whole.rows()), whole.fold_of_row.tolist(), strict=True))
        assert [folds[tuple(row)] for row in part.rows()] == part.fold_of_row.tolist()


@pytest.mark.parametrize(
    ("queries", "corpus", "texts", "asked", "among"),
    [
        (100, 100, 200, 100, 100),  # as it is
        (100, 100, 150, 75, 75),  # both cut: an answer without its query is no part of it
        (300, 300, 200, 100, 100),
        (100, 1000, 1050, 100, 950),  # the queries fit, some of the corpus has to go
        (100, 1000, 100, 50, 50),  # what answers stays
        (1000, 50, 200, 140, 50),  # twenty queries to an answer, all or none
    ],
)
def test_a_corpus_is_searched_whole_as_long_as_it_fits(queries: int, corpus: int, texts: int, asked: int, among: int) -> None:
    names, found = [f"问{number}" for number in range(queries)], [f"文{number}" for number in range(corpus)]
    retrieval = Retrieval("queries", "held-out", names, found, [[number % corpus] for number in range(queries)])
    whole = dealt([QuestionEvidence("queries", retrieval)], FOLDS)[0]
    part = whole.fitting(texts, 10_000)
    assert (len(part.rows()), len(part.corpus)) == (asked, among)
    assert {tuple(row) for row in part.rows()} <= {tuple(row) for row in whole.rows()}
    assert {text for row in part.rows() for text in row[1:]} <= set(part.corpus) <= set(whole.corpus)


@pytest.mark.parametrize("outside", [0, 40])
def test_intents_that_are_not_asked_are_examples(outside: int) -> None:
    whole = dealt([intents(outside)], FOLDS)[0]
    part = whole.fitting(texts=40, rows=10_000)
    assert isinstance(part, IntentEvidence) and part.measured_rows == 40 and len(part.rows()) > 90
    assert whole.fitting(texts=20, rows=15).measured_rows == 15
    assert part.subset(range(50)).measured_rows < 40
    assert part.labels() != whole.labels()  # what is kept of other rows is not taken for it
    noted = Noted()
    outcomes = part.outcomes(lambda fold: noted)
    assert len(outcomes) == part.units.items == len(part.folds)
    assert len(set(noted.queries)) == 40 < len(set(noted.corpus))


def test_queries_with_many_answers_are_fewer() -> None:
    corpus = [f"文{number}" for number in range(2_000)]
    relevant = [range(20 * number, 20 * number + 20) for number in range(100)]
    retrieval = Retrieval("queries", "held-out", [f"问{number}" for number in range(100)], corpus, relevant)
    part = QuestionEvidence("queries", retrieval).fitting(630, 10_000)
    assert (len(part.rows()), len(part.corpus)) == (30, 600)


def test_overlap_is_a_similarity() -> None:
    assert isinstance(Noted(), Similarity)
