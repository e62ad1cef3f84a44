"""Asks a recommender what an audit planned; the only act with side effects."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from fairrec.errors import FairrecError, RunBroken
from fairrec.protocols import Recommender
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

    Raises:
        RunBroken: The recommender raised or answered with the wrong number of rankings;
            everything recorded before is kept.
    """
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
