"""`juyi data check`: what a file of sentences is like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from juyi.cli import options

if TYPE_CHECKING:
    from juyi.data import ReadSettings


@click.group("data")
def command() -> None:
    """Look at a file of sentences before anything is trained on it."""


@command.command("check", cls=options.Command)
@click.argument("file")
@click.option("--against", help="A second file: count the sentences that occur in both (leakage of test sentences, say).")
@options.model
@click.option("--max-length", default=64, show_default=True, help="Longest input in tokens that you mean to train with.")
@options.reading
@options.form("table", "json")
def check(file: str, against: str | None, model: str, max_length: int, reading: ReadSettings, form: str) -> None:
    """Show how FILE is understood, count repeats, lengths, unknown characters and leakage, and say what to do about them.

    The shape of the rows (texts, pairs, triplets, scored pairs, …), what each column holds and the first three rows are shown;
    then what its sentences are like.

    \b
    Example:
      juyi data check train.txt --against test.tsv
    """
    import json
    from dataclasses import asdict

    from juyi.cli.output import put, say, table
    from juyi.data import inspect, read_texts, understand_texts
    from juyi.hub import resolve
    from juyi.layout import read_layout, tokenizer_folder
    from juyi.tokenization import load_tokenizer

    understood, corpus = understand_texts(file, **reading.arguments(say))
    others = None if against is None else read_texts(against, log=say).texts
    folder = resolve(model, log=say)
    tokenizer = load_tokenizer(tokenizer_folder(folder / read_layout(folder).backbone))
    found = inspect(
        corpus.texts, tokenize=tokenizer.tokenize, unknown_id=tokenizer.special.unknown, against=others, max_length=max_length
    )
    facts = found.as_dict()
    if form == "json":
        put(json.dumps({"understood": asdict(understood), **facts}, ensure_ascii=False, indent=2))
        return
    names = [name if name == role else f"{name} ({role})" for name, role in understood.columns]
    put(f"Understood as {understood.shape}. The first {len(understood.rows)} rows:")
    table([dict(zip(names, row, strict=True)) for row in understood.rows])
    advice = facts.pop("advice")
    table([{"": name.replace("_", " "), file: _words(value)} for name, value in facts.items() if value not in (None, [], ())])
    for line in advice:
        put(f"• {line}")


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " / ".join(_words(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
