"""`fairrec sweep`: one mitigation at several strengths, asked once, as a Pareto plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fairrec.command_line.audit import make, settings_and_folder, write_settings
from fairrec.command_line.configuration import Configuration
from fairrec.command_line.mitigating import build_mitigation, mitigate
from fairrec.command_line.runs import STORE_FILE
from fairrec.errors import WrongUse
from fairrec.files import write_atomically
from fairrec.mitigations import MITIGATIONS
from fairrec.reports.sweep import print_sweep, sweep_csv, sweep_figure, sweep_markdown
from fairrec.results import AuditResult
from fairrec.running import ResponseStore, ask
from fairrec.running.comparison import Comparison, compare_answers
from fairrec.running.progress import shown_progress


def sweep(
    chosen: dict[str, Any],
    *,
    strengths: Sequence[float],
    finding: str | None,
    config: Path | None,
    out: Path,
) -> int:
    """Run an audit before, and after its last mitigation at each strength; write what came out.

    Answers are recorded: a mitigation that reorders them is asked for nothing anew.

    Args:
        chosen: Settings from the command line; they win over the file's.
        strengths: Values of the field that says how much is changed.
        finding: Id of the finding to plot; the first that says which direction is fairer and
            has an interval when None.
        config: Settings file.
        out: Folder of the runs.

    Raises:
        WrongUse: No mitigation is named, it has no strength, or there is no such finding.
    """
    settings, folder = settings_and_folder(chosen, config, out)
    name = _swept(settings)
    field = MITIGATIONS[name].strength if name in MITIGATIONS else ""
    made = make(settings)
    if not field:
        raise WrongUse(
            f"{name} has no strength.",
            expected="a mitigation with one: "
            f"{', '.join(sorted(n for n, kind in MITIGATIONS.items() if kind.strength))}.",
            do="compare runs with other settings by `fairrec compare`.",
        )
    given, catalog = settings.mitigate[-1][name], made.catalog
    steps = [
        build_mitigation(name, {**given, field: strength}, settings, catalog)
        for strength in strengths
    ]
    write_settings(settings, folder)
    probes = made.audit.plan()
    comparisons: dict[float, Comparison] = {}
    with ResponseStore(folder / STORE_FILE) as store:
        base = mitigate(made.recommender, settings, made.mitigations[:-1])
        with shown_progress(made.console, len(probes)) as on_progress:
            before = ask(probes, base, store, on_progress=on_progress)
        judged = made.audit.judge(probes, before)
        id = _plotted(judged, finding)
        for strength, step in zip(strengths, steps, strict=True):
            made.console.print(f"{name}.{field} = {strength:g}", highlight=False)
            recommender = mitigate(base, settings, [step])
            with shown_progress(made.console, len(probes)) as on_progress:
                after = ask(probes, recommender, store, on_progress=on_progress)
            results = (judged, made.audit.judge(probes, after))
            comparisons[strength] = compare_answers(
                made.audit, probes, before, after, results, seed=settings.seed
            )
    print_sweep(comparisons, id, f"{name}.{field}", made.console)
    write_atomically(folder / "sweep.csv", sweep_csv(comparisons, field))
    write_atomically(folder / "sweep.md", sweep_markdown(comparisons, id, f"{name}.{field}"))
    write_atomically(folder / "pareto.svg", sweep_figure(comparisons, id, f"{name}.{field}"))
    made.console.print(f"Written: {folder}/sweep.csv, sweep.md, pareto.svg", highlight=False)
    return 0


def _swept(settings: Configuration) -> str:
    if not settings.mitigate:
        raise WrongUse(
            "no mitigation is named.",
            expected="one whose strength is swept.",
            do="add --mitigate NAME, or `mitigate:` in the settings; its last entry is swept.",
        )
    return next(iter(settings.mitigate[-1]))


def _plotted(result: AuditResult, id: str | None) -> str:
    for finding in result.findings:
        e = finding.estimate
        if finding.id == id or (id is None and e.direction and e.value is not None):
            return finding.id
    ids = [finding.id for finding in result.findings if finding.estimate.direction]
    raise WrongUse(
        f"there is no finding {id!r} to plot.",
        expected=f"one of {', '.join(ids[:12])}{', …' if len(ids) > 12 else ''}.",
    )
