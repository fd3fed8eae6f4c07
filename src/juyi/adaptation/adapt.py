"""The main job: sentences and whatever labels there are; out come a decision, the model it is about, and a report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from juyi.adaptation.adaptation import Adaptation, EvidenceTable, SearchResult
from juyi.adaptation.backbone import Backbone
from juyi.adaptation.choice import choose
from juyi.adaptation.evidence import Evidence, Outcomes, dealt
from juyi.adaptation.labels import FEWEST_BESIDE, FEWEST_UNITS, sheet_evidence
from juyi.adaptation.model_folder import write_model
from juyi.adaptation.portfolio import RAW, Portfolio, Treatment, load_portfolio
from juyi.adaptation.training import Pace, folder_name, measured_pace
from juyi.adaptation.trial import Clock, Trial, Tried, not_measured
from juyi.adaptation.unlabelled import SIGNAL_TEXTS, candidate_signals, draw_sheet
from juyi.adaptation.verdict import moved_scales, verdict_of
from juyi.assets import DEFAULT_ENCODER
from juyi.atomic import check_output_file, check_output_folder, write_text
from juyi.baselines import LexicalOverlap
from juyi.calibration import Calibration, Event, read_calibrations
from juyi.data import inspect
from juyi.embeddings import check_texts, unit_rows
from juyi.encoder import Encoder, EncoderSettings, load_encoder
from juyi.errors import DataError, ModelError, UsageError
from juyi.experiments.defaults import MOST_SENTENCES
from juyi.experiments.examples import sample_sentences, select_sentences
from juyi.experiments.recipe import DataSettings
from juyi.hub import folder_digest, resolve
from juyi.labelling import NAME
from juyi.language import translated as _
from juyi.layout import MODULES, NATIVE_MODULES
from juyi.locks import locked_folder
from juyi.metrics import principal_plane
from juyi.report import write_report
from juyi.types import Log, Progress

RECORD, PAGE = "report.json", "report.html"
FOLDS = 4
FEWEST_SENTENCES = 32
MINUTES = 5.0
_SHARE_OF_ENCODING = 0.08
_FEWEST_TEXTS, _MOST_ROWS = 1024, 8192
_HITS = 3


@dataclass(frozen=True)
class AdaptOptions:
    """How the job is done.

    Attributes:
        settings: What to start from: the embedded encoder, or another one and its pooling.
        portfolio: The candidates: a name, or a TOML file.
        minutes: How long trying them may take; what is not tried for want of time is said.
        queries: Search the sentences for these, before and after.
        keep_candidates: Write the best candidate of each other encoder to `out/candidates/` too.
        seed: Draws everything.
    """

    settings: EncoderSettings = EncoderSettings()
    portfolio: str = "default"
    minutes: float = MINUTES
    queries: tuple[str, ...] = ()
    keep_candidates: bool = False
    seed: int = 42

    def __post_init__(self) -> None:
        check_texts(self.queries, "queries")
        if not self.minutes > 0:
            raise UsageError(f"minutes is {self.minutes}; it must be above 0, 5 for example.")


def adapt(
    texts: Sequence[str],
    out: Path,
    evidence: Sequence[Evidence] = (),
    options: AdaptOptions = AdaptOptions(),
    *,
    log: Log = lambda _: None,
    progress: Progress = lambda done, total, what: None,
) -> Adaptation:
    """Try the candidates of a portfolio on what the labels say, and decide.

    Writes `out/model/`, the recommended encoder, `out/report.json` and `.html`, and without labels a sheet to label; on request
    the other candidates to `out/candidates/`. What was filled in on that sheet counts as labels of the next run. A run that was
    stopped, or that is begun anew with more time or labels, takes up what was measured.

    Args:
        texts: Unlabelled sentences, repeats and all; those of the labels are learned from too, without their labels, so that
            there may be none.
        out: The folder for the results.
        evidence: Labels, of one kind or several; without any, nothing is claimed.
        options: How.
        log: Hears what is being done.
        progress: Is told of every training step and of what is encoded.

    Raises:
        DataError: Fewer than 32 distinct sentences.
        UsageError: Something else lies where the results go, or there is no such portfolio.
        OutputError: The folder cannot be written to.
        BusyError: Another process works in the folder.
    """
    portfolio = load_portfolio(options.portfolio)
    check_output_folder(out / "model", MODULES, NATIVE_MODULES)
    for name in (RECORD, PAGE, f"{NAME}.csv"):
        check_output_file(out / name)
    with locked_folder(out):
        return _adapt(texts, out, evidence, options, portfolio, log, progress)


def _adapt(
    texts: Sequence[str],
    out: Path,
    evidence: Sequence[Evidence],
    options: AdaptOptions,
    portfolio: Portfolio,
    log: Log,
    progress: Progress,
) -> Adaptation:
    clock = Clock(60 * options.minutes)
    encoder = load_encoder(options.settings, log=log)
    _say_encoder(encoder, options.settings, log)
    known = [*texts, *(text for each in evidence for text in each.texts())]
    filled = sheet_evidence(out, known, log, least=FEWEST_BESIDE if evidence else FEWEST_UNITS)
    evidence = [*evidence, *([] if filled is None else [filled])]
    sentences = _sentences(texts, evidence, options.seed)
    inspection = inspect(
        texts or sentences,
        tokenize=lambda some: encoder.tokenizer.tokenize(encoder.prompt_for().before(some)),
        unknown_id=encoder.tokenizer.special.unknown,
        max_length=encoder.max_length,
    )
    identity = _identity(encoder, options.settings)
    pace = _pace(out, identity, encoder, sentences)
    taught = dealt(evidence, FOLDS)
    limits: list[str] = []
    evidence = _measured(taught, pace, clock, limits, log)
    raw = Backbone(encoder, sentences)
    trial = Trial(raw, options.settings, sentences, taught, evidence, out, identity, pace, options.seed, log, progress)
    tried = trial.run(portfolio if evidence else _without_labels(portfolio), clock)
    model = options.settings.model or DEFAULT_ENCODER
    result = Adaptation(model, encoder.prompt_for().text, portfolio.name, inspection.as_dict())
    result.notes = [*inspection.advice, *limits, *tried.notes]
    if evidence:
        result.tables = [_table(each, place, tried) for place, each in enumerate(evidence)]
        result.choice = choose(evidence, tried.outcomes)
        result.recommended = result.choice.recommended
        result.calibrations = {
            name: _calibrations(evidence, tried.outcomes[name]) for name in dict.fromkeys((RAW, result.recommended))
        }
        result.notes += moved_scales(result, _of_the_old_model(out / "model"))
    contender, treatment = tried.treatments[result.recommended]
    log(_("Recommended: {candidate}").format(candidate=result.recommended))
    final, run = trial.final(contender, tried.steps.get(contender.name, 0))
    _look(result, raw, final, treatment, options.queries, taught, sentences)
    start = trial.start
    if not evidence:
        candidates = trial.candidates(tried)
        found = candidate_signals(candidates, sentences, seed=options.seed)
        result.signals, result.other_encoder = found.signals, found.other
        result.notes += [not_measured(name) for name in found.unusable]
        candidates = {name: each for name, each in candidates.items() if name not in found.unusable}
    result.verdict = verdict_of(result)
    write_model(out / "model", final.treated(treatment), treatment, result, run or start, start=start, log=log)
    if options.keep_candidates and evidence:
        _keep(out, trial, tried, result, log)
    if not evidence:
        draw_sheet(out, candidates, sentences, identity, seed=options.seed, log=log)
    result.sheet = next((path for kind in ("csv", "xlsx") if (path := out / f"{NAME}.{kind}").exists()), None)
    write_text(out / RECORD, json.dumps(result.as_dict(), indent=2, ensure_ascii=False, default=str) + "\n")
    write_report(out / PAGE, [out / RECORD])
    return result


def _say_encoder(encoder: Encoder, settings: EncoderSettings, log: Log) -> None:
    config, name = encoder.config, settings.model or DEFAULT_ENCODER
    start = _("Starting from {name}: {kind}, {layers} layers of {width}, pooling {pooling}")
    layers, width = config.num_hidden_layers, config.hidden_size
    log(start.format(name=name, kind=config.model_type, layers=layers, width=width, pooling=encoder.pooling))
    if prompt := encoder.prompt_for():
        log(_("Prompt: {prompt} before every text").format(prompt=prompt))


def _sentences(texts: Sequence[str], evidence: Sequence[Evidence], seed: int) -> list[str]:
    """The distinct sentences, those of the labels among them; a sample where there are very many."""
    every = [*texts, *(text for each in evidence for text in each.texts())]
    sentences = select_sentences(every, DataSettings(distinct=True))
    if len(sentences) < FEWEST_SENTENCES:
        raise DataError(
            f"{len(sentences)} distinct sentences are too few to adapt an encoder to; {FEWEST_SENTENCES} are the least, "
            "some hundreds show an effect, and beyond 10,000 nothing is gained."
        )
    return list(sample_sentences(sentences, DataSettings(sample=MOST_SENTENCES, seed=seed))["text"])


def _identity(encoder: Encoder, settings: EncoderSettings) -> str:
    return f"{folder_digest(resolve(settings.model))} {encoder.pooling} {encoder.max_length} {encoder.prompt_for().text}"


def _pace(out: Path, identity: str, encoder: Encoder, sentences: Sequence[str]) -> Pace:
    """As it was measured in this folder before: what fits into the time shall not change from run to run."""
    path = out / "measured" / "pace.json"
    if path.is_file():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            if known["identity"] == identity:
                return TypeAdapter(Pace).validate_python(known["pace"])
        except (OSError, ValueError, KeyError, TypeError, ValidationError):
            pass  # damaged: measured anew
    pace = measured_pace(encoder, sentences)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"identity": identity, "pace": asdict(pace)}) + "\n")
    return pace


def _measured(evidence: Sequence[Evidence], pace: Pace, clock: Clock, notes: list[str], log: Log) -> list[Evidence]:
    """No more of it than can be encoded in a small share of the time, in the folds that it is dealt into."""
    if not evidence:
        return []
    texts = _SHARE_OF_ENCODING * clock.budget * pace.texts_per_second / len(evidence)
    texts = max(_FEWEST_TEXTS, int(2 ** np.floor(np.log2(max(texts, 1)))))
    found = []
    for each in evidence:
        some = each.fitting(texts, _MOST_ROWS)
        if some.measured_rows < len(each.rows()):
            used = _(
                "{labels}: all {all:,} rows are learned from, {some:,} are measured on, whole units; --minutes sets how many"
            )
            log(used.format(labels=each.name, some=some.measured_rows, all=len(each.rows())))
        if len(some.compared_with) < len(each.compared_with):
            smaller = _(
                "{labels}: measured in {some:,} of {all:,} texts; in all of them the right one is found less often, and the "
                "probabilities of hits are too high. With more --minutes these are more."
            )
            fewer = _(
                "{labels}: compared with {some:,} of {all:,} labelled queries; with all of them the nearest has the right "
                "intent more often, and there is less to gain."
            )
            note = smaller if each.corpus else fewer
            notes.append(note.format(labels=each.name, some=len(some.compared_with), all=len(each.compared_with)))
        found.append(some)
    return found


def _without_labels(portfolio: Portfolio) -> Portfolio:
    """Where nothing can be chosen: the raw encoder, and the first that learns from sentences alone, to compare their signals."""
    first = [each for each in portfolio.encoder[1:] if not each.learns_labels][:1]
    return replace(portfolio, encoder=(portfolio.encoder[0], *first))


def _table(evidence: Evidence, place: int, tried: Tried) -> EvidenceTable:
    overlap = LexicalOverlap()
    outcomes = {name: each[place] for name, each in tried.outcomes.items()}
    seen = {
        name
        for name, (contender, treatment) in tried.treatments.items()
        if contender.sees_sentences or treatment.whitening is not None
    }
    return EvidenceTable.of(evidence, outcomes, evidence.outcomes(lambda _: overlap), seen)


def _calibrations(evidence: Sequence[Evidence], outcomes: Sequence[Outcomes]) -> list[Calibration]:
    """What the similarities of a candidate are worth, by the first labels of each event."""
    found: dict[str, Calibration] = {}
    for each, own in zip(evidence, outcomes, strict=True):
        if (calibration := each.calibration(own)) is not None:
            found.setdefault(calibration.event, calibration)
    return list(found.values())


def _of_the_old_model(folder: Path) -> dict[Event, Calibration]:
    """Of the model that will be replaced; a damaged file says nothing and goes with it."""
    try:
        return read_calibrations(folder)
    except ModelError:
        return {}


def _look(
    result: Adaptation,
    raw: Backbone,
    final: Backbone,
    treatment: Treatment,
    queries: Sequence[str],
    evidence: Sequence[Evidence],
    sentences: Sequence[str],
) -> None:
    """Fill in the signals, the map and the searches, before and after."""
    some = sentences[:SIGNAL_TEXTS]
    result.signals[RAW] = raw.signals(some)
    if result.recommended != RAW:
        result.signals[result.recommended] = final.signals(some, treatment)
    vectors = {RAW: raw.encode(some), result.recommended: final.encode(some, treatment)}
    places = {name: principal_plane(unit_rows(each, "embeddings")).round(3).tolist() for name, each in vectors.items()}
    result.map = {"texts": list(some), "places": places}
    if not queries:
        return
    corpus = next((each.corpus for each in evidence if each.corpus), sentences)
    for name, similarity in {RAW: raw.similarity(), result.recommended: final.similarity(treatment)}.items():
        hits = similarity.nearest(queries, corpus, min(_HITS, len(corpus)))
        calibration = next((each for each in result.calibrations.get(name, []) if each.event == "hit"), None)
        for query, ids, scores in zip(queries, hits.ids.tolist(), hits.scores.tolist(), strict=True):
            found = tuple((corpus[i], float(score)) for i, score in zip(ids, scores, strict=True))
            probability = None if calibration is None else float(calibration.probability(scores[0]))
            result.searches.append(SearchResult(query, name, found, probability))


def _keep(out: Path, trial: Trial, tried: Tried, result: Adaptation, log: Log) -> None:
    """The best candidate of each encoder that is not the recommended one, as a folder each."""
    best: dict[str, str] = {}
    for name, treated in tried.treatments.items():
        contender = treated[0]
        value = np.mean([table.figures[name][0].score.value for table in result.tables])
        known = best.get(contender.name)
        if known is None or value > np.mean([table.figures[known][0].score.value for table in result.tables]):
            best[contender.name] = name
    for name in best.values():
        contender, treatment = tried.treatments[name]
        if name == result.recommended:
            continue
        backbone, run = trial.final(contender, tried.steps.get(contender.name, 0))
        folder = out / "candidates" / folder_name(name)
        of_it = replace(result, recommended=name, calibrations={name: _calibrations(trial.evidence, tried.outcomes[name])})
        start = trial.start
        write_model(folder, backbone.treated(treatment), treatment, of_it, run or start, start=start, log=log)
