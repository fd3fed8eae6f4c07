"""Jobs in processes of their own: in any order, with their share of the cores, and one that dies takes no other with it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from juyi.processes import run_in_processes, usable_cores


def work(job: str) -> str:
    if job == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "left":
        os._exit(3)
    return job


def test_a_process_that_dies_takes_no_other_with_it() -> None:
    jobs = ["a", "killed", "b", "left", "c"]
    found = {job: (result, words) for job, result, words in run_in_processes(work, jobs, 2)}
    assert {job: result for job, (result, _) in found.items() if result} == {job: job for job in "abc"}
    assert "ended with -9, killed by the system" in found["killed"][1]
    assert found["left"] == (None, "its process ended with 3")


@pytest.mark.parametrize(("said", "count"), [("", 2), ("1", 1), ("64", 2), ("0", 1), ("many", 2)])
def test_cores(said: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert usable_cores() == count


def test_a_process_is_born_with_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)  # test modules are no package here
    from torch_threads import torch_threads

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    assert [result for _, result, _ in run_in_processes(torch_threads, ["a"], usable_cores())] == [1]
    assert "OMP_NUM_THREADS" not in os.environ and os.environ["MKL_NUM_THREADS"] == "3"


def test_nothing_to_do() -> None:
    assert [*run_in_processes(work, [], 2)] == []
