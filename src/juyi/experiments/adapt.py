"""The main job: unlabelled sentences in; an adapted encoder, a comparison and a verdict out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from juyi.assets import DEFAULT_ENCODER
from juyi.atomic import replaced_folder, write_text
from juyi.data import ScoredPairs, inspect
from juyi.encoder import Encoder, EncoderSettings, dropout_views, load_encoder, save_encoder
from juyi.errors import DataError
from juyi.evaluation import Signals, adaptation_verdict, label_free_signals
from juyi.experiments.defaults import MOST_SENTENCES, default_recipe, is_isotropic
from juyi.experiments.examples import select_sentences
from juyi.experiments.label_sheet import write_label_sheet
from juyi.experiments.recipe import DataSettings, TrainRecipe
from juyi.experiments.runner import run
from juyi.index import TextIndex
from juyi.layout import MODULES, NATIVE_MODULES
from juyi.metrics import Difference
from juyi.postprocessing import whiten_encoder
from juyi.tasks import STS
from juyi.training import TrainProgress
from juyi.types import Log, Score

VARIANTS = ("raw", "whitening", "simcse", "simcse+whitening")
COMPARISONS = (("simcse", "raw"), ("whitening", "raw"), ("simcse", "whitening"), ("simcse+whitening", "raw"))
FEWEST_SENTENCES = 32


@dataclass(frozen=True)
class Found:
    """What a query found with one variant: (text, cosine), best first."""

    query: str
    variant: str
    hits: tuple[tuple[str, float], ...]


@dataclass
class Adaptation:
    """Everything that `juyi adapt` found out.

    Attributes:
        inspection: What the data is like.
        scores: Variant to score; empty without labelled pairs.
        differences: "simcse-raw" and so on to the paired difference.
        signals: Variant to label-free signals.
        verdict: What it all means, in words.
        searches: What the queries find before and after.
        warnings: What training had to say.
        sheet: Pairs to label, where there were none.
    """

    model: str
    inspection: dict[str, Any]
    recipe: TrainRecipe
    scores: dict[str, Score] = field(default_factory=dict)
    differences: dict[str, Difference] = field(default_factory=dict)
    signals: dict[str, Signals] = field(default_factory=dict)
    verdict: str = ""
    searches: list[Found] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sheet: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        """The content of `report.json`."""
        return {
            "model": self.model,
            "scores": {name: score.as_record(name) for name, score in self.scores.items()},
            "differences": {
                name: {"value": difference.value, "interval": [difference.interval.low, difference.interval.high]}
                for name, difference in self.differences.items()
            },
            "signals": {name: signals.as_dict() for name, signals in self.signals.items()},
            "verdict": self.verdict,
            "notes": self.notes,
            "searches": [
                {"query": found.query, "variant": found.variant, "rank": rank, "text": text, "score": score}
                for found in self.searches
                for rank, (text, score) in enumerate(found.hits, start=1)
            ],
            "inspection": self.inspection,
            "training": self.recipe.training.__dict__,
        }


def adapt(
    texts: Sequence[str],
    out: Path,
    *,
    settings: EncoderSettings = EncoderSettings(),
    pairs: ScoredPairs | None = None,
    queries: Sequence[str] = (),
    seed: int = 42,
    log: Log = lambda _: None,
    progress: TrainProgress | None = None,
) -> Adaptation:
    """Adapt an encoder to sentences and measure what it brought.

    Writes `out/model/` (SimCSE), `out/model-whitened/` (SimCSE and whitening), `out/report.json`, and without labelled pairs
    `out/pairs_to_label.tsv`.

    Args:
        texts: Unlabelled sentences, repeats and all.
        out: The folder for the results.
        settings: What to start from: the embedded encoder, or another one and its pooling.
        pairs: Scored pairs of the same kind of sentence; without them nothing is claimed.
        queries: Search the sentences for these, before and after.
        seed: Draws everything.
        log: Hears what is being done.
        progress: Is told about every training step.

    Raises:
        DataError: Fewer than 32 distinct sentences.
    """
    raw = load_encoder(settings)
    shape = f"{raw.config.num_hidden_layers} layers of {raw.config.hidden_size}"
    log(f"Starting from {_name(settings)}: {raw.config.model_type}, {shape}, pooling {raw.pooling}")
    sentences = select_sentences(texts, DataSettings(distinct=True))
    if len(sentences) < FEWEST_SENTENCES:
        raise DataError(
            f"{len(sentences)} distinct sentences are too few to adapt an encoder to; {FEWEST_SENTENCES} are the least, "
            "some hundreds show an effect, and beyond 10,000 nothing is gained."
        )
    gentle = is_isotropic(raw, sentences)
    if gentle:
        log("It tells sentences apart already: SimCSE will be gentle with it")
    recipe = default_recipe(len(sentences), int(raw.config.hidden_size), settings=settings, gentle=gentle, seed=seed)
    inspection = inspect(
        texts,
        tokenize=raw.tokenizer.tokenize,
        unknown_id=raw.tokenizer.special.unknown,
        max_length=raw.max_length,
    )
    result = Adaptation(_name(settings), inspection.as_dict(), recipe, notes=list(inspection.advice))
    finished = run(recipe, out / "runs", examples=texts, log=log, progress=progress)
    result.notes += finished.train_result.warnings
    log("Measuring raw, whitening, SimCSE, SimCSE and whitening")
    variants = _variants(recipe, finished.encoder, select_sentences(sentences, recipe.data), result)
    _measure(result, variants, sentences, pairs, _labels(sentences, pairs))
    if queries:
        result.searches = _search(list(queries), sentences, variants)
    result.verdict = adaptation_verdict(result.scores, result.differences, result.signals)
    _write(result, out, variants, sentences, finished.folder)
    return result


def _name(settings: EncoderSettings) -> str:
    return settings.model or DEFAULT_ENCODER


def _variants(recipe: TrainRecipe, trained: Encoder, sentences: Sequence[str], result: Adaptation) -> dict[str, Encoder]:
    raw = load_encoder(recipe.encoder)  # with the dropout of the training, so that both are asked the same question
    found = {"raw": raw, "simcse": trained}
    for name, encoder in (("whitening", raw), ("simcse+whitening", trained)):
        found[name], whitening = whiten_encoder(encoder, sentences)
        result.notes += [f"{name}: {note}" for note in whitening.notes]
    return {name: found[name] for name in VARIANTS}


def _labels(sentences: Sequence[str], pairs: ScoredPairs | None) -> tuple[str, ...]:
    """`transductive` where the encoder was trained on a sentence that it is measured on."""
    if pairs is None:
        return ()
    return ("transductive",) if set(sentences) & {*pairs.first, *pairs.second} else ()


def _measure(
    result: Adaptation,
    variants: dict[str, Encoder],
    sentences: Sequence[str],
    pairs: ScoredPairs | None,
    labels: tuple[str, ...],
) -> None:
    for name, encoder in variants.items():
        result.signals[name] = label_free_signals(encoder.encode, sentences, partial(dropout_views, encoder))
    if pairs is None:
        return
    task = STS("pairs", "given", pairs, labels=labels)
    similarities = {name: task.similarities(encoder.encode) for name, encoder in variants.items()}
    result.scores = {name: task.score(values) for name, values in similarities.items()}
    result.differences = {f"{a}-{b}": task.difference(similarities[a], similarities[b]) for a, b in COMPARISONS}


def _search(queries: Sequence[str], sentences: Sequence[str], variants: dict[str, Encoder]) -> list[Found]:
    found = []
    for name in ("raw", "simcse"):
        rows = TextIndex.build(sentences, variants[name].encode).search(queries, k=3)
        found += [
            Found(query, name, tuple((hit.text, float(hit.score)) for hit in hits))
            for query, hits in zip(queries, rows, strict=True)
        ]
    return found


def _write(result: Adaptation, out: Path, variants: dict[str, Encoder], sentences: Sequence[str], run: Path) -> None:
    with replaced_folder(out / "model", MODULES, NATIVE_MODULES) as draft:
        shutil.copytree(run / "model", draft, dirs_exist_ok=True)
    save_encoder(variants["simcse+whitening"], out / "model-whitened")
    if not result.scores:
        result.sheet = out / "pairs_to_label.tsv"
        if not result.sheet.exists():  # it may hold an afternoon of labelling
            write_label_sheet(result.sheet, sentences[:MOST_SENTENCES], variants["simcse"].encode)
    write_text(out / "report.json", json.dumps(result.as_dict(), indent=2, ensure_ascii=False, default=str) + "\n")
