"""Labels as people have them in files, read as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from juyi.adaptation.evidence import Evidence
from juyi.adaptation.intents import IntentEvidence
from juyi.adaptation.questions import QuestionEvidence
from juyi.adaptation.scored_pairs import PairEvidence
from juyi.data import (
    LabelledTexts,
    ReadSettings,
    normalise,
    read_labelled_texts,
    read_pairs,
    read_scored_pairs,
    understand,
)
from juyi.errors import DataError, UsageError
from juyi.experiments.development import check_scores
from juyi.metrics import connected
from juyi.tasks.retrieval import Retrieval, retrieval_from_corpus, retrieval_from_groups
from juyi.types import Log

FEWEST_UNITS = 8
"""Groups, pairs or queries that share nothing; with fewer there is nothing to choose by."""


@dataclass(frozen=True)
class LabelFiles:
    """The files of labels that were given; empty where there are none of a kind.

    Attributes:
        pairs: Scored pairs.
        groups: Questions that mean the same, or a FAQ with its answers.
        clicks: Queries, each with what was taken.
        queries: Queries with the id of what answers them; needs a corpus.
        intents: Queries with their intents.
        corpus: What groups or queries refer to by id.
        pairs_reading: How the pairs are read; the other files tell by their contents.
    """

    pairs: str = ""
    groups: str = ""
    clicks: str = ""
    queries: str = ""
    intents: str = ""
    corpus: str = ""
    pairs_reading: ReadSettings = ReadSettings()


def read_evidence(files: LabelFiles, log: Log = lambda _: None) -> list[Evidence]:
    """The evidence of all files, in the order in which they decide where several do: what is searched first.

    Raises:
        UsageError: Queries without a corpus, or a corpus without groups or queries.
        DataError: A file cannot be read, holds something else, or too little that is independent.
    """
    if files.queries and not files.corpus:
        raise UsageError(f"--queries {files.queries} names what answers each query by id; give the texts with --corpus FILE.")
    if files.corpus and not (files.queries or files.groups):
        raise UsageError(f"--corpus {files.corpus} is what --queries or --groups refer to by id; give one of them.")
    found: list[tuple[str, Evidence]] = []
    if files.groups:
        found.append((files.groups, QuestionEvidence("groups", _groups(files.groups, files.corpus, log))))
    if files.queries:
        corpus, queries = _corpus(files.corpus, log), read_labelled_texts(files.queries, log=log)
        found.append((files.queries, QuestionEvidence("queries", _refused(files.queries, corpus, queries))))
    if files.clicks:
        found.append((files.clicks, QuestionEvidence("clicks", _clicks(files.clicks, log))))
    if files.intents:
        found.append((files.intents, IntentEvidence("intents", _intents(files.intents, log))))
    if files.pairs:
        pairs = read_scored_pairs(files.pairs, **files.pairs_reading.arguments(log))
        check_scores(pairs, files.pairs)
        found.append((files.pairs, PairEvidence("pairs", pairs)))
    for path, evidence in found:
        check_enough(evidence, path)
    return [evidence for _, evidence in found]


def check_enough(evidence: Evidence, path: str = "") -> None:
    """Refuse, before anything is trained, labels that nothing can be chosen by.

    Raises:
        DataError: Too few of them are independent.
    """
    rows = evidence.rows()
    units = len({*connected([[normalise(text) for text in row] for row in rows]).tolist()})
    if units < FEWEST_UNITS:
        raise DataError(
            f"the {len(rows)} {evidence.name} hang together in {units} {'unit' if units == 1 else 'units'} that share no text, "
            f"and {FEWEST_UNITS} are the least to choose by; 50 begin to show something. Label more, or leave them out.",
            path=path or None,
        )


def _groups(path: str, corpus: str, log: Log) -> Retrieval:
    """Paraphrases of a corpus by id; question groups; a standard question and a paraphrase a row; questions and answers."""
    if corpus:
        return _refused(path, _corpus(corpus, log), read_labelled_texts(path, log=log))
    known = understand(path)
    roles = [role for _, role in known.columns]
    if "answer" in roles and "text" in roles:
        names = [name for name, _ in known.columns]
        both = (names[roles.index("text")], names[roles.index("answer")])
        pairs = read_pairs(path, columns=both, log=log)
        return _pairs_as_search(pairs.anchors, pairs.positives)
    if roles == ["text", "text"]:
        pairs = read_pairs(path, log=log)
        standards = list(dict.fromkeys(pairs.anchors))
        return _grouped(path, LabelledTexts([*standards, *pairs.anchors], [*standards, *pairs.positives]))
    return _grouped(path, read_labelled_texts(path, log=log))


def _grouped(path: str, groups: LabelledTexts) -> Retrieval:
    try:
        return retrieval_from_groups("groups", "held-out", groups)
    except UsageError as error:
        raise DataError(f"{error} Give questions that mean the same one group, or a column of answers.", path=path) from error


def _clicks(path: str, log: Log) -> Retrieval:
    pairs = read_pairs(path, log=log)
    return _pairs_as_search(pairs.anchors, pairs.positives)


def _pairs_as_search(queries: list[str], taken: list[str]) -> Retrieval:
    """Each query once, with all that was taken after it; everything that was ever taken is the corpus."""
    places = {text: place for place, text in enumerate(dict.fromkeys(taken))}
    relevant: dict[str, set[int]] = {}
    for query, text in zip(queries, taken, strict=True):
        relevant.setdefault(query, set()).add(places[text])
    return Retrieval("clicks", "held-out", list(relevant), list(places), list(relevant.values()))


def _corpus(path: str, log: Log) -> LabelledTexts:
    """Ids and texts; further columns, answers for example, are not searched."""
    columns = understand(path).columns
    if len(columns) > 2 and columns[0][1] in ("id", "label") and columns[1][1] == "text":
        return read_labelled_texts(path, columns=("1", "2"), log=log)
    return read_labelled_texts(path, log=log)


def _refused(path: str, corpus: LabelledTexts, queries: LabelledTexts) -> Retrieval:
    try:
        return retrieval_from_corpus("queries", "held-out", corpus, queries)
    except UsageError as error:
        raise DataError(str(error), path=path) from error


def _intents(path: str, log: Log) -> LabelledTexts:
    """Each query once; where one has two intents, the first."""
    rows = read_labelled_texts(path, log=log)
    known: dict[str, int] = {}
    for place, text in enumerate(rows.texts):
        known.setdefault(normalise(text), place)
    kept = list(known.values())
    if len(kept) < len(rows):
        log(f"{len(rows) - len(kept)} queries of {Path(path).name} are repeats and count once")
    return LabelledTexts([rows.labels[place] for place in kept], [rows.texts[place] for place in kept])
