"""Settings to the recommender of the kind that they name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fairrec.catalogs import Catalog
from fairrec.command_line.configuration import Configuration, RecommenderSection
from fairrec.datasets import Dataset, leave_last_out
from fairrec.errors import WrongUse
from fairrec.language_models import load_language_model, load_masked_model, load_text_encoder
from fairrec.protocols import GenerationParameters, LanguageModel, Recommender
from fairrec.recommenders.kinds import KINDS
from fairrec.users import User


@dataclass
class Workshop:
    """Makes recommenders of one run: the model is loaded once, and only if something needs it."""

    settings: Configuration
    catalog: Catalog
    dataset: Dataset | None
    say: Callable[[str], None]

    def make(self, how: RecommenderSection) -> Recommender:
        """Return the recommender that a section describes.

        Raises:
            WrongUse: The kind lacks a part, or is told something that its adapter does not know.
        """
        kind = KINDS[how.kind]
        adapter = kind.load()
        told = dict(how.settings)
        if kind.part == "saved":
            return self._saved(told)
        if kind.part == "masked":
            model = load_masked_model(str(told.pop("masked", "")))
            return _made(how.kind, adapter, (model, self.catalog), told)
        if kind.part == "encoder":
            encoder = load_text_encoder(str(told.pop("encoder", "minilm")))
            made = _made(how.kind, adapter, (encoder, self.catalog), told)
            return made.fit(self._learners()) if hasattr(made, "fit") else made
        if kind.part == "histories":
            made = _made(how.kind, adapter, (self.catalog,), told)
            return made.fit(self._learners()) if hasattr(made, "fit") else made
        if kind.part == "elsewhere":
            return _made(how.kind, adapter, (), {"catalog": self.catalog, **told})
        if kind.part == "parts":
            return self._of_parts(how, adapter, told)
        if how.kind == "likelihood":
            told = {"variant": how.variant, **told}
        elif "parameters" in inspect.signature(adapter).parameters:
            told = {**self._parameters(how), **told}
        if how.kind == "open":
            told = {"one_shot": how.one_shot, "prefill": how.prefill, **told}
        return _made(how.kind, adapter, (self.model, self.catalog), told)

    @cached_property
    def model(self) -> LanguageModel:
        """The language model of the settings."""
        return load_language_model(self.settings.model, say=self.say)

    def _parameters(self, how: RecommenderSection) -> dict[str, Any]:
        """Return how text is generated, where the section says anything about it."""
        said = how.model_fields_set & {"temperature", "max_new_tokens"}
        if not said and how.kind != "open":
            return {}
        return {
            "parameters": GenerationParameters(
                max_new_tokens=how.max_new_tokens,
                temperature=how.temperature,
                seed=self.settings.seed,
            )
        }

    def _of_parts(
        self, how: RecommenderSection, adapter: type, told: dict[str, Any]
    ) -> Recommender:
        if how.first is None or (how.kind == "filter_then_rerank" and how.second is None):
            raise WrongUse(
                f"{how.kind} lacks its parts.",
                expected="first: {kind: ...}, and second: {kind: ...} for filter_then_rerank.",
                do="name them in the section `recommender`.",
            )
        first = self.make(how.first)
        if how.second is not None and how.kind == "filter_then_rerank":
            return _made(how.kind, adapter, (first, self.make(how.second)), told)
        told = {**self._parameters(how), **told}
        return _made(how.kind, adapter, (self.model, self.catalog, first), told)

    def _learners(self) -> Sequence[User]:
        if self.dataset is None:
            raise WrongUse(
                "there are no histories to learn from.",
                expected="a data set: users: {path: FOLDER}.",
                do="name one, or a recommender that needs no training.",
            )
        held_out = max(self.settings.users.held_out, 1)
        return leave_last_out(self.dataset, held_out, seed=self.settings.seed)

    def _saved(self, told: dict[str, Any]) -> Recommender:
        from fairrec.recommenders.p5 import load_generator

        if set(told) != {"path"}:
            raise WrongUse(
                f"item_ids is told {sorted(told)}.",
                expected="settings: {path: FOLDER}, a folder that `fairrec train p5` wrote.",
            )
        return load_generator(Path(told["path"]))


def _made(kind: str, adapter: type, parts: tuple[Any, ...], told: dict[str, Any]) -> Any:
    known = [
        name
        for name, parameter in inspect.signature(adapter).parameters.items()
        if name not in ("model", "encoder", "first", "second", "retriever", "consumer")
    ]
    if unknown := sorted(set(told) - set(known)):
        raise WrongUse(
            f"{kind} has no setting {unknown[0]!r}.", expected=f"one of {', '.join(known)}."
        )
    try:
        return adapter(*parts, **told)
    except TypeError as error:
        raise WrongUse(
            f"{kind} cannot be made: {error}.", expected=f"{', '.join(known)}."
        ) from error
