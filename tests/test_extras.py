"""Optional dependencies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from juyi.errors import JuyiError, MissingExtraError
from juyi.extras import require


def test_what_is_there_is_given() -> None:
    import json.decoder

    assert require("json.decoder", extra="x", purpose="Nothing") is json.decoder


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part"])
def test_what_is_missing_says_how_to_get_it(module: str) -> None:
    with pytest.raises(MissingExtraError) as caught:
        require(module, extra="hub", purpose="Reading parquet files")
    assert str(caught.value) == (
        "Reading parquet files needs the package 'no_such_package', which is not installed. Run: pip install 'juyi[hub]'"
    )
    assert isinstance(caught.value, JuyiError) and isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_package_that_lacks_a_part_of_its_own_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package.py").write_text("import something_else_entirely\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="something_else_entirely"):
        require("broken_package", extra="hub", purpose="Something")
    assert "broken_package" not in sys.modules
