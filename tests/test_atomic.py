"""Writing that is whole or not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from juyi.atomic import check_output_file, check_output_folder, free_space, replaced_file, replaced_folder, write_text
from juyi.errors import DataError, OutputError, UsageError


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


def test_a_failed_rename_brings_the_old_folder_back(tmp_path: Path) -> None:
    write(tmp_path / "b", "one")
    with pytest.raises(OSError), replaced_folder(tmp_path / "b", "manifest") as fresh:
        (fresh / "manifest").write_text("two")
        fresh.rename(tmp_path / "gone")  # somebody took the draft away
    assert (tmp_path / "b" / "manifest").read_text() == "one"
    assert {path.name for path in tmp_path.iterdir()} == {"b", "gone"}


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


def test_a_text_whose_block_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), replaced_file(tmp_path / "a") as draft:
        draft.write_text("half")
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, sys
from pathlib import Path
from juyi.atomic import check_output_file, check_output_folder, free_space, replaced_file, replaced_folder, write_text
folder = Path(sys.argv[1])
write_text(folder / "text", "old")
with replaced_folder(folder / "model", "manifest") as draft:
    (draft / "manifest").write_text("old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # no file may grow beyond: the disk is full
failed = 0
for write in (
    lambda: write_text(folder / "text", "x" * 2000),
    lambda: write_text(folder / "new", "x" * 2000),
):
    try:
        write()
    except OSError:
        failed += 1
for name in ("model", "other"):
    try:
        with replaced_folder(folder / name, "manifest") as draft:
            (draft / "manifest").write_text("new")
            (draft / "weights").write_bytes(bytes(2000))
    except OSError:
        failed += 1
print(failed)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits as POSIX has them")
def test_a_full_disk_leaves_the_old_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=False)
    assert done.stdout == "4\n", done.stderr
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {"text", "model", "model/manifest"}
    assert (tmp_path / "text").read_text() == (tmp_path / "model" / "manifest").read_text() == "old"


KILLED = """
import os, signal, sys
from juyi.atomic import replaced_folder
with replaced_folder(sys.argv[1], "manifest") as draft:
    (draft / "manifest").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
ALIVE = """
import sys
from juyi.atomic import replaced_folder
with replaced_folder(sys.argv[1], "manifest") as draft:
    (draft / "manifest").write_text("slow")
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_the_draft_of_a_dead_process_is_swept_away_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    write(tmp_path / "model", "old")
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "model"], check=False)
    assert len(list(tmp_path.iterdir())) == 2 and (tmp_path / "model" / "manifest").read_text() == "old"
    command = [sys.executable, "-c", ALIVE, tmp_path / "model"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as slow:
        assert slow.stdout is not None and slow.stdout.readline() == "begun\n"
        assert len(list(tmp_path.iterdir())) == 2  # the dead one's is gone, the living one's has come
        write(tmp_path / "model", "new")
        slow.communicate("")
        assert slow.returncode == 0
    assert (tmp_path / "model" / "manifest").read_text() == "slow" and list(tmp_path.iterdir()) == [tmp_path / "model"]


def test_a_draft_of_a_file_that_a_dead_process_left_is_swept_away(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom juyi.atomic import replaced_file\n"
        "with replaced_file(sys.argv[1]) as draft:\n    draft.write_text('half')\n    os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.txt"], check=False)
    (left,) = tmp_path.iterdir()
    (tmp_path / left.name.replace(".a.txt.", ".b.txt.")).write_text("of another target")
    write_text(tmp_path / "a.txt", "whole")
    assert {path.name[:7] for path in tmp_path.iterdir()} == {"a.txt", ".b.txt."}
    assert (tmp_path / "a.txt").read_text() == "whole"


@pytest.mark.parametrize("there", [False, True])
def test_killed_between_two_renames_the_old_folder_is_put_back(there: bool, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "model"], check=False)
    (left,) = tmp_path.iterdir()
    old = left.rename(left.with_suffix(".old"))
    if there:
        write(tmp_path / "model", "newer")  # which puts it back first, and then replaces it
        assert not old.exists() and (tmp_path / "model" / "manifest").read_text() == "newer"
    else:
        with pytest.raises(ZeroDivisionError), replaced_folder(tmp_path / "model", "manifest"):
            _ = 1 / 0
        assert (tmp_path / "model" / "manifest").read_text() == "half"  # what the old one held
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]


def test_what_is_asked_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("cat")
    before = sorted(tmp_path.rglob("*"))
    for place in (tmp_path / "file", tmp_path / "new", tmp_path / "deep" / "er"):
        check_output_file(place)
    for place in (tmp_path / "new", tmp_path / "deep" / "er"):
        check_output_folder(place, "manifest")
    with pytest.raises(UsageError, match="is a folder, and a file is to be written"):
        check_output_file(tmp_path / "photos")
    with pytest.raises(UsageError, match="no regular file"):
        check_output_file("/dev/null")
    for target in (tmp_path / "file" / "x", Path("/proc/self/x")):
        with pytest.raises(OutputError) as error:
            check_output_file(target)
        assert error.value.path == target
        with pytest.raises(OutputError):
            check_output_folder(target / "y")
    with pytest.raises(UsageError, match="folder with other content"):
        check_output_folder(tmp_path / "photos", "manifest")
    assert sorted(tmp_path.rglob("*")) == before and free_space(tmp_path / "not" / "there") > 0


def test_a_name_as_long_as_the_file_system_takes(tmp_path: Path) -> None:
    name = "长" * 84  # 252 bytes
    write_text(tmp_path / name, "text")
    write(tmp_path / (name[:-1] + "x"), "one")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, name[:-1] + "x"])
    with pytest.raises(OutputError, match="the name is too long"):
        write_text(tmp_path / (name + "长长"), "text")


def test_through_a_link_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "file")
    (tmp_path / "folder").symlink_to(tmp_path / "far" / "folder")
    write_text(tmp_path / "link", "text")
    write(tmp_path / "folder", "one")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "folder").is_symlink()
    assert (tmp_path / "far" / "file").read_text() == "text" and (tmp_path / "far" / "folder" / "manifest").read_text() == "one"


def test_an_error_about_a_file_that_is_read_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error, replaced_file(tmp_path / "a"):
        Path("/nowhere/at all").read_text()
    assert not isinstance(error.value, OutputError)
    with pytest.raises(OutputError) as named, replaced_folder(tmp_path / "a", "m") as draft, replaced_file(draft / "b") as inner:
        inner.write_text("x")
        raise OSError(28, "No space left on device")
    assert named.value.path == tmp_path / "a" and "the disk is full" in str(named.value)


@pytest.mark.parametrize(
    "error",
    [DataError("m cannot be read: [Errno 28] No space left"), ConnectionRefusedError(111, "refused"), OSError("words alone")],
)
def test_what_is_not_about_writing_stays_as_it_is(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)) as caught, replaced_folder(tmp_path / "a"):
        raise error
    assert caught.value is error and list(tmp_path.iterdir()) == []
