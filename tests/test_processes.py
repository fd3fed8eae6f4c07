"""Jobs in processes of their own: in any order, with their share of the cores, and one that dies takes no other with it."""

from __future__ import annotations

import os
import signal

from juyi.processes import run_in_processes


def work(job: str) -> tuple[str, str]:
    if job == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "left":
        os._exit(3)
    return job, os.environ["OMP_NUM_THREADS"]


def test_a_process_that_dies_takes_no_other_with_it() -> None:
    jobs = ["a", "killed", "b", "left", "c"]
    found = {job: (result, words) for job, result, words in run_in_processes(work, jobs, 2)}
    threads = str(max(1, (os.cpu_count() or 1) // 2))
    assert {job: result for job, (result, _) in found.items() if result} == {job: (job, threads) for job in "abc"}
    assert "ended with -9, killed by the system" in found["killed"][1]
    assert found["left"] == (None, "its process ended with 3")


def test_nothing_to_do() -> None:
    assert [*run_in_processes(work, [], 2)] == []
