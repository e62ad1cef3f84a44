"""Which lists of an implicit-cue audit are compared with which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.contrasts import in_order, wording
from fairrec.types import Arm, Probe

STATED = "stated"
"""Name of the kind of cue that says it outright: the statement asked again."""


@dataclass(frozen=True, slots=True)
class CueTables:
    """Similarities of lists for cues to lists for statements, users x cues x statements.

    `stated` is the same for the statement asked again, of the same values.
    """

    cue: NDArray[np.float64]
    stated: NDArray[np.float64]


class HintPairs:
    """Probes paired: every hint with every statement about the same attribute.

    Attributes:
        pairs: The hint (a cue, or a statement asked again) and the statement.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        stated: dict[tuple[str, str, str | None], list[Probe]] = {}
        for probe in probes:
            if probe.arm is Arm.SENSITIVE:
                stated.setdefault(_place(probe), []).append(probe)
        hints = [p for p in probes if p.attribute and p.arm in (Arm.CUE, Arm.REPEAT)]
        self.pairs = [(hint, said) for hint in hints for said in stated.get(_place(hint), ())]
        self._unpaired = [hint for hint in hints if _place(hint) not in stated]

    def tables(
        self, similarities: NDArray[np.float64], clusters: Sequence[str]
    ) -> dict[str, dict[str, CueTables]]:
        """Return the tables by attribute and kind, averaged over cues and wordings.

        Args:
            similarities: One per pair.
            clusters: The rows, in order.
        """
        values: dict[tuple[str, str], tuple[str, ...]] = {}
        for hint, _ in self.pairs:
            key = (hint.attribute or "", kind_of(hint))
            values[key] = in_order((*values.get(key, ()), hint.value or ""))
        found: dict[str, dict[str, CueTables]] = {}
        for (attribute, kind), some in values.items():
            cue = self._table(similarities, clusters, attribute, kind, some)
            stated = self._table(similarities, clusters, attribute, STATED, some)
            found.setdefault(attribute, {})[kind] = CueTables(cue, stated)
        return {
            name: {STATED: kinds[STATED], **kinds} if STATED in kinds else kinds
            for name, kinds in found.items()
        }

    def warnings(self, similarities: NDArray[np.float64]) -> Iterable[str]:
        """Say what makes the numbers weaker than they look."""
        missing = int(np.isnan(similarities).sum())
        if missing:
            yield f"{missing} of {len(similarities)} pairs of lists lack one and are left out."
        if self._unpaired:
            yield (
                f"{len(self._unpaired)} hints have no statement to be compared with, such as "
                f"{self._unpaired[0].attribute} of {self._unpaired[0].cluster!r}."
            )
        if len(similarities) > missing and np.nanmin(similarities) == 1.0:
            yield "Every list holds the same items whatever is said."

    def _table(
        self,
        similarities: NDArray[np.float64],
        clusters: Sequence[str],
        attribute: str,
        kind: str,
        values: Sequence[str],
    ) -> NDArray[np.float64]:
        row = {cluster: i for i, cluster in enumerate(clusters)}
        place = {value: i for i, value in enumerate(values)}
        shape = (len(clusters), len(values), len(values))
        total, count = np.zeros(shape), np.zeros(shape)
        for (hint, said), similarity in zip(self.pairs, similarities, strict=True):
            if hint.attribute != attribute or kind_of(hint) != kind or np.isnan(similarity):
                continue
            if hint.value in place and said.value in place:
                where = row[hint.cluster], place[hint.value], place[said.value]
                total[where] += similarity
                count[where] += 1
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def kind_of(hint: Probe) -> str:
    """Return the kind of cue a hint is."""
    return STATED if hint.arm is Arm.REPEAT else hint.request.slots.get("cue", "cue")


def _place(probe: Probe) -> tuple[str, str, str | None]:
    return probe.cluster, wording(probe), probe.attribute
