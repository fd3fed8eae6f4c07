"""What a run ran on: versions and machine, for `environment.json`."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

_PACKAGES = ("torch", "transformers", "accelerate", "tokenizers", "numpy", "scipy", "onnxruntime", "jieba")


def environment() -> dict[str, Any]:
    """Versions of Python, juyi and what it stands on, and the kind of machine."""
    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "juyi": metadata.version("juyi"),
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": versions,
    }
