"""Prompts as sentence-transformers applies them, on the same folder: by name, as a text, by default, for queries."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.encoder import Encoder, EncoderSettings, create_encoder, dropout_views, load_encoder, save_encoder, twin
from juyi.errors import UsageError
from juyi.poolings import PoolingName
from juyi.postprocessing import whiten_encoder
from juyi.prompts import Prompt, Prompts
from juyi.tokenization import WordTokenizer

pytestmark = pytest.mark.parity

E5 = {"query": "query: ", "passage": "passage: ", "document": "passage: "}
BGE = {"query": "为这个句子生成表示以用于检索相关文章："}
QWEN = {"query": "Instruct: Given a web search query, retrieve relevant passages\nQuery:", "document": ""}
NAMED = {"STS": "句子：", "query": "问题：", "Classification": "分类 ", "empty": ""}
SETTINGS = [(E5, None), (BGE, None), (QWEN, "query"), (NAMED, "STS"), (NAMED, "empty"), ({}, None)]

Folder = Callable[..., Path]


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("sentence_transformers")


@pytest.fixture
def folder(stand_in: Folder, tmp_path: Path) -> Folder:
    def make(prompts: dict[str, str], default: str | None = None, **settings: Any) -> Path:
        pooled = settings.pop("pooled", True)
        kind = settings.pop("model_type", "bert")
        encoder = load_encoder(EncoderSettings(model=str(stand_in(kind)), **settings))
        encoder.prompts = Prompts(prompts, default, pooled)
        return save_encoder(encoder, tmp_path / "model")

    return make


def theirs(library: Any, path: Path) -> Any:
    return library.SentenceTransformer(str(path), device="cpu")


def assert_alike(encoder: Encoder, model: Any, texts: list[str], atol: float = 1e-5) -> None:
    """Every way to ask for a prompt gives their vectors; and the prompts differ from each other."""
    asked: list[tuple[Any, dict[str, Any]]] = [(None, {}), ("", {"prompt": ""}), ("看：", {"prompt": "看："})]
    asked += [(name, {"prompt_name": name}) for name in encoder.prompts.texts]
    for prompt, theirs_is in asked:
        np.testing.assert_allclose(encoder.encode(texts, prompt=prompt), model.encode(texts, **theirs_is), atol=atol)
    np.testing.assert_allclose(encoder.encode(texts, prompt=encoder.prompts.query), model.encode_query(texts), atol=atol)
    np.testing.assert_allclose(encoder.encode(texts, prompt=encoder.prompts.corpus), model.encode_document(texts), atol=atol)
    assert np.abs(encoder.encode(texts, prompt="看：") - encoder.encode(texts, prompt="")).max() > 100 * atol


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("pooling", ["cls", "last-avg", "first-last-avg"])
@pytest.mark.parametrize(("prompts", "default"), SETTINGS)
def test_every_way_to_ask_for_one(
    prompts: dict[str, str], default: str | None, pooling: str, pooled: bool, library: Any, folder: Folder, sentences: list[str]
) -> None:
    path = folder(prompts, default, pooling=pooling, pooled=pooled, head="linear")
    said = json.loads((path / "config_sentence_transformers.json").read_text())
    assert said["prompts"] == prompts and said["default_prompt_name"] == default
    assert_alike(load_encoder(path), theirs(library, path), sentences[::7])


@pytest.mark.parametrize("model_type", ["modernbert", "xlm-roberta", "distilbert", "electra"])
def test_other_backbones(model_type: str, library: Any, folder: Folder, sentences: list[str]) -> None:
    path = folder(NAMED, "STS", model_type=model_type, pooled=False)
    assert_alike(load_encoder(path), theirs(library, path), sentences[::9])


@pytest.mark.parametrize("pooling", ["cls", "last-avg"])
@pytest.mark.parametrize("pooled", [True, False])
def test_a_prompt_counts_in_the_length(pooled: bool, pooling: PoolingName, library: Any, folder: Folder) -> None:
    """Prompt and text are cut together; of a prompt that fills all there is, nothing but the prompt is left."""
    path = folder(E5, "query", max_length=8, pooling=pooling, pooled=pooled)
    encoder, model = load_encoder(path), theirs(library, path)
    texts = ["今天天气很好，我们去公园散步。", "今天", ""]
    for prompt in (None, "今天天气很好，我们去公园", "今天天气很"):
        given = {} if prompt is None else {"prompt": prompt}
        np.testing.assert_allclose(encoder.encode(texts, prompt=prompt), model.encode(texts, **given), atol=1e-5)
    assert max(map(len, encoder.tokenize(texts))) == 8


def test_what_they_save_we_load(library: Any, stand_in: Folder, sentences: list[str], tmp_path: Path) -> None:
    model = theirs(library, stand_in("bert"))
    model.prompts |= NAMED
    model.default_prompt_name = "STS"
    model.set_pooling_include_prompt(False)
    model.save(str(tmp_path / "model"))
    encoder = load_encoder(tmp_path / "model")
    assert encoder.prompts == Prompts({"query": "问题：", "document": "", **NAMED}, "STS", pooled=False)
    assert_alike(encoder, model, sentences[:8])


def test_the_passages_of_an_e5_get_their_prompt_though_theirs_do_not(library: Any, folder: Folder, sentences: list[str]) -> None:
    """sentence-transformers 6.2 puts an empty `document` beside the prompts of every model, and takes it for the first one."""
    path = folder({"query": "query: ", "passage": "passage: "})
    encoder, model = load_encoder(path), theirs(library, path)
    named = model.encode(sentences[:4], prompt_name="passage")
    np.testing.assert_allclose(encoder.encode(sentences[:4], prompt=encoder.prompts.corpus), named, atol=1e-5)
    assert np.abs(model.encode_document(sentences[:4]) - named).max() > 1e-2


@pytest.mark.parametrize("pooled", [True, False])
def test_a_whitened_encoder_keeps_them(pooled: bool, library: Any, folder: Folder, sentences: list[str], tmp_path: Path) -> None:
    encoder = load_encoder(EncoderSettings(model=str(folder(NAMED, "STS", pooled=pooled)), prompt="query"))
    whitened, whitening = whiten_encoder(encoder, sentences, 5)
    by_hand = encoder.encode(sentences, prompt="问题：")
    np.testing.assert_allclose(whitening.mean, by_hand.mean(0), atol=1e-5)  # fitted on what the prompt in effect gives
    np.testing.assert_array_equal(whitened.encode(sentences), whitened.encode(sentences, prompt="query"))
    path = save_encoder(whitened, tmp_path / "whitened")
    loaded = load_encoder(path)
    assert loaded.prompts == encoder.prompts and loaded.prompt is None
    np.testing.assert_allclose(loaded.encode(sentences, prompt="query"), whitened.encode(sentences), atol=1e-5)
    assert_alike(loaded, theirs(library, path), sentences[:8])


def test_a_folder_of_our_own_keeps_them(folder: Folder, sentences: list[str], tmp_path: Path) -> None:
    plain = load_encoder(folder({}))
    words = Encoder(
        plain.backbone,
        WordTokenizer(plain.tokenizer),  # type: ignore[arg-type]
        pooling="last-avg",
        max_length=20,
        prompts=Prompts(NAMED, "STS", pooled=False),
    ).eval()
    path = save_encoder(words, tmp_path / "words")
    loaded = load_encoder(path)
    assert (path / "juyi_modules.json").is_file() and loaded.prompts == words.prompts
    for prompt in (None, "query", ""):
        np.testing.assert_allclose(
            loaded.encode(sentences[:5], prompt=prompt), words.encode(sentences[:5], prompt=prompt), atol=1e-6
        )
    assert np.abs(loaded.encode(sentences[:5]) - loaded.encode(sentences[:5], prompt="")).max() > 1e-3


def test_the_prompt_that_is_set_stands_in_for_the_default(folder: Folder, sentences: list[str]) -> None:
    path = str(folder(NAMED, "STS"))
    texts = sentences[:5]
    default = load_encoder(path)
    for asked, text in (("query", "问题："), ("看：", "看："), ("", ""), (None, "句子：")):
        encoder = load_encoder(EncoderSettings(model=path, prompt=asked))
        np.testing.assert_array_equal(encoder.encode(texts), default.encode(texts, prompt=Prompt(text)))
        np.testing.assert_array_equal(twin(encoder).encode(texts), encoder.encode(texts))
        assert encoder.tokenize(texts) == default.tokenizer.tokenize([text + each for each in texts], default.max_length)
    with pytest.raises(UsageError, match=r"no prompt named 'qurey'.*Did you mean 'query'"):
        load_encoder(EncoderSettings(model=path, prompt="qurey"))
    with pytest.raises(UsageError, match="Did you mean 'STS'"):
        default.encode(texts, prompt="sts")


@pytest.mark.parametrize("pooled", [True, False])
def test_training_encodes_what_encode_does(pooled: bool, folder: Folder, sentences: list[str]) -> None:
    """Tokenized rows carry the prompt, packed or not; without dropout they give the vectors of `encode`."""
    encoder = load_encoder(EncoderSettings(model=str(folder(NAMED, pooled=pooled)), prompt="query"))
    rows = encoder.tokenize(sentences)
    np.testing.assert_allclose(encoder.embed(rows).detach().numpy(), encoder.encode(sentences), atol=1e-5)
    assert np.abs(encoder.encode(sentences) - encoder.encode(sentences, prompt="")).max() > 1e-2
    views = dropout_views(
        load_encoder(
            EncoderSettings(model=str(folder(NAMED, pooled=pooled)), prompt="query", hidden_dropout=2e-5, attention_dropout=0.0)
        ),
        sentences,
    )
    assert views is not None
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    texts = [sentences[i] for i in order]
    assert np.median(np.abs(views[0] - encoder.encode(texts))) < 1e-4  # next to nothing is dropped
    assert np.median(np.abs(views[0] - encoder.encode(texts, prompt=""))) > 1e-2


def test_a_new_encoder_has_none(folder: Folder, stand_in: Folder) -> None:
    tokenizer = load_encoder(stand_in("bert")).tokenizer
    options = {"num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    made = create_encoder("bert", options, tokenizer, max_length=16)
    assert made.prompts == Prompts() and made.prompt_for() == Prompt()
    moved = shutil.copytree(folder(E5), folder(E5).parent / "copied")
    assert load_encoder(moved).prompts.texts == E5
