"""How many layers should a small distilled encoder have, and how wide inside, for the same minutes? One JSON object a line.

    python benchmarks/shape_study.py --data DIR --words runs/mini/words/…/model --minutes 10 --shapes 3 4 6x288

Every student has the shape and the vocabulary of mini but for the number of its layers and, after an x, their inner width. It
starts from the token table of `mini/words` and goes the way of `mini/distillation` for as many steps as fit into the minutes on
this machine, which should be idle. The figures are Spearman times 100 on the development splits; the speed is that of encoding,
in turn with the first student.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from juyi.encoder import Encoder, create_encoder, load_encoder, save_encoder
from juyi.evaluation import evaluate_suite
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import PretrainRecipe
from juyi.experiments.runner import run
from juyi.suites import chinese_five
from juyi.tasks import EncodeOnce

TRIAL_STEPS = 25
ROUNDS = 5
SENTENCES = 1000


def main() -> None:
    """Train each student, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that the recipe reads, with zh_sts in it")
    parser.add_argument("--words", type=Path, required=True, help="the model that mini/words made")
    parser.add_argument("--minutes", type=float, default=10.0, help="of training, each")
    parser.add_argument("--shapes", nargs="+", default=["3", "4", "6x288"], help="layers, or layers x inner width")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="the teachers' vectors are kept there, in teacher/")
    arguments = parser.parse_args()
    first: Encoder | None = None
    for shape in arguments.shapes:
        folder = student(arguments.words, shape, arguments.runs / "shapes" / shape)
        model = trained(folder, arguments)
        encoder = load_encoder(str(model))
        first = first or encoder
        figures = {
            "parameters": sum(each.numel() for each in encoder.parameters()),
            "speed": speed(encoder, first, arguments.data),
        }
        print(json.dumps({"shape": shape, **figures, **scores(encoder, arguments.data)}), flush=True)


def student(words: Path, shape: str, folder: Path) -> Path:
    """A folder with the token table of the model of words, and layers of this shape with random weights."""
    if not folder.is_dir():
        layers, *inner = map(int, shape.split("x"))
        table = load_encoder(words)
        options = shape_of_mini()
        kinds = ["full_attention", *["sliding_attention"] * (layers - 2), "full_attention"]
        options |= {"num_hidden_layers": layers, "layer_types": kinds}
        if inner:
            (options["intermediate_size"],) = inner
        made = create_encoder("modernbert", options, table.tokenizer, max_length=128, seed=42)
        with torch.no_grad():
            made.backbone.get_input_embeddings().weight.copy_(table.backbone.get_input_embeddings().weight)  # type: ignore[operator]
        save_encoder(made, folder)
    return folder


def shape_of_mini() -> dict[str, Any]:
    """The settings of its backbone: `pretrain/mini-words` is of the same shape."""
    recipe = load_recipe("pretrain/mini-words")
    assert isinstance(recipe, PretrainRecipe)
    return dict(recipe.backbone.options)


def trained(folder: Path, arguments: argparse.Namespace) -> Path:
    """The model after its minutes: a few steps tell how many fit in."""

    def after(steps: int) -> Path:
        overrides = [f"encoder.model={folder}", f"training.steps={steps}", "training.checkpoint_every=0"]
        recipe = load_recipe("mini/distillation", overrides)
        return run(recipe, arguments.runs, data=arguments.data, log=lambda text: print(text, file=sys.stderr)).folder

    log = [json.loads(line) for line in (after(TRIAL_STEPS) / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [entry["rows_per_second"] for entry in log if "rows_per_second" in entry]
    batch = load_recipe("mini/distillation").training.batch_size
    return after(round(60 * arguments.minutes * rows[-1] / batch)) / "model"


def speed(encoder: Encoder, other: Encoder, data: Path) -> float:
    """How many times as fast as the other one it encodes, the median of some rounds."""
    (task,) = chinese_five(data / "zh_sts", "dev", tasks=["STS-B"])
    texts = task.texts()[:SENTENCES]
    ratios = []
    for _ in range(ROUNDS + 1):  # the first one warms up
        ours, theirs = (_seconds(each, texts) for each in (encoder, other))
        ratios.append(theirs / ours)
    return round(statistics.median(ratios[1:]), 2)


def _seconds(encoder: Encoder, texts: Sequence[str]) -> float:
    start = time.perf_counter()
    encoder.encode(texts)
    return time.perf_counter() - start


def scores(encoder: Encoder, data: Path) -> dict[str, float]:
    """Spearman times 100 on the development splits, and their mean."""
    tasks = chinese_five(data / "zh_sts", "dev")
    found = {score.task: score.value for score in evaluate_suite(tasks, EncodeOnce(encoder.encode)).scores if score.task != "avg"}
    return {name: round(value, 2) for name, value in (found | {"mean": statistics.fmean(found.values())}).items()}


if __name__ == "__main__":
    main()
