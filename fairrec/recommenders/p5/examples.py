"""What a recommender is shown of a history, and what it is to recommend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairrec.recommenders.p5.prompt import USER_SLOT
from fairrec.seeds import generator
from fairrec.types import Request
from fairrec.users import User


@dataclass(frozen=True)
class Examples:
    """Draws what to show and what to learn from histories.

    Attributes:
        history: Items shown at most.
        targets: Items learned at most.
        ordered: Whether what is learned came after what is shown; see `P5Settings`.
        states: Attributes that are stated.
        strangers: Share of requests whose user is not named, and share that state nothing.
    """

    history: int = 20
    targets: int = 4
    ordered: bool = True
    states: tuple[str, ...] = ()
    strangers: float = 0.0

    def draw(self, user: User, rng: np.random.Generator) -> tuple[Request, list[str]]:
        """Return a request and the items to recommend to it, from one history of two or more."""
        items = user.history
        if self.ordered:
            start = int(rng.integers(1, len(items)))
            shown = items[max(0, start - self.history) : start]
            wanted = list(items[start : start + self.targets])
        else:
            n = min(len(items), self.history + self.targets)
            places = rng.choice(len(items), n, replace=False)
            learned = min(self.targets, n // 2)
            wanted = [items[p] for p in places[:learned]]
            shown = tuple(items[p] for p in places[learned:])
        slots = {} if rng.random() < self.strangers else {USER_SLOT: user.id}
        stated = {n: user.profile[n] for n in self.states if n in user.profile}
        if stated and rng.random() < self.strangers:
            stated = {}
        return Request(k=1, profile=stated, slots=slots, history=shown), wanted

    def asked(self, user: User, k: int) -> Request:
        """Return the request of a user once the model is trained, after the whole history.

        The model is shown the last items. Where histories have no order these would be whatever
        a file has last, so they are put into one by the user's id.
        """
        order = np.arange(len(user.history))
        if not self.ordered:
            order = generator(0, "p5 asked", user.id).permutation(order)
        return Request(
            k=k,
            profile={n: user.profile[n] for n in self.states if n in user.profile},
            slots={USER_SLOT: user.id},
            history=tuple(user.history[place] for place in order),
        )
