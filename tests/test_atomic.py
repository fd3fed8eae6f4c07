"""Writing that is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from juyi.atomic import replaced_folder, write_text
from juyi.errors import UsageError


def write(folder: Path, text: str) -> None:
    with replaced_folder(folder, "manifest") as fresh:
        (fresh / "manifest").write_text(text)


def test_a_folder_is_made_and_replaced_and_nothing_else_stays(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    write(folder, "one")
    (folder / "left over").write_text("of the first")
    write(folder, "two")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"manifest": "two"}
    assert list(folder.parent.iterdir()) == [folder]


def test_an_error_leaves_the_old_folder(tmp_path: Path) -> None:
    write(tmp_path / "b", "one")
    with pytest.raises(ZeroDivisionError), replaced_folder(tmp_path / "b", "manifest") as fresh:
        (fresh / "manifest").write_text("half")
        _ = 1 / 0
    assert (tmp_path / "b" / "manifest").read_text() == "one"
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_a_failed_rename_brings_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "b", "one")
    rename = Path.rename

    def fail_for_the_new(self: Path, target: Path) -> Path:
        if self.name.endswith(".tmp"):
            raise OSError("disk gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new)
    with pytest.raises(OSError, match="disk gone"):
        write(tmp_path / "b", "two")
    assert (tmp_path / "b" / "manifest").read_text() == "one"
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_what_is_no_saved_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("cat")
    (tmp_path / "file").write_text("text")
    for name, words in (("photos", "folder with other content"), ("file", "is a file")):
        with pytest.raises(UsageError, match=words):
            write(tmp_path / name, "one")
    assert (tmp_path / "photos" / "cat.jpg").read_text() == "cat"
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", "one")
    assert (tmp_path / "empty" / "manifest").read_text() == "one"


def test_a_text_is_written_and_replaced(tmp_path: Path) -> None:
    target = tmp_path / "new" / "note.json"
    write_text(target, "一\n")
    write_text(target, "二\n")
    assert target.read_bytes() == "二\n".encode()
    assert list(target.parent.iterdir()) == [target]


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "note.json"
    write_text(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(target, "half a character: \ud800")
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
