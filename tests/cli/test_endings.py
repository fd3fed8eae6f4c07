"""How commands end when something is in the way: the exit code, one error on stderr, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from juyi.assets import EMBEDDED
from juyi.cli.failures import EXIT_CODES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits, signals and devices as POSIX has them")
LIMIT = 100_000  # bytes; no file may grow beyond: the disk is full
JUYI = [sys.executable, "-m", "juyi.cli.main"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where commands run: files to read, and things that are in the way."""
    write = {
        "q.txt": "".join(f"第{i}个问题怎么解决{i * 7}\n" for i in range(60)),
        "blank.txt": "甲乙丙\n\n怎么还款\n",
        "pairs.tsv": "".join(f"第{i}句\t{i}句第\t{i % 5}\n" for i in range(20)),
        "constant.tsv": "甲乙\t乙甲\t1\n丙丁\t丁\t1\n",
        "photos/cat.jpg": "cat",
        "file": "",
        "card.md": "",
        "raw.toml": "name = 'raw'\nencoder = [{ name = 'raw' }]\n",
    }
    for name, content in write.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "card.md").write_bytes(b"\xff\xfe\xff")
    return tmp_path


def start(place: Path, arguments: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
    """A command in a process that begins with nothing, with its cache beside the rest."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    environment = {**os.environ, "JUYI_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*JUYI, *arguments], cwd=place, env=environment, **streams)  # type: ignore[call-overload,no-any-return]


def end(child: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    out, error = child.communicate()
    return child.returncode, (out or b"").decode(), " ".join((error or b"").decode().split())


End = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ended(juyi: Callable[..., subprocess.CompletedProcess[str]], place: Path) -> End:
    """The exit code, stdout and the words of stderr of a command, with its cache beside the rest."""

    def run(*arguments: str, **options: Any) -> tuple[int, str, str]:
        done = juyi(*arguments, folder=place, variables={"JUYI_CACHE": str(place / "cache")}, **options)
        return done.returncode, done.stdout, " ".join(done.stderr.split())

    return run


def content(place: Path) -> set[str]:
    """What lies there, the caches apart."""
    every = {path.relative_to(place) for path in place.rglob("*")}
    return {path.as_posix() for path in every if path.parts[0] != "cache"}


def without_engine(said: str) -> str:
    """What was said, without the sentence about the engine and the precision that this machine is fast in."""
    return re.sub(r"Engine: openvino in \w+( \([^)]*\))?\s", "", said)


def closed() -> None:
    os.close(1)


def many(place: Path) -> None:
    (place / "q.txt").write_text("怎么还款\n" * 500, encoding="utf-8")


def damaged(place: Path) -> None:
    """A model whose weights hold NaN."""
    model = shutil.copytree(EMBEDDED["mini-base"], place / "model")
    weights = load_file(model / "model.safetensors")
    name = next(name for name in weights if "norm" in name)
    weights[name] = np.full_like(weights[name], np.nan)
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


def nothing(place: Path) -> None:
    pass


def foreign(place: Path) -> None:
    shutil.copytree(place / "photos", place / "a" / "model")


FULL = {"before": f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))"}
CLOSED = {"preexec_fn": closed}
DEAF = {"stdin": None, "preexec_fn": lambda: os.close(0)}
CASES: dict[str, tuple[str, int, str, Callable[[Path], None], dict[str, Any]]] = {
    "an empty line": ("encode blank.txt -o x.npy", 1, "blank.txt, line 2: this text is empty", nothing, {}),
    "no folder for it": ("encode q.txt -o file/x.npy", 1, "file/x.npy cannot be written: a part of", nothing, {}),
    "a folder is there": ("encode q.txt -o photos", 2, "is a directory", nothing, {}),
    "the input is the output": ("encode q.txt -o ./q.txt --format npy", 2, "is the file that is read", nothing, {}),
    "a full disk, npy": ("encode q.txt -o x.npy", 1, "x.npy cannot be written: no file may grow", many, FULL),
    "a full disk, jsonl": ("encode q.txt -o x.jsonl", 1, "x.jsonl cannot be written: no file may grow", many, FULL),
    "stdout is closed": ("encode q.txt", 1, "Standard output cannot be written: it is closed", nothing, CLOSED),
    "stdout is closed, adapt": ("adapt q.txt -o a", 1, "Standard output cannot be written: it is closed", nothing, CLOSED),
    "stdin is closed": ("encode -", 1, "the file is empty", nothing, DEAF),
    "NaN, encode": ("encode q.txt -m model -o x.npy", 1, "60 of 60 vectors hold NaN or infinity", damaged, {}),
    "NaN, similar": ("similar 甲 乙 -m model", 1, "2 of 2 vectors hold NaN or infinity, those of '甲', '乙'", damaged, {}),
    "no such option": ("similar --modle 甲 乙", 2, "No such option '--modle'", nothing, {}),
    "bytes that are no text": ("similar 甲 \udcff", 2, "half of a surrogate pair", nothing, {}),
    "bytes that are no name": ("encode \udcff.txt", 1, "there is no such file", nothing, {}),
    "runs in a file": ("runs list --runs file", 2, "is a file", nothing, {}),
    "whiten into a foreign folder": ("whiten --texts q.txt -o photos", 2, "a folder with other content", nothing, {}),
    "whiten below a file": ("whiten --texts q.txt -o file/w", 1, "a part of the path is a file", nothing, {}),
    "whiten on a full disk": ("whiten --texts q.txt -o w", 1, "Error: w cannot be written: no file may grow", nothing, FULL),
    "export on a full disk": ("export -o e", 1, "Error: e cannot be written: no file may grow", nothing, FULL),
    "a card that is no text": ("export -o e --card card.md", 1, "a model card is text in UTF-8", nothing, {}),
    "adapt into a foreign folder": ("adapt q.txt -o a", 2, "a folder with other content", foreign, {}),
    "adapt with scores all the same": ("adapt q.txt --pairs constant.tsv -o a", 1, "constant.tsv: all 2 pairs", nothing, {}),
    "adapt with a query that is no text": ("adapt q.txt --query \udcff -o a", 2, "queries has", nothing, {}),
    "train into a foreign folder": ("train --texts q.txt -o photos", 2, "a folder with other content", nothing, {}),
    "train into two folders": ("train --texts q.txt -o one -o two", 2, "-o names 2 folders", nothing, {}),
    "a setting as it was once written": (
        "train simcse/chinese-bojone --texts q.txt -o objective.temprature=0.1",
        2,
        "written --set objective.temprature=0.1 now; -o says where output goes",
        nothing,
        {},
    ),
    "train below a file": ("train --texts q.txt --runs file/runs", 1, "a part of the path is a file", nothing, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_in_the_way_is_told_and_nothing_is_left(place: Path, ended: End, name: str) -> None:
    command, code, words, prepare, options = CASES[name]
    prepare(place)
    before = content(place)
    cold = "preexec_fn" in options
    found, out, error = end(start(place, command.split(), **options)) if cold else ended(*command.split(), **options)
    assert found == code and code in EXIT_CODES, error
    assert words in error and "Traceback" not in error and error.count("Error:") == 1, error
    assert out == "" and content(place) == before


@pytest.mark.parametrize(
    "command", ["encode q.txt", "encode q.txt --format npy", "recipes list", "tasks list", "--help", "similar 甲 乙"]
)
def test_a_full_stdout_is_an_error(place: Path, command: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as stdout:
        code, _, error = end(start(place, command.split(), stdout=stdout))
    assert (code, error.count("Error:")) == (1, 1) and "the disk is full" in error
    with Path("/dev/full").open("wb") as stderr:
        assert end(start(place, ["encode", "nowhere"], stderr=stderr))[0] == 1


def test_a_reader_that_goes_away_is_no_reason_to_talk(place: Path) -> None:
    many(place)
    child = start(place, ["encode", "q.txt"])
    assert child.stdout is not None and child.stderr is not None
    child.stdout.read(10)
    child.stdout.close()
    assert without_engine(child.stderr.read().decode()) == "q.txt: txt, utf-8.\n" and child.wait() == 1
    child.stderr.close()


def heard() -> None:
    """What a shell starts in the background is deaf to Ctrl-C, and with it all that it starts: these tests too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_is_130_and_leaves_nothing(place: Path) -> None:
    before = content(place)
    child = start(place, ["encode", "-", "-o", "x.npy"], stdin=subprocess.PIPE, preexec_fn=heard)
    assert child.stdin is not None
    child.stdin.write("怎么还款\n".encode() * 5000)
    child.stdin.flush()
    while not (place / "x.npy.part").exists():
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    code, _, error = end(child)
    assert (code, without_engine(error)) == (130, "standard input: txt, utf-8. Stopped.") and content(place) == before


def test_a_minus_begins_a_sentence_and_a_file(place: Path, ended: End) -> None:
    code, out, error = ended("similar", "-5度", "零下五度", "-5度", "--", "-m")
    assert code == 0 and len(out.split()) == 3 and float(out.split()[1]) == pytest.approx(1, abs=1e-4), error
    (place / "-5度.txt").write_text("甲\n", encoding="utf-8")
    assert ended("encode", "-5度.txt", "-o", "-5度.npy")[0] == 0
    assert np.load(place / "-5度.npy").shape == (1, 384)


def test_the_choices_for_empty_texts(place: Path, ended: End) -> None:
    assert ended("encode", "blank.txt", "-o", "x.npy", "--empty", "zero")[0] == 0
    rows = np.load(place / "x.npy")
    assert rows.shape == (3, 384) and not rows[1].any() and rows[[0, 2]].any(axis=1).all()
    code, _, error = ended("encode", "blank.txt", "-o", "y.npy", "--empty", "drop")
    assert code == 0 and "Empty: 1, left out; line 2" in error and "y.ids.txt" in error
    assert (place / "y.ids.txt").read_text() == "1\n3\n"
    np.testing.assert_allclose(np.load(place / "y.npy"), rows[[0, 2]], atol=1e-6)
    for arguments, code in (([], 1), (["--empty", "zero"], 0)):  # a stream can be read once
        found, _, error = ended("encode", "-", "-o", "z.npy", *arguments, stdin="甲\n\n乙\n")
        assert found == code and (code == 0 or "the text of line 2 is empty" in error)
        assert (place / "z.npy").exists() == (code == 0)
    code, _, error = ended("encode", "blank.txt", "-o", "/dev/null", "--format", "csv", "--empty", "drop")
    assert code == 0 and "Empty: 1, left out; line 2" in error and "ids" not in error
    lines = ended("encode", "blank.txt", "--empty", "drop", "-o", "-")[1].splitlines()
    assert [json.loads(line)["line"] for line in lines] == [1, 3]


CACHES: dict[str, Callable[[Path], object]] = {
    "a file in its place": lambda cache: cache.write_text("x"),
    "a damaged file": lambda cache: [path.write_bytes(b"no database" * 500) for path in (cache / "embeddings").iterdir()],
}


def test_a_cache_that_cannot_be_used_is_told_once_and_changes_nothing(place: Path, ended: End) -> None:
    command = ["evaluate", "--suite", "pairs.tsv", "--format", "jsonl", "--no-overlap"]
    code, scores, error = ended(*command)
    assert code == 0 and scores and "cache" not in error
    for spoil in ("a damaged file", "a file in its place"):
        if spoil == "a file in its place":
            shutil.rmtree(place / "cache")
        CACHES[spoil](place / "cache")
        code, again, error = ended(*command)
        assert (code, again) == (0, scores) and error.count("cannot be used") == 1, error


def test_what_was_not_foreseen_is_one_line(ended: End) -> None:
    code = "import juyi.data\njuyi.data.open_texts = None"
    found, _, error = ended("encode", "q.txt", before=code)
    assert found == 1 and "TypeError: 'NoneType' object is not callable" in error and "juyi --traceback encode" in error
    assert "Traceback" not in error
    assert "Traceback" in ended("encode", "q.txt", "--traceback", before=code)[2]


KILL = """
import os, sys
def watch(event, arguments):
    if event == {event!r} and {name!r} in str(arguments):
        os.kill(os.getpid(), 9)
sys.addaudithook(watch)
"""
TRAIN = "train --texts q.txt -m small -o m --set training.steps=2 --set training.batch_size=8"
KILLED = {
    "encode": ("encode q.txt -o x.npy", "os.rename", "x.npy", "x.npy"),
    "encode, at the end": ("encode q.txt -o x.npy", "os.rename", "/x.npy'", "x.npy"),
    "encode, with its lines": ("encode q.txt -o x.npy --empty drop", "os.rename", "ids.txt", "x.ids.txt"),
    "whiten": ("whiten --texts q.txt -m small -o w", "os.rename", "/.w.", "w"),
    "whiten, at the end": ("whiten --texts q.txt -m small -o w", "os.rename", "/w", "w"),
    "export": ("export -m small -o e", "os.rename", "model.onnx", "e"),
    "train": (TRAIN, "os.rename", "/m", "m"),
    "adapt": ("adapt q.txt -m small --portfolio raw.toml -o a", "os.rename", "a/model", "a/model"),
}
"""The command, the event at which it is killed (`sys.addaudithook`), what this is about, and what the command writes."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in ("adapt", "export", "train") else name for name in KILLED]
)
def test_killed_while_it_writes_a_command_leaves_nothing_half_and_the_next_clears_up(
    place: Path, ended: End, with_graph: Path, name: str
) -> None:
    shutil.copytree(with_graph, place / "small")
    command, event, moment, target = KILLED[name]
    code, _, error = ended(*command.split(), before=KILL.format(event=event, name=moment))
    assert code == -signal.SIGKILL, error
    assert not (place / target).exists()
    assert [path for path in content(place) if ".tmp" in path or ".part" in path]  # it was in the middle of it
    code, _, error = ended(*command.split())
    assert code == 0 and (place / target).exists(), error
    assert not [path for path in content(place) if ".tmp" in path or ".part" in path or path.endswith((".old", ".lock"))]
