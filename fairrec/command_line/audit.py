"""`fairrec audit`: settings to a run folder with answers, result and report."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from fairrec.catalogs import Catalog
from fairrec.command_line.audits import build_audit
from fairrec.command_line.building import build_catalog, build_dataset, build_recommender
from fairrec.command_line.configuration import (
    Configuration,
    make_configuration,
    read_configuration,
)
from fairrec.command_line.mitigating import build_mitigations, mitigate, with_popularity
from fairrec.command_line.runs import RECORDING_FILE, SETTINGS_FILE, STORE_FILE, finish
from fairrec.errors import WrongUse
from fairrec.files import write_atomically
from fairrec.gates import parse_gate
from fairrec.mitigations import Mitigation
from fairrec.protocols import Audit, Recommender
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
    settings, folder = settings_and_folder(chosen, config, out, resume)
    made = make(settings)
    recommender = mitigate(made.recommender, settings, made.mitigations)
    write_settings(settings, folder)
    with (
        ResponseStore(folder / STORE_FILE) as store,
        shown_progress(made.console, len(made.audit.plan())) as on_progress,
    ):
        result = run_audit(
            made.audit,
            recommender,
            store=store,
            gates=[parse_gate(gate) for gate in settings.gates],
            minimum_answered=settings.minimum_answered,
            name=folder.name,
            on_progress=on_progress,
            on_answers=lambda probes, answers: write_recording(
                folder / RECORDING_FILE, probes, answers, getattr(made.audit, "users", ())
            ),
        )
    return finish(result, folder)


class Made(NamedTuple):
    """What settings describe, loaded and checked; the catalogue is that of mitigations."""

    audit: Audit
    recommender: Recommender
    mitigations: list[Mitigation]
    catalog: Catalog
    console: Console


def make(settings: Configuration) -> Made:
    """Load what the settings name; whatever is wrong with them is said before the model loads."""
    console = Console(stderr=True)
    dataset = build_dataset(settings)
    for warning in () if dataset is None else dataset.warnings:
        console.print(f"Data set: {warning}", markup=False, highlight=False)
    catalog = build_catalog(settings, dataset)
    audit = build_audit(settings, catalog, dataset)
    mitigated = with_popularity(settings, catalog, dataset, audit)
    mitigations = build_mitigations(settings, mitigated)
    recommender = build_recommender(settings, catalog, dataset, console)
    return Made(audit, recommender, mitigations, mitigated, console)


def settings_and_folder(
    chosen: dict[str, Any], config: Path | None, out: Path, resume: Path | None = None
) -> tuple[Configuration, Path]:
    """Return the settings and the folder of the run; see `run`."""
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


def write_settings(settings: Configuration, folder: Path) -> None:
    """Write the settings of a run into its folder, defaults filled in."""
    import yaml

    text = yaml.safe_dump(
        settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    )
    write_atomically(
        folder / SETTINGS_FILE, f"# The settings of this run, defaults filled in.\n{text}"
    )
