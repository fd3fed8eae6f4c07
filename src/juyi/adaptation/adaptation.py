"""What the main job found out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from juyi.adaptation.choice import Choice, smallest_gain, units_needed
from juyi.adaptation.evidence import Evidence, Outcomes
from juyi.adaptation.portfolio import RAW
from juyi.calibration import Calibration
from juyi.evaluation import TRANSDUCTIVE, Signals
from juyi.experiments.environment import environment
from juyi.metrics import Difference
from juyi.tasks import BootstrappedScore

WORD_OVERLAP = "word overlap"


@dataclass(frozen=True)
class SearchResult:
    """What a query found with one candidate.

    Attributes:
        query: What was searched for.
        candidate: With which.
        hits: (text, similarity), best first.
        probability: How likely the first answers the query; None where no labels tell.
    """

    query: str
    candidate: str
    hits: tuple[tuple[str, float], ...]
    probability: float | None = None

    @property
    def refused(self) -> bool:
        """Whether the best hit is likelier wrong than right: the query may have no answer here."""
        return self.probability is not None and self.probability < 0.5


@dataclass(frozen=True)
class EvidenceTable:
    """The figures of all candidates on one kind of labels.

    Attributes:
        evidence: Its name.
        metric: The one that decides.
        figures: Candidate to its figures, the deciding one first; word overlap is among them and is no candidate.
        differences: Candidate to by how much its deciding figure exceeds that of the raw encoder; with the plain interval of
            one comparison, chosen from many and so too hopeful for the best.
    """

    evidence: str
    metric: str
    figures: Mapping[str, list[BootstrappedScore]]
    differences: Mapping[str, Difference | None]

    @classmethod
    def of(
        cls, evidence: Evidence, outcomes: Mapping[str, Outcomes], overlap: Outcomes, seen: Collection[str] = ()
    ) -> EvidenceTable:
        """The table of the candidates' outcomes.

        Args:
            evidence: What was measured.
            outcomes: Candidate to its outcomes; `raw` among them.
            overlap: Those of word overlap.
            seen: The candidates that saw the measured texts, without their labels: their figures are transductive.
        """
        figures = {name: evidence.figures(each) for name, each in {WORD_OVERLAP: overlap, **outcomes}.items()}
        figures |= {name: [each.labelled(TRANSDUCTIVE) for each in figures[name]] for name in seen}
        raw = figures[RAW][0]
        differences = {name: each[0].difference(raw) for name, each in figures.items() if name != RAW}
        return cls(evidence.name, raw.score.metric, figures, differences)

    @property
    def raw(self) -> BootstrappedScore:
        """The deciding figure of the raw encoder."""
        return self.figures[RAW][0]

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        score = self.raw.score
        return {
            "evidence": self.evidence,
            "metric": self.metric,
            "count": score.count,
            "units": score.units,
            "scores": {name: [each.score.as_record(name) for each in figures] for name, figures in self.figures.items()},
            "differences": {f"{name}-{RAW}": difference_record(each) for name, each in self.differences.items()},
        }


@dataclass
class Adaptation:
    """Everything that `juyi adapt` found out.

    Attributes:
        model: What was started from.
        prompt: What stood before every text.
        portfolio: The name of the candidates' list.
        inspection: What the data is like.
        tables: The figures, one table for each kind of labels; none without labels.
        choice: Which candidate is best and what choosing it is worth; None without labels.
        recommended: The candidate that `out/model` is.
        signals: What can be said without labels, of the raw encoder and of the recommended one; in a run without labels of all
            candidates that are encoders alone, without word overlap.
        other_encoder: What agreement was measured with, in a run without labels; empty with labels.
        calibrations: What the similarities are worth as probabilities, of the raw encoder and of the recommended one.
        searches: What the queries find before and after.
        verdict: What it all means, in words.
        notes: What the data and the trainings had to say, and what was not tried.
        sheet: The label sheet of the folder, where there is one.
        map: Some sentences, and where they lie on the plane of largest variance, by the raw encoder and the recommended one.
    """

    model: str
    prompt: str
    portfolio: str
    inspection: dict[str, Any]
    tables: list[EvidenceTable] = field(default_factory=list)
    choice: Choice | None = None
    recommended: str = RAW
    signals: dict[str, Signals] = field(default_factory=dict)
    other_encoder: str = ""
    calibrations: dict[str, list[Calibration]] = field(default_factory=dict)
    searches: list[SearchResult] = field(default_factory=list)
    verdict: str = ""
    notes: list[str] = field(default_factory=list)
    sheet: Path | None = None
    map: dict[str, Any] = field(default_factory=dict)

    @property
    def units(self) -> float:
        """How many independent units of labels the decision rests on."""
        return min((table.raw.effective for table in self.tables), default=0.0)

    def as_dict(self) -> dict[str, Any]:
        """The content of `report.json`."""
        return {
            "model": self.model,
            "prompt": self.prompt,
            "portfolio": self.portfolio,
            "recommended": self.recommended,
            "gain": None if self.choice is None else difference_record(self.choice.gain),
            "choice": None if self.choice is None else self._choice(self.choice),
            "verdict": self.verdict,
            "evidence": [table.as_dict() for table in self.tables],
            "other_encoder": self.other_encoder,
            "signals": {name: signals.as_dict() for name, signals in self.signals.items()},
            "notes": self.notes,
            "calibrations": {name: [asdict(each) for each in found] for name, found in self.calibrations.items()},
            "searches": [
                {
                    "query": found.query,
                    "candidate": found.candidate,
                    "probability": found.probability,
                    "refused": found.refused,
                    "hits": [{"rank": rank, "text": text, "score": score} for rank, (text, score) in enumerate(found.hits, 1)],
                }
                for found in self.searches
            ],
            "inspection": self.inspection,
            "map": self.map,
            "environment": environment(),
        }

    def _choice(self, choice: Choice) -> dict[str, Any]:
        gain = choice.gain
        return {
            "winner": choice.winner,
            "winner_of_each_fold": list(choice.winners),
            "units": self.units,
            "units_needed": None if gain is None else units_needed(gain, self.units),
            "smallest_gain": None if gain is None else smallest_gain(gain),
        }


def difference_record(difference: Difference | None) -> dict[str, Any] | None:
    """A difference as the report has it."""
    if difference is None:
        return None
    return {"value": difference.value, "interval": [difference.interval.low, difference.interval.high]}
