"""`juyi doctor`: what is installed and whether it works."""

from __future__ import annotations

import sys
import time
from importlib import metadata, util

import click

from juyi.cli import options
from juyi.cli.output import emit
from juyi.extras import EXTRA_OF


@click.command("doctor")
@options.form("table", "json", "jsonl", "csv")
def command(form: str) -> None:
    """Show versions, extras and accelerator, and encode one sentence with the embedded encoder.

    Exit code 1 when something that is installed does not work.
    """
    rows = [{"part": "python", "state": sys.version.split()[0], "note": ""}]
    for package in ("juyi", "numpy", "tokenizers", "onnxruntime"):
        rows.append({"part": package, "state": metadata.version(package), "note": ""})
    distributions = metadata.packages_distributions()  # sklearn comes from scikit-learn
    for package, extra in EXTRA_OF.items():
        here = util.find_spec(package) is not None
        rows.append(
            {
                "part": package,
                "state": metadata.version(distributions[package][0]) if here else "missing",
                "note": "" if here else f"pip install 'juyi[{extra}]'",
            }
        )
    if util.find_spec("torch"):
        rows += [_accelerator(), _precision()]
    rows.append(_cache())
    healthy = _try_encoding(rows)
    emit(rows, form)
    if not healthy:
        sys.exit(1)


def _accelerator() -> dict[str, str]:
    import torch

    if torch.cuda.is_available():
        return {"part": "accelerator", "state": torch.cuda.get_device_name(), "note": ""}
    return {"part": "accelerator", "state": "none", "note": f"torch uses {torch.get_num_threads()} CPU threads"}


def _precision() -> dict[str, str]:
    from juyi.encoder import fast_precision

    if fast_precision() == "bfloat16":
        return {"part": "bfloat16", "state": "fast", "note": "faster than float32 here: train with it"}
    return {"part": "bfloat16", "state": "slow", "note": "slower than float32 here: train in float32"}


def _cache() -> dict[str, str]:
    from juyi.engines import cache_folder

    try:
        files = list(cache_folder().glob("*.sqlite"))
        size = sum(file.stat().st_size for file in files) / 1e6
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home
        return {"part": "kept embeddings", "state": "unusable", "note": f"{error}; nothing is kept. Name a folder in JUYI_CACHE"}
    state = f"{len(files)} models, {size:,.0f} MB" if files else "empty"
    return {"part": "kept embeddings", "state": state, "note": f"{cache_folder()}; may be deleted"}


def _try_encoding(rows: list[dict[str, str]]) -> bool:
    from juyi.engines import engine_problems, open_engine
    from juyi.errors import JuyiError
    from juyi.hub import resolve

    began = time.monotonic()
    try:
        engine = open_engine()
        vectors = engine.encode(["怎么还信用卡"])
    except JuyiError as error:
        rows.append({"part": "embedded encoder", "state": "broken", "note": str(error)})
        return False
    note = f"{vectors.shape[1]} dimensions, {1000 * (time.monotonic() - began):.0f} ms to load and encode, engine {engine.kind}"
    if problems := ", ".join(each for each in engine_problems(resolve(), opened=True).values() if each):
        note += f" ({problems})"
    rows.append({"part": "embedded encoder", "state": "works", "note": note})
    return True
