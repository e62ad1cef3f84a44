"""Browsing models: how much attention a place in a list gets.

Every metric of exposure takes one `Browsing`, so that a number always says how people were
taken to read. Ranks r count from 1; all weights lie in [0, 1] and fall, or stay, with r.

| kind | weight of rank r | source |
|---|---|---|
| uniform | 1 | a list is taken in at a glance |
| rbp | patience^(r-1) | Moffat and Zobel, "Rank-Biased Precision", TOIS 2008, unnormalised |
| geometric | stop (1 - stop)^(r-1) | the same times 1 - patience: chances of stopping at r |
| log2 | 1 / log2(r + 1) | Järvelin and Kekäläinen, TOIS 2002 |
| log2_clip | 1 / log2(max(r, 2)) | their first form: the first two places count alike |
| cascade | patience^(r-1) (1 - utility)^(relevant items before r) | gERR: Diaz et al., CIKM 2020 |
| err | Π over items before r of (1 - relevance) | Chapelle et al., "ERR", CIKM 2009 |

Beyond `cutoff` nothing is seen. "cascade" and "err" depend on what is relevant in each list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import WrongUse

Kind = Literal["uniform", "rbp", "geometric", "log2", "log2_clip", "cascade", "err"]

PARAMETERS: dict[Kind, tuple[str, ...]] = {
    "uniform": (),
    "rbp": ("patience",),
    "geometric": ("stop",),
    "log2": (),
    "log2_clip": (),
    "cascade": ("patience", "utility"),
    "err": (),
}
"""What each kind takes, in the order in which `parse_browsing` reads it."""

NEEDS_RELEVANCE = ("cascade", "err")


@dataclass(frozen=True, slots=True)
class Browsing:
    """One browsing model; see this module.

    Attributes:
        kind: Which of them.
        patience: Chance of going on to the next place, in (0, 1), of "rbp" and "cascade".
        stop: Chance of stopping at a place, in (0, 1), of "geometric".
        utility: Chance that a relevant item ends the search, in [0, 1], of "cascade".
        cutoff: Last rank that is seen, at least 1; None for all.

    Raises:
        WrongUse: The kind is unknown or a number is out of its range.

    >>> Browsing("rbp", patience=0.5).weights(3).tolist()
    [1.0, 0.5, 0.25]
    >>> str(Browsing("log2", cutoff=10))
    'log2@10'
    """

    kind: Kind = "log2"
    patience: float = 0.85
    stop: float = 0.5
    utility: float = 0.5
    cutoff: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise WrongUse(
                f"the browsing model is {self.kind!r}.", expected=f"one of {', '.join(PARAMETERS)}."
            )
        open_ended = 0 < self.patience < 1 and 0 < self.stop < 1
        if not open_ended or not 0 <= self.utility <= 1:
            raise WrongUse(
                f"the browsing model {self.kind!r} has patience {self.patience}, stop {self.stop} "
                f"and utility {self.utility}.",
                expected="patience and stop in (0, 1), utility in [0, 1].",
            )
        if self.cutoff is not None and self.cutoff < 1:
            raise WrongUse(f"the cutoff is {self.cutoff}.", expected="at least 1, or None.")

    def __str__(self) -> str:
        """Return the text that `parse_browsing` reads, such as "rbp:0.85@10"."""
        parts = [self.kind, *(f"{getattr(self, name):g}" for name in PARAMETERS[self.kind])]
        return ":".join(parts) + ("" if self.cutoff is None else f"@{self.cutoff}")

    @property
    def needs_relevance(self) -> bool:
        """Whether weights depend on what is relevant in a list."""
        return self.kind in NEEDS_RELEVANCE

    def weights(self, k: int) -> NDArray[np.float64]:
        """Return the weight of ranks 1 to k, shape (k,).

        Raises:
            WrongUse: The model needs to know what is relevant: ask for `exposure`.
        """
        if self.needs_relevance:
            raise WrongUse(
                f"the browsing model {self} has no weights of its own.",
                expected="what is relevant in each list, on which its weights depend.",
                do="give the relevance, or choose uniform, rbp, geometric, log2 or log2_clip.",
            )
        rank = np.arange(1, k + 1, dtype=np.float64)
        match self.kind:
            case "uniform":
                weights = np.ones(k)
            case "rbp":
                weights = self.patience ** (rank - 1)
            case "geometric":
                weights = self.stop * (1 - self.stop) ** (rank - 1)
            case "log2":
                weights = 1 / np.log2(rank + 1)
            case _:
                weights = 1 / np.log2(np.maximum(rank, 2))
        return np.where(self._seen(rank), weights, 0.0)

    def exposure(self, relevance: ArrayLike) -> NDArray[np.float64]:
        """Return the weight of every place of n lists, shape (n, k).

        Args:
            relevance: Shape (n, k): how relevant what stands there is, in [0, 1]; 0 where
                nothing stands. "cascade" counts what is above 0; "err" takes the number as the
                chance of stopping. Models of position alone use its shape.

        Raises:
            WrongUse: A relevance lies outside [0, 1].
        """
        r = np.atleast_2d(np.asarray(relevance, dtype=np.float64))
        if r.size and not (r.min() >= 0 and r.max() <= 1):
            raise WrongUse(
                f"relevance goes from {r.min():g} to {r.max():g}.", expected="numbers in [0, 1]."
            )
        if not self.needs_relevance:
            return np.broadcast_to(self.weights(r.shape[1]), r.shape).copy()
        rank = np.arange(1, r.shape[1] + 1, dtype=np.float64)
        stops = self.utility * (r > 0) if self.kind == "cascade" else r
        before = np.cumprod(np.hstack([np.ones((len(r), 1)), 1 - stops[:, :-1]]), axis=1)
        going_on = self.patience ** (rank - 1) if self.kind == "cascade" else np.ones(len(rank))
        return np.where(self._seen(rank), before * going_on, 0.0)

    def _seen(self, rank: NDArray[np.float64]) -> NDArray[np.bool_]:
        return rank <= (np.inf if self.cutoff is None else self.cutoff)


def parse_browsing(text: str) -> Browsing:
    """Read a model such as "log2", "rbp:0.8", "geometric:0.5@10" or "cascade:0.9:0.5".

    Raises:
        WrongUse: It cannot be read.
    """
    body, _, cutoff = text.strip().partition("@")
    kind, *numbers = body.split(":")
    names = PARAMETERS.get(kind, ())  # type: ignore[call-overload]
    try:
        if kind not in PARAMETERS or len(numbers) > len(names):
            raise ValueError(text)
        given = dict(zip(names, map(float, numbers), strict=False))
        last = int(cutoff) if cutoff else None
    except ValueError:
        raise WrongUse(
            f"the browsing model {text!r} cannot be read.",
            expected="a kind with its numbers and a cutoff, such as log2, rbp:0.85 or log2@10; "
            f"kinds are {', '.join(PARAMETERS)}.",
        ) from None
    return Browsing(kind, cutoff=last, **given)
