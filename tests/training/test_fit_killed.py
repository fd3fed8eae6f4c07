from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SEED = random.SystemRandom().randrange(10**6)  # other moments every time: whatever the moment, the end is the same
CASES = ["simcse-float32", "masked-lm-bfloat16"]
STEPS = 24
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("children")
    script = Path(__file__).parent / "child_runs.py"
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, script, folder, str(SEED)], capture_output=True, text=True, env=one_thread, check=False
    )
    assert done.returncode == 0, f"seed {SEED}: {done.stderr}"
    return json.loads((folder / "found.json").read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize("case", CASES)
def test_the_processes_ended_as_they_should(found: dict[str, Any], case: str) -> None:
    ends = found[case]["ends"]
    assert [status for status, _ in ends] == [0, -9, -9, -9, 0, 130, 130, 0], f"seed {SEED}: {ends}"


@pytest.mark.parametrize("case", CASES)
def test_killed_at_a_random_moment_a_run_ends_in_the_same_bytes(found: dict[str, Any], case: str) -> None:
    straight, killed = found[case]["straight"], found[case]["killed"]
    assert killed["steps"] == list(range(1, STEPS + 1)), f"seed {SEED}"
    assert killed == straight, f"seed {SEED}"  # the model's bytes and every loss


@pytest.mark.parametrize("case", CASES)
def test_asked_to_stop_a_run_saves_the_step_in_hand(found: dict[str, Any], case: str) -> None:
    for (_, last), saved in zip(found[case]["ends"][5:7], found[case]["saved"], strict=True):
        assert saved == [f"step-{last:08d}"], f"seed {SEED}"
    assert found[case]["polite"] == found[case]["straight"], f"seed {SEED}"
