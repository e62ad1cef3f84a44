"""Asks a recommender what an audit planned; the only act with side effects."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

from fairrec.errors import FairrecError, RunBroken
from fairrec.protocols import Mitigates, Recommender
from fairrec.running.store import Recorded, ResponseStore, request_key
from fairrec.types import Answer, Attempt, Outcome, Probe, Ranking


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: probes answered so far, of how many, and how many of them
    were found in the store instead of asked."""

    done: int
    total: int
    recalled: int
    cluster: str


def ask(
    probes: Sequence[Probe],
    recommender: Recommender,
    store: ResponseStore,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> list[Answer]:
    """Return one answer per probe, in order; ask only what the store does not hold.

    All probes of a cluster that stand together go to the recommender in one call and are
    recorded in one transaction, so that the arms of a comparison share batch and fate. Equal
    questions are asked once. A recorded error is asked again.

    Of a mitigated recommender the original is asked and recorded; all answers are then combined
    together, as one batch in the order of `probes`. So another mitigation, or another strength
    of the same, finds its answers in the store.

    Raises:
        RunBroken: The recommender raised or answered with the wrong number of rankings;
            everything recorded before is kept.
    """
    if isinstance(recommender, Mitigates):
        return _ask_original(probes, recommender, store, on_progress)
    answers: list[Answer] = []
    recalled = 0
    for cluster, group in groupby(probes, key=lambda probe: probe.cluster):
        arms = list(group)
        keys = [request_key(recommender, probe.request) for probe in arms]
        known = {
            key: recorded
            for key, recorded in store.get(list(dict.fromkeys(keys))).items()
            if recorded.ranking.outcome is not Outcome.ERROR
        }
        recalled += sum(key in known for key in keys)
        missing = {
            key: probe.request for key, probe in zip(keys, arms, strict=True) if key not in known
        }
        if missing:
            started = time.perf_counter()
            rankings = _recommend(recommender, list(missing.values()), cluster)
            seconds = (time.perf_counter() - started) / len(missing)
            fresh = {
                key: Recorded(request, ranking, seconds, (_attempt(seconds, ranking),))
                for (key, request), ranking in zip(missing.items(), rankings, strict=True)
            }
            store.put(fresh.items())
            known.update(fresh)
        answers.extend(
            Answer(probe.id, known[key].ranking, known[key].seconds, known[key].attempts)
            for key, probe in zip(keys, arms, strict=True)
        )
        on_progress(Progress(len(answers), len(probes), recalled, cluster))
    return answers


def _ask_original(
    probes: Sequence[Probe],
    recommender: Mitigates,
    store: ResponseStore,
    on_progress: Callable[[Progress], None],
) -> list[Answer]:
    """Return the combined answers; their seconds are those of what was asked and a share of
    the combining, their attempts one for each request that the original was asked."""
    started = time.perf_counter()
    expanded = [recommender.expand(probe.request) for probe in probes]
    inner = [
        replace(probe, request=request)
        for probe, requests in zip(probes, expanded, strict=True)
        for request in requests
    ]
    expanding = time.perf_counter() - started
    found = iter(ask(inner, recommender.original, store, on_progress=on_progress))
    answers = [list(islice(found, len(requests))) for requests in expanded]
    started = time.perf_counter()
    rankings = recommender.combine(
        [probe.request for probe in probes],
        [[answer.ranking for answer in some] for some in answers],
    )
    seconds = (expanding + time.perf_counter() - started) / max(len(probes), 1)
    return [
        Answer(
            probe.id,
            ranking,
            seconds + sum(answer.seconds for answer in some),
            tuple(attempt for answer in some for attempt in answer.attempts),
        )
        for probe, ranking, some in zip(probes, rankings, answers, strict=True)
    ]


def _attempt(seconds: float, ranking: Ranking) -> Attempt:
    return Attempt(seconds, ranking.detail if ranking.outcome is Outcome.ERROR else None)


def _recommend(recommender: Recommender, requests: list, cluster: str) -> list[Ranking]:
    try:
        rankings = recommender.recommend(requests)
    except FairrecError:
        raise
    except Exception as error:
        raise RunBroken(
            f"the recommender raised {type(error).__name__} at {cluster!r}: {error}",
            expected="one ranking per request; a request that cannot be answered is a "
            "ranking with Outcome.ERROR.",
            do="mend the recommender and run the same command again; what was answered "
            "before is kept and not asked again.",
        ) from error
    if len(rankings) != len(requests):
        raise RunBroken(
            f"the recommender gave {len(rankings)} rankings for {len(requests)} requests "
            f"at {cluster!r}.",
            expected="one ranking per request, in the same order.",
            do="mend the recommender's recommend() and run the same command again.",
        )
    return rankings
