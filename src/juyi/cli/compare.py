"""`juyi compare`: is one encoder better than another?"""

from __future__ import annotations

from typing import Any

import click

from juyi.cli.evaluate import what_and_how


@click.command("compare")
@click.argument("first")
@click.argument("others", nargs=-1, required=True, metavar="SECOND...")
@what_and_how
def command(first: str, others: tuple[str, ...], form: str, as_json: bool, **given: Any) -> None:
    """By how much SECOND is better than FIRST on a suite: paired bootstrap over the same pairs, queries or sentences.

    Both are taken on the same resamples, so that what is hard for both does not blur the difference. A difference is certain, at
    95 %, where its interval does not hold 0. With several others each is compared with FIRST. Models, baselines, suites and
    options are those of `juyi evaluate`.

    \b
    Examples:
      juyi compare mini my-model --suite zh-sts --data senteval_cn
      juyi compare mini-base mini-base+whitening mini-base+flow:train --data senteval_cn
      juyi compare lexical mini --suite faq.tsv
      juyi compare bert-base-chinese runs/a/model runs/b/model --suite pairs.tsv --json
    """
    from juyi.cli.comparison import compare, comparison_rows, verdict
    from juyi.cli.evaluation import labelled, measure, open_what, report_problems, split_options
    from juyi.cli.output import emit, say
    from juyi.cli.score_tables import flat

    form = "jsonl" if as_json else form
    what, how = split_options(given)
    suite = labelled(what, open_what(what))
    reference = measure(what, suite, first, how)
    found = [measure(what, suite, other, how) for other in others]
    for each in (reference, *found):
        if each.remark:
            say(f"Note: {each.remark}")
    records = []
    for other in found:
        compared = compare(reference.measured, other.measured)
        if form == "table":
            emit(comparison_rows(compared), form, title=f"first: {reference.name}\nsecond: {other.name}")
            if sentence := verdict(compared, reference.name, other.name):
                say(sentence)
        records += [pair.record(reference.name, other.name) for pair in compared]
    if form != "table":
        emit([flat(record) for record in records] if form == "csv" else records, form)
    report_problems([reference, *found])
