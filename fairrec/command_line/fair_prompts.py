"""What `fairrec cfp train` is told, and the recommender, users and requests that this means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fairrec.audits.asking import user_request
from fairrec.catalogs.pools import candidate_pool
from fairrec.command_line.configuration import read_configuration
from fairrec.datasets import Dataset, leave_last_out, read_dataset
from fairrec.errors import WrongUse
from fairrec.language_models import load_language_model
from fairrec.prompts import Attribute, attribute, template
from fairrec.types import Request
from fairrec.users import User

AT = 10
"""Items of a list."""


class FairPromptConfiguration(BaseModel):
    """The settings of `fairrec cfp train`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(description="Folder of a data set.")
    out: Path = Field(description="Folder for prefixes, checkpoint and card.")
    attributes: list[str] = Field(min_length=1, description="What can be hidden.")
    recommender: Path | None = Field(
        default=None, description="Folder that `fairrec train p5` wrote."
    )
    model: str | None = Field(
        default=None, description="Or a language model that is asked in words, as in audits."
    )
    template: str = Field(default="movie_user", description="The words that `model` is asked in.")
    states: list[str] = Field(
        default_factory=list, description="Attributes that the words state of a user."
    )
    history: int = Field(default=10, ge=1, description="Titles that the words name.")
    pool: int = Field(default=60, ge=AT, description="Items that `model` ranks.")
    held_out: int = Field(default=1, ge=1, description="Last items kept from `model`.")
    measured: float = Field(default=0.5, gt=0, lt=1, description="Share of users measured on.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Of training.")

    @model_validator(mode="after")
    def _one_recommender(self) -> FairPromptConfiguration:
        if (self.recommender is None) == (self.model is None):
            raise ValueError("give either recommender (a folder) or model (a language model)")
        return self


def read_fair_prompt_configuration(path: Path) -> FairPromptConfiguration:
    """Read and check the settings.

    Raises:
        WrongUse: The file cannot be read, or an entry is wrong.
    """
    try:
        return FairPromptConfiguration(**read_configuration(path))
    except ValidationError as error:
        wrong = error.errors()[0]
        raise WrongUse(
            f"{path}: {'.'.join(map(str, wrong['loc'])) or 'settings'}: {wrong['msg']}.",
            expected=f"entries among {', '.join(FairPromptConfiguration.model_fields)}.",
            do="correct the entry.",
        ) from error


@dataclass(frozen=True)
class Protected:
    """What a prompt is trained for, and how it is asked.

    Attributes:
        recommender: With a transformers model inside.
        users: Who has a history and held-out items.
        draw: Makes examples of users to train on.
        ask: Makes the request of a user to measure on.
        together: Users for whom items are scored in one call.
    """

    recommender: Any
    users: Sequence[User]
    draw: Callable[[User, np.random.Generator], tuple[Request, list[str]]]
    ask: Callable[[User], Request]
    together: int


def build_protected(settings: FairPromptConfiguration, say: Callable[[str], None]) -> Protected:
    """Load what the settings name.

    Raises:
        WrongUse: It cannot be trained through, or does not say what it has not seen.
    """
    dataset = read_dataset(settings.data)
    if settings.recommender is not None:
        return _item_ids(settings.recommender, dataset)
    return _in_words(settings, dataset, say)


def _item_ids(folder: Path, dataset: Dataset) -> Protected:
    from fairrec.recommenders.p5 import Examples, load_generator

    recommender = load_generator(folder)
    trained = recommender.trained
    if "held_out" not in trained:
        raise WrongUse(
            f"{folder} does not say what was held out while it was trained.",
            expected="a recommender that `fairrec train p5` wrote.",
            do="fit the prompt in Python, where users say what they hold out.",
        )
    users = leave_last_out(
        dataset, trained["held_out"], minimum_history=2, seed=trained["settings"]["seed"]
    )
    draws = Examples(
        history=recommender.history,
        ordered=dataset.timestamps is not None,
        states=tuple(recommender.states),
    )
    return Protected(recommender, users, draws.draw, partial(draws.asked, k=AT), 256)


def _in_words(
    settings: FairPromptConfiguration, dataset: Dataset, say: Callable[[str], None]
) -> Protected:
    from fairrec.language_models.transformers_models import TransformersModel
    from fairrec.recommenders.trainable_likelihood import TrainableLikelihood

    model = load_language_model(settings.model or "default", say=say)
    if not isinstance(model, TransformersModel):
        raise WrongUse(
            f"the model {settings.model!r} cannot be trained through.",
            expected="a transformers model: default, hf:ORG/NAME, a folder or a .gguf file.",
        )
    catalog = dataset.catalog
    stated = [attribute(name) for name in settings.states]
    titles = dict(zip(catalog.ids, catalog.titles, strict=True))
    words, pool = template(settings.template), candidate_pool(catalog, settings.pool, seed=0)

    def asked(user: User, end: int) -> Request:
        shown = user.history[max(0, end - settings.history) : end]
        return user_request(
            replace(user, history=shown, ratings=None, candidates=pool),
            words,
            AT,
            titles=titles,
            statement=_statements(user, stated),
            profile={a.name: user.profile[a.name] for a in stated if a.name in user.profile},
        )

    def draw(user: User, rng: np.random.Generator) -> tuple[Request, list[str]]:
        place = int(rng.integers(1, len(user.history)))
        return asked(user, place), [user.history[place]]

    return Protected(
        TrainableLikelihood(model, catalog),
        leave_last_out(dataset, settings.held_out, minimum_history=2),
        draw,
        lambda user: asked(user, len(user.history)),
        1,  # a title takes longer than a prompt
    )


def _statements(user: User, stated: Sequence[Attribute]) -> str:
    """Return the sentences that state the user's own values, where there are any for them."""
    said = [
        value.statement
        for known in stated
        for value in known.values
        if value.value == user.profile.get(known.name)
    ]
    return " ".join(said)
