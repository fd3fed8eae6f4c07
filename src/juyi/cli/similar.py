"""`juyi similar`: how alike sentences are."""

from __future__ import annotations

import click

from juyi.cli import options
from juyi.engines.engine import EngineKind
from juyi.errors import UsageError


@click.command("similar", cls=options.Command)
@click.argument("texts", nargs=-1, required=True)
@options.model
@options.pooling
@options.prompt
@options.engine
@options.form("plain", "json", "jsonl", "csv", "table")
def command(texts: tuple[str, ...], model: str, pooling: str | None, prompt: str | None, engine: EngineKind, form: str) -> None:
    """Print the cosine of the first sentence with each of the others; 1 means the same direction.

    A model that `juyi adapt` made from scored pairs says what a similarity is worth: how likely two sentences mean the same.

    A sentence may begin with a minus; one that looks like an option (-a …, --a …) goes behind a lone --.

    \b
    Examples:
      juyi similar "怎么还信用卡" "信用卡如何还款"
      juyi similar "-5度" "零下五度"
    """
    import numpy as np

    from juyi.calibration import read_calibrations
    from juyi.cli.output import Record, emit, put, say, say_prompt
    from juyi.embeddings import check_texts, cosine_rows
    from juyi.engines import open_engine
    from juyi.hub import resolve
    from juyi.poolings import known_pooling
    from juyi.similarity_settings import read_similarity_settings

    if len(texts) < 2:
        raise UsageError("One sentence was given; give two or more.")
    if blank := [number for number, text in enumerate(texts, start=1) if not text.strip()]:
        raise UsageError(f"Sentence {blank[0]} is empty.")
    check_texts(texts, "the command line")
    opened = open_engine(model, engine, pooling=known_pooling(pooling), few=True, log=say)
    say_prompt(opened.prompts.resolve(prompt))
    vectors, others = dict(zip(texts, opened.encode(texts, prompt=prompt), strict=True)), texts[1:]
    scores = cosine_rows(np.tile(vectors[texts[0]], (len(others), 1)), np.stack([vectors[text] for text in others]))
    if overlap := read_similarity_settings(resolve(model)).overlap:
        from juyi.baselines import LexicalOverlap

        say(f"This model compares by {1 - overlap:g} times the cosine plus {overlap:g} times the overlap of words")
        scores = (1 - overlap) * scores + overlap * LexicalOverlap().pairs([texts[0]] * len(others), others)
    likely = None
    calibration = read_calibrations(resolve(model)).get("pair")
    if calibration and pooling is None and prompt is None:  # it is about the model as it is
        say(f"With this model two sentences as likely as not mean the same at {calibration.similarity(0.5):.2f}")
        likely = calibration.probability(scores).tolist()
    if form == "plain":
        for score in scores:
            put(f"{float(score):.4f}")
        return
    records: list[Record] = [
        {"sentence1": texts[0], "sentence2": other, "cosine": float(s)} for other, s in zip(others, scores, strict=True)
    ]
    if likely is not None:
        records = [record | {"probability": each} for record, each in zip(records, likely, strict=True)]
    emit(records, form)
