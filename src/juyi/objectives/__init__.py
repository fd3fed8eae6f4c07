"""Objectives: one file a paper. `AnyObjective` is the list of them."""

from juyi.objectives.masked_lm import MaskedLM
from juyi.objectives.objective import Batch, Objective, View, World
from juyi.objectives.simcse_unsupervised import SimCSEUnsupervised

AnyObjective = SimCSEUnsupervised | MaskedLM

__all__ = ["AnyObjective", "Batch", "MaskedLM", "Objective", "SimCSEUnsupervised", "View", "World"]
