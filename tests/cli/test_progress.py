"""The bar of a training: what it shows and what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from rich.console import Console

from juyi.cli.progress import training_bar, work_bar

REPORT: Mapping[str, float | str] = {
    "loss": 0.12345,
    "uniformity": -2.3456,
    "alignment": 0.2134,
    "effective_rank": 41.26,
    "view_cosine": 0.8734,
    "learning_rate": 3e-5,
    "rows_per_second": 812.4,
}
FIGURES = "loss 0.123  align 0.21  unif -2.35  rank 41  views 0.87  812 rows/s"


def terminal() -> Console:
    """A terminal of 80 columns, on stderr."""
    return Console(stderr=True, force_terminal=True, width=80, color_system=None, legacy_windows=False)


def last_lines(drawn: str) -> list[str]:
    """What was drawn last, without the codes that move the cursor."""
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn).replace("\r", "\n").rstrip().splitlines()[-2:]]


def test_without_a_terminal_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    with training_bar("SimCSE") as progress:
        progress(1, 2, REPORT)
        progress(2, 2, {})
    shown = capsys.readouterr()
    assert shown.err == f"SimCSE 2/2  {FIGURES}\n" and shown.out == ""


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with training_bar(clock=lambda: now[0]) as progress:
        for step in range(1, 7):
            now[0] += 9
            progress(step, 7, {"loss": float(step)})
    assert capsys.readouterr().err.splitlines() == ["training 3/7  loss 3.000", "training 6/7  loss 6.000"]


def test_the_bar_and_its_figures_fit_into_a_common_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with training_bar(console=terminal()) as progress:
        progress(1, 15_625, {**REPORT, "dev": 0.7712})
        progress(1234, 15_625, {})
    above, below = last_lines(capsys.readouterr().err)
    assert above.startswith("training ━") and "1234/15625" in above
    assert below == "loss 0.123  align 0.21  unif -2.35  rank 41  views 0.87  dev 0.771  812 rows/s"


def test_the_latest_figures_stay(capsys: pytest.CaptureFixture[str]) -> None:
    with training_bar() as progress:
        progress(1, 3, {"loss": 2.0, "dev": 0.5})
        progress(2, 3, {"loss": 1.0})
        progress(3, 3, {})
    assert capsys.readouterr().err == "training 3/3  loss 1.000  dev 0.5\n"


@pytest.mark.parametrize("on_terminal", [False, True])
def test_words_are_said_once(capsys: pytest.CaptureFixture[str], on_terminal: bool) -> None:
    note = "The two dropout views of a sentence differ: mean cosine 0.87, smallest distance 0.21."
    equal = "{} of the 64 rows of this batch have the same tokens as another row [data.distinct]."
    with training_bar(console=terminal() if on_terminal else None) as progress:
        progress(1, 5, {**REPORT, "note": note})
        progress(2, 5, {**REPORT, "warning": equal.format(5)})
        progress(3, 5, {**REPORT, "warning": f"{equal.format(12)}\nThe loss is nan."})
        progress(4, 5, {**REPORT, "warning": "The loss is nan."})
    said = capsys.readouterr().err
    assert said.count(note) == 1
    assert said.count("have the same tokens as another row [data.distinct].") == 1
    assert f"Warning: {equal.format(5)}" in said
    assert said.count("Warning: The loss is nan.") == 1


def test_the_other_processes_are_silent(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with training_bar() as progress:
        progress(1, 1, {**REPORT, "note": "A note.", "warning": "A warning."})
    assert capsys.readouterr().err == ""


def test_a_rate_and_the_time_that_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with work_bar(unit="texts", clock=lambda: now[0]) as progress:
        for done, what in ((50_000, "read again"), (60_000, "texts"), (85_000, "texts")):
            now[0] += 25
            progress(done, 1_000_000, what)
    with work_bar(unit="texts", clock=lambda: now[0]) as progress:
        now[0] += 25
        progress(10, 0, "texts")  # how many there are is not known
        now[0] += 25
        progress(1_510, 0, "texts")
    assert capsys.readouterr().err.splitlines() == [
        "read again 50,000/1,000,000",
        "texts 60,000/1,000,000",
        "texts 85,000/1,000,000  1,000 texts/s, 0:15:15 left",
        "texts 10",
        "texts 1,510  60 texts/s",
    ]
