"""An encoder with chosen prompts: which text gets which."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from juyi.errors import UsageError
from juyi.prompts import Prompt, PromptChoice, PromptedEncode, Prompts, SidedTexts, prompts_in_effect
from juyi.types import Embeddings, Encode

E5 = Prompts({"query": "query: ", "passage": "passage: ", "sts": "same: "}, "sts")


class Recorder:
    """Encodes by length, and remembers what it was given."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        self.seen += texts
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)

    def under(self, prompt: Prompt) -> Encode:
        return lambda texts: self(prompt.before(texts))


Record = Callable[[PromptChoice], tuple[PromptedEncode, Recorder]]


@pytest.fixture
def recorded() -> Record:
    def make(choice: PromptChoice) -> tuple[PromptedEncode, Recorder]:
        recorder = Recorder()
        return PromptedEncode(recorder.under, E5, choice), recorder

    return make


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (PromptChoice(), ["same: a", "query: a", "passage: a"]),
        (PromptChoice(""), ["a", "a", "a"]),
        (PromptChoice("query"), ["query: a", "query: a", "query: a"]),
        (PromptChoice(query="问："), ["same: a", "问：a", "passage: a"]),
        (PromptChoice("x: ", corpus=""), ["x: a", "x: a", "a"]),
        (PromptChoice("", "query", "passage"), ["a", "query: a", "passage: a"]),
        (PromptChoice(Prompt("bare")), ["barea", "barea", "barea"]),
    ],
)
def test_three_ways_to_encode(choice: PromptChoice, expected: list[str], recorded: Record) -> None:
    encode, recorder = recorded(choice)
    for part in (encode, encode.queries, encode.corpus):
        assert part(["a"]).shape == (1, 2)
    assert recorder.seen == expected
    again = encode.wrapped(lambda inner: lambda texts: -inner(texts))
    assert (again.queries(["a"]) == -encode.queries(["a"])).all()


@pytest.mark.parametrize(
    ("given", "task", "expected"),
    [
        (PromptChoice(), PromptChoice("a"), PromptChoice("a")),
        (PromptChoice(query="q"), PromptChoice("a", "b", "c"), PromptChoice("a", "q", "c")),
        (PromptChoice(""), PromptChoice("a", "b", "c"), PromptChoice("")),
        (PromptChoice("p", corpus="d"), PromptChoice(query="b"), PromptChoice("p", corpus="d")),
    ],
)
def test_what_is_asked_for_goes_over_what_a_task_says(given: PromptChoice, task: PromptChoice, expected: PromptChoice) -> None:
    assert given.over(task) == expected


def test_texts_are_sorted_by_the_prompt_they_get(recorded: Record) -> None:
    texts = SidedTexts(alike=["a", "b", "a"], queries=["a"], corpus=["a", "c"])
    assert {p.text: t for p, t in recorded(PromptChoice())[0].by_prompt(texts).items()} == {
        "same: ": ["a", "b"],
        "query: ": ["a"],
        "passage: ": ["a", "c"],
    }
    assert {p.text: t for p, t in recorded(PromptChoice(""))[0].by_prompt(texts).items()} == {"": ["a", "b", "c"]}
    assert texts.every == ["a", "b", "a", "a", "a", "c"]


def test_any_function_takes_texts_and_knows_no_names() -> None:
    recorder = Recorder()
    encode = PromptedEncode.of(recorder)
    assert PromptedEncode.of(encode) is encode
    encode(["a"]), encode.chosen(PromptChoice("看：")).queries(["a"])
    assert recorder.seen == ["a", "看：a"]
    with pytest.raises(UsageError, match="no prompt named 'query'; it has no prompts at all"):
        encode.chosen(PromptChoice(query="query"))
    deaf = PromptedEncode(lambda prompt: recorder, None, PromptChoice("query"))
    deaf.chosen(PromptChoice("nothing")).corpus(["b"])
    assert recorder.seen[2:] == ["b"]


@pytest.mark.parametrize(
    ("choice", "sides", "words"),
    [
        (PromptChoice(), {"sides": False}, "'same: ' (sts) before every text"),
        (PromptChoice(), {"alike": False}, "'query: ' (query) before queries, 'passage: ' (passage) before what is searched"),
        (PromptChoice(query=""), {"alike": False}, "none before queries, 'passage: ' (passage) before what is searched"),
        (PromptChoice("看："), {}, "'看：' before every text"),
        (PromptChoice(""), {}, ""),
    ],
)
def test_it_says_what_it_does(choice: PromptChoice, sides: dict[str, bool], words: str, recorded: Record) -> None:
    assert prompts_in_effect(recorded(choice)[0], **sides) == words
