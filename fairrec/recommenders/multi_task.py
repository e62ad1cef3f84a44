"""One model, several tasks: which of them a request is, its slot ``task`` says.

P5 (Geng et al., RecSys 2022), M6-Rec (Cui et al., 2022) and InstructRec (Zhang et al., 2023) answer
rating, ranking and generation prompts with one model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairrec.errors import WrongUse
from fairrec.protocols import Recommender
from fairrec.types import Ranking, Request

TASK_SLOT = "task"
"""Slot of a request that names the task."""


class MultiTask:
    """Sends each request to the recommender of its task.

    Args:
        tasks: By name, what answers it: usually adapters around one model, such as
            ``{"rate": RatingPrediction(model, ...), "rank": ListwiseRanking(model, ...)}``.
        default: The task of a request that names none.

    Raises:
        WrongUse: The default is no task. From `recommend`: a request names an unknown one.
    """

    def __init__(self, tasks: Mapping[str, Recommender], *, default: str) -> None:
        self.tasks = dict(tasks)
        self.default = default
        self._check(default)

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "multi-task",
            "version": 1,
            "default": self.default,
            "tasks": {name: dict(task.description) for name, task in self.tasks.items()},
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Answer every request by its task; those of one task go in one call."""
        places: dict[str, list[int]] = {}
        for i, request in enumerate(requests):
            places.setdefault(request.slots.get(TASK_SLOT, self.default), []).append(i)
        for task in places:
            self._check(task)
        rankings: dict[int, Ranking] = {}
        for task, some in places.items():
            answered = self.tasks[task].recommend([requests[i] for i in some])
            rankings.update(zip(some, answered, strict=True))
        return [rankings[i] for i in range(len(requests))]

    def _check(self, task: str) -> None:
        if task not in self.tasks:
            raise WrongUse(
                f"there is no task {task!r}.", expected=f"one of {', '.join(self.tasks)}."
            )
