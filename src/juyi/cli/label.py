"""`juyi label`: the pairs of a label sheet, one after the other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from juyi.cli import options
from juyi.errors import UsageError
from juyi.language import language
from juyi.language import translated as _

if TYPE_CHECKING:
    from juyi.labelling import LabelSheet, SheetPair


@click.command("label", cls=options.Command)
@click.argument("folder", metavar="OUT")
@click.option("--more", type=click.IntRange(min=1), default=None, help="Write so many further pairs to a sheet of their own.")
def command(folder: str, more: int | None) -> None:
    """Ask for the score of each pair of the label sheet that `juyi adapt` wrote to OUT.

    Every answer is kept at once in OUT/pairs_labelled.csv, so that you may stop at any pair and go on another day. Pairs that
    were filled in on the sheet itself are not asked for. When you are through, run `juyi adapt` again: it finds the labels.

    With --more it writes a further batch instead; no pair comes twice.

    \b
    Examples:
      juyi label out
      juyi label out --more 100
    """
    from juyi.cli.output import say
    from juyi.labelling import LabelSheet

    sheet = LabelSheet.open(Path(folder))
    if sheet is None:
        raise UsageError(f"{folder} holds no label sheet. `juyi adapt FILE -o {folder}` without labels writes one.")
    if more is not None:
        sheet.more(more, say)
        return
    _walk(sheet)


def _walk(sheet: LabelSheet) -> None:
    from juyi.cli.output import put, say

    answers = sheet.answers()
    elsewhere = {name: score for name, score in sheet.scores(say).items() if name not in answers}
    pairs = [pair for pair in sheet.on_sheets if pair.id not in elsewhere]
    todo = [place for place, pair in enumerate(pairs) if pair.id not in answers]
    begun = _("{labelled} of {count} pairs are labelled.")
    say(f"{begun.format(labelled=len(sheet.on_sheets) - len(todo), count=len(sheet.on_sheets))} {_keys()}")
    place = 0
    while place < len(todo):
        pair = pairs[todo[place]]
        match _asked(pair, f"{place + 1}/{len(todo)}", answers.get(pair.id)):
            case "q":
                break
            case "b":
                place = max(place - 1, 0)
            case "s":
                place += 1
            case score:
                answers[pair.id] = float(score)
                sheet.answer({pair.id: answers[pair.id]})
                place += 1
    left = len(pairs) - len(answers)
    put(_("{labelled} labelled, {open} open").format(labelled=len(sheet.on_sheets) - left, open=left))
    if answers or elsewhere:
        say(_("Run the same `juyi adapt` again: it finds the labels."))


def _asked(pair: SheetPair, number: str, known: float | None) -> str:
    """A score, or one of the other keys."""
    from juyi.cli.output import say

    say(f"\n[{number}]  {pair.first}\n{' ' * (len(number) + 4)}{pair.second}")
    while True:
        score = _("score")
        click.echo(f"{score}{'' if known is None else f' ({known:g})'}: ", nl=False, err=True)
        key = _key()
        click.echo(key if sys.stdin.isatty() else "", err=True)
        if key in {"q", "b", "s", *"012345"}:
            return key
        _explain() if key in ("?", "？", "h") else say(_keys())


def _keys() -> str:
    return _("0–5, s skip, b back, ? what the scores mean, q quit")


def _key() -> str:
    """One key of a terminal; else a line of standard input, whose end is the end of the work."""
    if sys.stdin.isatty():
        return click.getchar().lower()
    line = sys.stdin.readline()
    return line.strip().lower() if line else "q"


def _explain() -> None:
    from juyi.cli.output import say
    from juyi.labelling import grades

    chinese = language() == "zh"
    for grade in grades():
        say(f"  {grade.score}  {grade.zh if chinese else grade.en}")
        for pair in grade.examples_zh if chinese else grade.examples_en:
            say(f"       {' | '.join(pair)}")
