"""`juyi export`: a model folder that is ready to be given away."""

from __future__ import annotations

from pathlib import Path

import click

from juyi.cli import options


@click.command("export")
@options.model
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="The folder to write.")
@click.option("--half/--full", default=True, show_default=True, help="Store the weights in float16, or in float32.")
@click.option("--max-length", type=int, help="Longest input in tokens from now on. [default: the model's]")
@click.option("--card", type=click.Path(exists=True, dir_okay=False), help="A file to take as README.md. [default: the model's]")
def command(model: str, output: str, half: bool, max_length: int | None, card: str | None) -> None:
    """Write MODEL with the graph for the engine that needs no torch.

    The folder loads in juyi, sentence-transformers and transformers. Half the size costs next to nothing: the weights are
    computed with in float32 again, and what the rounding changed is printed.

    \b
    Example:
      juyi export -m runs/mini/distillation/…/model -o my-encoder
    """
    import numpy as np

    from juyi.assets import SAMPLES
    from juyi.cli.output import say
    from juyi.data import read_texts
    from juyi.encoder import EncoderSettings, load_encoder, save_encoder
    from juyi.engines import open_engine
    from juyi.engines.export import export_onnx
    from juyi.hub import resolve
    from juyi.provenance import copy_provenance

    folder, target = resolve(model), Path(output)
    own = folder / "README.md"
    text = Path(card).read_text(encoding="utf-8") if card else own.read_text(encoding="utf-8") if own.is_file() else None
    encoder = load_encoder(EncoderSettings(model=str(folder), max_length=max_length))
    save_encoder(encoder, target, half=half, card=text)
    export_onnx(load_encoder(target), target)
    copy_provenance(folder, target)
    samples = read_texts(SAMPLES / "questions.tsv").texts[:100]
    before, after = encoder.encode(samples), open_engine(target, "onnx").encode(samples)
    cosines = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    say(f"Wrote {target}, {size / 1e6:.1f} MB; against the original the cosine is {cosines.min():.6f} at least, on 100 sentences")
