"""Settings to the things they describe: catalogue, recommender and users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rich.console import Console

from fairrec.catalogs import Catalog, films, read_catalog
from fairrec.catalogs.pools import candidate_pool
from fairrec.command_line.configuration import Configuration
from fairrec.datasets import Dataset, leave_last_out, read_dataset, synthetic_users
from fairrec.errors import WrongUse
from fairrec.language_models import load_language_model
from fairrec.protocols import GenerationParameters, Recommender
from fairrec.recommenders import CatalogueLikelihood, OpenGeneration
from fairrec.seeds import generator
from fairrec.users import User

ABOUT_USERS = ("counterfactual", "implicit_cue", "group_utility", "leakage", "scoring")
"""Audits that ask on behalf of users; the others ask about topics."""


def build_dataset(settings: Configuration) -> Dataset | None:
    """Read the data set that the settings name, or return None where they name none."""
    section = settings.users
    return None if section.path is None else read_dataset(section.path, format=section.format)


def build_catalog(settings: Configuration, dataset: Dataset | None) -> Catalog:
    """Return the catalogue that the settings name, else the data set's, else the films."""
    section = settings.catalog
    if section.path is not None:
        return read_catalog(section.path, section.columns)
    return films() if dataset is None else dataset.catalog


def build_recommender(settings: Configuration, catalog: Catalog, console: Console) -> Recommender:
    """Load the model and make it recommend as the settings say."""
    model = load_language_model(
        settings.model, say=lambda line: console.print(line, markup=False, highlight=False)
    )
    how = settings.recommender
    if how.kind == "likelihood":
        return CatalogueLikelihood(model, catalog, variant=how.variant)
    parameters = GenerationParameters(
        max_new_tokens=how.max_new_tokens, temperature=how.temperature, seed=settings.seed
    )
    return OpenGeneration(
        model, catalog, parameters=parameters, one_shot=how.one_shot, prefill=how.prefill
    )


def build_users(
    settings: Configuration, catalog: Catalog, dataset: Dataset | None, attributes: Iterable[str]
) -> list[User]:
    """Draw users of the data set, or make some up, with a candidate pool where one is needed.

    Raises:
        WrongUse: Fewer than two users of the data set have every attribute and enough history.
    """
    section = settings.users
    if dataset is None:
        users = synthetic_users(
            catalog, section.n, _made_up(settings, attributes), settings.seed, history=section.history
        )
    else:
        names = list(attributes)
        users = leave_last_out(dataset, section.held_out)
        users = [user for user in users if all(name in user.profile for name in names)]
        if len(users) < 2:
            raise WrongUse(
                f"{len(users)} user(s) of {section.path} have {' and '.join(names)}.",
                expected="at least 2 users with every attribute.",
                do="name other attributes or another data set.",
            )
        chosen = generator(settings.seed, "users").permutation(len(users))[: section.n]
        users = [users[i] for i in sorted(chosen)]
    if settings.recommender.kind != "likelihood":
        return users
    return [_with_pool(settings, catalog, user) for user in users]
