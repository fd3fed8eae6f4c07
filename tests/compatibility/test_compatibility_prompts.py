"""A model's prompts through the interfaces of other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from juyi import SimCSE
from juyi.compatibility import MtebEncoder
from juyi.encoder import load_encoder, save_encoder
from juyi.engines import open_engine
from juyi.prompts import Prompts

PROMPTS = {"query": "query: ", "document": "passage: ", "STS": "句子：", "T2Retrieval-query": "问：", "Retrieval": "找："}


@pytest.fixture
def folder(stand_in: Callable[..., Path], tmp_path: Path) -> Path:
    encoder = load_encoder(stand_in("bert"))
    encoder.prompts = Prompts(PROMPTS, "STS")
    return save_encoder(encoder, tmp_path / "model")


@pytest.fixture
def mteb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTEB_CACHE", str(tmp_path_factory.mktemp("mteb")))
        yield pytest.importorskip("mteb")


@pytest.mark.parametrize(
    ("name", "kind", "side", "prompt"),
    [
        ("T2Retrieval", "Retrieval", "query", "问："),
        ("T2Retrieval", "Retrieval", "document", "找："),
        ("ATEC", "STS", None, "句子："),
        ("Other", "Reranking", "query", "query: "),
        ("Other", "Reranking", "document", "passage: "),
        ("Other", "Classification", None, "句子："),
    ],
)
@pytest.mark.parametrize("opened", [False, True])
def test_mteb_gets_the_prompt_that_it_would_choose_itself(
    name: str, kind: str, side: str | None, prompt: str, opened: bool, folder: Path, sentences: list[str], mteb: Any
) -> None:
    from mteb.models.abs_encoder import get_prompt_name
    from mteb.types import PromptType

    metadata, asked = SimpleNamespace(name=name, type=kind), None if side is None else PromptType(side)
    encoder = MtebEncoder(open_engine(folder) if opened else folder)
    found = encoder.encode([{"text": sentences[:4]}], task_metadata=metadata, prompt_type=asked)
    wanted = open_engine(folder).encode([prompt + text for text in sentences[:4]], prompt="")
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    chosen = get_prompt_name(PROMPTS, metadata, asked)
    assert chosen is None or PROMPTS[chosen] == prompt
    assert encoder.mteb_model_meta.use_instructions


def test_mteb_without_a_word_gets_the_default(folder: Path, sentences: list[str], mteb: Any) -> None:
    found = MtebEncoder(folder).encode([{"text": sentences[:4]}])
    np.testing.assert_allclose(found, open_engine(folder).encode(sentences[:4]), atol=1e-5)
    assert not MtebEncoder("mini").mteb_model_meta.use_instructions


def test_the_simcse_tool_tells_queries_from_what_it_indexed(folder: Path, sentences: list[str]) -> None:
    tool, engine = SimCSE(folder), open_engine(folder)
    tool.build_index(sentences[:10])
    tool.add_to_index(sentences[10:12])
    corpus = engine.encode([f"passage: {text}" for text in sentences[:12]], prompt="", normalise=True)
    query = engine.encode([f"query: {sentences[20]}"], prompt="", normalise=True)[0]
    hits = tool.search(sentences[20], threshold=-1, top_k=12)
    cosines = corpus @ query
    assert [text for text, _ in hits] == [sentences[i] for i in np.argsort(-cosines)]
    np.testing.assert_allclose([score for _, score in hits], np.sort(cosines)[::-1], atol=1e-5)
    same = engine.encode([f"句子：{text}" for text in sentences[:2]], prompt="", normalise=True)
    assert tool.similarity(sentences[0], sentences[1]) == pytest.approx(float(same[0] @ same[1]), abs=1e-5)
