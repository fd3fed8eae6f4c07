"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.zh-CN.md"]


@pytest.mark.parametrize("name", READMES)
def test_the_python_block_prints_what_stands_below_it(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```\s+```text\n(.*?)```", text, re.DOTALL)
    assert found
    command = [sys.executable, "-X", "utf8", "-c", found[1]]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout == found[2]


@pytest.mark.parametrize("name", READMES)
def test_every_command_shown_exists(name: str) -> None:
    from juyi.cli.main import COMMANDS

    text = (ROOT / name).read_text(encoding="utf-8")
    assert set(re.findall(r"juyi ([a-z]+)", text)) - {"import"} <= set(COMMANDS)
    assert all(f"`juyi {command}" in text for command in COMMANDS)


@pytest.mark.parametrize("name", READMES)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target


def test_the_makefile_is_small_and_explains_itself() -> None:
    targets = re.findall(r"^([a-z]+):.*## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(targets) <= 8
    assert {"demo", "test", "check", "help"} <= {name for name, _ in targets}
