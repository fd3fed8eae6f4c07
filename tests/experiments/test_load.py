from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from juyi.declarations import build
from juyi.errors import UsageError
from juyi.experiments.identity import Reading, run_hash
from juyi.experiments.load import load_recipe, resolved
from juyi.experiments.recipe import KINDS, PretrainRecipe, SourcesRecipe, TrainRecipe
from juyi.experiments.recipe_files import recipe_names, recipe_path
from juyi.objectives import Distillation, MaskedLM, PairContrastive, SimCSEUnsupervised

GOOD: dict[str, Any] = {
    "name": "mine",
    "source": "written for the test",
    "objective": {"kind": "simcse-unsupervised", "negatives": "all-views"},
    "encoder": {"pooling": "cls", "hidden_dropout": 0.3},
    "training": {"batch_size": 32, "betas": [0.9, 0.98]},
}
GOOD_PRETRAIN: dict[str, Any] = {
    "name": "mine",
    "source": "written for the test",
    "backbone": {"model_type": "bert", "options": {"hidden_size": 32}},
    "sources": {"files": [{"file": "a.txt"}, {"file": "b.txt", "rows": 3}]},
}
GOOD_SOURCES: dict[str, Any] = {
    "name": "mine",
    "source": "written for the test",
    "teacher": "them",
    "clusters": 2,
    "objective": {"kind": "distillation"},
    "training": {"mixing": "proportional"},
    "sources": {"files": [{"file": "a.tsv"}, {"file": "b.tsv", "columns": [2, 1], "repeat": 3, "both": True}]},
}
FILE = """
name = "mine"
kind = "train"
source = "written for the test"
[objective]
kind = "simcse-unsupervised"
[training]
batch_size = 32
"""


def changed(tables: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return tables | {first: changed(tables.get(first, {}), rest, value) if rest else value}


@pytest.fixture
def recipe_file(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def test_tables_become_a_recipe() -> None:
    recipe = build(GOOD, TrainRecipe, origin="x")
    assert recipe.objective == SimCSEUnsupervised(negatives="all-views")
    assert recipe.training.betas == (0.9, 0.98) and recipe.training.batch_size == 32
    assert (recipe.encoder.pooling, recipe.encoder.hidden_dropout, recipe.encoder.attention_dropout) == ("cls", 0.3, None)
    other = build(GOOD_PRETRAIN, PretrainRecipe, origin="x")
    assert other.objective == MaskedLM() and [source.rows for source in other.sources.files] == [0, 3]
    third = build(GOOD_SOURCES, SourcesRecipe, origin="x")
    assert third.objective == Distillation() and third.teacher == "them"
    assert [(each.columns, each.repeat, each.both) for each in third.sources.files] == [((1, 2), 1, False), ((2, 1), 3, True)]


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("objective.temprature", "objective.temperature"),
        ("training.batchsize", "training.batch_size"),
        ("training.learnin_rate", "training.learning_rate"),
        ("encoder.poolin", "encoder.pooling"),
        ("trainig", "training"),
        ("training.temperature", "objective.temperature"),  # the right word in the wrong table
        ("temperature", "objective.temperature"),
        ("data.text", "data.texts"),
    ],
)
def test_an_unknown_key_is_named_with_its_path_and_the_nearest_one(path: str, near: str) -> None:
    with pytest.raises(UsageError) as raised:
        build(changed(GOOD, path, 1), TrainRecipe, origin="my.toml")
    assert str(raised.value) == f"my.toml: '{path}' is unknown. Did you mean {near!r}?"


def test_an_unknown_key_near_nothing() -> None:
    with pytest.raises(UsageError, match=r"^x: 'training\.qqqq' is unknown\.$"):
        build(changed(GOOD, "training.qqqq", 1), TrainRecipe, origin="x")


def test_an_unknown_key_in_a_list() -> None:
    wrong = changed(GOOD_PRETRAIN, "sources.files", [{"file": "a"}, {"file": "b", "row": 1}])
    with pytest.raises(UsageError, match=r"'sources\.files\.1\.row' is unknown\. Did you mean 'sources\.files\.rows'\?"):
        build(wrong, PretrainRecipe, origin="x")


@pytest.mark.parametrize(
    ("key", "near"), [("column", "columns"), ("neighbour", "neighbours"), ("row", "rows"), ("repeats", "repeat"), ("qqqq", None)]
)
def test_an_unknown_key_of_a_source_of_pairs(key: str, near: str | None) -> None:
    wrong = changed(GOOD_SOURCES, "sources.files", [{"file": "a"}, {"file": "b", key: 1}])
    with pytest.raises(UsageError) as raised:
        build(wrong, SourcesRecipe, origin="x")
    hint = f" Did you mean 'sources.files.{near}'?" if near else ""
    assert str(raised.value) == f"x: 'sources.files.1.{key}' is unknown.{hint}"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("teacher", "", "A distillation needs a teacher, and nothing else does"),
        ("objective", {"kind": "pair-contrastive"}, "A distillation needs a teacher, and nothing else does"),
        ("objective", {"kind": "masked-lm"}, "A distillation needs a teacher, and nothing else does"),
        ("objective", {"kind": "esimcse"}, "'objective.kind' is 'esimcse'; it must be one of 'distillation', 'pair-contr"),
        ("teachers", [{"model": "a"}], r"Both 'teacher' \(them\) and 'teachers' \(a\) are given"),
        ("teachers", [{"model": ""}], "A teacher's model is empty"),
        ("teachers", [{"model": "a", "weight": 0}], "The teacher a has the weight 0.0; it must be above 0"),
        ("teachers", [{"model": "a", "wieght": 1}], "'teachers.0.wieght' is unknown. Did you mean 'teachers.weight'"),
        ("sources.files", [], "sources.files is empty"),
        ("sources.files", [{"file": "a", "repeat": 0}], "a: repeat and lines must be at least 1"),
        ("sources.files", [{"file": "a", "columns": [1]}], r"'sources.files.0.columns.1' is missing"),
        ("sources.longst", 3, "'sources.longst' is unknown. Did you mean 'sources.longest'"),
        ("objective.temprature", 3, "'objective.temprature' is unknown. Did you mean 'objective.temperature'"),
    ],
)
def test_a_recipe_of_pairs_that_cannot_be(path: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"^x: .*{words}"):
        build(changed(GOOD_SOURCES, path, value), SourcesRecipe, origin="x")


def test_a_recipe_is_of_the_kind_that_it_states(recipe_file: str, tmp_path: Path) -> None:
    first = load_recipe(recipe_file, ["training.steps=7"])
    assert isinstance(first, TrainRecipe) and first.training.steps == 7
    text = Path(recipe_file).read_text(encoding="utf-8").replace("simcse-unsupervised", "pair-contrastive")
    path = tmp_path / "pairs.toml"
    path.write_text(text.replace('"train"', '"train-on-sources"') + '[[sources.files]]\nfile = "a.tsv"\n', encoding="utf-8")
    second = load_recipe(str(path), ["training.steps=7", "sources.exclude=['x.tsv']"])
    assert isinstance(second, SourcesRecipe) and second.objective == PairContrastive() and second.training.steps == 7
    assert second.sources.exclude == ("x.tsv",)
    shipped = load_recipe("mini/distillation")
    assert isinstance(shipped, SourcesRecipe) and isinstance(shipped.objective, Distillation)
    assert isinstance(load_recipe("simcse/chinese-bojone"), TrainRecipe)
    assert isinstance(load_recipe("pretrain/mini-base"), PretrainRecipe)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "'kind' is missing; it must be one of 'train', 'train-on-sources', 'pretrain'."),
        ('kind = "trian"', "'kind' is 'trian'; it must be one of 'train', 'train-on-sources', 'pretrain'. Did you mean 'train'?"),
        ("kind = 3", "'kind' is 3; it must be one of 'train', 'train-on-sources', 'pretrain'."),
        ('kind = "pretrain"', "'backbone' is missing. 'sources' is missing."),
        ('kind = "train-on-sources"', "'sources' is missing."),
    ],
)
def test_a_kind_that_is_none_or_another(recipe_file: str, line: str, words: str) -> None:
    path = Path(recipe_file)
    path.write_text(FILE.replace('kind = "train"', line), encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load_recipe(recipe_file)
    assert str(raised.value).startswith(f"{path}: ") and words in str(raised.value)


def test_every_kind_is_told_by_one_word() -> None:
    assert len({kind.kind for kind in KINDS}) == len(KINDS) == 3


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("training.batch_size", "many", "'training.batch_size': .* integer.* (got 'many')"),
        ("training.batch_size", 2.5, "'training.batch_size': .* (got 2.5)"),
        ("training.betas", [0.9], "'training.betas.1' is missing"),
        ("training.schedule", "steep", "'training.schedule': .*'constant', 'linear', 'cosine' or 'trapezoid' (got 'steep')"),
        ("training", 3, "'training': .*dictionary.* (got 3)"),
        ("objective.temperature", "hot", "'objective.temperature': .* number.* (got 'hot')"),
        ("objective", {"kind": "simcse"}, "'objective.kind' is 'simcse'; it must be one of 'simcse-unsupervised', "),
        ("objective", {}, "'objective.kind' is missing"),
        ("encoder.pooling", "average", "'encoder.pooling': .*'last-avg'.* (got 'average')"),
        ("training.batch_size", 1, "training.batch_size is 1; it must be at least 2"),
        ("objective.temperature", 0, "temperature is 0.0; it must be above 0"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_path(path: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError, match="^my.toml: .*" + words.replace("(", r"\(").replace(")", r"\)")):
        build(changed(GOOD, path, value), TrainRecipe, origin="my.toml")


@pytest.mark.parametrize("key", ["name", "source", "objective"])
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(UsageError, match=f"'{key}' is missing"):
        build({name: value for name, value in GOOD.items() if name != key}, TrainRecipe, origin="x")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("sources.files", [], "sources.files is empty"),
        ("sources.sequence_length", 2, "sources.sequence_length is 2; at least 3 are needed"),
        ("sources.sequence_length", 256, "sources.sequence_length is 256, above the encoder's max_length of 128"),
    ],
)
def test_a_corpus_that_cannot_be(path: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"^x: {words}"):
        build(changed(GOOD_PRETRAIN, path, value), PretrainRecipe, origin="x")


def test_overrides(recipe_file: str) -> None:
    recipe = load_recipe(
        recipe_file,
        [
            "objective.temperature=0.1",
            "objective.negatives=all-views",  # a bare word
            "training.betas = [0.8, 0.9]",
            "encoder.pooling = cls",  # a table that the file does not have, and spaces
            'data.texts=["a.txt", "b.txt"]',
            "data.distinct=false",
            "training.learning_rate=1e-5",
            "name=other",
            "about=",
            "training.batch_size=16",
            "training.batch_size=64",  # the last one counts
        ],
    )
    assert isinstance(recipe, TrainRecipe)
    assert recipe.objective == SimCSEUnsupervised(negatives="all-views", temperature=0.1)
    assert recipe.training.betas == (0.8, 0.9) and recipe.encoder.pooling == "cls"
    assert recipe.data.texts == ("a.txt", "b.txt") and recipe.data.distinct is False
    assert recipe.training.learning_rate == 1e-5 and recipe.training.batch_size == 64
    assert recipe.name == "other" and recipe.about == ""


def test_overrides_reach_below_a_nested_table() -> None:
    recipe = load_recipe("pretrain/mini-base", ["backbone.options.hidden_size=64", "training.steps=7"])
    whole = load_recipe("pretrain/mini-base")
    assert isinstance(recipe, PretrainRecipe) and isinstance(whole, PretrainRecipe)
    shipped = whole.backbone.options
    assert recipe.backbone.options == shipped | {"hidden_size": 64} and shipped["hidden_size"] != 64
    assert recipe.training.steps == 7


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("objective.temperature", "'objective.temperature' is no override; write table.key=value"),
        ("=3", "'=3' is no override"),
        ("name.x=3", "name is a value, not a table"),
        ("objective.temprature=3", "'objective.temprature' is unknown. Did you mean 'objective.temperature'"),
        ("training.steps=few", "'training.steps': .*got 'few'"),
    ],
)
def test_overrides_that_cannot_be(recipe_file: str, override: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_recipe(recipe_file, [override])


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no recipe 'pretrain/mini-bse'\. Did you mean pretrain/mini-base\?"):
        recipe_path("pretrain/mini-bse")
    with pytest.raises(UsageError, match=r"no recipe '####'\. `juyi recipes list`"):
        recipe_path("####")
    with pytest.raises(UsageError, match=r"no recipe file .*gone\.toml"):
        recipe_path(str(tmp_path / "gone.toml"))


@pytest.mark.parametrize("content", [b"name = ", b'name = "\xff\xfe"'])
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"bad\.toml is not valid TOML"):
        load_recipe(str(tmp_path / "bad.toml"))


def leaves(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from leaves(below, (*above, key))
    else:
        yield above, value


OTHER_WORDS = {
    "kind": None,
    "negatives": "cross-view",
    "views": "fixed-mask",
    "pooling": "last-avg",
    "pooler_activation": "linear",
    "head": "none",
    "tokenization": "words",
    "prompt": "query: ",
    "header": True,
    "label_scores": {"好": 1.0},
    "masked_lm": {"weight": 0.2},
    "mixing": "round-robin",
    "track": ["tensorboard"],
    "schedule": "cosine",
    "precision": "bfloat16",
    "keep": None,
    "betas": [0.5, 0.5],
    "files": [{"file": "c.txt"}],
    "templates": [{"dictionary": "d.tsv", "rows": 3}],
    "lora": {"rank": 4},
    "teachers": None,
    "matryoshka": {"dims": [8]},
}


def other(path: tuple[str, ...], value: Any) -> Any:
    """Another value that the setting can have; None where it has but one, or one that depends on others."""
    if path[-1] in OTHER_WORDS:
        return OTHER_WORDS[path[-1]]
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value / 2 + 0.01
        case str() | tuple():
            return value + type(value)("x")
        case _:
            return 0.5 if path[-1].endswith("dropout") else 7


@pytest.mark.parametrize(
    ("tables", "kind"), [(GOOD, TrainRecipe), (GOOD_PRETRAIN, PretrainRecipe), (GOOD_SOURCES, SourcesRecipe)]
)
def test_the_hash_changes_with_any_setting(tables: dict[str, Any], kind: Any) -> None:
    def hash_of(recipe: Any, **files: str) -> str:
        return run_hash(recipe, Reading(files=files))

    recipe = build(tables, kind, origin="x")
    first = hash_of(recipe)
    assert len(first) == 12 and set(first) <= set("0123456789abcdef")
    assert hash_of(build(resolved(recipe), kind, origin="x")) == first
    seen, count = {first}, 1
    for path, value in leaves(resolved(recipe)):
        new = other(path, value)
        if new is None or path in (("data", "texts"), ("data", "pairs")):  # what is in them counts, not where they lie
            continue
        if kind is PretrainRecipe and path[-1] == "matryoshka":  # tokens are predicted, not vectors
            continue
        seen.add(hash_of(build(changed(resolved(recipe), ".".join(path), new), kind, origin="x")))
        count += 1
        assert len(seen) == count, path
    assert count > 15
    seen |= {hash_of(recipe, a="1"), hash_of(recipe, a="2"), hash_of(recipe, b="1"), hash_of(recipe, a="1", b="1")}
    assert len(seen) == count + 4


def test_resolved_states_the_defaults_too() -> None:
    found = resolved(build(GOOD, TrainRecipe, origin="x"))
    assert found["objective"] == {
        "kind": "simcse-unsupervised",
        "negatives": "all-views",
        "temperature": 0.05,
        "views": "dropout",
        "augmentation": {"kind": "none"},
        "matryoshka": None,
    }
    assert found["training"]["seed"] == 42


def stated_by(name: str) -> dict[str, Any]:
    """The tables of a shipped recipe, those of the one that it extends included."""
    tables = tomllib.loads(recipe_path(name).read_text(encoding="utf-8"))
    base = tables.pop("extends", None)
    return (stated_by(base) if base else {}) | tables


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads_and_states_what_it_must(name: str) -> None:
    stated, recipe = stated_by(name), load_recipe(name)
    assert recipe.name == name and recipe.kind == stated["kind"]
    assert len(stated["source"]) > 10 and len(stated["about"]) > 10
    assert "seed" in stated["training"]
    first = recipe_path(name).read_text(encoding="utf-8").splitlines()[0]  # `juyi recipes list` prints it
    assert first.startswith(f"# juyi {'pretrain' if recipe.kind == 'pretrain' else 'train'} {name} --")
    if not isinstance(recipe, TrainRecipe):
        assert recipe.sources.exclude
        assert all(file.licence for file in recipe.sources.files)
        return
    assert {"pooling", "hidden_dropout", "attention_dropout"} <= set(stated["encoder"])
    if recipe.objective.kind.startswith("simcse"):
        assert {"negatives", "anchors"} & set(stated["objective"]) and "temperature" in stated["objective"]


def test_recipes_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        build(GOOD, TrainRecipe, origin="x").name = "y"  # type: ignore[misc]
