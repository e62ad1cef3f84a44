"""The validity funnel: what became of the probes of each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fairrec.results import Validity
from fairrec.types import Arm, MatchKind, Probe, Ranking

_UNMATCHED = {MatchKind.AMBIGUOUS: "ambiguous", MatchKind.ABSENT: "off_catalogue"}


def validity_funnel(
    probes: Sequence[Probe], rankings: Mapping[str, Ranking]
) -> tuple[Validity, ...]:
    """Count outcomes and matches per stated value, the neutral prompts first.

    Args:
        probes: What was planned; repeats of the neutral prompt are left out.
        rankings: Answers by probe id.
    """
    groups: dict[tuple[str | None, str | None], list[Ranking]] = {}
    for probe in probes:
        if probe.arm is not Arm.REPEAT:
            groups.setdefault((probe.attribute, probe.value), []).append(rankings[probe.id])
    return tuple(
        _count(attribute, value, answers)
        for (attribute, value), answers in sorted(
            groups.items(), key=lambda group: group[0][0] is not None
        )
    )


def _count(attribute: str | None, value: str | None, answers: Sequence[Ranking]) -> Validity:
    matches: Counter[str] = Counter()
    for ranking in answers:
        seen: set[str] = set()
        for match in ranking.matches:
            matches[_UNMATCHED.get(match.kind, "matched")] += 1
            name = match.item_id or match.text.casefold().strip()
            matches["repeated"] += name in seen
            seen.add(name)
        if not ranking.matches:
            matches["matched"] += len(ranking.items)
    return Validity(
        attribute=attribute,
        value=value,
        asked=len(answers),
        outcomes=dict(sorted(Counter(str(ranking.outcome) for ranking in answers).items())),
        recommended=matches["matched"] + matches["ambiguous"] + matches["off_catalogue"],
        off_catalogue=matches["off_catalogue"],
        ambiguous=matches["ambiguous"],
        repeated=matches["repeated"],
    )
