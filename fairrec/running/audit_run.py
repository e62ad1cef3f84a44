"""One audit from plan to verdict: plan, ask, judge, gate."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from fairrec.gates import Gate, apply_gates
from fairrec.protocols import Audit, Recommender
from fairrec.recommenders.kinds import check_gives
from fairrec.results import AuditResult
from fairrec.running.runner import Progress, ask
from fairrec.running.store import ResponseStore
from fairrec.types import Answer, Outcome, Probe, Ranking

# What can change a number; those that are not installed are left out.
RELEVANT_PACKAGES = (
    "fairrec",
    "numpy",
    "scipy",
    "scikit-learn",
    "fairlearn",
    "statsmodels",
    "rapidfuzz",
    "torch",
    "transformers",
    "tokenizers",
)


def run_audit(
    audit: Audit,
    recommender: Recommender,
    *,
    store: ResponseStore | None = None,
    gates: Iterable[Gate] = (),
    minimum_answered: float = 0.5,
    name: str | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_answers: Callable[[Sequence[Probe], Sequence[Answer]], None] = lambda probes, answers: None,
) -> AuditResult:
    """Ask `recommender` everything that `audit` plans and return the judged, gated result.

    Args:
        audit: What to ask and how to judge it.
        recommender: Who is asked.
        store: Where answers are recorded and looked up; in memory when None.
        gates: What must hold (see `fairrec.gates`).
        minimum_answered: Share of a group's probes, in [0, 1], below which gates that rest on
            the group are undecided.
        name: Name of the run; the audit's when None.
        on_progress: Called after every cluster.
        on_answers: Called once with all probes and answers, before they are judged.

    Raises:
        WrongUse: A gate names no finding of this audit, or the recommender is of a kind that does
            not give what the audit judges; raised before anything is asked.
        RunBroken: The recommender or the store failed; what was recorded is kept.
    """
    check_gives(recommender, getattr(audit, "needs", ()), audit.name)
    gates = list(gates)
    probes = audit.plan()
    if gates:
        # The findings of an audit that was never answered have the same ids.
        unanswered = [Answer(probe.id, Ranking(outcome=Outcome.EMPTY)) for probe in probes]
        apply_gates(audit.judge(probes, unanswered), gates)
    started = time.perf_counter()
    answers = ask(
        probes,
        recommender,
        ResponseStore(None) if store is None else store,
        on_progress=on_progress,
    )
    seconds = time.perf_counter() - started
    on_answers(probes, answers)
    result = judge_answers(
        audit,
        probes,
        answers,
        description=recommender.description,
        gates=gates,
        minimum_answered=minimum_answered,
        name=name,
    )
    provenance = dict(result.provenance)
    provenance["time"] = {"seconds_asking": round(seconds, 3), **provenance["time"]}
    return replace(result, provenance=provenance)


def judge_answers(
    audit: Audit,
    probes: Sequence[Probe],
    answers: Sequence[Answer],
    *,
    description: Mapping[str, Any],
    gates: Iterable[Gate] = (),
    minimum_answered: float = 0.5,
    name: str | None = None,
    warnings: Sequence[str] = (),
) -> AuditResult:
    """Judge answers that are there already and return the gated result.

    Args:
        audit: How to judge.
        probes: What was asked.
        answers: One per probe.
        description: Who answered: a recommender's description.
        gates, minimum_answered, name: As for `run_audit`.
        warnings: What a reader must know of the answers, before the audit's own warnings.

    Raises:
        WrongUse: A gate names no finding of this audit.
    """
    gates = list(gates)
    started = time.perf_counter()
    result = audit.judge(probes, answers)
    result = replace(
        result,
        name=name or result.name,
        warnings=(*warnings, *result.warnings),
        provenance={
            **result.provenance,
            "recommender": dict(description),
            "gates": [gate.text for gate in gates],
            "minimum_answered": minimum_answered,
            "versions": versions(),
            "time": {
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds_judging": round(time.perf_counter() - started, 3),
            },
        },
    )
    return apply_gates(result, gates, minimum_answered=minimum_answered)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that can change a number."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in RELEVANT_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
