"""Prompts: what a model wants before its texts, by name; and an encoder whose prompts are chosen."""

from __future__ import annotations

from juyi.prompts.prompted_encode import PromptChoice, PromptedEncode, SidedTexts, prompts_in_effect
from juyi.prompts.prompts import Prompt, Prompts, read_prompts, written_prompts

__all__ = [
    "Prompt",
    "PromptChoice",
    "PromptedEncode",
    "Prompts",
    "SidedTexts",
    "prompts_in_effect",
    "read_prompts",
    "written_prompts",
]
