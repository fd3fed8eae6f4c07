"""`juyi compare`: is one encoder better than another?"""

from __future__ import annotations

from typing import Any

import click

from juyi.cli import options
from juyi.cli.evaluate import evaluation_options, split_options


@click.command("compare", cls=options.Command)
@click.argument("first")
@click.argument("others", nargs=-1, required=True, metavar="SECOND...")
@evaluation_options
def command(first: str, others: tuple[str, ...], form: str, as_json: bool, **given: Any) -> None:
    """By how much SECOND is better than FIRST on a suite: paired bootstrap over what is independent.

    Both are taken on the same resamples, so that what is hard for both does not blur the difference. Resamples draw groups:
    pairs that share a sentence, queries with a common answer or intent ("10000 in 644": items in groups). With several others
    each is compared with FIRST. "ahead" and "behind" stand beside the main figure of a task where the difference is certain, at
    95 %, though so many were looked at (Holm's correction for all of them); each interval is that of one comparison. Models,
    baselines, suites and options are those of `juyi evaluate`.

    \b
    Examples:
      juyi compare mini my-model --suite zh-sts --data senteval_cn
      juyi compare mini-base mini-base+whitening mini-base+flow:train --data senteval_cn
      juyi compare lexical mini --suite faq.tsv
      juyi compare bert-base-chinese runs/a/model runs/b/model --suite pairs.tsv --json
    """
    from juyi.cli.output import check_stdout, emit, report_problems, say
    from juyi.cli.progress import evaluation_bar
    from juyi.evaluation import (
        compare_several,
        comparison_rows,
        comparison_verdict,
        evaluate_model,
        flat_record,
        one_precision,
        open_suite_of,
        units_note,
    )

    check_stdout()
    form = "jsonl" if as_json else form
    options, encode_options = split_options(given)
    suite = open_suite_of(options, say)
    encode_options = one_precision((first, *others), suite, encode_options, log=say)
    evaluations = []
    for model in (first, *others):
        with evaluation_bar(model) as progress:
            evaluations.append(evaluate_model(model, suite, options, encode_options, progress=progress, log=say))
        if remark := evaluations[-1].remark:
            say(f"Note: {remark}")
    reference, *seconds = evaluations
    records = []
    tables = compare_several(reference.bootstrapped, [second.bootstrapped for second in seconds])
    for second, comparisons in zip(seconds, tables, strict=True):
        if form == "table":
            emit(comparison_rows(comparisons), form, title=f"first: {reference.name}\nsecond: {second.name}")
            if sentence := comparison_verdict(comparisons, reference.name, second.name):
                say(sentence)
        records += [each.record(reference.name, second.name) for each in comparisons]
    if form == "table" and (note := units_note(reference.bootstrapped)):
        say(note)
    if form != "table":
        emit([flat_record(record) for record in records] if form == "csv" else records, form)
    report_problems([problem for each in evaluations for problem in each.problems])
