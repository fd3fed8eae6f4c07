"""An encoder whose prompts are chosen: for texts that are alike, for queries, for what is searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from juyi.prompts.prompts import Prompt, Prompts
from juyi.types import Embeddings, Encode


@dataclass(frozen=True)
class PromptChoice:
    """The prompts that somebody asks for; each is a name, a text, or None for the model's own.

    Attributes:
        prompt: Before every text.
        query: Before what is looked for, in place of `prompt`.
        corpus: Before what is searched, likewise.
    """

    prompt: str | Prompt | None = None
    query: str | Prompt | None = None
    corpus: str | Prompt | None = None

    def __bool__(self) -> bool:
        return (self.prompt, self.query, self.corpus) != (None, None, None)

    def over(self, other: PromptChoice) -> PromptChoice:
        """This choice, and the other one where this leaves something open."""
        if self.prompt is not None:
            return self
        query = other.query if self.query is None else self.query
        return PromptChoice(other.prompt, query, other.corpus if self.corpus is None else self.corpus)


@dataclass(frozen=True)
class SidedTexts:
    """Texts by what is done with them: compared with their like, looked for, or searched."""

    alike: Sequence[str] = ()
    queries: Sequence[str] = ()
    corpus: Sequence[str] = ()

    @property
    def every(self) -> list[str]:
        """All of them."""
        return [*self.alike, *self.queries, *self.corpus]


class PromptedEncode:
    """Encodes texts with the chosen prompts before them.

    Called like any encoder it puts the one prompt before every text. `queries` and `corpus` encode the two sides of a search, as
    sentence-transformers' `encode_query` and `encode_document` do: with the model's own prompts for these, unless others are
    chosen. A prompt that is chosen for every text is one for both sides too.

    Args:
        make: What encodes texts with a prompt before each; asked once for each prompt.
        prompts: The model's; None for an encoder that takes no prompt, whatever is chosen.
        choice: What was asked for.

    Attributes:
        prompt: Before texts that are alike.
        query_prompt: Before what is looked for.
        corpus_prompt: Before what is searched.

    Raises:
        UsageError: A name was chosen that the model does not have.
    """

    def __init__(self, make: Callable[[Prompt], Encode], prompts: Prompts | None, choice: PromptChoice = PromptChoice()) -> None:
        self._make, self.prompts, self.choice = make, prompts, choice
        self._made: dict[str, Encode] = {}
        self.prompt = self.query_prompt = self.corpus_prompt = Prompt()
        if prompts is not None:
            query = choice.prompt if choice.query is None else choice.query
            corpus = choice.prompt if choice.corpus is None else choice.corpus
            self.prompt = prompts.resolve(choice.prompt)
            self.query_prompt = prompts.query if query is None else prompts.resolve(query)
            self.corpus_prompt = prompts.corpus if corpus is None else prompts.resolve(corpus)

    @classmethod
    def of(cls, encode: Encode) -> PromptedEncode:
        """Any encoder as one with prompts: a function gets texts with the prompt before them, and knows no names."""
        if isinstance(encode, PromptedEncode):
            return encode
        return cls(lambda prompt: (lambda texts: encode(prompt.before(texts))) if prompt else encode, Prompts())

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of texts that are alike.

        Shapes:
            texts: (n,); result: (n, dim).
        """
        return self.under(self.prompt)(texts)

    def queries(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of texts that are looked for.

        Shapes:
            texts: (n,); result: (n, dim).
        """
        return self.under(self.query_prompt)(texts)

    def corpus(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of texts that are searched.

        Shapes:
            texts: (n,); result: (n, dim).
        """
        return self.under(self.corpus_prompt)(texts)

    def under(self, prompt: Prompt) -> Encode:
        """What encodes texts with this prompt before them."""
        if prompt.text not in self._made:
            self._made[prompt.text] = self._make(prompt)
        return self._made[prompt.text]

    def chosen(self, choice: PromptChoice) -> PromptedEncode:
        """The same encoder with another choice; what it remembers is shared.

        Raises:
            UsageError: A name was chosen that the model does not have.
        """
        return self if choice == self.choice else PromptedEncode(self.under, self.prompts, choice)

    def wrapped(self, wrap: Callable[[Encode], Encode]) -> PromptedEncode:
        """The same prompts, with something around what encodes under each of them."""
        return PromptedEncode(lambda prompt: wrap(self.under(prompt)), self.prompts, self.choice)

    def by_prompt(self, texts: SidedTexts) -> dict[Prompt, list[str]]:
        """The distinct texts that each prompt is put before."""
        found: dict[str, tuple[Prompt, dict[str, None]]] = {}
        for prompt, some in (
            (self.prompt, texts.alike),
            (self.query_prompt, texts.queries),
            (self.corpus_prompt, texts.corpus),
        ):
            if len(some):
                found.setdefault(prompt.text, (prompt, {}))[1].update(dict.fromkeys(some))
        return {prompt: list(some) for prompt, some in found.values()}


def prompts_in_effect(encode: PromptedEncode, *, alike: bool = True, sides: bool = True) -> str:
    """Which prompts an encoder puts before which texts, in words; empty where there is none.

    Args:
        encode: The encoder.
        alike: Whether it encodes texts that are alike.
        sides: Whether it encodes queries, and what is searched.
    """
    named = [
        *([(encode.prompt, "texts that are compared" if sides else "every text")] if alike else []),
        *([(encode.query_prompt, "queries"), (encode.corpus_prompt, "what is searched")] if sides else []),
    ]
    if not any(prompt for prompt, _ in named):
        return ""
    if len({prompt.text for prompt, _ in named}) == 1:
        return f"{named[0][0]} before every text"
    return ", ".join(f"{prompt if prompt else 'none'} before {what}" for prompt, what in named)
