"""Why a figure was not run, or not as published: records say it in English, pages in the language that is spoken."""

from __future__ import annotations

import re

from juyi.language import translated as _

_WORD = r"\S+"
_FIELDS = dict.fromkeys(("count", "number", "published"), r"\d+") | dict.fromkeys(("task", "splits"), r"[^.]+?")
"""What the fields of a sentence may hold; others one word."""


def spoken_reason(reason: str) -> str:
    """A reason with those of its sentences that are known in the language that is spoken; what else it holds stays as it is."""
    for written, spoken in _sentences().items():
        pattern = re.sub(r"\\\{(\w+)\\\}", lambda field: f"(?P<{field[1]}>{_FIELDS.get(field[1], _WORD)})", re.escape(written))
        reason = re.sub(rf"{pattern}(?=\s|$)", lambda found, spoken=spoken: spoken.format(**found.groupdict()), reason)  # type: ignore[misc]
    return reason


def _sentences() -> dict[str, str]:
    """What `juyi.reproduction` writes, and how it is said."""
    return {
        "the table reports it; no recipe here runs it": _("the table reports it; no recipe here runs it"),
        "no suite here measures it": _("no suite here measures it"),
        "an average over encoders that were each trained on one task": _(
            "an average over encoders that were each trained on one task"
        ),
        "a baseline is not trained": _("a baseline is not trained"),
        "word overlap has no vectors to whiten": _("word overlap has no vectors to whiten"),
        "measured on the split {split}.": _("measured on the split {split}."),
        "learned from {file}.": _("learned from {file}."),
        "learned without the sentences of {splits}, which are not here.": _(
            "learned without the sentences of {splits}, which are not here."
        ),
        "The last step was kept: the development pairs are not here.": _(
            "The last step was kept: the development pairs are not here."
        ),
        "{name} is not on this machine. To fetch it: hf download {id}. If it lies here: --folder {option}=PATH.": _(
            "{name} is not on this machine. To fetch it: hf download {id}. If it lies here: --folder {option}=PATH."
        ),
        "{task} has {count} pairs, {number} fewer than the published {published}: its figures cannot be compared with published "
        "tables.": _(
            "{task} has {count} pairs, {number} fewer than the published {published}: its figures cannot be compared with "
            "published tables."
        ),
        "{task} has {count} pairs, {number} more than the published {published}: its figures cannot be compared with published "
        "tables.": _(
            "{task} has {count} pairs, {number} more than the published {published}: its figures cannot be compared with "
            "published tables."
        ),
    }
