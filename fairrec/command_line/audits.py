"""Settings to the audit that they describe: whom and what it asks, in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairrec.audits import (
    AttributeLeakageAudit,
    CounterfactualAudit,
    GroupUtilityAudit,
    ImplicitCueAudit,
    ScoringAudit,
    SensitivityAudit,
    StereotypeAudit,
)
from fairrec.catalogs import Catalog
from fairrec.catalogs.pools import candidate_pool
from fairrec.catalogs.topics import frequent_values
from fairrec.command_line.building import build_users
from fairrec.command_line.configuration import Configuration, TemplateSection
from fairrec.command_line.item_audits import ABOUT_ITEMS, build_item_audit
from fairrec.datasets import Dataset
from fairrec.errors import WrongUse
from fairrec.prompts import (
    Attribute,
    AttributeValue,
    CueSet,
    Template,
    Words,
    attribute,
    attribute_names,
    cue_kinds,
    cues,
    custom_attribute,
    read_words,
    template,
    template_names,
)
from fairrec.protocols import Audit
from fairrec.recommenders.kinds import KINDS
from fairrec.seeds import generator

ABOUT_TOPICS = ("sensitivity", "stereotype")
"""Audits that ask about topics; the others ask on behalf of users."""


def build_audit(settings: Configuration, catalog: Catalog, dataset: Dataset | None) -> Audit:
    """Return the audit that the settings describe.

    Raises:
        WrongUse: k exceeds the catalogue, or topics, users, attributes or words cannot be had.
    """
    if settings.k > len(catalog):
        raise WrongUse(
            f"k is {settings.k}, but the catalogue has {len(catalog)} items.",
            expected="k of at most the number of items.",
            do="ask for fewer items.",
        )
    words = None if settings.words is None else read_words(settings.words)
    shared = {
        "k": settings.k,
        "titles": dict(zip(catalog.ids, catalog.titles, strict=True)),
        "seed": settings.seed,
    }
    if settings.audit in ABOUT_ITEMS:
        return _about_items(settings, catalog, dataset, words, shared)
    if settings.audit in ABOUT_TOPICS:
        return _about_topics(settings, catalog, words, shared)
    return _about_users(settings, catalog, dataset, words, shared)


def _topics(settings: Configuration, catalog: Catalog) -> tuple[str, ...]:
    chosen = settings.topics
    if chosen.names:
        return tuple(chosen.names)
    if chosen.column == "title":
        drawn = generator(settings.seed, "topics").permutation(len(catalog))[: chosen.n]
        return tuple(dict.fromkeys(catalog.titles[row] for row in sorted(drawn)))
    return frequent_values(catalog, chosen.column, minimum_items=chosen.minimum_items, n=chosen.n)


def _about_topics(
    settings: Configuration, catalog: Catalog, words: Words | None, shared: Mapping[str, Any]
) -> Audit:
    topics = _topics(settings, catalog)
    asked = {
        "topics": topics,
        "attributes": _attributes(settings, words),
        "template": _template(settings, words, ""),
        "candidates": _candidates(settings, catalog, topics),
        "draws": settings.draws,
        **shared,
    }
    if settings.audit == "stereotype":
        groups = dict(zip(catalog.ids, catalog.column(settings.column), strict=True))
        return StereotypeAudit(**asked, groups=groups, column=settings.column)
    return SensitivityAudit(
        **asked,
        dialect=settings.dialect,
        placebos=_placebos(settings, words),
        repeats=settings.repeats,
        cutoffs=settings.cutoffs,
    )


def _about_items(
    settings: Configuration,
    catalog: Catalog,
    dataset: Dataset | None,
    words: Words | None,
    shared: Mapping[str, Any],
) -> Audit:
    """Return an audit of users where a data set is named, and of topics otherwise."""
    common = {
        "k": settings.k,
        "seed": settings.seed,
        "draws": settings.draws,
        "repeats": settings.repeats,
    }
    if settings.audit == "position_bias":
        users = build_users(settings, catalog, dataset, (), pool=max(settings.items.positions) + 1)
        said = _template(settings, words, "_candidates")
        asked = {"users": users, "template": said}
    elif dataset is not None:
        users = build_users(settings, catalog, dataset, ())
        asked = {"users": users, "template": _template(settings, words, "_user")}
    else:
        topics = _topics(settings, catalog)
        asked = {
            "topics": topics,
            "template": _template(settings, words, ""),
            "candidates": _candidates(settings, catalog, topics),
        }
    return build_item_audit(settings, catalog, dataset, {**common, **asked})


def _about_users(
    settings: Configuration,
    catalog: Catalog,
    dataset: Dataset | None,
    words: Words | None,
    shared: Mapping[str, Any],
) -> Audit:
    attributes = _attributes_of_users(settings, words, dataset)
    users = build_users(settings, catalog, dataset, attributes)
    names = [attribute.name for attribute in attributes]
    said = _template(settings, words, "_user")
    common: dict[str, Any] = {"users": users, **shared}
    draws: dict[str, Any] = {"draws": settings.draws}
    match settings.audit:
        case "counterfactual":
            return CounterfactualAudit(
                **common,
                **draws,
                attributes=attributes,
                templates=[said],
                intersections=settings.users.intersections,
                placebos=_placebos(settings, words),
                repeats=settings.repeats,
                dialect=settings.dialect,
            )
        case "implicit_cue":
            return ImplicitCueAudit(
                **common,
                **draws,
                attributes=attributes,
                cues=_cues(settings, words, attributes),
                template=said,
                dialect=settings.dialect,
            )
        case "group_utility":
            return GroupUtilityAudit(
                **common,
                **draws,
                attributes=names,
                template=said,
                intersections=settings.users.intersections,
                catalog_size=len(catalog),
            )
        case "leakage":
            return AttributeLeakageAudit(**common, attributes=names, template=said)
        case _:
            if settings.threshold is None:
                raise WrongUse(
                    "the scoring audit has no threshold.",
                    expected="the score from which on an item counts as selected.",
                    do="set `threshold`.",
                )
            del common["k"]
            return ScoringAudit(
                **common,
                **draws,
                attributes=attributes,
                template=said,
                threshold=settings.threshold,
                k=settings.k,
                combinations=settings.users.intersections,
            )


def _template(settings: Configuration, words: Words | None, ending: str) -> Template:
    """Return the settings' own words, or those of a name; user audits take its user form."""
    chosen = settings.template
    if isinstance(chosen, TemplateSection):
        return Template(chosen.user, chosen.system)
    own = {} if words is None else words.templates
    if chosen in own:
        return own[chosen]
    known = template_names(settings.language)
    name = f"{chosen}{ending}" if f"{chosen}{ending}" in known else chosen
    return template(name, language=settings.language)


def _attributes(settings: Configuration, words: Words | None) -> list[Attribute]:
    named = settings.attributes
    if isinstance(named, dict):
        return [custom_attribute(name, phrases) for name, phrases in named.items()]
    names = attribute_names() if named == ["all"] else [name.strip() for name in named]
    return [_attribute(name, settings, words) for name in names]


def _attribute(name: str, settings: Configuration, words: Words | None) -> Attribute:
    if words is not None and name in words.attributes:
        return words.attributes[name]
    return attribute(name, wording=settings.wording, language=settings.language)


def _attributes_of_users(
    settings: Configuration, words: Words | None, dataset: Dataset | None
) -> list[Attribute]:
    """Return the attributes with the values that users of the data set have.

    An embedded attribute keeps its words for the values that it knows; where it knows fewer
    than two, or has no such name, plain sentences are made: "My occupation is lawyer."
    """
    if dataset is None or isinstance(settings.attributes, dict):
        return _attributes(settings, words)
    found = []
    for name in (name.strip() for name in settings.attributes):
        values = sorted({p[name] for p in dataset.profiles.values() if name in p})
        try:
            known = {value.value: value for value in _attribute(name, settings, words).values}
        except WrongUse:
            known = {}
        if len(shared := [known[value] for value in values if value in known]) >= 2:
            found.append(Attribute(name, tuple(shared)))
        else:
            found.append(
                Attribute(
                    name,
                    tuple(AttributeValue(v, f"a {v}", f"My {name} is {v}.") for v in values),
                )
            )
    return found


def _placebos(settings: Configuration, words: Words | None) -> list[Attribute]:
    own = {} if words is None else words.placebos
    return [
        own[name] if name in own else attribute(name, language=settings.language)
        for name in settings.placebos
    ]


def _cues(
    settings: Configuration, words: Words | None, attributes: list[Attribute]
) -> list[CueSet]:
    """Return the kinds of cue that are named, or all about the attributes."""
    own = {} if words is None else dict(words.cues)
    if settings.cues:
        return [own[kind] if kind in own else cues(kind) for kind in settings.cues]
    values = {a.name: {value.value for value in a.values} for a in attributes}
    every = {**{kind: cues(kind) for kind in cue_kinds()}, **own}
    return [
        kind
        for kind in every.values()
        if len(set(kind.values) & values.get(kind.attribute, set())) >= 2
    ]


def _candidates(
    settings: Configuration, catalog: Catalog, topics: tuple[str, ...]
) -> dict[str, tuple[str, ...]] | None:
    """Return each topic's pool: its own items and a seeded sample of the rest."""
    if not KINDS[settings.recommender.kind].pool:
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
