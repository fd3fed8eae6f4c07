"""The label sheet of a folder: what is to be labelled, what has been, and how much each label counts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from juyi.atomic import write_text
from juyi.data import ScoredPairs, normalise
from juyi.errors import ColumnsError, DataError, MissingExtraError, OutputError, UsageError
from juyi.labelling.files import ID, SheetRow, read_rows, write_csv, write_xlsx
from juyi.labelling.rubric import rubric_page
from juyi.labelling.sampling import DrawnPair, sampling_weights
from juyi.language import translated as _
from juyi.types import Log

NAME = "pairs_to_label"
ANSWERS = "pairs_labelled.csv"
BATCH = 100
RESERVE = 20 * BATCH
_READ = (".csv", ".xlsx", ".tsv", ".txt")
_OURS = re.compile(rf"{NAME}(_\d+)?\.(csv|xlsx)|{re.escape(ANSWERS)}")


@dataclass(frozen=True)
class SheetPair:
    """A pair that was drawn.

    Attributes:
        id: Made of its sentences; a spreadsheet takes it for text.
        first: A sentence.
        second: Another.
        size: See `DrawnPair`.
        priority: See `DrawnPair`.
    """

    id: str
    first: str
    second: str
    size: float
    priority: float


@dataclass(frozen=True, eq=False)
class SheetLabels:
    """What people said of the pairs.

    Attributes:
        pairs: Those with a score.
        weights: How much each counts, on average 1: what was drawn on purpose counts less; see `sampling_weights`. All 1 where
            nothing is known of the draw.
        open: How many pairs of the sheet have no score.
    """

    pairs: ScoredPairs
    weights: NDArray[np.float64]
    open: int

    def __len__(self) -> int:
        return len(self.pairs)


@dataclass(frozen=True)
class LabelSheet:
    """The pairs of a folder, in the order of the draw.

    Beside the sheet lies `pairs_to_label.json`, what this object is: the order, the sizes, how many are shown. Labels are what
    the files of the folder say: the sheets, in whatever shape they came back, and `pairs_labelled.csv`, which `answer` writes.

    Attributes:
        folder: Where the files lie.
        origin: A digest of the sentences and of the candidates that the pairs were drawn for.
        shown: How many stand on a sheet, batch after batch.
        pairs: Those and the ones after them.
    """

    folder: Path
    origin: str
    shown: tuple[int, ...]
    pairs: tuple[SheetPair, ...]

    @classmethod
    def open(cls, folder: Path) -> LabelSheet | None:
        """The sheet of a folder; None where there is none.

        Raises:
            DataError: Its description is damaged.
        """
        path = folder / f"{NAME}.json"
        if not path.exists():
            return None
        try:
            return TypeAdapter(cls).validate_python({**json.loads(path.read_text(encoding="utf-8")), "folder": folder})
        except (OSError, TypeError, ValueError) as error:  # of JSON and of pydantic too
            reason = "the description of the label sheet cannot be read. Move it away, and the labels count without weights."
            raise DataError(reason, path=path) from error

    @classmethod
    def create(
        cls, folder: Path, origin: str, texts: Sequence[str], drawn: Sequence[DrawnPair], log: Log = lambda _: None
    ) -> LabelSheet:
        """Write a new sheet with its first batch, and the rubric.

        Args:
            folder: Where; an older sheet there is replaced where it holds no label.
            origin: A digest of what the pairs were drawn for.
            texts: What the drawn pairs are places in.
            drawn: The pairs, best first; one more than is ever shown.
            log: Hears what could not be written.

        Raises:
            UsageError: There are labels in the folder, or files that may hold some.
            OutputError: It cannot be written.
        """
        if holds_labels(folder):
            raise UsageError(f"{folder} holds labels; a new label sheet would take their place. Write to another folder.")
        for path in _files(folder):
            try:
                path.unlink()
            except OSError as error:
                raise OutputError(path, error) from error
        pairs = []
        for each in drawn:
            first, second = (" ".join(texts[place].split()) for place in (each.first, each.second))
            pairs.append(SheetPair(pair_id(first, second), first, second, each.size, each.priority))
        sheet = cls(folder, origin, (), tuple(pairs))
        write_text(folder / f"{NAME}.md", rubric_page())
        return sheet.more(log=log)

    def more(self, count: int = BATCH, log: Log = lambda _: None) -> LabelSheet:
        """Write a further batch, of pairs that stand on no sheet yet.

        Args:
            count: How many.
            log: Hears what was written.

        Raises:
            UsageError: There are no more pairs, or fewer than one is wanted.
        """
        left = self._most - sum(self.shown)
        if count < 1 or not left:
            raise UsageError(
                f"{count} more pairs are wanted, and {left} of {self._most} that were drawn stand on no sheet yet. "
                f"{'Ask for at least one.' if left else 'Further ones would tell little: label those that are open.'}"
            )
        grown = replace(self, shown=(*self.shown, min(count, left)))
        rows = [SheetRow(each.id, each.first, each.second) for each in grown._batch(len(grown.shown))]
        stem = NAME if len(grown.shown) == 1 else f"{NAME}_{len(grown.shown)}"
        # First what is known to be shown: of a batch whose files are not there yet nothing is lost.
        content = {"origin": grown.origin, "shown": grown.shown, "pairs": [asdict(each) for each in grown.pairs]}
        write_text(self.folder / f"{NAME}.json", json.dumps(content, ensure_ascii=False, indent=1) + "\n")
        write_csv(self.folder / f"{stem}.csv", rows)
        try:
            write_xlsx(self.folder / f"{stem}.xlsx", rows)
        except MissingExtraError as error:
            log(_("Only csv, no xlsx: {error}").format(error=error))
        log(_("{count} pairs to label: {path}").format(count=len(rows), path=self.folder / f"{stem}.csv"))
        return grown

    @property
    def on_sheets(self) -> list[SheetPair]:
        """The pairs that are shown, batch by batch, in the order of the sheets."""
        return [each for number in range(1, len(self.shown) + 1) for each in self._batch(number)]

    def scores(self, log: Log = lambda _: None) -> dict[str, float]:
        """What people said, by the id of the pair.

        Raises:
            DataError: A file cannot be read, holds a score that is none, or two say different things of one pair.
        """
        answers, known = read_answers(self.folder, log), {each.id for each in self.pairs}
        found = {pair: score for pair, score in answers.items() if pair in known}
        if strange := len(answers) - len(found):
            left_out = _("{count} labelled rows are no pairs of this sheet and are left out; give pairs of your own with --pairs")
            log(left_out.format(count=strange))
        return found

    def answer(self, scores: dict[str, float]) -> Path:
        """Keep scores that were not given on a sheet, beside those that were kept before.

        Args:
            scores: By the id of the pair.
        """
        path, known = self.folder / ANSWERS, self.answers() | scores
        if known:
            rows = [SheetRow(each.id, each.first, each.second, known[each.id]) for each in self.pairs if each.id in known]
            write_csv(path, rows)
        return path

    def answers(self) -> dict[str, float]:
        """What `answer` wrote."""
        path = self.folder / ANSWERS
        return {row.id: row.score for row in read_rows(path) if row.score is not None} if path.exists() else {}

    def labels(self, log: Log = lambda _: None) -> SheetLabels:
        """The labelled pairs and what each counts.

        Raises:
            DataError: As `scores`.
        """
        scores, shown = self.scores(log), self.on_sheets
        kept = [each for each in shown if each.id in scores]
        pairs = ScoredPairs(
            [each.first for each in kept], [each.second for each in kept], np.array([scores[each.id] for each in kept])
        )
        weights = sampling_weights(np.array([each.size for each in kept]), self._thresholds, self._shares(scores))
        return SheetLabels(pairs, weights / weights.mean() if kept else weights, len(shown) - len(kept))

    @property
    def _most(self) -> int:
        """How many can be shown: one pair is kept back for the threshold, unless the draw came to the end of all pairs."""
        return len(self.pairs) - (len(self.pairs) > RESERVE)

    @property
    def _thresholds(self) -> list[float]:
        """The highest priority behind each batch."""
        ends = np.cumsum(self.shown).tolist()
        return [self.pairs[end].priority if end < len(self.pairs) else 0.0 for end in ends]

    def _shares(self, scores: Container[str]) -> list[float]:
        """How much of each batch is labelled."""
        batches = [self._batch(number) for number in range(1, len(self.shown) + 1)]
        return [sum(each.id in scores for each in batch) / len(batch) for batch in batches]

    def _batch(self, number: int) -> list[SheetPair]:
        """The pairs of a batch, shuffled: whoever labels shall not see the order, and half a batch is a sample too."""
        start = sum(self.shown[: number - 1])
        pairs = self.pairs[start : start + self.shown[number - 1]]
        return [pairs[place] for place in np.random.default_rng(number).permutation(len(pairs))]


def read_answers(folder: Path, log: Log = lambda _: None) -> dict[str, float]:
    """What the label files of a folder say, by the id of the pair; a row that lost it is known by its sentences.

    Raises:
        DataError: As `LabelSheet.scores`.
    """
    found: dict[str, tuple[float, Path, int]] = {}
    for path in _files(folder, log):
        for row in _rows(path, log):
            if row.score is None:
                continue
            pair = row.id if ID.fullmatch(row.id) else pair_id(row.first, row.second)
            score, earlier, line = found.setdefault(pair, (row.score, path, row.line))
            if score != row.score:
                raise DataError(
                    f"the pair '{row.first[:30]}' and '{row.second[:30]}' has the score {row.score:g} here and {score:g} in "
                    f"{earlier.name}, line {line}. Keep one of them.",
                    path=path,
                    line=row.line,
                )
    return {pair: score for pair, (score, _, _) in found.items()}


def labels_without_sheet(folder: Path, log: Log = lambda _: None) -> SheetLabels | None:
    """Labels of a folder whose description is gone: all count alike. None where there are none."""
    scores = read_answers(folder, log)
    every = (row for path in _files(folder) for row in _rows(path) if row.first and row.second)
    rows = {pair_id(row.first, row.second): row for row in every}
    kept = [name for name in rows if name in scores]
    if not kept:
        return None
    first, second = [rows[name].first for name in kept], [rows[name].second for name in kept]
    pairs = ScoredPairs(first, second, np.array([scores[name] for name in kept]))
    return SheetLabels(pairs, np.ones(len(kept)), len(rows) - len(kept))


def pair_id(first: str, second: str) -> str:
    """The same for both orders of the sentences: a letter and ten digits, which no spreadsheet takes for a number or a date."""
    digest = hashlib.sha256("\0".join(sorted((normalise(first), normalise(second)))).encode()).hexdigest()
    return f"p{int(digest[:12], 16) % 10**10:010d}"


def holds_labels(folder: Path) -> bool:
    """Whether a folder has labels, or files of a sheet that cannot be read and may have some."""
    unread: list[str] = []
    try:
        return bool(read_answers(folder, unread.append)) or bool(unread)
    except DataError:
        return True


def _files(folder: Path, log: Log = lambda _: None) -> list[Path]:
    """The sheets of a folder, whoever saved them in whatever form, and the answers; what cannot be read is named."""
    found = []
    for path in sorted(folder.glob(f"{NAME}*")):
        if path.suffix.lower() in _READ:
            found.append(path)
        elif path.suffix not in (".json", ".md"):
            log(_("{file} is not read: save it as csv or xlsx").format(file=path.name))
    return [*found, *([folder / ANSWERS] if (folder / ANSWERS).exists() else [])]


def _rows(path: Path, log: Log = lambda _: None) -> Iterator[SheetRow]:
    """The rows of a file; none of one that bears another name than ours and is no sheet, or that nothing here can read.

    Raises:
        DataError: As `read_rows`.
        MissingExtraError: It needs a library that is not installed, and no csv lies beside it.
    """
    try:
        yield from read_rows(path)
    except ColumnsError:
        if _OURS.fullmatch(path.name):
            raise
        log(_("{file} is no label sheet and is left out").format(file=path.name))
    except MissingExtraError as error:
        if not path.with_suffix(".csv").exists():
            raise
        log(_("{file} is left out: {error}").format(file=path.name, error=error))
