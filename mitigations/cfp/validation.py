"""Looks at users whom training does not see: is it hidden, and what does it cost?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairrec.evidence.auc import within_fold_auc
from fairrec.mitigations.cfp.attaching import attached
from fairrec.mitigations.cfp.prefix import FairPrefixes
from fairrec.mitigations.cfp.settings import FairPromptSettings
from fairrec.mitigations.cfp.spans import forward, span_vectors
from fairrec.protocols import TrainsThrough
from fairrec.types import Request

ATTACKED_FROM = 2000
"""Learners that the attacker of a look is trained on at most."""


@dataclass(frozen=True)
class Look:
    """What validation users showed.

    Attributes:
        step: Steps of the prefix so far.
        loss: Of recommending (nats a token), the mean over sets of attributes.
        aucs: By attribute, the worst |AUC - 0.5| of a linear attacker over sets and spans.
    """

    step: int
    loss: float
    aucs: Mapping[str, float]


@dataclass(frozen=True)
class Validation:
    """The users of all looks, learners first, each with the same request at every look.

    Attributes:
        recommender: Whose loss and states are looked at.
        settings: Spans and batch.
        requests: n, one per user.
        targets: n, what should be recommended.
        labels: By attribute, n labels.
        learners: How many of the users, the first ones, the attacker learns from.
    """

    recommender: TrainsThrough
    settings: FairPromptSettings
    requests: Sequence[Request]
    targets: Sequence[Sequence[str]]
    labels: Mapping[str, NDArray[np.int64]]
    learners: int

    def look(self, step: int, sets: Sequence[Sequence[str]], prefixes: FairPrefixes | None) -> Look:
        """Look at the users with each set of attributes hidden, or with none for None."""
        seen = np.arange(len(self.requests)) < self.learners
        losses: list[float] = []
        worst = dict.fromkeys(self.labels, 0.0)
        # Nothing depends on the set where there is no prefix; the last set has all attributes.
        for chosen in sets if prefixes is not None else sets[-1:]:
            loss, vectors = self._pass(chosen, prefixes)
            losses.append(loss)
            for attribute in chosen:
                gaps = [_linear_gap(v, self.labels[attribute], seen) for v in vectors.values()]
                worst[attribute] = max(worst[attribute], *gaps)
        return Look(step, float(np.mean(losses)), worst)

    @torch.no_grad()
    def _pass(
        self, chosen: Sequence[str], prefixes: FairPrefixes | None
    ) -> tuple[float, dict[str, NDArray[np.float64]]]:
        """Return the loss of those who are not learners, and the vectors of all."""
        total = 0.0
        vectors: dict[str, list[NDArray[np.float64]]] = {s: [] for s in self.settings.spans}
        module = self.recommender.module
        with nullcontext() if prefixes is None else attached(module, prefixes(chosen)):
            for part in self._parts():
                learn = part.start < self.learners
                passed = forward(
                    self.recommender,
                    self.settings.bf16,
                    self.requests[part],
                    None if learn else self.targets[part],
                )
                if not learn:
                    total += float(passed.loss) * len(self.requests[part])
                for span, here in span_vectors(passed, self.settings.spans).items():
                    vectors[span].append(here.double().cpu().numpy())
        loss = total / (len(self.requests) - self.learners)
        return loss, {span: np.concatenate(parts) for span, parts in vectors.items()}

    def _parts(self) -> Iterator[slice]:
        """Yield batches, none of which holds learners and others."""
        for first, last in ((0, self.learners), (self.learners, len(self.requests))):
            for start in range(first, last, self.settings.batch):
                yield slice(start, min(start + self.settings.batch, last))


def _linear_gap(
    vectors: NDArray[np.float64], labels: NDArray[np.int64], seen: NDArray[np.bool_]
) -> float:
    """Return |AUC - 0.5| of a linear attacker on the users that are not `seen`."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    vectors = vectors[:, vectors.std(0) > 1e-9]
    present = np.intersect1d(labels[seen], labels[~seen])
    kept = np.isin(labels, present)
    if vectors.shape[1] == 0 or len(present) < 2:
        return 0.0
    attacker: Any = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    attacker.fit(vectors[seen & kept], labels[seen & kept])
    scores = attacker.predict_proba(vectors[~seen & kept])
    known = np.searchsorted(attacker.classes_, labels[~seen & kept])
    aucs = within_fold_auc(scores[None], known[None], np.zeros(len(known), dtype=np.intp))
    return float(abs(aucs[0] - 0.5))
