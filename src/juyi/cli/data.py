"""`juyi data check`: what a file of sentences is like."""

from __future__ import annotations

import click

from juyi.cli import options


@click.group("data")
def command() -> None:
    """Look at a file of sentences before anything is trained on it."""


@command.command("check")
@click.argument("file")
@click.option("--against", help="A second file: count the sentences that occur in both (leakage of test sentences, say).")
@options.model
@click.option("--max-length", default=64, show_default=True, help="Longest input in tokens that you mean to train with.")
@options.column
@options.encoding
@options.form("table", "json")
def check(
    file: str, against: str | None, model: str, max_length: int, columns: tuple[str, ...], encoding: str, form: str
) -> None:
    """Count rows, repeats, near-repeats, lengths, unknown characters and leakage, and say what to do about them.

    \b
    Example:
      juyi data check train.txt --against test.tsv
    """
    import json

    from juyi.cli.output import say, table
    from juyi.data import inspect, read_texts
    from juyi.hub import resolve
    from juyi.layout import read_layout, tokenizer_folder
    from juyi.tokenization import load_tokenizer

    corpus = read_texts(file, columns=columns or None, encoding=encoding)
    if corpus.columns:
        say(f"Reading column {', '.join(corpus.columns)} of {file}")
    others = None if against is None else read_texts(against, encoding=encoding).texts
    folder = resolve(model)
    tokenizer = load_tokenizer(tokenizer_folder(folder / read_layout(folder).backbone))
    found = inspect(
        corpus.texts, tokenize=tokenizer.tokenize, unknown_id=tokenizer.special.unknown, against=others, max_length=max_length
    )
    facts = found.as_dict()
    if form == "json":
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    advice = facts.pop("advice")
    table([{"": name.replace("_", " "), file: _words(value)} for name, value in facts.items() if value not in (None, [], ())])
    for line in advice:
        click.echo(f"• {line}")


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
