"""Training with a prompt is training on texts that have it before them; what is saved keeps the prompts of the base."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.adaptation import AdaptOptions, adapt
from juyi.augmentation import DeleteOne
from juyi.encoder import Encoder, EncoderSettings, load_encoder, save_encoder
from juyi.errors import UsageError
from juyi.experiments import load_recipe, run
from juyi.experiments.given import Given, with_given
from juyi.experiments.pairs import SourcePairs
from juyi.experiments.recipe import MaskedLMTerm, TrainRecipe
from juyi.experiments.rows import distillation_rows, pair_rows
from juyi.objectives import ESimCSE, Objective, SimCSESupervised, SimCSEUnsupervised
from juyi.prompts import Prompts
from juyi.teachers import Teacher
from juyi.training import TrainingSettings

PROMPTS = Prompts({"query": "查询：", "STS": "句子："}, "STS")


@pytest.fixture
def folder(stand_in: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    def make(pooled: bool = True) -> Path:
        encoder = load_encoder(stand_in("bert", pooler=False))
        encoder.prompts = replace(PROMPTS, pooled=pooled)
        return save_encoder(encoder, tmp_path / f"base-{pooled}")

    return make


def trained(base: Path, prompt: str | None, rows: Any, runs: Path, objective: Objective, **settings: Any) -> tuple[Encoder, Path]:
    recipe = TrainRecipe(
        "prompts",
        "",
        objective,  # type: ignore[arg-type]
        encoder=EncoderSettings(model=str(base), prompt=prompt),
        training=TrainingSettings(batch_size=8, steps=3, learning_rate=1e-3, precision="float32"),
        **settings,
    )
    result = run(recipe, runs, examples=rows)
    return result.encoder, result.folder / "model"


OBJECTIVES = [
    (SimCSEUnsupervised(), {}),
    (SimCSEUnsupervised(), {"masked_lm": MaskedLMTerm()}),
    (SimCSEUnsupervised(), {"masked_lm": MaskedLMTerm(whole_words=True)}),
    (SimCSESupervised(hard_negatives=False), {}),
]


@pytest.mark.parametrize(("objective", "settings"), OBJECTIVES)
@pytest.mark.parametrize(("asked", "text"), [("query", "查询："), ("看：", "看："), (None, "句子："), ("", "")])
def test_the_weights_are_those_of_texts_with_the_prompt(
    objective: Any, settings: dict[str, Any], asked: str | None, text: str, folder: Any, sentences: list[str], tmp_path: Path
) -> None:
    if "masked_lm" in settings and settings["masked_lm"].whole_words:
        pytest.importorskip("jieba")
    names = ("anchor", "positive") if isinstance(objective, SimCSESupervised) else ("text",)
    plain = {name: sentences[i : i + 24] for i, name in enumerate(names)}
    by_hand = {name: [text + each for each in column] for name, column in plain.items()}
    encoder, model = trained(folder(), asked, plain, tmp_path / "a", objective, **settings)
    other, _ = trained(folder(), "", by_hand, tmp_path / "b", objective, **settings)
    for (name, weight), theirs in zip(encoder.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(weight, theirs), name
    saved = load_encoder(model)
    assert saved.prompts == PROMPTS and saved.prompt is None
    np.testing.assert_allclose(
        encoder.encode(sentences[:5]), saved.encode([text + s for s in sentences[:5]], prompt=""), atol=1e-6
    )
    assert f"{text!r}" in (model / "README.md").read_text(encoding="utf-8") or not text


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize(
    "objective",
    [SimCSEUnsupervised(augmentation=DeleteOne()), ESimCSE(rate=0.9), ESimCSE(rate=0.9, variant="released", queue_size=0)],
)
def test_views_that_are_changed_keep_the_prompt(objective: Any, pooled: bool, folder: Any, sentences: list[str]) -> None:
    encoder = load_encoder(EncoderSettings(model=str(folder(pooled)), prompt="query"))
    rows, head = encoder.tokenize(sentences), encoder.prompt_tokens()
    assert head == 4 and encoder.skipped_tokens() == (0 if pooled else 4)
    views = objective.inputs({"text": rows, "raw": sentences}, np.random.default_rng(0), encoder)
    assert any(list(row) != list(changed) for row, changed in zip(rows, views[1].rows, strict=True))
    assert {tuple(row[:head]) for row in views[1].rows} == {tuple(rows[0][:head])}
    assert [row[-1] for row in views[1].rows] == [row[-1] for row in rows]


def test_pairs_of_sources_carry_the_prompt(folder: Any, sentences: list[str], tmp_path: Path) -> None:
    encoder = load_encoder(EncoderSettings(model=str(folder()), prompt="query"))
    first, second = tuple(sentences[:6]), tuple(sentences[6:12])
    pairs = SourcePairs(first, second, np.arange(6), np.ones(6, dtype=bool), 0)
    rows = pair_rows(pairs, encoder)

    def by_hand(texts: Sequence[str]) -> list[list[int]]:
        return encoder.tokenizer.tokenize([f"查询：{text}" for text in texts], encoder.max_length)

    assert list(rows["anchor"]) == by_hand(first) and list(rows["positive"]) == by_hand(second)
    taught = distillation_rows((Teacher(str(folder())),), pairs, encoder, tmp_path / "teacher", lambda _: None)
    assert list(taught["text"]) == by_hand([*first, *second])
    wanted = load_encoder(folder()).encode(second)  # the teacher reads with its own default
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    cosines = (np.asarray(taught["target"][:6], dtype=np.float32) * wanted).sum(1)
    np.testing.assert_allclose(cosines, 1, atol=5e-3)


def test_a_finished_run_is_loaded_with_its_prompt(folder: Any, sentences: list[str], tmp_path: Path) -> None:
    first, model = trained(folder(False), "query", sentences[:24], tmp_path, SimCSEUnsupervised())
    again, same = trained(folder(False), "query", sentences[:24], tmp_path, SimCSEUnsupervised())
    assert same == model and again.prompt == first.prompt
    np.testing.assert_allclose(again.encode(sentences), first.encode(sentences), atol=1e-6)
    _, other = trained(folder(False), None, sentences[:24], tmp_path, SimCSEUnsupervised())
    assert other != model  # another prompt is another run
    assert 'prompt = "query"' in (model.parent / "recipe.toml").read_text(encoding="utf-8")


def test_adapt_measures_with_the_prompt_and_keeps_the_prompts(folder: Any, sentences: list[str], tmp_path: Path) -> None:
    said: list[str] = []
    base = folder()
    options = AdaptOptions(EncoderSettings(model=str(base), prompt="query"), "quick", queries=("账单",))
    adapt(sentences, tmp_path / "out", options=options, log=said.append)
    assert any(line.startswith("Prompt: '查询：' (query) before every text") for line in said)
    assert load_encoder(tmp_path / "out" / "model").prompts == PROMPTS
    with pytest.raises(UsageError, match="Did you mean 'query'"):
        adapt(sentences, tmp_path / "other", options=AdaptOptions(EncoderSettings(model=str(base), prompt="qurey")))


def test_what_is_given_goes_into_the_recipe() -> None:
    recipe = load_recipe("simcse/chinese-bojone", ["encoder.prompt=query"])
    assert isinstance(recipe, TrainRecipe) and recipe.encoder.prompt == "query"
    for prompt, expected in (("看：", "看："), ("", ""), (None, "query")):
        given = with_given(recipe, Given(prompt=prompt))
        assert isinstance(given, TrainRecipe) and given.encoder.prompt == expected
    with pytest.raises(UsageError, match="makes a new encoder and starts from none; leave --prompt '看：' out"):
        with_given(load_recipe("pretrain/mini-words"), Given(prompt="看："))
