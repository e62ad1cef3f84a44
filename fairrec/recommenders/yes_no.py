"""Asks of each candidate whether the user would like it, and compares Yes with No.

Keqin Bao, Jizhi Zhang, Yang Zhang, Wenjie Wang, Fuli Feng and Xiangnan He, "TALLRec: An Effective
and Efficient Tuning Framework to Align Large Language Model with Recommendation", RecSys 2023.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import LanguageModel, ScoresChoices
from fairrec.recommenders.pointwise import Pointwise
from fairrec.types import Request


class YesNo(Pointwise):
    """Scores a candidate by log p(yes) - log p(no) (nats) as the first words of the reply.

    What all candidates of a request share of their prompts is computed once, where the model
    can.

    Args:
        model: A language model that scores choices.
        catalog: The items.
        question: See `Pointwise`; what stands after the title is computed for each candidate.
        yes: How a reply begins that likes the candidate.
        no: How one begins that does not.
        prefill: Start of the reply, before either.

    Raises:
        WrongUse: The model cannot score choices, or the question does not name the title.
    """

    kind = "yes or no"

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        *,
        question: str = 'Answer with Yes or No only: would I like "{title}"?',
        yes: str = "Yes",
        no: str = "No",
        prefill: str = "",
    ) -> None:
        if not isinstance(model, ScoresChoices):
            raise WrongUse(
                f"{type(model).__name__} does not say how likely Yes and No are.",
                expected="a model with choice_logprobs(): a local one, or a server with logprobs.",
                do="use RatingPrediction or ListwiseRanking, which read what the model writes.",
            )
        super().__init__(model, catalog, question, prefill)
        self.yes, self.no = yes, no
        self._choose = model.choice_logprobs

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {**super().description, "choices": [self.yes, self.no]}

    def score_candidates(self, request: Request) -> NDArray[np.float64]:
        """Return the log-odds of yes (nats), one per candidate."""
        yes, no = self._choose(self.prompts(request), [self.yes, self.no]).T
        return yes - no
