"""The cores that a process may use, and several jobs at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


def usable_cores() -> int:
    """How many cores this process may use: those that it may run on, fewer where `OMP_NUM_THREADS` says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get(_THREADS[0], "")
    return max(1, min(cores, int(asked))) if asked.isdecimal() else cores


def run_in_processes(work: Callable[[J], R], jobs: Sequence[J], at_once: int) -> Iterator[tuple[J, R | None, str]]:
    """Do jobs in processes that share the cores evenly; one that dies takes no other with it.

    Args:
        work: Does one job. It must be importable: it is called in a process that was started anew.
        jobs: What is to be done.
        at_once: So many run at a time.

    Yields:
        Each job when it is done, its result, and how its process ended where there is none.
    """
    context = multiprocessing.get_context("spawn")
    share = str(max(1, usable_cores() // at_once))
    waiting, running = list(reversed(jobs)), dict[Connection, tuple[BaseProcess, J]]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.pop()
                ours, theirs = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(target=_child, args=(work, job, theirs), daemon=True)
                with _variables(dict.fromkeys(_THREADS, share)):
                    process.start()
                theirs.close()
                running[ours] = (process, job)
            for connection in wait([*running]):
                assert isinstance(connection, Connection)
                process, job = running.pop(connection)
                try:
                    yield job, connection.recv(), ""
                except EOFError:
                    process.join()
                    yield job, None, f"its process ended with {process.exitcode}{_signal(process.exitcode)}"
                connection.close()
                process.join()
    finally:
        for process, _ in running.values():
            process.terminate()
            process.join()


def _signal(code: int | None) -> str:
    return ", killed by the system, mostly for lack of memory: take fewer processes" if code == -9 else ""


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that a process is born with: libraries read their number of threads while they are loaded."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _child(work: Callable[[J], R], job: J, connection: Connection) -> None:
    connection.send(work(job))
    connection.close()
