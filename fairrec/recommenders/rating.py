"""Asks how the user would rate each candidate.

Zhiyuli et al., "BookGPT: A General Framework for Book Recommendation Empowered by Large Language
Model", Electronics 2023, read the rating from text; Kang et al., "Do LLMs Understand User
Preferences? Evaluating LLMs On User Rating Prediction", 2023, put a regression head on FLAN-T5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import (
    GenerationParameters,
    LanguageModel,
    PredictsNumbers,
    Prompt,
    ScoresChoices,
)
from fairrec.recommenders.answers.ratings import parse_rating
from fairrec.recommenders.generations import described, generate_seeded, texts_of
from fairrec.recommenders.pointwise import Pointwise
from fairrec.types import Request

Reading = Literal["expected", "text", "head"]


class RatingPrediction(Pointwise):
    """Scores a candidate by the rating that the model gives it.

    Args:
        model: A language model; for "expected" one that scores choices, for "head" one with a
            regression head.
        catalog: The items.
        reading: "expected" is the mean of the whole ratings of the scale, weighted by how likely
            each is as the reply; "text" reads the rating that the model writes (see
            `fairrec.recommenders.answers.ratings`); "head" takes the number that a regression head
            gives for the words, a blank line and the title.
        scale: Least and greatest rating.
        question: See `Pointwise`; not used by "head".
        parameters: How text is generated, for "text".

    Raises:
        WrongUse: The reading is unknown, the model cannot do it, or the scale is none.
    """

    score_kind = "rating"
    kind = "rating"

    def __init__(
        self,
        model: LanguageModel | PredictsNumbers,
        catalog: Catalog,
        *,
        reading: Reading = "expected",
        scale: tuple[int, int] = (1, 5),
        question: str | None = None,
        parameters: GenerationParameters | None = None,
    ) -> None:
        able = {"expected": ScoresChoices, "text": LanguageModel, "head": PredictsNumbers}
        if reading not in able or not isinstance(model, able[reading]):
            raise WrongUse(
                f"the reading {reading!r} with {type(model).__name__}.",
                expected=f"one of {', '.join(get_args(Reading))}, and a model that can: "
                "choice_logprobs(), generate() or predict().",
            )
        if not 0 <= scale[0] < scale[1] <= 10:
            raise WrongUse(f"the scale {scale}.", expected="whole numbers that rise, 0 to 10.")
        low, high = scale
        asked = f'On a scale of {low} to {high}, answer with the number only: how would I rate "'
        words = "{title}" if reading == "head" else (question or asked + '{title}"?')
        self.parameters = parameters or GenerationParameters(max_new_tokens=16)
        super().__init__(model, catalog, words, room=self.parameters.max_new_tokens)
        self.reading = reading
        self.scale = scale

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        told = {**super().description, "reading": self.reading, "scale": list(self.scale)}
        if self.reading == "text":
            told["parameters"] = described(self.parameters)
        return told

    def score_candidates(self, request: Request) -> NDArray[np.float64]:
        """Return one rating per candidate, on the scale; NaN where none could be read."""
        prompts = self.prompts(request)
        if self.reading == "head":
            return self.model.predict([prompt.user for prompt in prompts])
        if self.reading == "expected":
            return self._expected(prompts)
        requests = [request] * len(prompts)
        written = generate_seeded(self.model, prompts, requests, self.parameters, "rating")
        ratings = [parse_rating(text, *self.scale) for text in texts_of(written)]
        return np.array([np.nan if rating is None else rating for rating in ratings])

    def _expected(self, prompts: Sequence[Prompt]) -> NDArray[np.float64]:
        ratings = np.arange(self.scale[0], self.scale[1] + 1)
        logprobs = self.model.choice_logprobs(prompts, [str(rating) for rating in ratings])
        # Unlikely ratings that a server did not name weigh nothing; without any, nothing is known.
        known = np.where(np.isnan(logprobs), -np.inf, logprobs)
        most = known.max(axis=1, keepdims=True)
        weights = np.exp(known - np.where(np.isfinite(most), most, 0.0))
        total = weights.sum(axis=1)
        return np.divide(
            weights @ ratings, total, out=np.full(len(prompts), np.nan), where=total > 0
        )
