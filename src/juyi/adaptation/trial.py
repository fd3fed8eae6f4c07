"""The contenders of a portfolio tried on the evidence, one after the other, as long as the time lasts."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from juyi.adaptation.backbone import Backbone
from juyi.adaptation.evidence import Evidence, Lesson, Outcomes, joined_lesson
from juyi.adaptation.linear import LinearMaps, row_counts
from juyi.adaptation.portfolio import Contender, Portfolio, Treatment
from juyi.adaptation.training import Pace, batch_of, contender_recipe, step_counts
from juyi.atomic import replaced_file
from juyi.embeddings import cosine_rows
from juyi.encoder import EncoderSettings, change_dropout
from juyi.errors import TrainingError, UsageError
from juyi.experiments import run
from juyi.experiments.examples import ChosenExamples
from juyi.experiments.identity import rows_digest
from juyi.hub import resolve
from juyi.language import translated as _
from juyi.training import unsaid
from juyi.types import Log, Progress

_COMPARED = 200
_OUTCOMES = 2
"""The version of what is kept of each item: what an older one kept is measured anew."""
_STILL = 0.999
"""Where the vectors of a trained encoder have a mean cosine above this with those before, the training moved nothing."""


@dataclass
class Tried:
    """What came of the contenders.

    Attributes:
        outcomes: Candidate to its outcomes, one array for each evidence; `raw` first.
        treatments: Candidate to its contender and treatment.
        steps: Of each trained contender, how many.
        notes: What was left out and why, what moved nothing, what the trainings had to say.
    """

    outcomes: dict[str, list[Outcomes]] = field(default_factory=dict)
    treatments: dict[str, tuple[Contender, Treatment]] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class Clock:
    """The time that there is, in seconds.

    Attributes:
        budget: In all.
    """

    budget: float
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """What is left; below zero where more was used."""
        return self.budget - (time.monotonic() - self.started)


@dataclass(frozen=True)
class Trial:
    """All that trying the contenders needs.

    Attributes:
        raw: The encoder as it is, its vectors remembered.
        settings: What it was loaded by.
        sentences: Distinct, unlabelled: what SimCSE learns from and whitenings are fitted on.
        taught: The labels that are learned from, dealt into folds; none without labels.
        evidence: Those of them that are measured on, in the same folds.
        out: Where runs and outcomes are kept.
        identity: Of the raw encoder, prompt and all.
        pace: Of this machine.
        seed: Draws everything.
        log: Hears what is done.
        progress: Is told how far it is.
        warnings: What the trainings warned of, each once, and in which.
    """

    raw: Backbone
    settings: EncoderSettings
    sentences: Sequence[str]
    taught: Sequence[Evidence]
    evidence: Sequence[Evidence]
    out: Path
    identity: str
    pace: Pace
    seed: int = 42
    log: Log = lambda _: None
    progress: Progress = lambda done, total, what: None
    warnings: dict[str, str] = field(default_factory=dict, init=False)

    def run(self, portfolio: Portfolio, clock: Clock) -> Tried:
        """Try the contenders in their order."""
        tried, late = Tried(), []
        for contender in portfolio.encoder:
            lessons = self._lessons(contender)
            if contender.learns and not lessons:
                continue
            steps = self._steps(contender, lessons, clock)
            if steps is None:
                late.append(contender.name)
                continue
            try:
                found, likeness = self._outcomes(contender, lessons, steps)
            except (TrainingError, UsageError) as error:
                if not contender.learns:  # there is nothing to compare with
                    raise
                tried.notes.append(_("{candidate} came to nothing: {error}").format(candidate=contender.name, error=error))
                continue
            if contender.learns and likeness > _STILL:
                still = _("{candidate}: the training moved nothing, its vectors are those of the raw encoder.")
                tried.notes.append(still.format(candidate=contender.name))
            for place, (name, treatment) in enumerate(contender.named_treatments()):
                own = [of_evidence[place] for of_evidence in found]
                if any(np.isnan(each).any() for each in own):
                    tried.notes.append(not_measured(name))
                    continue
                tried.treatments[name] = contender, treatment
                tried.outcomes[name] = own
            tried.steps[contender.name] = steps
        tried.notes += [f"{name}: {warning}" for warning, name in self.warnings.items()]
        if late:
            untried = _("Not tried for want of time: {candidates}. --minutes gives more, and what was measured stays.")
            tried.notes.append(untried.format(candidates="; ".join(late)))
        return tried

    @property
    def start(self) -> Path:
        """The folder of the model that was started from."""
        return resolve(self.settings.model)

    def final(self, contender: Contender, steps: int) -> tuple[Backbone, Path | None]:
        """The encoder of a contender, which learned from all labels, and its run folder where it was trained."""
        if not contender.learns:
            return self.raw, None
        lesson = self._lesson(contender, None)
        if contender.training is None:
            return self._linear(contender, lesson, steps), None
        result, folder = self._trained(contender, lesson, steps, self.out / "runs", contender.name)
        return result, folder

    def candidates(self, tried: Tried) -> dict[str, tuple[Backbone, Treatment]]:
        """Each candidate that was tried, as `final` has its encoder."""
        contenders = {contender.name: contender for contender, _ in tried.treatments.values()}
        backbones = {name: self.final(contender, tried.steps[name])[0] for name, contender in contenders.items()}
        return {name: (backbones[contender.name], treatment) for name, (contender, treatment) in tried.treatments.items()}

    # What is learned

    def _folds(self) -> list[int]:
        return sorted({fold for each in self.evidence for fold in each.folds.tolist()})

    def _lesson(self, contender: Contender, left_out: int | None) -> Lesson | None:
        """What a contender learns, without a fold: the labels, or, for which there is None, the sentences."""
        if not contender.learns_labels:
            return None
        return joined_lesson([lesson for each in self.taught if (lesson := each.lesson(left_out)) is not None])

    def _lessons(self, contender: Contender) -> list[Lesson | None]:
        """One for each fold where labels are learned; else the sentences, once."""
        if not contender.learns_labels:
            return [None]
        lessons = [self._lesson(contender, fold) for fold in self._folds()]
        return [] if not lessons or any(lesson is None for lesson in lessons) else lessons

    def _rows(self, lesson: Lesson | None) -> int:
        return len(self.sentences) if lesson is None else len(lesson)

    def _steps(self, contender: Contender, lessons: Sequence[Lesson | None], clock: Clock) -> int | None:
        """How many steps the time allows: at most half of what is left goes to one contender, or what is left at the least.

        Of a linear map the steps are the rows that it learns from.
        """
        if not contender.learns:
            return 0
        counts, seconds = self._costs(contender, lessons)
        known = next((steps for steps in counts if self._known(contender, lessons, steps)), None)
        if known is not None:
            return known
        fitting = next((steps for steps in counts if seconds(steps) <= clock.left / 2), None)
        return fitting or (counts[-1] if seconds(counts[-1]) <= clock.left else None)

    def _costs(self, contender: Contender, lessons: Sequence[Lesson | None]) -> tuple[list[int], Callable[[int], float]]:
        """How many steps there may be, from many to few, and how many seconds so many take."""
        rows = min(self._rows(lesson) for lesson in lessons)
        learned = [*lessons, self._lesson(contender, None)] if contender.learns_labels else lessons
        if contender.training is None:
            assert contender.linear is not None
            return row_counts(contender.linear, rows), lambda most: self._map_seconds(contender, learned, most)
        batch = batch_of(rows, 0 if lessons[0] is None else lessons[0].groups)
        measured = len({text for each in self.evidence for text in each.texts()})
        before = len(lessons) * measured / self.pace.texts_per_second
        if contender.linear is not None:
            before += self._map_seconds(contender, learned, contender.linear.most_rows)
        step = len(learned) * self.pace.step_seconds * max(batch, 16) / 64
        return step_counts(contender.training, rows, batch), lambda steps: before + steps * step

    def _map_seconds(self, contender: Contender, lessons: Sequence[Lesson | None], rows: int) -> float:
        """How long it takes to learn so many rows of each lesson by a linear map; what is known takes no time."""
        settings = contender.linear
        assert settings is not None
        wanted = {lesson: texts for lesson in lessons if lesson and (texts := self._maps.texts(lesson, rows, settings))}
        fresh = len(self.raw.plain.unknown(text for texts in wanted.values() for text in texts))
        steps = sum(settings.steps(min(rows, len(lesson))) for lesson in wanted)
        return fresh / self.pace.texts_per_second + steps * self.pace.map_step_seconds

    @cached_property
    def _maps(self) -> LinearMaps:
        return LinearMaps(self.raw, self.identity, self.out / "measured", self.seed)

    # What is measured

    def _outcomes(self, contender: Contender, lessons: Sequence[Lesson | None], steps: int) -> tuple[list[list[Outcomes]], float]:
        """The outcomes of each candidate of a contender, by evidence, and how like the raw one's its vectors are.

        What was measured before is taken up.
        """
        path = self._path(contender, lessons, steps)
        if (stored := _stored(path, len(self.evidence))) is not None:
            return stored
        backbones = self._backbones(contender, lessons, steps)
        treatments = [treatment for _, treatment in contender.named_treatments()]
        found = []
        for each in self.evidence:
            self._prepare(backbones, each, contender.name)
            found.append(_measured(each, backbones, treatments))
        likeness = self._likeness(next(iter(backbones.values())))
        if contender.learns:
            path.parent.mkdir(parents=True, exist_ok=True)
            arrays = {f"evidence{number}": np.stack(each) for number, each in enumerate(found)}
            with replaced_file(path) as draft, draft.open("wb") as stream:
                np.savez_compressed(stream, allow_pickle=False, likeness=likeness, **arrays)
        return found, likeness

    def _backbones(self, contender: Contender, lessons: Sequence[Lesson | None], steps: int) -> Mapping[int, Backbone]:
        """For each fold the encoder that measures it."""
        folds = self._folds() or [0]
        if not contender.learns:
            return dict.fromkeys(folds, self.raw)
        if contender.training is None:
            return {fold: self._linear(contender, lesson, steps) for fold, lesson in zip(folds, lessons, strict=True)}
        if not contender.learns_labels:
            trained, _ = self._trained(contender, None, steps, self.out / "runs", contender.name)
            return dict.fromkeys(folds, trained)
        found = {}
        place = self.out / "runs" / "folds"
        for number, (fold, lesson) in enumerate(zip(folds, lessons, strict=True), start=1):
            name = f"{contender.name}, part {number} of {len(folds)}"
            found[fold], _ = self._trained(contender, lesson, steps, place, name)
            shutil.rmtree(place, ignore_errors=True)  # its outcomes are kept, not its weights
        return found

    def _trained(self, contender: Contender, lesson: Lesson | None, steps: int, runs: Path, name: str) -> tuple[Backbone, Path]:
        rows = ChosenExamples(text=list(self.sentences)) if lesson is None else ChosenExamples(lesson.columns)
        start = self.raw if contender.linear is None else self._linear(contender, lesson, contender.linear.most_rows)
        encoder = copy.deepcopy(start.encoder)
        recipe = contender_recipe(contender, lesson, self._rows(lesson), steps, self.settings, encoder, self.seed)
        change_dropout(encoder, hidden=recipe.encoder.hidden_dropout, attention=recipe.encoder.attention_dropout)

        def progress(step: int, steps: int, report: Mapping[str, float | str]) -> None:
            self.progress(step, steps, name)
            for warning in unsaid(str(report.get("warning", "")).splitlines(), self.warnings):
                self.warnings[warning] = contender.name

        result = run(recipe, runs, examples=rows, encoder=encoder, progress=progress)
        return Backbone(result.encoder.eval(), self.sentences), result.folder

    def _linear(self, contender: Contender, lesson: Lesson | None, rows: int) -> Backbone:
        assert contender.linear is not None and lesson is not None
        return self._maps.backbone(lesson, rows, contender.linear, self._encoding(contender.name))

    def _prepare(self, backbones: Mapping[int, Backbone], evidence: Evidence, name: str) -> None:
        texts = evidence.texts()
        for backbone in {id(each): each for each in backbones.values()}.values():
            backbone.plain.prepare(texts, self._encoding(name))

    def _encoding(self, name: str) -> Callable[[int, int], None]:
        return lambda done, total: self.progress(done, total, f"{name}: encoding")

    def _likeness(self, trained: Backbone) -> float:
        """The mean cosine of a sentence's vector before and after."""
        some = self.sentences[:_COMPARED]
        return float(cosine_rows(self.raw.encode(some), trained.encode(some)).mean())

    # What is kept

    def _known(self, contender: Contender, lessons: Sequence[Lesson | None], steps: int) -> bool:
        return _stored(self._path(contender, lessons, steps), len(self.evidence)) is not None

    def _path(self, contender: Contender, lessons: Sequence[Lesson | None], steps: int) -> Path:
        """Where the outcomes of a contender are kept: named by all that decides them."""
        rows = [None if lesson is None else rows_digest(lesson.columns) for lesson in lessons]
        evidence = [[each.name, each.folds.tolist(), [*map(list, each.rows())], each.labels()] for each in self.evidence]
        settings = asdict(contender)
        objective = ((settings.get("training") or {}).get("objective")) or {}
        if objective.get("matryoshka", "") is None:  # what was kept before there was such a setting is kept
            del objective["matryoshka"]
        whole = [_OUTCOMES, self.identity, settings, rows, list(self.sentences), evidence, steps, self.seed]
        digest = hashlib.sha256(json.dumps(whole, ensure_ascii=False, default=str).encode()).hexdigest()
        return self.out / "measured" / f"{digest[:16]}.npz"


def not_measured(candidate: str) -> str:
    """Why a candidate is in no table."""
    return _("{candidate} could not be measured: its vectors do not tell the texts apart.").format(candidate=candidate)


def _measured(evidence: Evidence, backbones: Mapping[int, Backbone], treatments: Sequence[Treatment]) -> list[Outcomes]:
    """The outcomes with each treatment; all NaN where it leaves no usable vectors.

    Raises:
        UsageError: No treatment has any.
    """
    found: list[Outcomes | None] = []
    problem: UsageError | None = None
    for treatment in treatments:
        try:
            found.append(evidence.outcomes(lambda fold, treatment=treatment: backbones[fold].similarity(treatment)))  # type: ignore[misc]
        except UsageError as error:
            problem = error
            found.append(None)
    known = next((each for each in found if each is not None), None)
    if known is None:
        assert problem is not None
        raise problem
    return [np.full_like(known, np.nan) if each is None else each for each in found]


def _stored(path: Path, kinds: int) -> tuple[list[list[Outcomes]], float] | None:
    """What was measured before; None where nothing was, or where the file is damaged."""
    try:
        with np.load(path) as stored:
            return [[*stored[f"evidence{number}"]] for number in range(kinds)], float(stored["likeness"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
