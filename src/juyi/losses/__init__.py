"""Losses: pure functions of tensors, no model, no state, float32 inside."""

from juyi.losses.distillation import distillation
from juyi.losses.info_nce import info_nce
from juyi.losses.masked_lm import masked_lm
from juyi.losses.nt_xent import nt_xent

__all__ = ["distillation", "info_nce", "masked_lm", "nt_xent"]
