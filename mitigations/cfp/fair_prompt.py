"""Counterfactually fair prompts: trained once, attached to a model in place.

Hua, Ge, Xu, Ji, Li and Zhang, "UP5: Unbiased Foundation Model for Fairness-aware Recommendation",
EACL 2024. What is theirs, and what is done otherwise, is said in `settings`, `prefix` and
`independence`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from fairrec.errors import WrongUse
from fairrec.mitigations.cfp.artefact import (
    Artefact,
    check_fits,
    load_artefact,
    model_identity,
    save_artefact,
)
from fairrec.mitigations.cfp.attaching import attached
from fairrec.mitigations.cfp.checkpoint import restore, store
from fairrec.mitigations.cfp.people import people
from fairrec.mitigations.cfp.settings import FairPromptSettings
from fairrec.mitigations.cfp.training import Draw, Training
from fairrec.protocols import Recommender, TrainsThrough
from fairrec.types import Ranking, Request
from fairrec.users import User


class CounterfactuallyFairPrompt:
    """Prefixes that hide attributes of users from a frozen language model's states and answers.

    >>> from fairrec.mitigations.cfp import CounterfactuallyFairPrompt
    >>> CounterfactuallyFairPrompt(attributes=["gender", "age"]).attributes
    ('gender', 'age')

    Args:
        attributes: Names of what can be hidden. Which of them are is chosen at the time of use.
        settings: Further settings by name; see `FairPromptSettings`.
    """

    def __init__(self, attributes: Sequence[str], **settings: Any) -> None:
        self.attributes = tuple(attributes)
        known = {field.name for field in fields(FairPromptSettings)}
        if unknown := sorted(set(settings) - known):
            raise WrongUse(
                f"there is no setting {unknown[0]!r}.",
                expected=f"one of {', '.join(sorted(known))}.",
            )
        if isinstance(settings.get("spans"), list):
            settings["spans"] = tuple(settings["spans"])
        self.settings = FairPromptSettings(**settings)
        self.artefact: Artefact | None = None

    def fit(
        self,
        recommender: TrainsThrough,
        users: Sequence[User],
        *,
        draw: Draw | None = None,
        checkpoint: Path | None = None,
        tell: Callable[[Training], None] | None = None,
    ) -> CounterfactuallyFairPrompt:
        """Train the prefixes; the recommender stays as it is.

        Args:
            recommender: With a transformers model inside, such as `ItemIdGenerator`.
            users: With the attributes in their profiles and at least two items in their
                histories; what they hold out is not looked at.
            draw: Makes a request, and what should be recommended to it, of a user and a random
                generator; one item of the history, after those before it, by default.
            checkpoint: Folder to write the state of training to at every look at validation
                users, and to go on from if it is there.
            tell: Called with the training at every look.

        Raises:
            BadData: The users do not do; see `fairrec.mitigations.cfp.people`.
            WrongUse: The model takes no prefixes, or a span is not in the prompt.
            RunBroken: Training diverged.
        """
        found = people(users, self.attributes, self.settings.validation, self.settings.seed)
        training = Training(recommender, found, self.attributes, self.settings, draw or next_item)
        if checkpoint is not None:
            restore(training, checkpoint)

        def look(run: Training) -> None:
            if checkpoint is not None:
                store(run, checkpoint)
            if tell is not None:
                tell(run)

        training.run(look)
        self.artefact = Artefact(
            attributes=self.attributes,
            prompts=training.prompts(),
            model=model_identity(recommender.module),
            settings=asdict(self.settings),
            looks=[asdict(look) for look in training.looks],
        )
        return self

    @contextmanager
    def applied_to(self, model: Any, hide: Sequence[str] | None = None) -> Iterator[Any]:
        """Attach the prefix to a transformers model until the block ends.

        Args:
            model: The model that the prompt was trained for.
            hide: Attributes that are hidden; all by default.

        Raises:
            WrongUse: It is not trained, trained for another model, or not for these attributes.
        """
        artefact = self._trained()
        check_fits(artefact, model)
        with attached(model, artefact.prompts[self._set(hide)]):
            yield model

    def wrap(self, recommender: TrainsThrough, hide: Sequence[str] | None = None) -> FairlyPrompted:
        """Return the recommender with the prefix attached whenever it is asked."""
        check_fits(self._trained(), recommender.module)
        return FairlyPrompted(self, recommender, self._set(hide).split("+"))

    def save(self, folder: Path) -> None:
        """Write the prefixes to a folder; see `fairrec.mitigations.cfp.artefact`."""
        save_artefact(self._trained(), folder)

    @classmethod
    def load(cls, folder: Path) -> CounterfactuallyFairPrompt:
        """Read what `save` wrote.

        Raises:
            WrongUse: The folder does not hold it.
        """
        artefact = load_artefact(folder)
        made = cls(artefact.attributes, **artefact.settings)
        made.artefact = artefact
        return made

    def _trained(self) -> Artefact:
        if self.artefact is None:
            raise WrongUse(
                "the prompt is not trained.", expected="fit() or load() before it is used."
            )
        return self.artefact

    def _set(self, hide: Sequence[str] | None) -> str:
        chosen = self.attributes if hide is None else tuple(hide)
        if not chosen or set(chosen) - set(self.attributes):
            raise WrongUse(
                f"{list(chosen)} cannot be hidden.",
                expected=f"one or more of {', '.join(self.attributes)}.",
            )
        return "+".join(name for name in self.attributes if name in chosen)


class FairlyPrompted:
    """A recommender whose model has a prefix attached whenever it is asked.

    Its description says so, and recorded answers of the original are not taken for its own;
    `CounterfactuallyFairPrompt.applied_to` changes a model that knows nothing of descriptions.
    What the recommender can do besides recommending, such as scoring, it still can, with the
    prefix attached.
    """

    def __init__(
        self, prompt: CounterfactuallyFairPrompt, recommender: TrainsThrough, hide: Sequence[str]
    ) -> None:
        self.original = recommender
        self.hide = tuple(hide)
        self._prompt = prompt

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "mitigation": "counterfactually fair prompt",
            "hide": list(self.hide),
            "prompt": self._prompt._trained().content_hash,
            "of": dict(self.original.description),
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Answer with the prefix attached; see `fairrec.protocols.Recommender`."""
        recommender = self.original
        if not isinstance(recommender, Recommender):
            raise WrongUse(f"{type(recommender).__name__} does not recommend.")
        with self._prompt.applied_to(recommender.module, self.hide):
            return recommender.recommend(requests)

    def __getattr__(self, name: str) -> Any:
        # While it is copied it has no `original` yet, and would look for it here without end.
        if name == "original" or name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.original, name)
        if not callable(found):
            return found

        def with_prefix(*args: Any, **kwargs: Any) -> Any:
            with self._prompt.applied_to(self.original.module, self.hide):
                return found(*args, **kwargs)

        return with_prefix


def next_item(user: User, rng: np.random.Generator) -> tuple[Request, list[str]]:
    """Return a request with a beginning of the history, and the item that came next."""
    place = int(rng.integers(1, len(user.history)))
    return Request(k=1, slots={"user": user.id}, history=user.history[:place]), [
        user.history[place]
    ]
