"""How teachers are best put together: the targets that a student would learn, measured as if they were an encoder's vectors.

    python benchmarks/teacher_study.py --data DIR --runs runs

Each line is one way to take the teachers of a recipe: which of them, how much of each one's mean is taken off, reduced to the
student's width or not. Means and axes are those of the recipe's texts with the development sentences among them (one in ten or
fewer). Spearman × 100 on development splits; the teachers' vectors are kept in `runs/teacher`, where the recipe finds them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from juyi.errors import JuyiError
from juyi.evaluation import evaluate_suite
from juyi.experiments.load import load_recipe
from juyi.experiments.pairs import read_source_pairs
from juyi.experiments.recipe import SourcesRecipe, recipe_teachers
from juyi.suites import chinese_five
from juyi.tasks import STS
from juyi.teachers import Teacher, teacher_targets
from juyi.types import Embeddings
from markdown import table

UNREDUCED = 100_000
MOST_PAIRS = 5000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print: one JSON object a line to stdout, the table to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that the recipe reads")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the teachers' vectors are kept, in teacher/")
    parser.add_argument("--recipe", default="mini/words", help="whose teachers and texts")
    parser.add_argument("--width", type=int, default=384, help="the student's")
    options = parser.parse_args(arguments)
    try:
        print(_study(options), file=sys.stderr)
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def _study(options: argparse.Namespace) -> str:
    recipe = load_recipe(options.recipe)
    assert isinstance(recipe, SourcesRecipe)
    tasks = [_first(task) for task in chinese_five(options.data / "zh_sts", ["dev"])]
    lessons = read_source_pairs(recipe.sources, options.data).second
    texts = list(dict.fromkeys([*lessons, *(text for task in tasks for text in task.texts())]))
    places = {text: i for i, text in enumerate(texts)}
    rows = []
    for title, teachers, width in ways(recipe_teachers(recipe), options.width):
        targets = teacher_targets(teachers, texts, options.runs / "teacher", width=width, log=_say)

        def encode(asked: Sequence[str], targets: Embeddings = targets) -> Embeddings:  # type: ignore[assignment]
            return targets[[places[text] for text in asked]].astype(np.float32)

        evaluation = evaluate_suite(tasks, encode, name=title)
        for record in evaluation.records():
            print(json.dumps(record, ensure_ascii=False), flush=True)
        rows.append([title, *(f"{evaluation.value(task.name, task.split):.1f}" for task in tasks)])
    return table(["targets", *(task.name for task in tasks)], rows)


def ways(teachers: Sequence[Teacher], width: int) -> Iterator[tuple[str, tuple[Teacher, ...], int]]:
    """Each teacher alone as it is and centred, then all of them together: a title, the teachers, the widest allowed."""
    for teacher in teachers:
        for centring in (0.0, 1.0):
            yield f"{teacher.model}, centring {centring:g}", (replace(teacher, centring=centring),), UNREDUCED
    first, *others = teachers
    for centring in (0.0, 0.6, 0.8, 1.0):
        joined = (replace(first, centring=centring), *others)
        for widest, words in ((UNREDUCED, ""), (width, f", reduced to {width}")):
            yield f"all, centring of the first {centring:g}{words}", joined, widest
    for weight in (0.3, 0.5, 0.85):
        joined = (replace(first, weight=weight), *(replace(other, weight=(1 - weight) / len(others)) for other in others))
        yield f"all, weight of the first {weight:g}, reduced to {width}", joined, width


def _first(task: STS) -> STS:
    pairs = task.pairs
    return replace(
        task, pairs=replace(pairs, **{name: getattr(pairs, name)[:MOST_PAIRS] for name in ("first", "second", "scores")})
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
