"""Settings to the objects they describe: recommender, catalogue and audit."""

from __future__ import annotations

from rich.console import Console

from fairrec.audits import SensitivityAudit
from fairrec.catalogs import Catalog, films, read_catalog
from fairrec.catalogs.pools import candidate_pool
from fairrec.catalogs.topics import frequent_values
from fairrec.command_line.configuration import Configuration, TemplateSection
from fairrec.errors import WrongUse
from fairrec.language_models import load_language_model
from fairrec.prompts import (
    TEMPLATES,
    Attribute,
    Template,
    attribute,
    attribute_names,
    custom_attribute,
)
from fairrec.protocols import GenerationParameters, Recommender
from fairrec.recommenders import CatalogueLikelihood, OpenGeneration


def build_recommender(settings: Configuration, console: Console) -> tuple[Recommender, Catalog]:
    """Load the catalogue and the model and make the model recommend as the settings say."""
    section = settings.catalog
    catalog = films() if section.path is None else read_catalog(section.path, section.columns)
    model = load_language_model(
        settings.model, say=lambda line: console.print(line, markup=False, highlight=False)
    )
    how = settings.recommender
    if how.kind == "likelihood":
        return CatalogueLikelihood(model, catalog, variant=how.variant), catalog
    parameters = GenerationParameters(
        max_new_tokens=how.max_new_tokens, temperature=how.temperature, seed=settings.seed
    )
    return (
        OpenGeneration(
            model, catalog, parameters=parameters, one_shot=how.one_shot, prefill=how.prefill
        ),
        catalog,
    )


def build_audit(settings: Configuration, catalog: Catalog) -> SensitivityAudit:
    """Choose topics, candidate pools and words as the settings say.

    Raises:
        WrongUse: k exceeds the catalogue, or topics or attributes cannot be had.
    """
    if settings.k > len(catalog):
        raise WrongUse(
            f"k is {settings.k}, but the catalogue has {len(catalog)} items.",
            expected="k of at most the number of items.",
            do="ask for fewer items.",
        )
    chosen = settings.topics
    topics = chosen.names or frequent_values(
        catalog, chosen.column, minimum_items=chosen.minimum_items, n=chosen.n
    )
    template = settings.template
    return SensitivityAudit(
        topics=topics,
        attributes=_attributes(settings),
        template=Template(template.user, template.system)
        if isinstance(template, TemplateSection)
        else TEMPLATES[template],
        k=settings.k,
        candidates=_candidates(settings, catalog, topics),
        titles=dict(zip(catalog.ids, catalog.titles, strict=True)),
        dialect=settings.dialect,
        draws=settings.draws,
        seed=settings.seed,
    )


def _attributes(settings: Configuration) -> list[Attribute]:
    named = settings.attributes
    if isinstance(named, dict):
        return [custom_attribute(name, phrases) for name, phrases in named.items()]
    names = attribute_names() if named == ["all"] else [name.strip() for name in named]
    return [attribute(name, wording=settings.wording) for name in names]


def _candidates(
    settings: Configuration, catalog: Catalog, topics: list[str] | tuple[str, ...]
) -> dict[str, tuple[str, ...]] | None:
    """Return each topic's pool: its own items and a seeded sample of the rest."""
    if settings.recommender.kind != "likelihood":
        return None
    pool, column = settings.recommender.pool, settings.topics.column
    if pool.size is None:
        return dict.fromkeys(topics, catalog.ids)
    values = catalog.column(column) if column in catalog.columns else None
    return {
        topic: candidate_pool(
            catalog,
            pool.size,
            include=()
            if values is None
            else tuple(
                item for item, value in zip(catalog.ids, values, strict=True) if value == topic
            ),
            stratify_by=pool.stratify_by,
            seed=settings.seed,
            purpose=topic,
        )
        for topic in topics
    }
