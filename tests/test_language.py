"""Results and help in two languages: no message lacks its twin, and the choice is the user's."""

from __future__ import annotations

import ast
import json
import os
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from juyi.errors import UsageError
from juyi.language import choose_language, language, translated

sys.path.insert(0, str(Path(__file__).parent))  # test modules are no package here

import messages

SPOKEN = messages.spoken()
FIELDS = string.Formatter()
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def twins() -> dict[str, str]:
    return {message.id: message.string for message in messages.catalogue() if message.id}


def test_every_message_has_a_twin_and_no_twin_is_left_over(twins: dict[str, str]) -> None:
    missing = [message for message in SPOKEN if not twins.get(message)]
    assert not missing, "write their Chinese into the catalogue: make messages"
    assert set(twins) == set(SPOKEN)
    assert len(SPOKEN) > 150


@pytest.mark.parametrize("message", SPOKEN, ids=lambda message: message[:40])
def test_a_twin_takes_the_same_values_and_is_chinese(message: str, twins: dict[str, str]) -> None:
    def fields(text: str) -> set[tuple[str, str]]:
        return {(name, spec or "") for _, name, spec, _ in FIELDS.parse(text) if name is not None}

    twin = twins[message]
    if "." in SPOKEN[message] and not SPOKEN[message].startswith("cli/"):
        assert fields(twin) == fields(message)
    assert HAN.search(twin) or not re.search("[a-z]{3}", re.sub("{[^}]*}", "", message))
    assert message.count("\b") == twin.count("\b")
    # Names that a machine reads stay as they are.
    words = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+|`[^`]+`", message))
    assert words <= set(re.findall(r"(?<![\w-])--[a-z][a-z-]+|`[^`]+`", twin))


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    assert messages.CATALOGUE.with_suffix(".mo").read_bytes() == messages.compiled(messages.catalogue())


def test_no_message_hides_in_another_string() -> None:
    """Neither the extraction nor a translator would see it there."""
    for path in messages.SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                inside = [each for each in ast.walk(node) if isinstance(each, ast.Call) and getattr(each.func, "id", "") == "_"]
                assert not [each for each in inside if each.args and isinstance(each.args[0], ast.Constant)], (path, node.lineno)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"JUYI_LANGUAGE": "zh", "LANG": "en_GB.UTF-8"}, "zh"),
        ({"JUYI_LANGUAGE": "zh-CN"}, "zh"),
        ({"JUYI_LANGUAGE": "EN", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"JUYI_LANGUAGE": "", "LANG": "zh_CN.UTF-8"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_variable_or_of_the_locale(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JUYI_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == expected
    assert bool(HAN.search(translated("word overlap"))) == (expected == "zh")


@pytest.mark.parametrize("name", ["fr", "chinese", "zhou"])
def test_another_language_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="en and zh"):
        choose_language(name)
    monkeypatch.setenv("JUYI_LANGUAGE", name)
    with pytest.raises(UsageError, match="JUYI_LANGUAGE"):
        language()


def told(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "juyi.cli.main", *arguments]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1", **environment}, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--language", "zh", "adapt", "--help"), {}),
        (("adapt", "--language=zh", "--help"), {}),
        (("adapt", "--help", "--language", "zh"), {"JUYI_LANGUAGE": "en"}),
        (("adapt", "--help"), {"JUYI_LANGUAGE": "zh"}),
    ],
)
def test_help_is_chinese_wherever_the_language_is_asked_for(arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    done = told(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    assert "用法：" in done.stdout and "选项" in done.stdout and "--groups" in done.stdout
    sentences = re.findall(r"\b[A-Z][a-z]+ [a-z]+ [a-z]+ [a-z]+", done.stdout)
    assert not sentences


def test_all_commands_are_listed_in_chinese() -> None:
    done = told("--help", JUYI_LANGUAGE="zh")
    assert all(name in done.stdout for name in messages.COMMANDS)
    assert "退出码" in done.stdout and not re.search(r"\b[A-Z][a-z]+ [a-z]+ [a-z]+ [a-z]+", done.stdout)


def test_a_language_that_there_is_not_is_one_clear_error() -> None:
    for arguments in (("--language", "fr", "doctor"), ("doctor", "--language")):
        done = told(*arguments)
        assert done.returncode == 2 and "en and zh" in done.stderr


def test_data_check_advises_in_chinese_and_machines_get_the_same_keys(tmp_path: Path) -> None:
    path = tmp_path / "q.txt"
    path.write_text("怎么还款\n怎么还款\n如何还信用卡\n" * 3, encoding="utf-8")
    done = told("data", "check", str(path), "--format", "json", "--language", "zh")
    record = json.loads(done.stdout)
    assert record["rows"] == 9 and "只有 2 个不同的句子" in record["advice"][0]
