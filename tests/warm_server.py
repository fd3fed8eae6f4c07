"""Commands in processes of their own that need not import torch first: each is a fork of this one, which did that alone.

Reads requests from standard input, one JSON object a line: the arguments, the environment, the folder, the files of the three
standard streams, and code that is run before. Answers each on standard output: the number of the process, when it has begun, and
its exit status, when it has ended; each on a line.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import traceback
from typing import Any

import juyi.adaptation
import juyi.cli.main
import juyi.evaluation
import juyi.experiments  # with torch, transformers and what else is slow to import
from juyi.tokenization.chinese import load_jieba


def serve() -> None:
    """Until standard input ends."""
    for name in ("rich.progress", "openvino"):
        importlib.import_module(name)
    load_jieba("The tests").initialize()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_run(request))
        _answer(child)
        _, status = os.waitpid(child, 0)
        _answer(os.waitstatus_to_exitcode(status))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(request: dict[str, Any]) -> int:
    """As `python -m juyi.cli.main` would: the exit code."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["juyi", *request["arguments"]]
    for number, (path, flags) in enumerate(zip(request["streams"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        stream = os.open(path, flags)
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")  # type: ignore[arg-type]
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), encoding="utf-8")
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    try:
        exec(request["before"], {})
        juyi.cli.main.main()
        return 0
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        for output in (sys.stdout, sys.stderr):
            if output is not None:
                output.flush()


if __name__ == "__main__":
    serve()
