"""`fairrec compare`: two runs of the same audit, paired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from fairrec.command_line.audits import build_audit
from fairrec.command_line.building import build_catalog, build_dataset
from fairrec.command_line.configuration import (
    Configuration,
    make_configuration,
    read_configuration,
)
from fairrec.command_line.runs import RECORDING_FILE, SETTINGS_FILE
from fairrec.errors import WrongUse
from fairrec.files import write_atomically
from fairrec.recommenders.kinds import KINDS
from fairrec.recordings import read_recording
from fairrec.reports import read_result
from fairrec.reports.comparison import comparison_markdown, print_comparison
from fairrec.running.comparison import compare_answers
from fairrec.serialization import to_json
from fairrec.types import Answer, Probe

MAY_DIFFER = {"name", "model", "recommender", "mitigate", "on_error", "gates", "minimum_answered"}
"""Settings of who answers and what must hold; the others say what is asked, and must agree."""


def compare(before: Path, after: Path, out: Path | None) -> int:
    """Compare two finished runs, print what changed and return the exit code, 0.

    Args:
        before, after: Folders of runs.
        out: Markdown file to write as well, with a JSON file of all changes beside it.

    Raises:
        WrongUse: A folder holds no finished run, or the runs asked different things.
    """
    settings, other = (_settings_of(folder) for folder in (before, after))
    _check_same(settings, other)
    dataset = build_dataset(settings)
    audit = build_audit(settings, build_catalog(settings, dataset), dataset)
    probes = audit.plan()
    comparison = compare_answers(
        audit,
        probes,
        _answers_of(before, probes),
        _answers_of(after, probes),
        (read_result(before), read_result(after)),
        seed=settings.seed,
    )
    console = Console()
    print_comparison(comparison, console)
    if out is not None:
        write_atomically(out, comparison_markdown(comparison))
        changes = (*comparison.fairness, *comparison.utility, *comparison.cost)
        write_atomically(out.with_suffix(".json"), f"[{', '.join(map(to_json, changes))}]\n")
        console.print(f"Written: {out} and {out.with_suffix('.json').name}", highlight=False)
    return 0


def _settings_of(folder: Path) -> Configuration:
    source = folder / SETTINGS_FILE
    if not source.is_file() or not (folder / RECORDING_FILE).is_file():
        raise WrongUse(
            f"{folder} holds no finished run.",
            expected=f"the folder of a run, with {SETTINGS_FILE} and {RECORDING_FILE}.",
            do="run the audit to its end first.",
        )
    return make_configuration(read_configuration(source), str(source))


def _check_same(before: Configuration, after: Configuration) -> None:
    a, b = (settings.model_dump(mode="json", exclude=MAY_DIFFER) for settings in (before, after))
    differing = [key for key in a if a[key] != b[key]]
    if _pool(before) != _pool(after):
        differing.append("recommender.pool")
    if differing:
        shown = "; ".join(f"{key}: {_shown(a, key)} and {_shown(b, key)}" for key in differing)
        raise WrongUse(
            f"the runs asked different things: {shown}.",
            expected="runs that differ in who answers alone.",
            do="run one of them again with the settings of the other.",
        )


def _pool(settings: Configuration) -> Any:
    how = settings.recommender
    return how.pool if KINDS[how.kind].pool else None


def _shown(settings: dict[str, Any], key: str) -> str:
    return f"{settings.get(key, 'not the same')!r:.60}"


def _answers_of(folder: Path, probes: list[Probe]) -> list[Answer]:
    """Return the recorded answers under the ids of the planned probes: rows stand in the order
    of the plan."""
    recording = read_recording(folder / RECORDING_FILE)
    if [p.cluster for p in recording.probes] != [p.cluster for p in probes]:
        raise WrongUse(
            f"{folder / RECORDING_FILE} has {len(recording.probes)} answers that do not fit the "
            f"{len(probes)} probes of its settings.",
            expected="the recording as the run wrote it, and data that have not changed since.",
            do="run the audit again.",
        )
    return [
        Answer(probe.id, answer.ranking, answer.seconds, answer.attempts)
        for probe, answer in zip(probes, recording.answers, strict=True)
    ]
