"""Running a table: what is missing is trained and measured, what is there is read, and each figure gets its verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from juyi.atomic import write_text
from juyi.errors import JuyiError, UsageError
from juyi.experiments.environment import environment
from juyi.experiments.run_folder import RunFolder
from juyi.locks import locked_folder
from juyi.processes import run_in_processes
from juyi.reproduction.claims import judged
from juyi.reproduction.experiment import Experiment, Place, Plan, ReproduceOptions, measured_columns, plan
from juyi.reproduction.material import Material, splits_of
from juyi.reproduction.measure import Measurement
from juyi.reproduction.outcome import Outcome, differences
from juyi.reproduction.results import Result
from juyi.reproduction.row_encoder import row_encoder
from juyi.tables import Column, Protocol, Row, Table
from juyi.types import Log, Progress

RECORD = "table.json"
_LOOKS = {"step": "steps", "dev": "dev", "dev_alignment": "alignment", "dev_uniformity": "uniformity"}
_LOOKED_AT = _LOOKS.keys()


@dataclass(frozen=True)
class Reproduction:
    """A table and what came of it.

    Attributes:
        table: The table.
        outcomes: Each figure that was asked for.
        failures: What went wrong, by experiment.
        absent: What could not be run because its encoder is not here, by experiment: how to get it.
    """

    table: Table
    outcomes: tuple[Outcome, ...]
    failures: dict[str, str]
    absent: dict[str, str]

    def record(self) -> dict[str, Any]:
        """For machines, and for whoever makes a page of it."""
        return {
            **self.table.as_record(),
            "outcomes": [outcome.record() for outcome in self.outcomes],
            "differences": [difference.record() for difference in differences(self.outcomes)],
            "claims": [claim.record() for claim in judged(self.table.claim, self.outcomes)],
            "trajectories": [*_trajectories(self.outcomes)],
            "failures": self.failures,
            "absent": self.absent,
            "environment": environment(),
        }


def _trajectories(outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    """Where the encoders went while they were trained, of the runs that looked at development pairs on the way."""
    runs = {
        result.run: f"{', '.join(filter(None, (outcome.place.names[0], outcome.place.names[2])))}, seed {seed}"
        for outcome in outcomes
        for seed, result in outcome.results.items()
        if result.run
    }
    for run, name in runs.items():
        looks = [record for record in RunFolder(Path(run)).log_records() if record.keys() >= _LOOKED_AT]
        if looks:
            figures = {short: [look[key] for look in looks] for key, short in _LOOKS.items()}
            yield {"name": name, "run": run, **figures}


def reproduce(
    table: Table,
    options: ReproduceOptions,
    *,
    log: Log = lambda _: None,
    progress: Progress = lambda done, total, what: None,
    overall: Callable[[int, int], None] = lambda done, total: None,
) -> Reproduction:
    """Run what is missing of a table, and say of each figure what came of it.

    A run that was stopped goes on where it stood: figures are kept one by one, trainings in their run folders, and what has the
    same settings and data is computed once, in whatever table it stands. An experiment that fails is told and leaves the others
    as they are.

    Args:
        table: The table.
        options: What of it, on what, and where it goes.
        log: Hears what is being done.
        progress: Is told how far the work in hand is.
        overall: Is told how many experiments are done.

    Raises:
        UsageError: Something was asked for that there is not, or that would change nothing.
        JuyiError: One of `options.encoders` does not exist.
        BusyError: Another process is at this output.
        OutputError: The results cannot be written.
    """
    for encoder in options.encoders:
        row_encoder(Row(encoder, encoder=encoder)).identity()
    planned = plan(table, options)
    protocol = _protocol(table, options)
    with locked_folder(options.output):
        _check_output(options.output / RECORD, table)
        columns = [column for column in measured_columns(table, options) if column.suite]
        material = Material(options.data, protocol, columns)
        measurements = [Measurement(each, protocol, material, options) for each in planned.experiments]
        _check_read(measurements, options)
        to_do, failures, absent = _missing(measurements)
        done = len(measurements) - sum(map(len, to_do))
        overall(done, len(measurements))
        for experiment, problem in _run(to_do, _Work(protocol, columns, options), material, (log, progress)):
            done += 1
            if problem:
                failures[str(experiment)] = problem
                log(f"{experiment}: {problem}")
            overall(done, len(measurements))
        outcomes = tuple(_outcomes(table, planned, measurements, failures | absent, options))
        found = Reproduction(table, outcomes, failures, absent)
        write_text(options.output / RECORD, json.dumps(found.record(), ensure_ascii=False, indent=1) + "\n")
    return found


def _check_output(record: Path, table: Table) -> None:
    """Refuse a folder that holds the results of another table."""
    try:
        other = json.loads(record.read_text(encoding="utf-8"))["table"]
    except (OSError, ValueError, LookupError, TypeError):  # none, or none that could be lost
        return
    if other != table.name:
        raise UsageError(f"{record.parent} holds the results of {other}, not of {table.name}. Name another folder with -o.")


def _missing(measurements: Sequence[Measurement]) -> tuple[list[list[Experiment]], dict[str, str], dict[str, str]]:
    """Experiments of which something is missing, those of one encoder together; why others fail, or have no encoder here."""
    together: dict[str, list[Experiment]] = {}
    failures: dict[str, str] = {}
    absent: dict[str, str] = {}
    not_here: dict[str, str] = {}
    for measurement in measurements:
        experiment, encoder = measurement.experiment, measurement.experiment.row.encoder
        if encoder not in not_here:
            not_here[encoder] = row_encoder(experiment.row).not_here()
        try:
            if not_here[encoder]:
                absent[str(experiment)] = not_here[encoder]
            elif measurement.missing():
                together.setdefault(measurement.identity, []).append(experiment)
        except JuyiError as error:
            failures[str(experiment)] = str(error)
    return [*together.values()], failures, absent


def _check_read(measurements: Sequence[Measurement], options: ReproduceOptions) -> None:
    """Refuse files that nothing would learn from."""
    given, read = _given(options), set[str]()
    for measurement in measurements if given else ():
        try:
            read |= {kind for place in measurement.experiment.places for kind in measurement.reads(place)}
        except JuyiError:  # told when it is its turn
            return
    for kind, file in given.items():
        if kind not in read:
            raise UsageError(
                f"--{kind} {file} would change nothing: no cell that was asked for learns from the {kind} of the protocol. "
                "Leave it out."
            )


def _given(options: ReproduceOptions) -> dict[str, str]:
    """The files that stand in for those of the protocol."""
    return {kind: file for kind in ("texts", "pairs") if (file := getattr(options, kind))}


def _protocol(table: Table, options: ReproduceOptions) -> Protocol:
    given: dict[str, Any] = _given(options)
    return replace(table.protocol, **given)


@dataclass(frozen=True)
class _Work:
    """What all experiments of a table share, and what some of them are."""

    protocol: Protocol
    columns: Sequence[Column]
    options: ReproduceOptions
    experiments: Sequence[Experiment] = ()


def _run(
    to_do: Sequence[Sequence[Experiment]], work: _Work, material: Material, heard: tuple[Log, Progress]
) -> Iterator[tuple[Experiment, str]]:
    """Each experiment when it is done, and what went wrong."""
    if work.options.processes == 1:
        for experiment in (each for together in to_do for each in together):
            yield experiment, _attempt(Measurement(experiment, work.protocol, material, work.options), *heard)
        return
    jobs = [replace(work, experiments=together) for together in to_do]
    for job, problems, ending in run_in_processes(_do, jobs, work.options.processes):
        yield from zip(job.experiments, problems or [ending] * len(job.experiments), strict=True)


def _do(work: _Work) -> list[str]:
    """In a process of its own: what went wrong with each experiment of a job."""
    material = Material(work.options.data, work.protocol, work.columns)
    try:
        return [_attempt(Measurement(each, work.protocol, material, work.options)) for each in work.experiments]
    except OSError as error:
        return [str(error)] * len(work.experiments)


def _attempt(measurement: Measurement, log: Log = lambda _: None, progress: Progress = lambda done, total, what: None) -> str:
    try:
        measurement.run(log, progress)
    except OSError:
        raise
    except Exception as error:  # whatever one experiment runs into is told, and the others go on
        return str(error) if isinstance(error, JuyiError) else f"{type(error).__name__}: {error}"
    return ""


def _outcomes(
    table: Table, planned: Plan, measurements: list[Measurement], failures: dict[str, str], options: ReproduceOptions
) -> Iterator[Outcome]:
    results: dict[tuple[str, str, str], dict[int, Result]] = {}
    reasons = dict(planned.reasons)
    for measurement in measurements:
        for place in measurement.experiment.places:
            if (result := measurement.found(place)) is not None:
                results.setdefault(place.names, {})[measurement.experiment.seed] = result
                reasons[place.names] = _deviation(table, measurement, place, options)
            else:
                reasons.setdefault(place.names, measurement.why_not(place) or failures.get(str(measurement.experiment), ""))
    cells = {(cell.row.name, cell.column.name): cell.figures for cell in table.cells()}
    named = {str(path): name for name, path in options.folders.items()}
    for place in planned.places:
        found = results.get(place.names, {})
        published = cells.get(place.names[:2], {}).get(place.variant.name)
        warnings = [result.warning for result in found.values() if result.warning][:1]
        reason = " ".join(filter(None, [*warnings, reasons.get(place.names, "")]))
        encoder = named.get(place.row.encoder, place.row.encoder)  # not where it lies on this machine
        yield Outcome(replace(place, row=replace(place.row, encoder=encoder)), published, found, reason, table.protocol.tolerance)


def _deviation(table: Table, measurement: Measurement, place: Place, options: ReproduceOptions) -> str:
    """What was measured or learned otherwise than the table says; empty for nothing."""
    written = next(column for column in table.column if column.name == place.column.name)
    parts = [f"measured on the split {options.split}."] if splits_of(written) != splits_of(place.column) else []
    given = _given(options)
    read = measurement.reads(place) if given else set()
    parts += [f"learned from {Path(file).name}." for kind, file in given.items() if kind in read]
    return " ".join(parts)
