"""Losses: pure functions of tensors, no model, no state, float32 inside."""

from juyi.losses.contrastive_tension import contrastive_tension
from juyi.losses.cosent import cosent
from juyi.losses.distillation import distillation
from juyi.losses.info_nce import info_nce
from juyi.losses.masked_lm import masked_lm
from juyi.losses.neighbours import neighbours
from juyi.losses.nt_xent import nt_xent
from juyi.losses.softmax_pair import PairFeatures, pair_features, softmax_pair
from juyi.losses.triplet import Distance, triplet
from juyi.losses.unit_rows import unit_rows

__all__ = [
    "Distance",
    "PairFeatures",
    "contrastive_tension",
    "cosent",
    "distillation",
    "info_nce",
    "masked_lm",
    "neighbours",
    "nt_xent",
    "pair_features",
    "softmax_pair",
    "triplet",
    "unit_rows",
]
