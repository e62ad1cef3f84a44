"""`fairrec replay` and `fairrec export`: judge recorded answers, and hand them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairrec.audits.recorded import recorded_audit
from fairrec.catalogs import read_catalog
from fairrec.command_line.runs import RECORDING_FILE, finish
from fairrec.errors import WrongUse
from fairrec.gates import parse_gate
from fairrec.recordings import RecordedRecommender, read_recording, write_recording
from fairrec.running import judge_answers


def replay(
    file: Path,
    *,
    audit: str,
    catalog: Path | None,
    gates: list[str],
    name: str | None,
    out: Path,
    settings: dict[str, Any],
) -> int:
    """Judge a recording without any model, write the report and return the exit code.

    Args:
        file: The recording.
        audit: Name of the audit.
        catalog: Whose titles were recommended; None takes every different title for an item.
        gates: What must hold.
        name: Folder of the run; made from the file's name and the audit's when None.
        out: Folder of the runs.
        settings: Of the audit; what is None keeps the audit's default.
    """
    parsed = [parse_gate(gate) for gate in gates]
    items = None if catalog is None else read_catalog(catalog, {})
    recording = read_recording(file, items)
    judge, probes, answers = recorded_audit(recording, audit, items, settings)
    result = judge_answers(
        judge,
        probes,
        answers,
        description=RecordedRecommender(recording, file.name).description,
        gates=parsed,
        name=name or f"replay-{audit}-{file.stem}",
        warnings=recording.warnings,
    )
    return finish(result, out / result.name)


def export(run: Path, target: Path) -> None:
    """Write the recording of a finished run, or any recording, in the form of the target's ending.

    Raises:
        WrongUse: The folder holds no recording.
    """
    source = run / RECORDING_FILE if run.is_dir() else run
    if not source.is_file():
        raise WrongUse(
            f"{run} holds no {RECORDING_FILE}.",
            expected="the folder of a run that has finished, or a recording.",
            do=f"finish it with `fairrec audit --resume {run}`.",
        )
    recording = read_recording(source)
    write_recording(target, recording.probes, recording.answers, recording.users)
