"""`juyi evaluate`: measure encoders on tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from juyi.cli import options
from juyi.engines.engine import PRECISION_CHOICES
from juyi.errors import UsageError

if TYPE_CHECKING:
    from juyi.evaluation import EncodeOptions, Evaluation, EvaluationOptions

F = TypeVar("F", bound=Callable[..., Any])

_SUITES = "zh-sts, zh-pairs, en-sts, transfer, applied, geometry; a file; or a .toml file that declares tasks."


def _fitted_on(name: str, words: str) -> Callable[[F], F]:
    return click.option(name, is_flag=False, flag_value="target", default="", metavar="target|train|FILE", help=words)


def evaluation_options(command: F) -> F:
    """The options that say what is measured and how encoders are run; `compare` has the same."""
    for option in reversed(
        (
            click.option("--suite", default="zh-sts", show_default=True, help=_SUITES),
            click.option("--data", help="The folder of the suite's files; for zh-sts and en-sts also: hub."),
            click.option("--split", "splits", multiple=True, help="train, dev, test; may be repeated. [default: the usual ones]"),
            click.option("--task", "tasks", multiple=True, help="Only this task of the suite; may be repeated."),
            _fitted_on(
                "--whiten",
                "Whiten; fitted on each task's own sentences (target, transductive), on its train split, or on a file.",
            ),
            click.option("-k", "--dimensions", type=int, help="Keep this many dimensions of the whitening."),
            _fitted_on("--flow", "BERT-flow, fitted as --whiten is."),
            click.option("--label", "labels", multiple=True, help="A label for every score: dev-selected, transductive, …"),
            click.option(
                "--trained-on",
                multiple=True,
                help="What the encoder was trained on; tasks with these sentences are transductive.",
            ),
            options.pooling,
            options.prompt,
            click.option("--query-prompt", metavar="NAME|TEXT", help="Before queries alone. [default: the model's own for them]"),
            click.option("--corpus-prompt", metavar="NAME|TEXT", help="Before what is searched, likewise."),
            options.engine,
            click.option(
                "--precision",
                type=click.Choice(PRECISION_CHOICES),
                default="auto",
                show_default=True,
                help="One for all. auto: bfloat16 where it is fast and all models order pairs in it as in float32.",
            ),
            click.option("--cache/--no-cache", default=True, show_default=True, help="Keep embeddings on disk."),
            options.reading,
            options.form("table", "json", "jsonl", "csv"),
            click.option("--json", "as_json", is_flag=True, help="One JSON object a score and line: --format jsonl."),
        )
    ):
        command = option(command)
    return command


@click.command("evaluate", cls=options.Command)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@evaluation_options
@click.option("--seeds", is_flag=True, help="The models are runs of one recipe with different seeds: print mean and interval.")
@click.option("--overlap/--no-overlap", "beside", default=None, help="Word overlap beside the models. [default: in tables]")
def command(models: tuple[str, ...], form: str, as_json: bool, seeds: bool, beside: bool | None, **given: Any) -> None:
    """Measure MODEL, with 95 % intervals: a bootstrap over what is independent.

    \b
    MODEL is a folder, a hub id, an embedded encoder, or nothing: then the one that ships with juyi.
    It may also be a baseline:
      lexical            overlap of words and characters; BM25 where texts are searched
      vectors:FILE       the mean of word vectors (word2vec or GloVe as text)
      random:MODEL@SEED  the shape of a model with random weights
      MODEL+whitening    as with --whiten, for this one alone; also +whitening:train, +flow:FILE
      MODEL+prompt:NAME  as with --prompt, for this one alone; or a text, or nothing for no prompt

    A model's prompts are applied by themselves: the default one before texts that are compared, and before queries and what they
    search those for that. --prompt puts another before every text; a suite file may say so for each task.

    What shares a sentence, an answer or an intent is drawn together ("10000 in 644": items in groups). Spearman, accuracy and
    the like are times 100. What is missing is reported, the rest measured, and the exit code then 1. With --cache, embeddings are
    kept under ~/.cache/juyi, or where JUYI_CACHE says.

    \b
    Suites and their files:
      zh-sts, zh-pairs  atec.test.tsv …, or senteval_cn's folders, or CNSD files
      en-sts            STS12.MSRpar.tsv …, stsb.test.tsv, sick_r.test.tsv,
                        or SentEval's downstream folder
      transfer          mr.tsv, sst2.train.tsv …, or SentEval's downstream folder
      applied           groups_NAME.tsv, NAME.corpus.tsv with NAME.queries.tsv,
                        NAME.train.tsv with NAME.test.tsv, clinc….tsv
      geometry          stsb.test.tsv of a folder, or a file of scored pairs
      FILE.tsv          scored pairs; pairs with labels 0 and 1; triplets; question groups
      FILE.toml         [[task]] tables with a name, files, and kind = sts, pairs, triplets,
                        faq-groups, faq-corpus, intents, out-of-scope or geometry

    \b
    Examples:
      juyi evaluate --suite zh-sts --data senteval_cn
      juyi evaluate bert-base-chinese --pooling first-last-avg --whiten train --data senteval_cn
      juyi evaluate my-model --suite en-sts --data SentEval/data/downstream --json
      juyi evaluate runs/a/model runs/b/model runs/c/model --seeds --suite pairs.tsv
    """
    from juyi.cli.output import check_stdout, emit, report_problems, say
    from juyi.cli.progress import evaluation_bar
    from juyi.evaluation import (
        LEXICAL,
        evaluate_model,
        evaluate_overlap,
        flat_record,
        one_precision,
        open_suite_of,
        seed_rows,
        short_seed_row,
    )

    check_stdout()
    form = "jsonl" if as_json else form
    if seeds and len(models) < 2:
        raise UsageError("--seeds needs two models at least, the runs of one recipe; five are better.")
    options, encode_options = split_options(given)
    suite = open_suite_of(options, say)
    models = models or ("",)
    encode_options = one_precision(models, suite, encode_options, log=say)
    overlap = None
    if (form == "table" if beside is None else beside) and not seeds:
        with evaluation_bar(LEXICAL) as progress:
            overlap = evaluate_overlap(suite, progress=progress)
    evaluations = []
    for model in models:
        with evaluation_bar(model) as progress:
            evaluations.append(found := evaluate_model(model, suite, options, encode_options, progress=progress, log=say))
        if form == "table" and not seeds:
            _show(found, None if model == LEXICAL else overlap)
        if found.remark:
            say(f"Note: {found.remark}")
    if seeds:
        rows = seed_rows([each.bootstrapped for each in evaluations])
        emit([short_seed_row(row) for row in rows] if form == "table" else rows, form)
    elif form != "table":
        beside_them = [] if overlap is None or LEXICAL in models else [overlap]
        records = [record for each in (*evaluations, *beside_them) for record in each.records()]
        emit([flat_record(record) for record in records] if form == "csv" else records, form)
    report_problems([problem for each in evaluations for problem in each.problems])


def _show(found: Evaluation, overlap: Evaluation | None) -> None:
    """One encoder's table, beside word overlap where that is given, and what it means in a sentence."""
    from juyi.cli.output import emit, say
    from juyi.evaluation import compare_scores, comparison_verdict, score_rows, units_note

    others = {} if overlap is None else overlap.by_key
    emit(score_rows(found.bootstrapped, others), "table", title=found.name)
    verdict = comparison_verdict(compare_scores([*others.values()], found.bootstrapped), "word overlap", found.name)
    for sentence in filter(None, (verdict, units_note(found.bootstrapped))):
        say(sentence)


def split_options(given: Mapping[str, Any]) -> tuple[EvaluationOptions, EncodeOptions]:
    """What is measured and how, from the options of `evaluation_options`."""
    from juyi.evaluation import EncodeOptions, EvaluationOptions

    encode_options = EncodeOptions(**{field.name: given[field.name] for field in fields(EncodeOptions)})
    settings = {**given, **given["reading"].settings}
    return EvaluationOptions(**{field.name: settings[field.name] for field in fields(EvaluationOptions)}), encode_options
