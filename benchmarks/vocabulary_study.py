"""Which vocabulary should a small distilled encoder have? One JSON object a line.

    python benchmarks/vocabulary_study.py --data DIR

Every vocabulary is learned from the text of `pretrain/mini-words` and goes the way of mini with the shape of mini: `mini/words`,
then `mini/distillation`, each for a budget of *tokens* and not of sentences, because a token costs the same whatever it stands
for. The figures are Spearman times 100 on the development splits, raw and whitened with the sentences of the split itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from juyi.encoder import create_encoder, load_encoder, save_encoder
from juyi.evaluation import Fitting, evaluate_suite, on_target
from juyi.experiments.load import load_recipe
from juyi.experiments.pairs import both_sides, read_source_pairs
from juyi.experiments.recipe import AnyRecipe, PretrainRecipe, SourcesRecipe
from juyi.experiments.runner import run
from juyi.experiments.running_text import read_running_text
from juyi.postprocessing import fit_whitening
from juyi.suites import chinese_five
from juyi.tasks import EncodeOnce
from juyi.tokenization import SubwordTokenizer, WordTokenizer, train_unigram, train_wordpiece
from juyi.tokenization.chinese import cut_chinese

Tokenizer = SubwordTokenizer | WordTokenizer
TASKS = ("STS-B", "LCQMC", "BQ", "ATEC")
SAMPLE = 20_000


def main() -> None:
    """Learn each vocabulary, train with it, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that the recipes read, with zh_sts in it")
    parser.add_argument("--teacher", help="folder, hub id or package; default: the recipe's teachers")
    parser.add_argument("--vocabulary", action="append", choices=VOCABULARIES, help="default: all")
    parser.add_argument("--words", type=float, default=12.0, help="million tokens for mini/words")
    parser.add_argument("--distillation", type=float, default=2.5, help="million tokens for mini/distillation")
    parser.add_argument("--runs", type=Path, default=Path("runs/vocabulary-study"))
    arguments = parser.parse_args()
    for name in arguments.vocabulary or VOCABULARIES:
        print(json.dumps({"vocabulary": name, **measure(name, arguments)}, ensure_ascii=False), flush=True)


def measure(name: str, arguments: argparse.Namespace) -> dict[str, object]:
    """What the vocabulary does to text, and the figures of the encoder that was trained with it."""
    shape = load_recipe("pretrain/mini-words")
    assert isinstance(shape, PretrainRecipe)
    student = arguments.runs / "students" / name
    if not any(student.rglob("config.json")):  # in a folder below where the tokenizer is one of words
        sources, _ = read_running_text(shape.sources, arguments.data)
        tokenizer = VOCABULARIES[name]([line for source in sources for line in source])
        backbone = shape.backbone
        save_encoder(create_encoder(backbone.model_type, backbone.options, tokenizer, max_length=128, seed=42), student)
    model = str(student)
    for recipe_name, million in (("mini/words", arguments.words), ("mini/distillation", arguments.distillation)):
        recipe = load_recipe(recipe_name)
        steps = round(million * 1e6 / recipe.training.batch_size / tokens_a_row(model, recipe, arguments.data))
        random = "encoder.random_weights=42" if recipe_name == "mini/words" else "encoder.pooling=last-avg"
        overrides = [
            "encoder.compose_words=false",
            f"encoder.model={model}",
            random,
            *(["teachers=[]", f"teacher={arguments.teacher}"] if arguments.teacher else []),
            f"training.steps={steps}",
        ]
        recipe = load_recipe(recipe_name, overrides)
        finished = run(recipe, arguments.runs, data=arguments.data, log=lambda text: print(text, file=sys.stderr))
        model = str(finished.folder / "model")
    return {**coverage(load_encoder(model).tokenizer, arguments.data), **scores(model, arguments.data)}


def tokens_a_row(model: str, recipe: AnyRecipe, data: Path) -> float:
    """The mean length of what the student reads, on a sample."""
    assert isinstance(recipe, SourcesRecipe)
    texts, _ = both_sides(read_source_pairs(recipe.sources, data))
    sample = np.random.default_rng(0).choice(len(texts), min(SAMPLE, len(texts)), replace=False)
    rows = load_encoder(model).tokenizer.tokenize([texts[i] for i in sample], recipe.encoder.max_length)
    return float(np.mean([len(row) for row in rows]))


def coverage(tokenizer: Tokenizer, data: Path) -> dict[str, object]:
    """Size, tokens a sentence, and the share of unknown tokens and of bytes, over both splits of the Chinese sets."""
    texts = list(
        dict.fromkeys(text for task in chinese_five(data / "zh_sts") for text in (*task.pairs.first, *task.pairs.second))
    )
    counts: Counter[int | None] = Counter(i for row in tokenizer.tokenize(texts) for i in row[1:-1])
    total = sum(counts.values())
    subword = tokenizer.subword if isinstance(tokenizer, WordTokenizer) else tokenizer
    pieces = {i for byte in range(256) if (i := subword.token_id(f"<0x{byte:02X}>")) is not None}
    return {
        "tokens": tokenizer.size,
        "tokens_a_sentence": round(total / len(texts), 2),
        "unknown_percent": round(100 * counts[tokenizer.special.unknown] / total, 3),
        "byte_percent": round(100 * sum(counts[i] for i in pieces) / total, 3),
    }


def scores(model: str, data: Path) -> dict[str, object]:
    """Spearman times 100 on the development splits, raw and whitened."""
    once, tasks = EncodeOnce(load_encoder(model).encode), chinese_five(data / "zh_sts", "dev", tasks=TASKS)
    raw = evaluate_suite(tasks, once)
    whitened = evaluate_suite(tasks, once, fitting=Fitting(fit_whitening, on_target))
    pairs = zip(raw.scores, whitened.scores, strict=True)
    return {bare.task: {"raw": round(bare.value, 2), "whitened": round(white.value, 2)} for bare, white in pairs}


def jieba_words(lines: Sequence[str], size: int) -> WordTokenizer:
    """WoBERT's way: a vocabulary of characters and half as many again of jieba's most frequent words, cut by jieba."""
    characters = train_wordpiece(lines, size=size // 2)
    words = (word for line in lines for word in cut_chinese(line.lower(), purpose="The vocabulary study"))
    counts = Counter(word for word in words if len(word) > 1 and word.isalpha())
    new = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if characters.token_id(word) is None]
    vocabulary = json.loads(characters.backend.to_str())
    table = vocabulary["model"]["vocab"]
    for word in new[: size - len(table)]:
        table[word] = len(table)
    backend = type(characters.backend).from_str(json.dumps(vocabulary))
    return WordTokenizer(SubwordTokenizer(backend))


VOCABULARIES: dict[str, Callable[[Sequence[str]], Tokenizer]] = {
    "characters-8k": lambda lines: train_wordpiece(lines, size=8192),
    "characters-16k": lambda lines: train_wordpiece(lines, size=16384),
    "jieba-16k": lambda lines: jieba_words(lines, 16384),
    "words-8k": lambda lines: train_unigram(lines, size=8192, words=True),
    "words-16k": lambda lines: train_unigram(lines, size=16384, words=True),
    "free-16k": lambda lines: train_unigram(lines, size=16384, words=False),
}


if __name__ == "__main__":
    main()
