"""`juyi whiten`: add a whitening to an encoder."""

from __future__ import annotations

from pathlib import Path

import click

from juyi.cli import options


@click.command("whiten")
@options.model
@click.option("--texts", required=True, help="Fit on the sentences of this file.")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="The folder of the whitened model.")
@click.option("-k", "--dimensions", type=int, help="Keep this many dimensions. [default: all that carry variance]")
@options.pooling
@options.column
@options.encoding
def command(
    model: str,
    texts: str,
    output: str,
    dimensions: int | None,
    pooling: str | None,
    columns: tuple[str, ...],
    encoding: str,
) -> None:
    """Fit BERT-whitening on sentences and save the encoder with it as its last layer.

    The folder loads in sentence-transformers with the same vectors: the whitening is a Dense layer, followed by Normalize.

    \b
    Example:
      juyi whiten -m bert-base-chinese --pooling first-last-avg --texts questions.txt -k 256 -o whitened
    """
    from juyi.cli.output import say
    from juyi.data import read_texts
    from juyi.encoder import EncoderSettings, load_encoder, save_encoder
    from juyi.hub import resolve
    from juyi.poolings import known_pooling
    from juyi.postprocessing import whiten_encoder
    from juyi.provenance import copy_provenance

    encoder = load_encoder(EncoderSettings(model=model, pooling=known_pooling(pooling)), log=say)
    corpus = read_texts(texts, columns=columns or None, encoding=encoding)
    whitened, whitening = whiten_encoder(encoder, corpus.texts, dimensions)
    for note in whitening.notes:
        say(f"Note: {note}")
    save_encoder(whitened, Path(output))
    copy_provenance(resolve(model), Path(output))
    say(f"Fitted on {whitening.count:,} distinct sentences; {encoder.dim} to {whitened.dim} dimensions; wrote {output}")
