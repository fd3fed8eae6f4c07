from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from juyi.assets import EMBEDDED
from juyi.engines import open_engine
from juyi.errors import DataError, UsageError
from juyi.index import ExactIndex, SavedEncoder, TextHit, TextIndex, saved_encoder
from juyi.types import Embeddings

TEXTS = ["怎么还款", "如何提前还款", "借款审核要多久", "怎么还款", 'a "quoted"\ttext\nof two\u2028lines']


def encode(texts: Sequence[str]) -> Embeddings:
    """Counts of characters: equal texts are equal vectors."""
    rows = np.zeros((len(texts), 64), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for character in text:
            row[ord(character) % 64] += 1
    return rows


@pytest.fixture
def corpus() -> TextIndex:
    return TextIndex.build(TEXTS, encode, model="counts")


def test_search_gives_texts_best_first(corpus: TextIndex) -> None:
    (found,) = corpus.search(["怎么还款"], k=3)
    assert [(hit.id, hit.text) for hit in found] == [(0, TEXTS[0]), (3, TEXTS[3]), (1, TEXTS[1])]
    assert found[0].score == found[1].score == pytest.approx(1)
    a, b = encode([TEXTS[0], TEXTS[1]]).astype(float)
    assert found[2].score == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_each_query_has_its_own_hits(corpus: TextIndex) -> None:
    found = corpus.search(["借款审核", "提前"], k=1)
    assert [hits[0].id for hits in found] == [2, 1]
    assert corpus.search([]) == []


def test_fewer_texts_than_hits_never_pads_with_a_text(corpus: TextIndex) -> None:
    (found,) = corpus.search(["怎么还款"], k=50)
    assert sorted(hit.id for hit in found) == [0, 1, 2, 3, 4]


def test_threshold_is_the_least_cosine_that_counts(corpus: TextIndex) -> None:
    (everything,) = corpus.search(["怎么还款"], k=5)
    third = everything[2].score
    assert corpus.search(["怎么还款"], k=5, threshold=third) == [everything[:3]]
    assert corpus.search(["怎么还款"], k=5, threshold=1.5) == [[]]


def test_added_texts_are_found_and_deleted_ones_are_not(corpus: TextIndex) -> None:
    assert corpus.add(["额度怎么提升", "额度降低了"]) == [5, 6]
    assert corpus.search(["额度怎么提升"], k=1)[0][0] == TextHit(5, pytest.approx(1), "额度怎么提升")
    corpus.delete([5, 0, 6])
    assert len(corpus) == len(corpus.index) == 4
    assert corpus.search(["怎么还款"], k=1)[0][0].id == 3
    assert corpus.add([]) == []
    assert corpus.add(["新"]) == [7], "the id of a deleted text was given again"
    with pytest.raises(UsageError, match="not in the index"):
        corpus.delete([5])
    assert len(corpus) == 5


def test_a_saved_corpus_is_the_same_corpus(corpus: TextIndex, tmp_path: Path) -> None:
    corpus.delete([4])
    corpus.add([TEXTS[4]])
    corpus.delete([1])
    corpus.save(tmp_path / "corpus")
    assert saved_encoder(tmp_path / "corpus") == SavedEncoder("counts", "")
    loaded = TextIndex.load(tmp_path / "corpus", encode)
    assert loaded.texts == corpus.texts == {0: TEXTS[0], 2: TEXTS[2], 3: TEXTS[3], 5: TEXTS[4]}
    assert loaded.model == "counts"
    assert loaded.search(TEXTS, 5) == corpus.search(TEXTS, 5)
    loaded.delete([5])
    loaded.save(tmp_path / "corpus")
    again = TextIndex.load(tmp_path / "corpus", encode)
    assert sorted(again.texts) == [0, 2, 3]
    assert again.add(["新"]) == [6]
    lines = (tmp_path / "corpus" / "texts.jsonl").read_text(encoding="utf-8").split("\n")
    assert json.loads(lines[0]) == {"id": 0, "text": TEXTS[0]}
    assert TEXTS[0] in lines[0], "Chinese is not written as escapes"


def test_a_corpus_does_not_replace_a_folder_of_another_kind(corpus: TextIndex, tmp_path: Path) -> None:
    ExactIndex(3).save(tmp_path / "index")
    with pytest.raises(UsageError, match="other content"):
        corpus.save(tmp_path / "index")
    with pytest.raises(DataError, match="holds no juyi-text-index"):
        TextIndex.load(tmp_path / "index", encode)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('{"id": 0, "text": "a"}\n', "1 texts and 2 vectors"),
        ('{"id": 0, "text": "a"}\n{"id": 0, "text": "b"}\n', "line 2.*id 0 is repeated"),
        ('{"id": 0, "text": "a"}\n{"id": 1}\n', "line 2.*not an object"),
        ('{"id": 0, "text": "a"}\n[]\n', "line 2.*not an object"),
        ('{"id": 0, "text": "a"}\n{"id"\n', "line 2.*not an object"),
        ('{"id": 0, "text": "a"}\n{"id": 1, "text": null}\n', "line 2.*its text is none"),
    ],
)
def test_damaged_texts_are_an_error(tmp_path: Path, lines: str, words: str) -> None:
    TextIndex.build(["a", "b"], encode).save(tmp_path / "corpus")
    (tmp_path / "corpus" / "texts.jsonl").write_text(lines, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        TextIndex.load(tmp_path / "corpus", encode)


def test_undecodable_or_missing_texts_are_an_error(tmp_path: Path) -> None:
    TextIndex.build(["a", "b"], encode).save(tmp_path / "corpus")
    texts = tmp_path / "corpus" / "texts.jsonl"
    texts.write_bytes('{"id": 0, "text": "怎么"}\n'.encode("gb18030"))
    with pytest.raises(DataError, match="cannot be read"):
        TextIndex.load(tmp_path / "corpus", encode)
    texts.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        TextIndex.load(tmp_path / "corpus", encode)


def test_texts_of_another_index_are_noticed() -> None:
    index = ExactIndex(64)
    index.add([0, 1], encode(["a", "b"]))
    with pytest.raises(UsageError, match="3 texts for 2 vectors"):
        TextIndex(encode, index, {0: "a", 1: "b", 2: "c"})
    with pytest.raises(DataError, match="id 1, to which there is no text"):
        TextIndex(encode, index, {0: "a", 9: "b"}).search(["b"])


def test_impossible_texts_and_encoders_are_refused(corpus: TextIndex) -> None:
    with pytest.raises(UsageError, match="no texts to build"):
        TextIndex.build([], encode)
    with pytest.raises(UsageError, match="one string"):
        corpus.search("怎么还款")
    with pytest.raises(UsageError, match="None at place 1"):
        corpus.add(["a", None])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="encode gave 1 rows for 2 texts"):
        TextIndex.build(["a", "b"], lambda texts: encode(texts[:1]))
    with pytest.raises(UsageError, match=r"The result of encode has the shape \(64,\)"):
        TextIndex.build(["a"], lambda texts: encode(texts)[0])
    corpus.encode = lambda texts: encode(texts)[:, :9]
    with pytest.raises(UsageError, match=r"queries have 9 components.*have 64"):
        corpus.search(["怎么还款"])


def test_another_index_may_be_used() -> None:
    made: list[int] = []

    def make(dim: int) -> ExactIndex:
        made.append(dim)
        return ExactIndex(dim)

    TextIndex.build(TEXTS, encode, make_index=make)
    assert made == [64]


class Engine:
    """An encoder with an identity."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.encode = encode


def test_a_saved_corpus_is_opened_with_the_encoder_that_it_names(tmp_path: Path) -> None:
    engine = Engine("abc")
    TextIndex.build(TEXTS, engine.encode, model="counts", identity=engine.identity).save(tmp_path / "corpus")
    asked: list[str] = []

    def open_encoder(model: str) -> Engine:
        asked.append(model)
        return engine

    opened = TextIndex.open(tmp_path / "corpus", open_encoder)
    assert asked == ["counts"] and opened.identity == "abc"
    assert opened.search(["怎么还款"], 1)[0][0].text == "怎么还款"
    opened.save(tmp_path / "again")
    assert saved_encoder(tmp_path / "again") == SavedEncoder("counts", "abc")
    TextIndex.build(TEXTS, encode).save(tmp_path / "nameless")
    with pytest.raises(UsageError, match=r"does not say which encoder.*TextIndex\.load"):
        TextIndex.open(tmp_path / "nameless", open_encoder)


@pytest.mark.parametrize(
    ("built_with", "given", "words"),
    [
        ("abc", "def", "built with the encoder abc \\('counts'\\), and the given one is def: it would find wrong texts"),
        ("abc", "", "the given one has no identity. Open the engine and give its identity"),
        ("", "def", "does not say which encoder it was built with.*this one \\(def\\) cannot be known"),
        ("abc", "abc", None),
        ("", "", None),
    ],
)
def test_another_encoder_than_the_one_it_was_built_with_is_refused(
    tmp_path: Path, built_with: str, given: str, words: str | None
) -> None:
    TextIndex.build(TEXTS, encode, model="counts", identity=built_with).save(tmp_path / "corpus")
    if words is None:
        assert len(TextIndex.load(tmp_path / "corpus", encode, identity=given)) == len(TEXTS)
        return
    with pytest.raises(UsageError, match=words):
        TextIndex.load(tmp_path / "corpus", encode, identity=given)
    if given:
        with pytest.raises(UsageError, match=words):
            TextIndex.open(tmp_path / "corpus", lambda model: Engine(given))


def test_a_model_that_was_changed_is_noticed(tmp_path: Path) -> None:
    model = shutil.copytree(EMBEDDED["mini-base"], tmp_path / "model")
    engine = open_engine(model)
    TextIndex.build(TEXTS[:3], engine.encode, model=str(model), identity=engine.identity).save(tmp_path / "corpus")
    assert len(TextIndex.open(tmp_path / "corpus", open_engine)) == 3
    (model / "README.md").write_text("another card")
    assert len(TextIndex.open(tmp_path / "corpus", open_engine)) == 3
    config = model / "1_Pooling" / "config.json"
    content = json.loads(config.read_text())
    cls, mean = "pooling_mode_cls_token", "pooling_mode_mean_tokens"
    config.write_text(json.dumps(content | {cls: content[mean], mean: content[cls]}))
    with pytest.raises(UsageError, match="it would find wrong texts"):
        TextIndex.open(tmp_path / "corpus", open_engine)


SAVED = """
import os, sys
import numpy as np
from juyi.index import TextIndex
def watch(event, arguments):
    if event == sys.argv[2] and sys.argv[3] in str(arguments):
        os.kill(os.getpid(), 9)
sys.addaudithook(watch)
TextIndex.build(["a", "bb"], lambda texts: np.array([[len(text), 1] for text in texts], dtype=np.float32)).save(sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize(("event", "moment"), [("open", "texts.jsonl"), ("os.rename", "saved'")])
def test_killed_while_it_is_saved_an_index_is_not_there_and_the_next_one_is(event: str, moment: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SAVED, str(tmp_path / "saved")]
    assert subprocess.run([*command, event, moment], check=False).returncode == -9
    assert not (tmp_path / "saved").exists() and len(list(tmp_path.iterdir())) == 1
    assert subprocess.run([*command, "nothing", ""], check=False).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
