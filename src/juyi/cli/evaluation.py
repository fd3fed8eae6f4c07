"""What `juyi evaluate` does: tasks from a suite, scores from an encoder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from juyi.cli.poolings import known_pooling
from juyi.data import read_scored_pairs
from juyi.engines import open_engine
from juyi.errors import UsageError
from juyi.tasks import STS, chinese_five, count_warnings, evaluate_suite
from juyi.types import Encode, Score


def evaluate(
    model: str,
    suite: str,
    data: Path | None,
    splits: Sequence[str],
    names: Sequence[str],
    *,
    pooling: str | None = None,
    whiten: bool = False,
    engine: str = "auto",
) -> tuple[list[Score], list[str]]:
    """The scores of a model on a suite, and what is to be said about the data.

    Raises:
        UsageError: The suite does not exist, or its data folder was not named.
    """
    tasks, warnings = _tasks(suite, data, splits, names)
    encode = _encode(model, pooling, engine)
    progress = _Progress()
    if not whiten:
        scores = list(evaluate_suite(tasks, encode, progress=progress).scores)
    else:
        scores = []
        for name in dict.fromkeys(task.name for task in tasks):
            own = [dataclasses.replace(task, labels=(*task.labels, "transductive")) for task in tasks if task.name == name]
            scores += evaluate_suite(own, _whitened(own, encode), progress=progress).scores
    progress.close()
    return scores, warnings


def _tasks(suite: str, data: Path | None, splits: Sequence[str], names: Sequence[str]) -> tuple[list[STS], list[str]]:
    if suite == "zh-sts":
        if data is None:
            raise UsageError("The suite zh-sts needs --data: the folder that holds its files. See `juyi evaluate --help`.")
        chosen = {"tasks": tuple(names)} if names else {}
        tasks = chinese_five(data, splits=tuple(splits) or ("dev", "test"), **chosen)
        return tasks, count_warnings(tasks)
    if not Path(suite).is_file():
        raise UsageError(f"There is no suite '{suite}' and no such file. The suite is zh-sts; or give a file of scored pairs.")
    return [STS(Path(suite).stem, "all", read_scored_pairs(suite))], []


def _encode(model: str, pooling: str | None, engine: str) -> Encode:
    chosen = known_pooling(pooling)
    if chosen is None:
        return open_engine(model, engine).encode  # type: ignore[arg-type]
    from juyi.encoder import EncoderSettings, load_encoder

    return load_encoder(EncoderSettings(model=model, pooling=chosen)).encode


def _whitened(tasks: Sequence[STS], encode: Encode) -> Encode:
    from juyi.postprocessing import fit_whitening

    texts = [text for task in tasks for text in (*task.pairs.first, *task.pairs.second)]
    whitening = fit_whitening(encode(list(dict.fromkeys(texts))))
    return lambda batch: whitening(encode(batch))


class _Progress:
    """A bar on stderr, task by task."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("evaluating"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)
        self._bar.start()

    def __call__(self, done: int, total: int, name: str) -> None:
        self._bar.update(self._task, completed=done, total=total, description=name)

    def close(self) -> None:
        self._bar.stop()
