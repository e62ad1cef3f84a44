"""Lists that are looked at from the items' side: what was asked, and what came back.

Item-side audits state nothing about anybody: every user (or topic) is asked for once, and again
for the noise floor. What matters is what the lists hold between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.asking import user_request
from fairrec.errors import WrongUse
from fairrec.metrics.item_lists import ItemLists, item_lists
from fairrec.prompts import Template
from fairrec.types import Arm, Outcome, Probe, Ranking, Request
from fairrec.users import User, check_users


@dataclass(frozen=True)
class AnsweredLists:
    """One list per probe, as positions in a catalogue.

    Attributes:
        lists: n lists; a row without an answer is empty.
        probes: The probe of each row.
        owners: Ids of the users or topics that were asked for, each once.
        owner: Which of them each row belongs to, shape (n,).
        unit: "user" or "topic".
    """

    lists: ItemLists
    probes: tuple[Probe, ...]
    owners: tuple[str, ...]
    owner: NDArray[np.int64]
    unit: str

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Which rows hold a list, shape (n,)."""
        return self.lists.lengths > 0

    @property
    def n_missing(self) -> int:
        """Owners without any list."""
        return len(self.owners) - len(np.unique(self.owner[self.answered]))


def check_asked(users: Sequence[User], topics: Sequence[str]) -> None:
    """Check that there is somebody, or something, to ask for.

    Raises:
        BadData: A user is there twice.
        WrongUse: There are both users and topics, fewer than 2 of them, or a topic twice.
    """
    check_users(users)
    names = [user.id for user in users] or list(topics)
    if (users and topics) or len(names) < 2 or len(set(names)) < len(names):
        raise WrongUse(
            f"the audit has {len(users)} user(s) and {len(topics)} topic(s), "
            f"{len(names) - len(set(names))} of them twice.",
            expected="at least 2 different users, or at least 2 different topics; better 50.",
            do="name either users or topics.",
        )


def list_probes(
    users: Sequence[User],
    topics: Sequence[str],
    template: Template,
    k: int,
    *,
    titles: Mapping[str, str],
    candidates: Mapping[str, tuple[str, ...]] | None = None,
    repeats: int = 1,
) -> list[Probe]:
    """Return one neutral prompt per user or topic, and its repeats.

    Args:
        users: Who is asked for, or none.
        topics: What is asked about, or none.
        template: The words; nothing is stated.
        k: Items asked for.
        titles: Item titles by id, for the words.
        candidates: Item ids to choose from by topic; users have their own.
        repeats: How often the same prompt is asked again.

    Raises:
        BadData: A user is there twice.
        WrongUse: There are both users and topics, fewer than 2 of them, or a topic twice.
    """
    check_asked(users, topics)
    names = [user.id for user in users] or list(topics)

    def asked(replicate: int) -> list[Request]:
        if users:
            return [
                user_request(user, template, k, titles=titles, replicate=replicate)
                for user in users
            ]
        return [
            Request(
                k=k,
                instruction=template.instruction(name=topic, k=k),
                system=template.system,
                slots={"name": topic},
                candidates=None if candidates is None else candidates[topic],
                replicate=replicate,
            )
            for topic in topics
        ]

    rounds = [asked(replicate) for replicate in range(repeats + 1)]
    return [
        Probe(request, Arm.REPEAT if replicate else Arm.NEUTRAL, name)
        for name, *requests in zip(names, *rounds, strict=True)
        for replicate, request in enumerate(requests)
    ]


def answered_lists(
    probes: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    position: Mapping[str, int],
    k: int,
    *,
    arm: Arm = Arm.NEUTRAL,
) -> AnsweredLists:
    """Return the lists of one arm.

    A recording without a neutral arm is judged by what was stated with each user's own value:
    the sensitive arm stands in for it.

    Args:
        probes: What was asked.
        rankings: Answers by probe id.
        position: Position in the catalogue by item id, 0 to N - 1.
        k: Ranks that count.
        arm: Which arm; `Arm.REPEAT` gives the lists of the noise floor.
    """
    chosen = [probe for probe in probes if probe.arm is arm]
    if not chosen and arm is Arm.NEUTRAL:
        chosen = [probe for probe in probes if probe.arm is Arm.SENSITIVE]
    owners = tuple(dict.fromkeys(probe.cluster for probe in probes))
    number = {name: place for place, name in enumerate(owners)}
    answers = (rankings[probe.id] for probe in chosen)
    return AnsweredLists(
        lists=item_lists(
            [r.items if r.outcome is Outcome.ANSWERED else None for r in answers], position, k
        ),
        probes=tuple(chosen),
        owners=owners,
        owner=np.array([number[probe.cluster] for probe in chosen], dtype=np.int64),
        unit="user" if any("user" in probe.request.slots for probe in chosen) else "topic",
    )
