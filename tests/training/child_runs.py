"""Runs in processes of their own that are killed and started again; writes what came out as JSON.

Called with a folder and a seed. The processes are forked, so that torch is imported once.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import tiny_encoders

from juyi.encoder import save_encoder
from juyi.objectives import AnyObjective, MaskedLM, SimCSEUnsupervised
from juyi.training import TrainingSettings, fit

STEPS = 24
CASES: dict[str, tuple[str, AnyObjective, Any]] = {
    "simcse-float32": ("bert", SimCSEUnsupervised(), "float32"),
    "masked-lm-bfloat16": ("modernbert", MaskedLM(rate=0.3), "bfloat16"),
}


def train(case: str, folder: Path, report: int) -> None:
    """One start of one run; tells the number of each step through the pipe."""
    kind, objective, precision = CASES[case]
    settings = TrainingSettings(
        batch_size=8, chunk_size=4, learning_rate=1e-3, steps=STEPS, precision=precision, log_every=1, checkpoint_every=3
    )
    encoder = tiny_encoders.build(kind, seed=3)

    def progress(step: int, steps: int, measured: Any) -> None:
        os.write(report, f"{step}\n".encode())

    fit(encoder, objective, {"text": tiny_encoders.rows()}, settings, folder=folder, device="cpu", progress=progress)
    save_encoder(encoder, folder / "model")


def start(case: str, folder: Path) -> tuple[int, int]:
    """The number of a new process, and the pipe that it reports through."""
    reader, writer = os.pipe()
    number = os.fork()
    if number:
        os.close(writer)
        return number, reader
    status = 1
    try:
        os.close(reader)
        train(case, folder, writer)
        status = 0
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def start_and_kill(case: str, folder: Path, number: int, step: int, wait: float) -> tuple[int, int]:
    """Start a run, send it a signal a while after a step (0: never), wait for its end: its status and its last step."""
    process, pipe = start(case, folder)
    last = 0
    with os.fdopen(pipe) as lines:
        for line in lines:
            last = int(line)
            if last == step:
                time.sleep(wait)
                os.kill(process, number)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), last


def outcome(folder: Path) -> dict[str, Any]:
    """What a finished run left."""
    return {
        "model": hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest(),
        "steps": [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()],
        "losses": [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()],
    }


def main(folder: Path, seed: int) -> None:
    """Every case straight, killed at random, and stopped politely."""
    for kind in ("bert", "modernbert"):  # here, so that the processes share one vocabulary and what is imported
        tiny_encoders.build(kind)
    rng = random.Random(seed)
    found: dict[str, Any] = {}
    for case in CASES:
        straight, killed, polite = (folder / case / name for name in ("straight", "killed", "polite"))
        record: dict[str, Any] = {"ends": [start_and_kill(case, straight, 0, 0, 0.0)]}
        for first, last in ((2, 9), (11, 14), (16, 21)):
            record["ends"].append(start_and_kill(case, killed, signal.SIGKILL, rng.randint(first, last), rng.uniform(0, 0.02)))
        record["ends"].append(start_and_kill(case, killed, 0, 0, 0.0))
        for number, step in ((signal.SIGTERM, rng.randint(4, 8)), (signal.SIGINT, rng.randint(12, 18))):
            record["ends"].append(start_and_kill(case, polite, number, step, rng.uniform(0, 0.01)))
            record.setdefault("saved", []).append([path.name for path in (polite / "checkpoint").glob("step-*")])
        record["ends"].append(start_and_kill(case, polite, 0, 0, 0.0))
        record["straight"], record["killed"], record["polite"] = map(outcome, (straight, killed, polite))
        found[case] = record
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
