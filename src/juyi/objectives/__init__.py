"""Objectives: one file a paper. `AnyObjective` is the list of them."""

from juyi.objectives.contrastive_tension import ContrastiveTension
from juyi.objectives.cosent import CoSENT
from juyi.objectives.distillation import Distillation
from juyi.objectives.esimcse import ESimCSE
from juyi.objectives.masked_lm import MaskedLM
from juyi.objectives.matryoshka import Matryoshka
from juyi.objectives.objective import SENTENCES, WORDS, Batch, Objective, View, World
from juyi.objectives.pair_contrastive import PairContrastive
from juyi.objectives.sbert import SBERT
from juyi.objectives.simcse_supervised import SimCSESupervised
from juyi.objectives.simcse_unsupervised import SimCSEUnsupervised
from juyi.objectives.triplet import Triplet
from juyi.objectives.with_masked_lm import WithMaskedLM
from juyi.objectives.with_matryoshka import WithMatryoshka, at_all_widths

AnyObjective = (
    SimCSEUnsupervised
    | SimCSESupervised
    | ESimCSE
    | ContrastiveTension
    | CoSENT
    | SBERT
    | Triplet
    | MaskedLM
    | Distillation
    | PairContrastive
)

__all__ = [
    "SBERT",
    "SENTENCES",
    "WORDS",
    "AnyObjective",
    "Batch",
    "CoSENT",
    "ContrastiveTension",
    "Distillation",
    "ESimCSE",
    "MaskedLM",
    "Matryoshka",
    "Objective",
    "PairContrastive",
    "SimCSESupervised",
    "SimCSEUnsupervised",
    "Triplet",
    "View",
    "WithMaskedLM",
    "WithMatryoshka",
    "World",
    "at_all_widths",
]
