"""Optional dependencies: imported when needed, missed with the command that brings them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from juyi.errors import MissingExtraError

EXTRA_OF = {
    "torch": "train",
    "transformers": "train",
    "accelerate": "train",
    "jieba": "zh",
    "opencc": "vocabulary",
    "sentencepiece": "vocabulary",
    "pyarrow": "hub",
    "datasets": "hub",
    "sklearn": "evaluate",
    "mteb": "mteb",
    "onnx": "onnx",
    "onnxscript": "onnx",
    "openvino": "openvino",
    "peft": "lora",
    "tensorboard": "track",
    "wandb": "wandb",
    "openpyxl": "xlsx",
}
"""Optional package to the extra that brings it."""


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional module, or say which extra brings it.

    Args:
        module: Dotted name, `pyarrow.parquet` for example.
        extra: The extra of juyi that brings it.
        purpose: What it is needed for: "reading parquet files".

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise MissingExtraError(package, extra, purpose) from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Transformers without its bars and warnings: what matters of them, we say."""
    logging: Any = importlib.import_module("transformers.utils.logging")
    before, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bar:
            logging.enable_progress_bar()
