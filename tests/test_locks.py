"""Locks, with real processes: one works, the other is told, and the dead hold nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from juyi.errors import BusyError, OutputError
from juyi.locks import holder_of, locked_folder

HOLD = """
import sys, time
from juyi.locks import locked_folder
with locked_folder(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNT = """
import sys, time
from pathlib import Path
from juyi.errors import BusyError
from juyi.locks import locked_folder
counter, rounds = Path(sys.argv[1]) / "count", int(sys.argv[2])
while rounds:
    try:
        with locked_folder(sys.argv[1]):
            number = int(counter.read_text())
            time.sleep(0.001)
            counter.write_text(str(number + 1))
            rounds -= 1
    except BusyError:
        pass
"""


@contextmanager
def holding(folder: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        yield child
        child.kill()


def test_the_second_process_is_told_who_is_at_it(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there yet"
    with holding(folder) as child:
        holder = holder_of(folder)
        assert holder is not None and holder.pid == child.pid and holder.host and holder.since
        with pytest.raises(BusyError) as caught, locked_folder(folder):
            raise AssertionError("both are in")
        error = caught.value
        assert (error.folder, error.pid, error.host, error.since) == (folder, holder.pid, holder.host, holder.since)
        assert str(child.pid) in str(error) and str(folder) in str(error)
        assert not folder.exists()  # nothing is written by the one, and nothing by the other


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    with holding(tmp_path / "out") as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert (tmp_path / ".out.lock").exists()  # what it left
        assert holder_of(tmp_path / "out") is None
        with locked_folder(tmp_path / "out"):
            holder = holder_of(tmp_path / "out")
            assert holder is not None and holder.pid == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_afterwards_nothing_is_left_whatever_happened(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked_folder(tmp_path / "out"):
        _ = 1 / 0
    with locked_folder(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == [] and holder_of(tmp_path / "out") is None


def test_one_folder_has_one_lock_by_whatever_name(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with locked_folder(tmp_path / "out"):
        for name in ("out", "link", "out/../out", "./link"):
            with pytest.raises(BusyError), locked_folder(tmp_path / name):
                pass
        with locked_folder(tmp_path / "other"), locked_folder(tmp_path / "out" / "below"):
            pass


def test_somebody_who_only_looks_keeps_nobody_out(tmp_path: Path) -> None:
    look = f"from juyi.locks import holder_of\nwhile True: holder_of({str(tmp_path / 'out')!r})"
    (tmp_path / ".out.lock").touch()
    with subprocess.Popen([sys.executable, "-c", look]) as child:
        for _ in range(200):
            with locked_folder(tmp_path / "out"):
                pass
        child.kill()


def test_many_processes_never_meet(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    children = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path), "20"]) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    assert (tmp_path / "count").read_text() == "80"


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_a_child_that_is_started_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with locked_folder(tmp_path / "out"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    started = time.monotonic()
    with child, locked_folder(tmp_path / "out"):
        child.kill()
    assert time.monotonic() - started < 30


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with (
        pytest.raises(OutputError, match=r"file/out cannot be written: a part of the path is a file"),
        locked_folder(tmp_path / "file" / "out"),
    ):
        pass
