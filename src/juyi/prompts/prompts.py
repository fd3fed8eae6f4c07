"""The prompts of a model: texts with names that are put before whatever it encodes.

The names, the default and what queries and documents get are those of sentence-transformers, and so is the file that holds them,
`config_sentence_transformers.json`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from juyi.errors import UsageError

QUERY_NAMES = ("query",)
CORPUS_NAMES = ("document", "passage", "corpus")
"""What sentence-transformers looks for in `encode_query` and `encode_document`, in this order."""

_WORD = re.compile(r"[\w./-]+")


@dataclass(frozen=True)
class Prompt:
    """A text that is put before every text.

    Attributes:
        text: As it is; nothing is put between it and what follows. Empty for none.
        name: What the model calls it; empty for a text of one's own.
    """

    text: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return f"{self.text!r} ({self.name})" if self.name else repr(self.text)

    def before(self, texts: Sequence[str]) -> Sequence[str]:
        """The texts with the prompt before each of them."""
        return [self.text + text for text in texts] if self.text else texts


@dataclass(frozen=True)
class Prompts:
    """What a model wants before its texts.

    Attributes:
        texts: The texts by their names; some may be empty.
        default_name: The one that is applied where none is asked for; None for none.
        pooled: Whether the prompt's own tokens take part in the pooling. Models in the manner of INSTRUCTOR leave them out.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    default_name: str | None = None
    pooled: bool = True

    def __bool__(self) -> bool:
        return any(self.texts.values())

    @property
    def default(self) -> Prompt:
        """What is put before a text where nothing is asked for."""
        return Prompt() if self.default_name is None else Prompt(self.texts.get(self.default_name, ""), self.default_name)

    @property
    def query(self) -> Prompt:
        """What is put before a text that is looked for. Where the model has no prompt for queries it is none, not the default."""
        return self._first_of(QUERY_NAMES)

    @property
    def corpus(self) -> Prompt:
        """What is put before a text that is searched; likewise.

        It is the first of `CORPUS_NAMES` that is not empty, as sentence-transformers' `encode_document` is described. Its version
        6.2 takes an empty `document`, which it puts beside the prompts of every model, for the first one, and so leaves the
        `passage: ` of an e5 out; here it is applied.
        """
        return self._first_of(CORPUS_NAMES)

    def resolve(self, given: str | Prompt | None) -> Prompt:
        """The prompt that is meant.

        Args:
            given: A name of this model's, else a text; empty for no prompt; None for the default. `Prompt(text)` is that text,
                whatever it looks like.

        Raises:
            UsageError: It looks like a name, and the model has no prompt of that name.
        """
        if given is None:
            return self.default
        if isinstance(given, Prompt):
            return given
        if given in self.texts:
            return Prompt(self.texts[given], given)
        if _WORD.fullmatch(given):
            near = difflib.get_close_matches(given.lower(), [name.lower() for name in self.texts], n=1)
            if given.isascii() or near:
                raise UsageError(self._unknown(given, near))
        return Prompt(given)

    def _first_of(self, names: Sequence[str]) -> Prompt:
        return next((Prompt(self.texts[name], name) for name in names if self.texts.get(name)), Prompt())

    def _unknown(self, given: str, near: Sequence[str]) -> str:
        meant = next((name for name in self.texts if name.lower() in near), None)
        question = f" Did you mean '{meant}'?" if meant else ""
        known = f"its prompts are {', '.join(map(repr, self.texts))}" if self.texts else "it has no prompts at all"
        return (
            f"The model has no prompt named '{given}'; {known}.{question} A text of your own is put before every text as it is: "
            f"give it a colon or a space at its end ('{given}: '), by which it is told from a name. An empty prompt is none."
        )


def read_prompts(config: Mapping[str, Any], *, pooled: bool = True) -> Prompts:
    """The prompts of a model's `config_sentence_transformers.json`.

    Args:
        config: Its content.
        pooled: What the pooling's `include_prompt` says.

    Raises:
        ValueError: The prompts are no texts, or there is none of the default's name.
    """
    found = config.get("prompts") or {}
    if not isinstance(found, Mapping) or not all(isinstance(text, str | None) for text in found.values()):
        raise ValueError(f"'prompts' is {found!r}; it must map names to texts")
    texts = {str(name): text or "" for name, text in found.items()}
    default = config.get("default_prompt_name")
    # sentence-transformers takes these two for empty prompts of every model
    if default is not None and default not in (*texts, "query", "document"):
        names = ", ".join(map(repr, texts)) or "(none)"
        raise ValueError(f"'default_prompt_name' is {default!r}, and the prompts are {names}")
    return Prompts(texts, default, pooled)


def written_prompts(prompts: Prompts) -> dict[str, Any]:
    """The keys of `config_sentence_transformers.json` that `read_prompts` reads."""
    return {"prompts": dict(prompts.texts), "default_prompt_name": prompts.default_name}
