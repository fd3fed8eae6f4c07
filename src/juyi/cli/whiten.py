"""`juyi whiten`: add a whitening to an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from juyi.cli import options

if TYPE_CHECKING:
    from juyi.data import ReadSettings


@click.command("whiten")
@options.model
@click.option("--texts", required=True, help="Fit on the sentences of this file.")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="The folder of the whitened model.")
@click.option("-k", "--dimensions", type=int, help="Keep this many dimensions. [default: all that carry variance]")
@options.pooling
@options.prompt
@options.reading
def command(
    model: str,
    texts: str,
    output: str,
    dimensions: int | None,
    pooling: str | None,
    prompt: str | None,
    reading: ReadSettings,
) -> None:
    """Fit BERT-whitening on sentences and save the encoder with it as its last layer.

    The folder loads in sentence-transformers with the same vectors: the whitening is a Dense layer, followed by Normalize.
    A prompt stands before the sentences while the whitening is fitted; the folder keeps the prompts and the default of the model.

    \b
    Example:
      juyi whiten -m bert-base-chinese --pooling first-last-avg --texts questions.txt -k 256 -o whitened
    """
    from juyi.atomic import check_output_folder, replaced_folder
    from juyi.cli.output import say, say_prompt
    from juyi.data import read_texts
    from juyi.encoder import EncoderSettings, load_encoder, save_encoder
    from juyi.hub import resolve
    from juyi.layout import MODULES, NATIVE_MODULES
    from juyi.poolings import known_pooling
    from juyi.postprocessing import whiten_encoder
    from juyi.provenance import copy_provenance

    out = Path(output)
    check_output_folder(out, MODULES, NATIVE_MODULES)
    encoder = load_encoder(EncoderSettings(model=model, pooling=known_pooling(pooling), prompt=prompt), log=say)
    say_prompt(encoder.prompt_for())
    corpus = read_texts(texts, **reading.arguments(say))
    whitened, whitening = whiten_encoder(encoder, corpus.texts, dimensions)
    for note in whitening.notes:
        say(f"Note: {note}")
    with replaced_folder(out, MODULES, NATIVE_MODULES) as draft:
        save_encoder(whitened, draft)
        copy_provenance(resolve(model), draft)
    say(f"Fitted on {whitening.count:,} distinct sentences; {encoder.dim} to {whitened.dim} dimensions; wrote {output}")
