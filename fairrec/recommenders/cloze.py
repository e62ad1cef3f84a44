"""Puts the user's words and a title into a sentence with a gap; a masked model fills it.

Zizhuo Zhang and Bang Wang, "Prompt Learning for News Recommendation" (Prompt4NR), SIGIR 2023: the
words that fill the gap stand for liking or not, and several templates are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import FillsMasks
from fairrec.recommenders.pointwise import Pointwise, one_line
from fairrec.types import Request

MASK = "[MASK]"


@dataclass(frozen=True)
class ClozeTemplate:
    """A sentence after the user's words, and the words that say what fills its gap.

    Attributes:
        sentence: Holds ``{title}`` and one ``[MASK]``.
        positive: Words that stand for liking, each one token of the model.
        negative: Words that stand for the contrary.
    """

    sentence: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.sentence.count(MASK) != 1 or "{title}" not in self.sentence:
            raise WrongUse(
                f"the template {self.sentence!r}.", expected=f"{{title}} and one {MASK} in it."
            )
        if not self.positive or not self.negative:
            raise WrongUse(
                f"the template {self.sentence!r} has no words for liking, or for the contrary.",
                expected="at least one of each.",
            )


TEMPLATES = (
    ClozeTemplate("Would I like {title}? [MASK].", ("yes",), ("no",)),
    ClozeTemplate("For me, {title} is [MASK].", ("good", "great"), ("bad", "terrible")),
    ClozeTemplate("I [MASK] {title}.", ("love", "like"), ("hate",)),
)
"""Three ways to ask the same."""


class Cloze(Pointwise):
    """Scores a candidate by the mean over templates of log p(positive) - log p(negative) (nats).

    Args:
        model: A masked language model.
        catalog: The items.
        templates: What is asked, at least one.

    Raises:
        WrongUse: The model fills no gaps, or there is no template.
    """

    kind = "cloze"

    def __init__(
        self, model: FillsMasks, catalog: Catalog, *, templates: Sequence[ClozeTemplate] = TEMPLATES
    ) -> None:
        if not isinstance(model, FillsMasks):
            raise WrongUse(
                f"{type(model).__name__} does not fill gaps.",
                expected="a masked language model with mask_logprobs(), such as BERT.",
                do="use YesNo or CatalogueLikelihood with this model.",
            )
        if not templates:
            raise WrongUse("there is no template.", expected="at least one ClozeTemplate.")
        # The longest sentence stands for all where prompts are fitted to the context.
        longest = max((template.sentence for template in templates), key=len)
        super().__init__(model, catalog, longest)
        self.templates = tuple(templates)

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        told = [asdict(template) for template in self.templates]
        return {**super().description, "templates": told}

    def score_candidates(self, request: Request) -> NDArray[np.float64]:
        """Return the mean log-odds (nats), one per candidate."""
        rows = []
        for template in self.templates:
            texts = [
                f"{request.instruction} {_with_title(template.sentence, self.catalog.title(item))}"
                for item in request.candidates or ()
            ]
            logprobs = self.model.mask_logprobs(texts, [*template.positive, *template.negative])
            n = len(template.positive)
            rows.append(logsumexp(logprobs[:, :n], 1) - logsumexp(logprobs[:, n:], 1))
        return np.mean(rows, axis=0)


def _with_title(sentence: str, title: str) -> str:
    return sentence.replace("{title}", one_line(title))
