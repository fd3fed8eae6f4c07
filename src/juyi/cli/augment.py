"""`juyi augment`: what an augmentation makes of sentences, before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from juyi.cli import options
from juyi.errors import UsageError

if TYPE_CHECKING:
    from rich.text import Text

    from juyi.augmentation import AnyAugmentation
    from juyi.data import ReadSettings

KINDS = {
    "none": "NoAugmentation",
    "crop": "Crop",
    "delete-words": "DeleteWords",
    "delete-one": "DeleteOne",
    "repeat-words": "RepeatWords",
    "synonyms": "Synonyms",
    "mlm-substitute": "MaskedLMSubstitute",
}
_SELF_SUFFICIENT = ("crop", "delete-words", "delete-one", "repeat-words")
_TAKERS = {
    "rate": ("crop", "delete-words", "repeat-words", "mlm-substitute"),
    "table": ("synonyms",),
    "vectors": ("synonyms",),
    "model": ("mlm-substitute",),
}


@click.command("augment", cls=options.Command)
@click.argument("file")
@click.option(
    "--with", "names", metavar="NAME", multiple=True, help=f"{', '.join(KINDS)}; may be repeated. [default: all that can run]"
)
@click.option("--rate", type=float, help="Share of the words to touch. [default: each one's own]")
@click.option("--table", default="", help="For synonyms: a file, each line a word and its synonyms with tabs between.")
@click.option("--vectors", default="", help="For synonyms: word vectors, a text file in word2vec's form.")
@click.option("-m", "--model", default="", help="For mlm-substitute: a masked language model, a folder or a hub id.")
@options.seed
@click.option("--epochs", default=1, show_default=True, type=click.IntRange(min=1), help="How many drawings of each text.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=0), help="Only the first texts; 0 for all.")
@options.reading
@options.form("table", "jsonl", "json", "csv")
def command(
    file: str,
    names: tuple[str, ...],
    rate: float | None,
    table: str,
    vectors: str,
    model: str,
    seed: int,
    epochs: int,
    limit: int,
    reading: ReadSettings,
    form: str,
) -> None:
    """Show the sentences of FILE and what augmentations make of them, side by side.

    \b
    crop            keep a stretch of the words       银行卡丢了怎么办 → 丢了怎么办
    delete-words    delete a share of the words       银行卡丢了怎么办 → 银行卡了怎么办
    delete-one      delete one word                   银行卡丢了怎么办 → 银行卡丢怎么办
    repeat-words    say some words twice (ESimCSE)    银行卡丢了怎么办 → 银行卡银行卡丢了怎么办
    synonyms        replace a word                    银行卡丢了怎么办 → 信用卡丢了怎么办
    mlm-substitute  let a language model fill in      银行卡丢了怎么办 → 银行卡坏了怎么办
    none            nothing: in SimCSE's paper dropout alone beat crop, deletion, synonyms and mlm

    \b
    Examples:
      juyi augment questions.txt
      juyi augment questions.txt --with delete-one --with repeat-words --epochs 2
      juyi augment questions.txt --with crop --rate 0.3 --limit 0 --format jsonl > cropped.jsonl
      juyi augment questions.txt --table 同义词.tsv
      juyi augment questions.txt --with mlm-substitute -m google-bert/bert-base-chinese

    \b
    A line of 同义词.tsv (the gaps are tabs):
      丢    遗失    丢失
    """
    import numpy as np

    from juyi.cli.output import emit, say
    from juyi.data import read_texts

    if seed < 0:
        raise UsageError(f"The seed is {seed}; it must be 0 or more.")
    given = {"rate": rate, "table": table, "vectors": vectors, "model": model}
    augmentations = _augmentations(names, {name: value for name, value in given.items() if value not in (None, "")})
    corpus = read_texts(file, **reading.arguments(say))
    texts = corpus.texts[: limit or None]
    if len(texts) < len(corpus.texts):
        say(f"The first {len(texts)} of {len(corpus.texts):,} texts; --limit 0 takes all.")
    made = {
        # A generator for each: what one makes does not depend on which others are asked for.
        (each.kind, epoch): each(texts, np.random.default_rng([seed, epoch]))
        for each in augmentations
        for epoch in range(1, epochs + 1)
    }
    records = [
        {"text": text, "augmentation": kind, "epoch": epoch, "augmented": new[place]}
        for place, text in enumerate(texts)
        for (kind, epoch), new in made.items()
    ]
    if form == "table":
        _table(records, epochs=epochs, rows_a_text=len(made))
    else:
        emit(records, form)


def _augmentations(names: Sequence[str], given: dict[str, Any]) -> list[AnyAugmentation]:
    """Those that are asked for, each with the settings that it takes."""
    import difflib

    from juyi import augmentation

    for name in names:
        if name not in KINDS:
            near = difflib.get_close_matches(name.lower().replace("_", "-"), KINDS, n=1, cutoff=0.5)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise UsageError(f"There is no augmentation '{name}'.{hint} They are: {', '.join(KINDS)}.")
    if not names:
        with_files = [_TAKERS[setting][0] for setting in ("table", "vectors", "model") if setting in given]
        names = [*_SELF_SUFFICIENT, *with_files]
    for setting in given:
        if not {*_TAKERS[setting]} & {*names}:
            raise UsageError(
                f"--{setting} is for {' and '.join(_TAKERS[setting])}, which is not asked for. "
                f"Take it out, or add --with {_TAKERS[setting][0]}."
            )
    return [
        getattr(augmentation, KINDS[name])(**{setting: value for setting, value in given.items() if name in _TAKERS[setting]})
        for name in dict.fromkeys(names)
    ]


def _table(records: Sequence[dict[str, Any]], *, epochs: int, rows_a_text: int) -> None:
    """The two texts side by side; what was taken away is struck through, what was put in is bold."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("text", "augmentation", *(["epoch"] if epochs > 1 else []), "augmented"):
        drawn.add_column(name, overflow="fold", no_wrap=name == "augmentation")
    for number, record in enumerate(records, start=1):
        old, new = _marked(record["text"], record["augmented"])
        epoch = [str(record["epoch"])] if epochs > 1 else []
        drawn.add_row(old, record["augmentation"], *epoch, new, end_section=number % rows_a_text == 0)
    Console(width=None if Console().is_terminal else 120, highlight=False, markup=False).print(drawn)


def _marked(text: str, augmented: str) -> tuple[Text, Text]:
    from difflib import SequenceMatcher

    from rich.text import Text

    from juyi.augmentation import cut_words

    before, after = cut_words(text).pieces, cut_words(augmented).pieces
    old, new = Text(), Text()
    for change, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old.append("".join(before[i:j]), style="" if change == "equal" else "red strike")
        new.append("".join(after[k:m]), style="" if change == "equal" else "bold green")
    return old, new
