"""The prompt of an item-ID generator: from requests to padded tokens, with known spans.

The prompt is put together from pieces that are tokenised one by one. So where the user's tokens
and the history's stand is known, not searched for, and padding cannot move it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from fairrec.errors import WrongUse
from fairrec.recommenders.p5.network import Network, attribute_token, user_tokens
from fairrec.types import Request

USER_SLOT = "user"
"""Name of the slot that holds the user's id, as audits write it."""

SPANS = ("user", "history", "prompt", "last")
"""What of the prompt can stand for the user: the user's tokens, the items', all, or the last."""


@dataclass(frozen=True)
class Encoded:
    """Requests as tokens.

    Attributes:
        tokens: n x length, padded on the right for encoders and on the left for decoders.
        mask: n x length; True where there is a token.
        words: n x length; which word of the prompt a token belongs to.
        spans: By name of `SPANS`, n x length; True inside the span.
    """

    tokens: torch.Tensor
    mask: torch.Tensor
    words: torch.Tensor
    spans: Mapping[str, torch.Tensor]


class PromptEncoder:
    """Turns requests into tokens.

    The prompt reads ``user <its tokens> is <what is stated> watched <items> next``.

    Args:
        network: Whose tokens.
        codes: By item id, the tokens of its code as one text.
        users: By user id, its number; a request's user is ``slots["user"]``.
        values: By attribute, the values that the model has tokens for.
        history: Items shown at most: a request's last ones.
    """

    def __init__(
        self,
        network: Network,
        codes: Mapping[str, str],
        users: Mapping[str, int],
        values: Mapping[str, Sequence[str]],
        history: int,
    ) -> None:
        self._network = network
        self._codes = codes
        self._users = users
        self._values = values
        self._history = history

    def encode(self, requests: Sequence[Request]) -> Encoded:
        """Return the requests as tokens.

        Raises:
            WrongUse: A request states what the model has no token for. Items of the history that
                the model does not know are left out.
        """
        rows = [self._row(request) for request in requests]
        longest = max(len(tokens) for tokens, _, _ in rows)
        left = not self._network.encoder_decoder
        pad = self._network.tokenizer.pad_token_id

        def padded(values: list[int], filling: int) -> list[int]:
            fill = [filling] * (longest - len(values))
            return fill + values if left else values + fill

        tokens = torch.tensor([padded(row[0], pad) for row in rows])
        words = torch.tensor([padded(row[1], 0) for row in rows])
        kinds = torch.tensor([padded(row[2], 0) for row in rows])
        last = torch.zeros_like(kinds, dtype=torch.bool)
        ends = [longest - 1 if left else len(row[0]) - 1 for row in rows]
        last[torch.arange(len(rows)), torch.tensor(ends)] = True
        mask = kinds > 0
        spans = {"user": kinds == 2, "history": kinds == 3, "prompt": mask, "last": last}
        device = self._network.model.device
        return Encoded(
            tokens.to(device),
            mask.to(device),
            words.to(device),
            {name: span.to(device) for name, span in spans.items()},
        )

    def _row(self, request: Request) -> tuple[list[int], list[int], list[int]]:
        """Return tokens, words and kinds (1 words, 2 the user, 3 the history) of a prompt."""
        number = self._users.get(request.slots.get(USER_SLOT, ""))
        pieces = [("user", 1), (" ".join(user_tokens(number, len(self._users))), 2), ("is", 1)]
        pieces += [(self._stated(*stated), 1) for stated in request.profile.items()]
        pieces.append(("watched", 1))
        known = [self._codes[item] for item in request.history if item in self._codes]
        pieces += [(code, 3) for code in known[-self._history :]]
        pieces.append(("next", 1))
        tokens: list[int] = []
        words: list[int] = []
        kinds: list[int] = []
        for word, (text, kind) in enumerate(pieces, 1):
            ids = self._network.ids(text)
            tokens += ids
            words += [word] * len(ids)
            kinds += [kind] * len(ids)
        return tokens, words, kinds

    def _stated(self, name: str, value: str) -> str:
        if value not in self._values.get(name, ()):
            told = {n: list(v) for n, v in self._values.items()} or "nothing"
            raise WrongUse(
                f"the request states {name} = {value!r}.",
                expected=f"what the model was trained to be told: {told}.",
                do="train it with states=, or state nothing.",
            )
        return attribute_token(name, value)
