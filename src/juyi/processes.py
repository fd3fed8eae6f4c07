"""Several jobs at a time, each in a process of its own: one that dies takes no other with it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


def run_in_processes(work: Callable[[J], R], jobs: Sequence[J], at_once: int) -> Iterator[tuple[J, R | None, str]]:
    """Do jobs in processes that share the cores evenly.

    Args:
        work: Does one job. It must be importable: it is called in a process that was started anew.
        jobs: What is to be done.
        at_once: So many run at a time.

    Yields:
        Each job when it is done, its result, and how its process ended where there is none.
    """
    context = multiprocessing.get_context("spawn")
    threads = str(max(1, (os.cpu_count() or 1) // at_once))
    waiting, running = list(reversed(jobs)), dict[Connection, tuple[BaseProcess, J]]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.pop()
                ours, theirs = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(target=_child, args=(work, job, theirs, threads), daemon=True)
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


def _child(work: Callable[[J], R], job: J, connection: Connection, threads: str) -> None:
    os.environ.update(dict.fromkeys(_THREADS, threads))
    connection.send(work(job))
    connection.close()
