"""WoBERT, RoFormer, SimBERT: cut, pooled and refused as the seed texts say, on small folders in their published form."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
import transformers
from tokenizers import models, normalizers, pre_tokenizers

from juyi.encoder import Encoder, EncoderSettings, load_encoder, save_encoder
from juyi.errors import ModelError, UsageError
from juyi.tokenization import SubwordTokenizer, WordTokenizer

jieba = pytest.importorskip("jieba")
WORDS = ["今天", "天气", "公园", "信用", "信用卡", "手机", "密码", "银行", "the", "of", "iphone"]
KINDS = {"wobert": "BertForMaskedLM", "roformer": "RoFormerForMaskedLM", "simbert": "BertModel"}
Published = Callable[..., Path]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, sentences: list[str]) -> Published:
    """`published(kind)`: a tiny random model as it was published, vocab.txt beside it; only SimBERT has a pooler and no words."""
    letters = dict.fromkeys(letter for text in sentences for letter in text.lower() if not letter.isspace())

    def make(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{a}" for a in letters if a.isascii())]
        tokens += WORDS if kind != "simbert" else []
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
        config = transformers.AutoConfig.for_model(
            "roformer" if kind == "roformer" else "bert", vocab_size=len(tokens), max_position_embeddings=64, **sizes
        )
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(9)
            model = getattr(transformers, KINDS[kind])(config)
            for name, parameter in model.named_parameters():
                if "embed_positions" not in name:
                    parameter.normal_(std=0.3)
        model.save_pretrained(folder)
        return folder

    made = {kind: make(kind) for kind in KINDS}

    def copied(kind: str, **tokenizer: Any) -> Path:
        folder = tmp_path_factory.mktemp("copy") / "model"
        shutil.copytree(made[kind], folder)
        if tokenizer:
            (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
        return folder

    return copied


def load(folder: Path, **settings: Any) -> Encoder:
    return load_encoder(EncoderSettings(model=str(folder), **settings))


def rule(folder: Path, text: str) -> list[int]:
    """The seeds' words: jieba without its HMM, lower case; a word of the vocabulary is kept, any other is split to characters."""
    ids = {token: i for i, token in enumerate((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())}
    found = [ids["[CLS]"]]
    for word in jieba.lcut(text.lower(), HMM=False):
        if word in ids:
            found.append(ids[word])
        elif word.isascii():  # Latin letters and digits go in word pieces, here of one character each
            found += [ids[letter if i == 0 else f"##{letter}"] for i, letter in enumerate(word.strip())]
        else:
            found += [ids[letter] for letter in word]
    return [*found, ids["[SEP]"]]


@pytest.mark.parametrize(("kind", "settings"), [("wobert", {"tokenization": "words"}), ("roformer", {})])
def test_cut_by_the_rule(kind: str, settings: dict[str, Any], published: Published, sentences: list[str]) -> None:
    folder = published(kind)
    encoder = load(folder, **settings)
    assert isinstance(encoder.tokenizer, WordTokenizer)
    assert encoder.tokenizer.tokenize(sentences) == [rule(folder, text) for text in sentences]
    used = {i for row in encoder.tokenizer.tokenize(sentences) for i in row}
    assert sum(encoder.tokenizer.subword.token_id(word) in used for word in WORDS) >= 8


def test_nothing_is_cut_in_words_unless_one_says_so(published: Published, sentences: list[str]) -> None:
    """A BERT folder with words in its vocabulary is a BERT folder."""
    assert isinstance(load(published("wobert")).tokenizer, SubwordTokenizer)
    assert load(published("wobert")).tokenizer.tokenize(sentences) != load(
        published("wobert"), tokenization="words"
    ).tokenizer.tokenize(sentences)


def test_a_wrong_tokenization_is_refused() -> None:
    with pytest.raises(UsageError, match=r"encoder\.tokenization is 'word'; it must be as-saved or words"):
        EncoderSettings(tokenization="word")  # type: ignore[arg-type]


def by_hand(kind: str, folder: Path, rows: list[list[int]]) -> list[list[torch.Tensor]]:
    """The layers of each sentence alone, by transformers' own classes."""
    model = getattr(transformers, KINDS[kind]).from_pretrained(folder).eval()
    with torch.no_grad():
        return [[layer[0] for layer in model(torch.tensor([row]), output_hidden_states=True).hidden_states] for row in rows]


@pytest.mark.parametrize("pooling", ["cls", "last-avg", "first-last-avg"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_poolings_of_the_table(kind: str, pooling: str, published: Published, sentences: list[str]) -> None:
    folder, words = published(kind), kind == "wobert"
    encoder = load(folder, pooling=pooling, tokenization="words" if words else "as-saved")
    texts = sentences[:12]
    rows = [rule(folder, text) for text in texts] if kind != "simbert" else encoder.tokenizer.tokenize(texts)
    expected = {
        "cls": [layers[-1][0] for layers in by_hand(kind, folder, rows)],
        "last-avg": [layers[-1].mean(0) for layers in by_hand(kind, folder, rows)],
        "first-last-avg": [(layers[1] + layers[-1]).mean(0) / 2 for layers in by_hand(kind, folder, rows)],
    }[pooling]
    np.testing.assert_allclose(encoder.encode(texts), torch.stack(expected).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("wobert", r"lacks the pretrained pooler: pooler\.dense\.bias.* They would be random\. Choose another pooling"),
        ("roformer", "type 'roformer' has no pretrained pooler; choose cls, last-avg or first-last-avg"),
    ],
)
def test_a_pooler_that_was_not_published_is_refused(kind: str, match: str, published: Published) -> None:
    with pytest.raises(ModelError, match=match):
        load(published(kind), pooling="pooler", tokenization="words")


@pytest.mark.parametrize("activation", ["tanh", "linear"])
def test_simbert_has_a_pooler(activation: str, published: Published, sentences: list[str]) -> None:
    folder, texts = published("simbert"), sentences[:6]
    encoder = load(folder, pooling="pooler", pooler_activation=activation)
    assert isinstance(encoder.tokenizer, SubwordTokenizer)
    model = transformers.BertModel.from_pretrained(folder).eval()
    with torch.no_grad():
        tops = torch.stack([model(torch.tensor([row])).last_hidden_state[0, 0] for row in encoder.tokenizer.tokenize(texts)])
        dense = model.pooler.dense(tops)
    expected = dense.tanh() if activation == "tanh" else dense
    np.testing.assert_allclose(encoder.encode(texts), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", ["wobert", "roformer"])
def test_words_are_saved_and_need_not_be_said_again(
    kind: str, published: Published, sentences: list[str], tmp_path: Path
) -> None:
    encoder = load(published(kind), tokenization="words", pooling="first-last-avg")
    again = load(save_encoder(encoder, tmp_path / "model"))
    assert isinstance(again.tokenizer, WordTokenizer)
    np.testing.assert_allclose(again.encode(sentences), encoder.encode(sentences), atol=1e-6)


def test_a_word_folder_keeps_its_own_dictionary(published: Published, tmp_path: Path) -> None:
    plain = load(published("wobert"))
    assert isinstance(plain.tokenizer, SubwordTokenizer)
    words = WordTokenizer(plain.tokenizer, ["卡怎么 9000"])
    folder = save_encoder(Encoder(plain.backbone, words, pooling="cls", max_length=20), tmp_path / "model")
    again = load(folder, tokenization="words").tokenizer
    assert isinstance(again, WordTokenizer) and again.user_dictionary == ("卡怎么 9000",)


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({}, True),  # transformers' own choice for this kind
        ({"do_lower_case": True}, True),
        ({"tokenizer_class": "RoFormerTokenizer"}, True),
        ({"tokenizer_class": "RoFormerTokenizerFast"}, True),
        ({"tokenizer_class": "BertTokenizer"}, False),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, False),
    ],
)
def test_the_class_that_a_roformer_folder_states_decides(stated: dict[str, Any], words: bool, published: Published) -> None:
    assert isinstance(load(published("roformer", **stated)).tokenizer, WordTokenizer) == words


def test_a_roformer_that_keeps_upper_case_is_refused(published: Published) -> None:
    with pytest.raises(ModelError, match="do_lower_case false: its words are cut as they are written"):
        load(published("roformer", do_lower_case=False))


@pytest.mark.parametrize(
    ("kind", "stated", "words"), [("wobert", "RoFormerTokenizer", True), ("roformer", "BertTokenizer", False)]
)
def test_the_class_may_stand_in_the_configuration(kind: str, stated: str, words: bool, published: Published) -> None:
    path = published(kind) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer_class": stated}))
    assert isinstance(load(path.parent).tokenizer, WordTokenizer) == words


@pytest.mark.parametrize("normalises", [True, False])
def test_words_outside_the_vocabulary_become_characters_whatever_the_tokenizer_file(
    normalises: bool, published: Published, sentences: list[str]
) -> None:
    """RoFormer's tokenizer.json leaves Chinese words whole: 散步 would become one unknown token, or 散 and ##步."""
    folder = published("roformer", tokenizer_class="RoFormerTokenizer")
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    backend = tokenizers.Tokenizer(models.WordPiece({token: i for i, token in enumerate(lines)}, unk_token="[UNK]"))
    if normalises:
        backend.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False, lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.save(str(folder / "tokenizer.json"))
    assert load(folder).tokenizer.tokenize(sentences) == [rule(folder, text) for text in sentences]
