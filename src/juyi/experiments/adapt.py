"""The main job: unlabelled sentences in; an adapted encoder, a comparison and a verdict out."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from juyi.assets import DEFAULT_ENCODER
from juyi.atomic import check_output_file, check_output_folder, replaced_folder, write_text
from juyi.data import ScoredPairs, inspect, normalise
from juyi.embeddings import check_texts
from juyi.encoder import EncoderSettings, change_dropout, load_encoder, save_encoder
from juyi.errors import DataError
from juyi.evaluation import Comparison, Evaluation, Signals, adaptation_verdict, compare_pairs, evaluate_suite, transductive
from juyi.experiments.defaults import MOST_SENTENCES, default_recipe, tells_apart
from juyi.experiments.development import check_scores
from juyi.experiments.examples import sample_sentences, select_sentences
from juyi.experiments.label_sheet import write_label_sheet
from juyi.experiments.recipe import DataSettings, TrainRecipe
from juyi.experiments.run_folder import copy_model
from juyi.experiments.runner import run
from juyi.experiments.variants import Backbone, Variant
from juyi.index import TextIndex
from juyi.layout import MODULES, NATIVE_MODULES
from juyi.locks import locked_folder
from juyi.provenance import copy_provenance
from juyi.tasks import STS
from juyi.training import TrainProgress
from juyi.types import Log, Score

VARIANTS = ("raw", "whitening", "simcse", "simcse+whitening")
COMPARISONS = (("simcse", "raw"), ("whitening", "raw"), ("simcse", "whitening"), ("simcse+whitening", "raw"))
FEWEST_SENTENCES = 32
_SIGNAL_TEXTS = 2_000


@dataclass(frozen=True)
class SearchResult:
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
        comparisons: "simcse-raw" and so on to the paired comparison.
        signals: Variant to label-free signals.
        verdict: What it all means, in words.
        searches: What the queries find before and after.
        notes: What the data, the whitenings and the training had to say.
        sheet: Pairs to label, where there were none.
    """

    model: str
    inspection: dict[str, Any]
    recipe: TrainRecipe
    scores: dict[str, Score] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    signals: dict[str, Signals] = field(default_factory=dict)
    verdict: str = ""
    searches: list[SearchResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sheet: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        """The content of `report.json`."""
        return {
            "model": self.model,
            "prompt": self.recipe.encoder.prompt,
            "scores": {name: score.as_record(name) for name, score in self.scores.items()},
            "differences": {
                name: {
                    "value": each.value,
                    "interval": None
                    if each.difference is None
                    else [each.difference.interval.low, each.difference.interval.high],
                }
                for name, each in self.comparisons.items()
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
        DataError: Fewer than 32 distinct sentences, or the scores of the pairs are all the same.
        UsageError: Something else lies where the models go, or a query is no text.
        OutputError: The folder cannot be written to.
        BusyError: Another process works in the folder.
    """
    check_texts(queries, "queries")
    if pairs is not None:
        check_scores(pairs)
    for name in ("model", "model-whitened"):
        check_output_folder(out / name, MODULES, NATIVE_MODULES)
    for name in ("report.json", "pairs_to_label.tsv"):
        check_output_file(out / name)
    with locked_folder(out):
        return _adapt(texts, out, settings, pairs, queries, seed, log, progress)


def _adapt(
    texts: Sequence[str],
    out: Path,
    settings: EncoderSettings,
    pairs: ScoredPairs | None,
    queries: Sequence[str],
    seed: int,
    log: Log,
    progress: TrainProgress | None,
) -> Adaptation:
    raw = load_encoder(settings, log=log)
    shape = f"{raw.config.num_hidden_layers} layers of {raw.config.hidden_size}"
    log(f"Starting from {_name(settings)}: {raw.config.model_type}, {shape}, pooling {raw.pooling}")
    if prompt := raw.prompt_for():
        log(f"Prompt: {prompt} before every text")
    sentences = select_sentences(texts, DataSettings(distinct=True))
    if len(sentences) < FEWEST_SENTENCES:
        raise DataError(
            f"{len(sentences)} distinct sentences are too few to adapt an encoder to; {FEWEST_SENTENCES} are the least, "
            "some hundreds show an effect, and beyond 10,000 nothing is gained."
        )
    before = Backbone(raw)
    recipe = _recipe(before, sentences, settings, seed, log)
    inspection = inspect(
        texts,
        tokenize=lambda some: raw.tokenizer.tokenize(raw.prompt_for().before(some)),
        unknown_id=raw.tokenizer.special.unknown,
        max_length=raw.max_length,
    )
    result = Adaptation(_name(settings), inspection.as_dict(), recipe, notes=list(inspection.advice))
    chosen = sample_sentences(sentences, recipe.data)
    finished = run(recipe, out / "runs", examples=chosen, encoder=copy.deepcopy(raw), log=log, progress=progress)
    result.notes += finished.train_result.warnings
    log("Measuring raw, whitening, SimCSE, SimCSE and whitening")
    variants = _measure(result, before, Backbone(finished.encoder), chosen["text"], sentences, pairs)
    if queries:
        result.searches = _search(list(queries), sentences, variants)
    result.verdict = adaptation_verdict(result.scores, result.comparisons, result.signals)
    _write(result, out, variants, sentences, finished.folder)
    return result


def _name(settings: EncoderSettings) -> str:
    return settings.model or DEFAULT_ENCODER


def _recipe(before: Backbone, sentences: Sequence[str], settings: EncoderSettings, seed: int, log: Log) -> TrainRecipe:
    """The recipe that fits; the raw encoder gets its dropout, so that the signals of both are asked the same question."""
    gentle = tells_apart(before.plain, sentences)
    if gentle:
        log("It tells sentences apart already: SimCSE will be gentle with it")
    config = before.encoder.config
    width, kind = int(config.hidden_size), str(config.model_type)
    recipe = default_recipe(len(sentences), width, model_type=kind, settings=settings, gentle=gentle, seed=seed)
    change_dropout(before.encoder, hidden=recipe.encoder.hidden_dropout, attention=recipe.encoder.attention_dropout)
    return recipe


def _measure(
    result: Adaptation,
    before: Backbone,
    after: Backbone,
    trained_on: Sequence[str],
    sentences: Sequence[str],
    pairs: ScoredPairs | None,
) -> Mapping[str, Variant]:
    """Fill in signals, scores and comparisons of the four variants."""
    groups = [
        (before, before.variants(trained_on, "raw", "whitening")),
        (after, after.variants(trained_on, "simcse", "simcse+whitening")),
    ]
    variants = {each.name: each for _, pair in groups for each in pair}
    result.notes += [f"{name}: {note}" for name, each in variants.items() for note in each.notes]
    some = _drawn(sentences, _SIGNAL_TEXTS)
    for backbone, pair in groups:
        result.signals |= backbone.signals(pair, some)
    if pairs is not None:
        task, seen = STS("pairs", "given", pairs), {normalise(text) for text in sentences}
        measured = {
            name: evaluate_suite([task], variants[name].encode, name=name, labels=lambda task: transductive(seen, task))
            for name in VARIANTS
        }
        result.scores = {name: each.scores[0] for name, each in measured.items()}
        result.comparisons = _comparisons(measured)
    return variants


def _comparisons(measured: Mapping[str, Evaluation]) -> dict[str, Comparison]:
    pairs = [(measured[first].bootstrapped, measured[second].bootstrapped) for second, first in COMPARISONS]
    compared = compare_pairs(pairs)
    return {f"{second}-{first}": found[0] for (second, first), found in zip(COMPARISONS, compared, strict=True)}


def _drawn(sentences: Sequence[str], most: int) -> Sequence[str]:
    if len(sentences) <= most:
        return sentences
    return [sentences[i] for i in np.random.default_rng(0).choice(len(sentences), most, replace=False)]


def _search(queries: Sequence[str], sentences: Sequence[str], variants: Mapping[str, Variant]) -> list[SearchResult]:
    found = []
    for name in ("raw", "simcse"):
        rows = TextIndex.build(sentences, variants[name].encode).search(queries, k=3)
        found += [
            SearchResult(query, name, tuple((hit.text, float(hit.score)) for hit in hits))
            for query, hits in zip(queries, rows, strict=True)
        ]
    return found


def _write(result: Adaptation, out: Path, variants: Mapping[str, Variant], sentences: Sequence[str], run: Path) -> None:
    copy_model(run / "model", out / "model")
    with replaced_folder(out / "model-whitened", MODULES, NATIVE_MODULES) as draft:
        save_encoder(variants["simcse+whitening"].encoder, draft)
        copy_provenance(run / "model", draft)
    if not result.scores:
        result.sheet = out / "pairs_to_label.tsv"
        if not result.sheet.exists():  # it may hold an afternoon of labelling
            write_label_sheet(result.sheet, sentences[:MOST_SENTENCES], [each.encode for each in variants.values()])
    write_text(out / "report.json", json.dumps(result.as_dict(), indent=2, ensure_ascii=False, default=str) + "\n")
