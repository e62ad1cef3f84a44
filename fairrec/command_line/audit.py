"""`fairrec audit`: settings to a run folder with answers, result and report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from fairrec.command_line.audits import build_audit
from fairrec.command_line.building import build_catalog, build_dataset, build_recommender
from fairrec.command_line.configuration import (
    Configuration,
    make_configuration,
    read_configuration,
)
from fairrec.command_line.runs import RECORDING_FILE, SETTINGS_FILE, STORE_FILE, finish
from fairrec.errors import WrongUse
from fairrec.files import write_atomically
from fairrec.gates import parse_gate
from fairrec.recordings import write_recording
from fairrec.running import ResponseStore, run_audit
from fairrec.running.progress import shown_progress
from fairrec.types import content_hash


def run(chosen: dict[str, Any], *, config: Path | None, out: Path, resume: Path | None) -> int:
    """Run or go on with an audit and return its exit code.

    Args:
        chosen: Settings from the command line; they win over the file's.
        config: Settings file; ``fairrec.yaml`` here when None and there is one.
        out: Folder of the runs.
        resume: Folder of a run; its own settings are used.
    """
    settings, folder = _settings(chosen, config, out, resume)
    console = Console(stderr=True)
    dataset = build_dataset(settings)
    for warning in () if dataset is None else dataset.warnings:
        console.print(f"Data set: {warning}", markup=False, highlight=False)
    catalog = build_catalog(settings, dataset)
    audit = build_audit(settings, catalog, dataset)
    recommender = build_recommender(settings, catalog, console)
    gates = [parse_gate(gate) for gate in settings.gates]
    _write_settings(settings, folder / SETTINGS_FILE)
    with (
        ResponseStore(folder / STORE_FILE) as store,
        shown_progress(console, len(audit.plan())) as on_progress,
    ):
        result = run_audit(
            audit,
            recommender,
            store=store,
            gates=gates,
            minimum_answered=settings.minimum_answered,
            name=folder.name,
            on_progress=on_progress,
            on_answers=lambda probes, answers: write_recording(
                folder / RECORDING_FILE, probes, answers, getattr(audit, "users", ())
            ),
        )
    return finish(result, folder)


def _settings(
    chosen: dict[str, Any], config: Path | None, out: Path, resume: Path | None
) -> tuple[Configuration, Path]:
    if resume is not None:
        if chosen or config is not None:
            raise WrongUse(
                "--resume was given together with other settings.",
                expected="--resume alone: a run goes on as it was set up.",
                do="leave the other settings out, or start a new run without --resume.",
            )
        source = resume / SETTINGS_FILE
        return make_configuration(read_configuration(source), str(source)), resume
    if config is None and Path(SETTINGS_FILE).is_file():
        config = Path(SETTINGS_FILE)
    content = read_configuration(config) if config is not None else {}
    source = str(config) if config is not None else "the command line"
    settings = make_configuration(_merged(content, chosen), source)
    return settings, out / (settings.name or _run_name(settings))


def _merged(content: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """Return `content` with `chosen` on top, section by section."""
    merged = dict(content)
    for key, value in chosen.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            value = {**below, **value}
        merged[key] = value
    return merged


def _run_name(settings: Configuration) -> str:
    """Name a run by what it asks, so that the same command finds its own folder again."""
    model = "".join(c if c.isalnum() or c in "-." else "-" for c in settings.model).strip("-.")
    asked = settings.model_dump(mode="json", exclude={"gates", "minimum_answered", "name"})
    return f"{settings.audit}-{model or 'model'}-{content_hash(asked)[:8]}"


def _write_settings(settings: Configuration, path: Path) -> None:
    import yaml

    text = yaml.safe_dump(
        settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    )
    write_atomically(path, f"# The settings of this run, defaults filled in.\n{text}")
