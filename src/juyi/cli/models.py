"""`juyi models`: the embedded encoders, and what a model folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from juyi.cli import options
from juyi.cli.output import emit, put

if TYPE_CHECKING:
    from juyi.prompts import Prompts


@click.group("models")
def command() -> None:
    """List the embedded encoders, show what a model folder holds."""


@command.command("list")
@options.form("table", "json", "jsonl", "csv")
def list_models(form: str) -> None:
    """List the encoders that ship with juyi: version, size, and the figures of their cards (Spearman x 100, test splits)."""
    from huggingface_hub import ModelCard

    from juyi.assets import DEFAULT_ENCODER, EMBEDDED

    rows = []
    for name, folder in EMBEDDED.items():
        card = ModelCard.load(folder / "README.md").data
        rows.append(
            {
                "model": name + (" (default)" if name == DEFAULT_ENCODER else ""),
                "version": card.get("version"),
                "parameters": f"{_parameters(folder) / 1e6:.1f} M",
                "size": f"{_size(folder) / 1e6:.1f} MB",
                **{str(result.dataset_name): float(result.metric_value) for result in card.eval_results or []},
            }
        )
    emit(rows, form)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _parameters(folder: Path) -> int:
    from math import prod

    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="numpy") as weights:
        return sum(prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118  # no mapping


@command.command("show")
@click.argument("model", default="")
@click.option("--card", is_flag=True, help="Print the model card instead.")
@options.form("table", "json")
def show(model: str, card: bool, form: str) -> None:
    """Show kind, size, pooling, layers, length, prompts and files of MODEL."""
    import json

    from juyi.cli.output import say
    from juyi.engines import engine_problems
    from juyi.hub import resolve
    from juyi.layout import config_folder, read_layout, tokenizer_folder
    from juyi.prompts import written_prompts
    from juyi.tokenization import load_tokenizer

    folder = resolve(model, log=say)
    if card:
        path = folder / "README.md"
        put(path.read_text(encoding="utf-8") if path.is_file() else f"{folder} has no model card.", nl=False)
        return
    layout = read_layout(folder)
    for remark in [*layout.remarks(), *([layout.doubt] if layout.doubt else [])]:
        say(remark)
    root = folder / layout.backbone
    base = config_folder(root)
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    kind = config.get("model_type", "not stated")
    kind = kind if base == root else f"{kind}, adapters of {base}"
    problems = engine_problems(folder, opened=True)
    dense = " → ".join(f"{d.inputs}×{d.outputs} {d.activation}" for d in layout.dense)
    facts = {
        "folder": str(folder),
        "type": kind,
        "layers × width": f"{layout.layer_count} × {layout.width}",
        "vocabulary": load_tokenizer(tokenizer_folder(root)).size,
        "pooling": layout.pooling,
        "dense": dense or "none",
        "normalised": "yes" if layout.normalise else "no",
        "dimensions kept": layout.output.truncate_dim or "all",
        "similarity": layout.output.similarity,
        "longest input": layout.max_length,
        "prompts": written_prompts(layout.prompts) if form == "json" else _prompts(layout.prompts),
        **{f"{engine} graph": f"no: {problem}" if problem else "yes" for engine, problem in problems.items()},
        "size": f"{_size(folder) / 1e6:.1f} MB",
    }
    if form == "json":
        put(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        emit([{"": key, "value": str(value)} for key, value in facts.items()], "table")


def _prompts(prompts: Prompts) -> str:
    """The prompts by name; which is the default, and which stand before queries and what is searched."""
    if not prompts.texts:
        return "none"
    roles = {"default": prompts.default, "queries": prompts.query, "what is searched": prompts.corpus}
    lines = []
    for name, text in prompts.texts.items():
        own = [role for role, prompt in roles.items() if prompt.name == name]
        lines.append(f"{name}: {text!r}" + (f" ({', '.join(own)})" if own else ""))
    return "\n".join([*lines, *([] if prompts.pooled else ["their tokens are left out of the pooling"])])
