"""What a reader of a counterfactual audit must know before believing its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fairrec.audits.contrasts import Contrast
from fairrec.audits.counterfactual_benefit import small_groups
from fairrec.audits.counterfactual_pairs import CounterfactualPairs
from fairrec.prompts import Attribute
from fairrec.results import Finding
from fairrec.users import User

_EFFECTS = ("stated ", "flip ")


def about_lists(
    arms: CounterfactualPairs, contrasts: Mapping[str, Contrast], findings: Sequence[Finding]
) -> Iterable[str]:
    """Say what makes the numbers weaker than they look."""
    repeated = {name for name, contrast in contrasts.items() if contrast.pairs}
    if not {"repeat", *(f"repeat {name}" for name in arms.attributes)} & repeated:
        yield "No prompt was asked again: without a noise floor no effect can be told from noise."
    for name in arms.attributes:
        if f"flip {name}" in repeated and f"repeat {name}" not in repeated:
            yield (
                f"No factual prompt of {name} was asked again: its flips are held against the "
                "neutral prompt asked again."
            )
    if pairs := arms.unpaired:
        yield (
            f"{len(pairs)} prompt(s) have no list to be compared with, such as that of "
            f"{pairs[0].cluster!r} ({pairs[0].arm}): the neutral prompt, or the one that is "
            "repeated, is not there."
        )
    effects = {n: c.values["jaccard"] for n, c in contrasts.items() if n.startswith(_EFFECTS)}
    lacking = {name: int(np.isnan(values).sum()) for name, values in effects.items()}
    if any(lacking.values()):
        counts = [f"{n} of {len(effects[name])} ({name})" for name, n in lacking.items() if n]
        yield f"Pairs that lack a list are left out: {', '.join(counts)}."
    known = np.concatenate([np.empty(0), *effects.values()])
    known = known[~np.isnan(known)]
    if not len(known):
        yield "No pair of lists could be compared: see what became of the prompts below."
    elif known.min() == 1.0:
        yield (
            "Every list holds the same items whatever is stated. Either stating an attribute "
            "changes nothing, or the recommender does not read it."
        )
    below = [
        f.attribute or ""
        for f in findings
        if (f.metric, f.statistic, f.value) == ("jaccard", "stated_excess", None)
        and f.estimate.high is not None
        and f.estimate.high < 0
    ]
    if below:
        yield (
            f"Stating {', '.join(below)} changes lists less than asking again does. Repeats that "
            "were asked at another time or of another version make the noise floor too high, and "
            "effects may hide below it."
        )


def about_users(
    users: Sequence[User],
    attributes: Sequence[Attribute],
    stated: Sequence[str],
    own: Mapping[str, Mapping[str, str]],
    minimum_group_size: int,
) -> Iterable[str]:
    """Name and count the users whom the numbers leave out."""
    for attribute in attributes:
        name, values = attribute.name, {value.value for value in attribute.values}
        lacking = [user.id for user in users if name not in user.profile]
        other = [user.id for user in users if user.profile.get(name, "") not in {"", *values}]
        if lacking:
            yield f"{_some(lacking)} have no {name}: they have no factual arm for it."
        if other:
            yield (
                f"{_some(other)} have a {name} that is none of the values "
                f"{', '.join(sorted(values))}: they have no factual arm for it."
            )
    if any(user.held_out for user in users):
        for name in stated:
            if small := small_groups(name, [user.id for user in users], own, minimum_group_size):
                yield (
                    f"Groups of {name} below {minimum_group_size} users have no benefit of their "
                    f"own: {', '.join(small)}."
                )


def _some(ids: Sequence[str], most: int = 3) -> str:
    return f"{len(ids)} user(s) ({', '.join(ids[:most])}{', …' if len(ids) > most else ''})"
