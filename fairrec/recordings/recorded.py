"""A recommender that answers from a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairrec.recordings.reading import Recording
from fairrec.types import Outcome, Ranking, Request, content_hash


class RecordedRecommender:
    """Answers a request with what was recorded for the same user or topic and statement.

    The words of the prompt do not count: what was stated (the profile), for whom, in which
    wording and for which time (the replicate) decide. A request that the recording does not
    hold has the outcome ERROR, and its detail says what is missing.

    Args:
        recording: What `fairrec.recordings.read_recording` returned.
        name: What to call it in results.
    """

    def __init__(self, recording: Recording, name: str = "recording") -> None:
        self.name = name
        self._answers = {
            _key(probe.request): answer.ranking
            for probe, answer in zip(recording.probes, recording.answers, strict=True)
        }
        self._hash = content_hash(
            sorted([repr(key), *ranking.items] for key, ranking in self._answers.items())
        )

    @property
    def description(self) -> Mapping[str, Any]:
        """Name and content hash of the recording."""
        return {"recommender": "recorded", "name": self.name, "answers": self._hash}

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Look every request up."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Ranking:
        found = self._answers.get(_key(request))
        if found is not None:
            return found
        said = dict(request.profile) or "nothing stated"
        return Ranking(
            outcome=Outcome.ERROR,
            detail=f"the recording has no answer to {dict(request.slots)}, {said}, "
            f"replicate {request.replicate}",
        )


def _key(request: Request) -> tuple[object, ...]:
    return (
        tuple(sorted(request.slots.items())),
        tuple(sorted(request.profile.items())),
        request.replicate,
    )
