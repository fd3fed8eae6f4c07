"""The main job: a decision, from whatever sentences and labels there are, and the model that it is about."""

from __future__ import annotations

from juyi.adaptation.adapt import AdaptOptions, adapt
from juyi.adaptation.adaptation import WORD_OVERLAP, Adaptation, EvidenceTable, SearchResult
from juyi.adaptation.choice import Choice, choose, smallest_gain, units_needed
from juyi.adaptation.evidence import Evidence, Lesson, dealt
from juyi.adaptation.intents import IntentEvidence
from juyi.adaptation.labels import LabelFiles, check_enough, read_evidence
from juyi.adaptation.model_folder import next_commands
from juyi.adaptation.portfolio import RAW, Portfolio, Treatment, load_portfolio, portfolio_names
from juyi.adaptation.questions import QuestionEvidence
from juyi.adaptation.scored_pairs import PairEvidence

__all__ = [
    "RAW",
    "WORD_OVERLAP",
    "AdaptOptions",
    "Adaptation",
    "Choice",
    "Evidence",
    "EvidenceTable",
    "IntentEvidence",
    "LabelFiles",
    "Lesson",
    "PairEvidence",
    "Portfolio",
    "QuestionEvidence",
    "SearchResult",
    "Treatment",
    "adapt",
    "check_enough",
    "choose",
    "dealt",
    "load_portfolio",
    "next_commands",
    "portfolio_names",
    "read_evidence",
    "smallest_gain",
    "units_needed",
]
