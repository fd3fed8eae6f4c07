"""`juyi export`: a model folder that is ready to be given away."""

from __future__ import annotations

from pathlib import Path

import click

from juyi.cli import options
from juyi.errors import DataError


def _card(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError("a model card is text in UTF-8, and this is not. Save it as UTF-8.", path=path) from error


@click.command("export")
@options.model
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="The folder to write.")
@options.pooling
@click.option("--half/--full", default=True, show_default=True, help="Store the weights in float16, or in float32.")
@click.option("--max-length", type=int, help="Longest input in tokens from now on. [default: the model's]")
@click.option("--card", type=click.Path(exists=True, dir_okay=False), help="A file to take as README.md. [default: the model's]")
def command(model: str, output: str, pooling: str | None, half: bool, max_length: int | None, card: str | None) -> None:
    """Write MODEL with the graphs for the engines that need no torch.

    The folder loads in juyi, sentence-transformers and transformers. Half the size costs next to nothing: the weights are
    computed with in float32 again. What the rounding and each engine change is printed, measured on the sentences in Chinese and
    English that ship with juyi.

    \b
    Example:
      juyi export -m runs/mini/questions/…/model -o my-encoder
    """
    from juyi.cli.output import Record, emit, say
    from juyi.engines.export import export_model
    from juyi.poolings import known_pooling

    text = _card(Path(card)) if card else None
    report = export_model(
        model, Path(output), half=half, max_length=max_length, pooling=known_pooling(pooling), card=text, log=say
    )
    say(f"Wrote {output}, {report.size / 1e6:.1f} MB. Against the original:")
    rows: list[Record] = [
        {
            "engine": name,
            "sentences": each.texts,
            "lowest cosine": f"{each.lowest_cosine:.6f}",
            "mean": f"{each.mean_cosine:.6f}",
            "rank agreement": "–" if (agreement := report.order[name].rank_agreement) is None else f"{agreement:.5f}",
            f"STS, {report.order[name].pairs} pairs": f"{report.order[name].sts_difference:+.2f}",
        }
        for name, each in report.fidelity.items()
    ]
    emit(rows, "table")
