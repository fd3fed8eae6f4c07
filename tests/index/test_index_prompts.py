"""An index remembers which prompts it was built with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from juyi.errors import DataError, UsageError
from juyi.index import TextIndex, saved_encoder
from juyi.prompts import Prompt, PromptChoice, PromptedEncode, Prompts
from juyi.types import Embeddings, Encode

E5 = Prompts({"query": "query: ", "passage": "passage: ", "same": "same: "}, "same")
TEXTS = ["怎么还款", "如何提前还款", "借款审核要多久"]


class Recorder:
    """An encoder as `open_engine` gives one, that remembers what it was given."""

    identity = "counts"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str], prompt: Prompt | None = None) -> Embeddings:
        whole = list((E5.default if prompt is None else prompt).before(texts))
        self.seen += whole
        rows = np.zeros((len(whole), 64), dtype=np.float32)
        for row, text in zip(rows, whole, strict=True):
            for character in text:
                row[ord(character) % 64] += 1
        return rows

    def _under(self, prompt: Prompt) -> Encode:
        return lambda texts: self.encode(texts, prompt)

    def prompted(self, choice: PromptChoice = PromptChoice()) -> PromptedEncode:
        return PromptedEncode(self._under, E5, choice)


@pytest.mark.parametrize(
    ("choice", "corpus", "query"),
    [
        (PromptChoice(), "passage: ", "query: "),
        (PromptChoice(""), "", ""),
        (PromptChoice("same"), "same: ", "same: "),
        (PromptChoice(query="问："), "passage: ", "问："),
    ],
)
def test_texts_and_queries_get_their_own(choice: PromptChoice, corpus: str, query: str, tmp_path: Path) -> None:
    encoder = Recorder()
    index = TextIndex.build(TEXTS[:2], encoder.prompted(choice), model="m", identity=encoder.identity)
    index.add(TEXTS[2:])
    before = index.search(["还款"], k=2)
    wanted = [*(corpus + text for text in TEXTS), query + "还款"]
    assert encoder.seen == wanted
    assert [hit.text for hit in before[0]] == ["怎么还款", "如何提前还款"]
    index.save(tmp_path / "index")
    assert saved_encoder(tmp_path / "index").prompts == {"query": query, "corpus": corpus}

    opened = Recorder()  # the model's own prompts may be others by now, or others may be asked for: the index knows better
    for again in (
        TextIndex.open(tmp_path / "index", lambda model: opened),
        TextIndex.load(tmp_path / "index", opened.prompted(PromptChoice("other: ")), identity="counts"),
    ):
        opened.seen.clear()
        again.add(["新的"])
        assert again.search(["还款"], k=2) == before
        assert opened.seen == [corpus + "新的", query + "还款"]
    with pytest.raises(UsageError, match=r"was built with the prompt .* a plain function does not put there"):
        TextIndex.load(tmp_path / "index", opened.encode, identity="counts")


def test_one_that_was_built_by_a_function_is_searched_by_it(tmp_path: Path) -> None:
    encoder = Recorder()
    TextIndex.build(TEXTS, encoder.encode, model="m", identity="counts").save(tmp_path / "index")
    assert saved_encoder(tmp_path / "index").prompts == {}
    again = TextIndex.open(tmp_path / "index", lambda model: encoder)
    again.search(["还款"])
    again = TextIndex.load(tmp_path / "index", encoder.prompted(), identity="counts")
    again.search(["还款"])
    assert encoder.seen == [*(f"same: {text}" for text in TEXTS), "same: 还款", "same: 还款"]


@pytest.mark.parametrize("prompts", [{"query": "q"}, {"query": "q", "corpus": 3}, {"other": "x"}])
def test_a_damaged_manifest(prompts: dict[str, object], tmp_path: Path) -> None:
    encoder = Recorder()
    TextIndex.build(TEXTS, encoder.prompted(), identity="counts").save(tmp_path / "index")
    path = tmp_path / "index" / "corpus.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"prompts": prompts}))
    with pytest.raises(DataError, match="the prompts in it are not those of queries and corpus"):
        TextIndex.load(tmp_path / "index", encoder.prompted(), identity="counts")
