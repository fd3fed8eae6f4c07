"""Labels as people have them in files, read as evidence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from juyi.adaptation.evidence import Evidence
from juyi.adaptation.intents import IntentEvidence
from juyi.adaptation.questions import QuestionEvidence
from juyi.adaptation.scored_pairs import PairEvidence
from juyi.data import (
    LabelledTexts,
    ReadOptions,
    ReadSettings,
    normalise,
    read_labelled_texts,
    read_pairs,
    read_scored_pairs,
    understand,
)
from juyi.errors import DataError, UsageError
from juyi.experiments.development import check_scores
from juyi.labelling import ANSWERS, HIGHEST, NAME, LabelSheet, labels_without_sheet
from juyi.language import translated as _
from juyi.metrics import connected
from juyi.tasks.retrieval import Retrieval, retrieval_from_corpus, retrieval_from_groups
from juyi.types import Log

FEWEST_UNITS = 8
"""Groups, pairs or queries that share nothing; with fewer there is nothing to choose by."""
FEWEST_OTHERS = 6
"""Units of a label sheet whose score is not the commonest."""
FEWEST_BESIDE = 50
"""Units of a label sheet that count beside other labels: the decision is by the mean of all kinds, and few would blur it."""


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
        reading: How the file of labels is read where its contents shall not decide; the corpus tells by its contents. Columns
            can be named where there is one file of labels.
    """

    pairs: str = ""
    groups: str = ""
    clicks: str = ""
    queries: str = ""
    intents: str = ""
    corpus: str = ""
    reading: ReadSettings = ReadSettings()

    @property
    def named(self) -> dict[str, str]:
        """The files of labels that were given, by option."""
        kinds = {"groups": self.groups, "queries": self.queries, "clicks": self.clicks}
        kinds |= {"intents": self.intents, "pairs": self.pairs}
        return {kind: file for kind, file in kinds.items() if file}


def _silent(_: str) -> None:
    """Heard already."""


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
    if files.reading.columns and len(files.named) > 1:
        raise UsageError(
            f"Columns are named ({', '.join(files.reading.columns)}), and there are {len(files.named)} files of labels: "
            f"{', '.join(files.named.values())}. Name them for one file, or give the others usual names in their header."
        )
    options = files.reading.arguments(log)
    found = []
    for kind, path in files.named.items():
        evidence = _read(kind, path, files.corpus, options)
        check_enough(evidence, path)
        found.append(evidence)
    return found


def _read(kind: str, path: str, corpus: str, options: ReadOptions) -> Evidence:
    match kind:
        case "groups":
            return QuestionEvidence(kind, _groups(path, corpus, options))
        case "queries":
            return QuestionEvidence(kind, _by_id(path, corpus, options))
        case "clicks":
            pairs = read_pairs(path, **options)
            return QuestionEvidence(kind, _pairs_as_search(pairs.anchors, pairs.positives))
        case "intents":
            return IntentEvidence(kind, _intents(path, options))
        case _:
            scored = read_scored_pairs(path, **options)
            check_scores(scored, path)
            return PairEvidence(kind, scored, top=float(scored.scores.max()))


def sheet_evidence(
    folder: Path, sentences: Collection[str], log: Log = lambda _: None, *, least: int = FEWEST_UNITS
) -> PairEvidence | None:
    """What was filled in on the label sheet of a folder; None where that is too little, or nothing.

    Args:
        folder: That the sheet was written to.
        sentences: Those at hand; labels of others are left out.
        log: Hears what is used.
        least: So many units that share no sentence are needed.

    Raises:
        DataError: A file of the sheet cannot be read, or two say different things.
        UsageError: All labels are of other sentences.
    """
    sheet = LabelSheet.open(folder)
    labels = labels_without_sheet(folder, log) if sheet is None else sheet.labels(log)
    if labels is None or not len(labels):
        return None
    known = {normalise(text) for text in sentences}
    rows = zip(labels.pairs.first, labels.pairs.second, strict=True)
    kept = [place for place, row in enumerate(rows) if known.issuperset(map(normalise, row))]
    if not kept:
        raise UsageError(
            f"{folder} holds a label sheet with {len(labels)} labels, and they are of other sentences than those at hand. "
            f"Write to another folder, or move {NAME}* and {ANSWERS} away."
        )
    evidence = PairEvidence("label sheet", labels.pairs, labels.weights, HIGHEST).subset(kept)
    others = ""
    if len(kept) < len(labels):
        others = _(", {count} are of other sentences and are left out").format(count=len(labels) - len(kept))
    log(
        _("label sheet: {labelled} pairs are labelled, {open} are open{others}").format(
            labelled=len(kept), open=labels.open, others=others
        )
    )
    try:
        check_scores(evidence.pairs, str(folder / NAME))
        check_enough(evidence, least=least)
        _check_varied(evidence)
    except DataError as error:
        log(_("The label sheet does not count yet: {error}").format(error=error))
        return None
    return evidence


def _check_varied(evidence: PairEvidence) -> None:
    """Refuse scores that are nearly all the same: hardly a resample of them would have a figure."""
    values, counts = np.unique(evidence.pairs.scores, return_counts=True)
    common = values[counts.argmax()]
    others = len(np.unique(evidence.units.of[evidence.pairs.scores != common]))
    if others < FEWEST_OTHERS:
        raise DataError(
            f"nearly all scores are {common:g}: {others} units that share no sentence have another, and {FEWEST_OTHERS} are the "
            "least. Label more; a further batch is `juyi label OUT --more 100`."
        )


def check_enough(evidence: Evidence, path: str = "", *, least: int = FEWEST_UNITS) -> None:
    """Refuse, before anything is trained, labels that nothing can be chosen by.

    Raises:
        DataError: Too few of them are independent.
    """
    rows = evidence.rows()
    units = len({*connected([[normalise(text) for text in row] for row in rows]).tolist()})
    if units < least:
        raise DataError(
            f"the {len(rows)} {evidence.name} hang together in {units} {'unit' if units == 1 else 'units'} that share no text, "
            f"and {least} are the least to choose by; 50 begin to show something. Label more, or leave them out.",
            path=path or None,
        )


def _groups(path: str, corpus: str, options: ReadOptions) -> Retrieval:
    """Paraphrases of a corpus by id; question groups; a standard question and a paraphrase a row; questions and answers."""
    if corpus:
        return _by_id(path, corpus, options)
    silent: ReadOptions = {**options, "log": _silent}
    columns = understand(path, **silent).columns
    roles = [role for _, role in columns]
    if "answer" in roles and "text" in roles:
        names = tuple(columns[roles.index(role)][0] for role in ("text", "answer"))
        of_both: ReadOptions = {**options, "columns": names}
        pairs = read_pairs(path, **of_both)
        return _pairs_as_search(pairs.anchors, pairs.positives)
    if roles == ["text", "text"]:
        pairs = read_pairs(path, **options)
        standards = list(dict.fromkeys(pairs.anchors))
        return _grouped(path, LabelledTexts([*standards, *pairs.anchors], [*standards, *pairs.positives]))
    return _grouped(path, read_labelled_texts(path, **options))


def _grouped(path: str, groups: LabelledTexts) -> Retrieval:
    try:
        return retrieval_from_groups("groups", "held-out", groups)
    except UsageError as error:
        raise DataError(f"{error} Give questions that mean the same one group, or a column of answers.", path=path) from error


def _pairs_as_search(queries: list[str], taken: list[str]) -> Retrieval:
    """Each query once, with all that was taken after it; everything that was ever taken is the corpus."""
    places = {text: place for place, text in enumerate(dict.fromkeys(taken))}
    relevant: dict[str, set[int]] = {}
    for query, text in zip(queries, taken, strict=True):
        relevant.setdefault(query, set()).add(places[text])
    return Retrieval("clicks", "held-out", list(relevant), list(places), list(relevant.values()))


def _by_id(path: str, corpus: str, options: ReadOptions) -> Retrieval:
    """Queries with the ids of what answers them. Of the corpus ids and texts; answers and the like are not searched."""
    columns, log = understand(corpus).columns, options.get("log") or _silent
    first_two = len(columns) > 2 and columns[0][1] in ("id", "label") and columns[1][1] == "text"
    texts = read_labelled_texts(corpus, columns=("1", "2") if first_two else (), log=log)
    queries = read_labelled_texts(path, **options)
    try:
        return retrieval_from_corpus("queries", "held-out", texts, queries)
    except UsageError as error:
        raise DataError(str(error), path=path) from error


def _intents(path: str, options: ReadOptions) -> LabelledTexts:
    """Each query once; where one has two intents, the first."""
    rows, log = read_labelled_texts(path, **options), options.get("log") or _silent
    known: dict[str, int] = {}
    for place, text in enumerate(rows.texts):
        known.setdefault(normalise(text), place)
    kept = list(known.values())
    if len(kept) < len(rows):
        log(f"{len(rows) - len(kept)} queries of {Path(path).name} are repeats and count once")
    return LabelledTexts([rows.labels[place] for place in kept], [rows.texts[place] for place in kept])
