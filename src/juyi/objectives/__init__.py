"""Objectives: one file a paper. `AnyObjective` is the list of them."""

from juyi.objectives.distillation import Distillation
from juyi.objectives.masked_lm import MaskedLM
from juyi.objectives.objective import Batch, Objective, View, World
from juyi.objectives.pair_contrastive import PairContrastive
from juyi.objectives.simcse_unsupervised import SimCSEUnsupervised

AnyObjective = SimCSEUnsupervised | MaskedLM | Distillation | PairContrastive

__all__ = [
    "AnyObjective",
    "Batch",
    "Distillation",
    "MaskedLM",
    "Objective",
    "PairContrastive",
    "SimCSEUnsupervised",
    "View",
    "World",
]
