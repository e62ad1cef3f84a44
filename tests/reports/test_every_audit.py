"""Every audit's real results are shown: known terms, a verdict in words, a page."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import fairrec.audits
from fairrec import as_recommender, films, run_audit
from fairrec.metrics.browsing import PARAMETERS, Browsing
from fairrec.prompts import TEMPLATES, Attribute, AttributeValue, Template, attribute, cues
from fairrec.reports import render_html, render_markdown
from fairrec.reports.glossary import METRICS, STATISTICS, statistic_name
from fairrec.reports.layouts import LAYOUTS, first_findings, outstanding_findings, unit_of
from fairrec.reports.wording import headline_findings, sentence
from fairrec.results import AuditResult
from fairrec.seeds import generator
from fairrec.types import Ranking, Request, off_catalogue_id
from fairrec.users import User

FILMS = films()
CATALOG = replace(
    FILMS,
    columns={
        **FILMS.columns,
        "words": np.array(["human" if i % 2 else "llm" for i in range(len(FILMS))], dtype=object),
    },
)
IDS = CATALOG.ids[:120]
GENRES = dict(zip(CATALOG.ids, CATALOG.column("genre"), strict=True))
GENDER = Attribute(
    "gender",
    (
        AttributeValue("female", "a female", "I am a woman."),
        AttributeValue("male", "a male", "I am a man."),
    ),
)
WORDS = Template("{statement} I saw {history}. Recommend {k} films.")
RANKED = Template("{statement} I saw {history}. Rank {k} of: {candidates}")


def dramas_for_women(request: Request) -> Ranking:
    fresh = generator(0, request.instruction, str(request.slots), str(request.replicate))
    pool = list(request.candidates or IDS)
    scores = fresh.normal(size=len(pool))
    if request.profile.get("gender") == "female":
        scores += [2.0 * (GENRES[item] == "Drama") for item in pool]
    best = np.argsort(-scores)[: request.k]
    return Ranking(tuple(pool[i] for i in best), scores=tuple(float(scores[i]) for i in best))


def inventive(request: Request) -> Ranking:
    """Answer as above, but for women make up every third title."""
    items = dramas_for_women(request).items
    women = request.history[0] == IDS[0]
    made_up = [off_catalogue_id(f"A film {place} that nobody made") for place in range(len(items))]
    return Ranking(
        tuple(made_up[i] if women and i % 3 == 2 else item for i, item in enumerate(items))
    )


@cache
def results() -> dict[str, AuditResult]:
    users = [
        User(
            f"u{i}",
            {"gender": ("female", "male")[i % 2]},
            history=IDS[i % 2 : 3],
            held_out=(IDS[10 + i],),
            candidates=IDS[5:65],
        )
        for i in range(40)
    ]
    ranked = [
        User(u.id, u.profile, u.history, held_out=u.held_out, candidates=(*u.held_out, *IDS[60:79]))
        for u in users
    ]
    topics = [f"topic {i}" for i in range(20)]
    few = {"k": 8, "draws": 200}
    audits = [
        fairrec.audits.SensitivityAudit(topics, [attribute("gender")], TEMPLATES["movie"], **few),
        fairrec.audits.CounterfactualAudit(users, [GENDER], [WORDS] * 3, **few),
        fairrec.audits.ImplicitCueAudit(users, [GENDER], [cues("pronouns")], WORDS, **few),
        fairrec.audits.GroupUtilityAudit(users, ["gender"], WORDS, catalog_size=120, **few),
        fairrec.audits.AttributeLeakageAudit(
            users, ["gender"], WORDS, k=8, permutations=39, boosting_permutations=19
        ),
        fairrec.audits.StereotypeAudit(
            topics, [GENDER], TEMPLATES["movie"], GENRES, column="genre", k=8, draws=4000
        ),
        fairrec.audits.ScoringAudit(users, [GENDER], WORDS, threshold=0.5, draws=200),
        fairrec.audits.PositionBiasAudit(ranked, CATALOG, RANKED, draws=200),
        fairrec.audits.GroundingAudit(
            CATALOG, WORDS, users, column="genre", attributes=["gender"], **few
        ),
        fairrec.audits.ExposureAudit(
            CATALOG,
            WORDS,
            users,
            column="genre",
            merit=("catalogue", "equal", "interactions", "relevance"),
            browsing=(Browsing("log2"), Browsing("cascade")),
            interactions=dict.fromkeys(CATALOG.ids, 1.0),
            **few,
        ),
        fairrec.audits.PopularityAudit(
            CATALOG,
            WORDS,
            {item: float(place % 50) for place, item in enumerate(CATALOG.ids)},
            users,
            column="genre",
            quality={item: float(place % 7) for place, item in enumerate(CATALOG.ids)},
            attributes=["gender"],
            **few,
        ),
        fairrec.audits.ProviderAudit(
            CATALOG,
            WORDS,
            "genre",
            users,
            source_column="words",
            interactions=dict.fromkeys(CATALOG.ids, 1),
            **few,
        ),
    ]
    dramas = as_recommender(dramas_for_women, name="dramas for women")
    inventions = as_recommender(inventive, name="inventive")
    return {
        audit.name: run_audit(audit, inventions if audit.name == "grounding" else dramas)
        for audit in audits
    }


def test_every_audit_has_a_layout_and_the_other_way_round() -> None:
    names = {getattr(fairrec.audits, name).name for name in fairrec.audits.__all__}
    assert names == set(LAYOUTS) == set(results())


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_a_layout_names_is_there(name: str) -> None:
    result, layout = results()[name], LAYOUTS[name]
    there = {finding.statistic for finding in result.findings}
    named = {*layout.first, layout.by_value, layout.floor, layout.outstanding} - {""}
    named |= set(layout.overview)
    named -= {"share_less_given"}  # stands in place of the others where shares are given
    assert named <= there
    first = set(layout.first) - {"share_less_given"}
    assert {f.statistic for f in first_findings(result)} == first


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_number_has_a_name_for_readers(name: str) -> None:
    for finding in results()[name].findings:
        assert finding.statistic in STATISTICS or f"{name}:{finding.statistic}" in STATISTICS, (
            finding.id
        )
        if name != "stereotype":  # its metrics are columns and titles of the user's own
            known = {finding.metric, finding.metric.partition("_at_")[0]}
            assert known & METRICS.keys(), finding.id


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_result_is_shown(name: str) -> None:
    result = results()[name]
    said = sentence(result)
    assert said.label in ("Signal", "No signal")
    page, text = render_html(result), render_markdown(result)
    for finding in headline_findings(result):
        assert statistic_name(finding.statistic, name) in page
    assert said.label in page and said.label in text
    assert (
        f"rest on {len({o.cluster for o in result.observations})} {unit_of(result.findings)}"
        in page
    )


def test_planted_effects_are_signals_and_the_genre_is_named() -> None:
    for name in ("counterfactual", "stereotype", "scoring"):
        assert sentence(results()[name]).label == "Signal", name
    clearest = outstanding_findings(results()["stereotype"])[0]
    assert (clearest.value, clearest.metric) == ("female", "genre:Drama")


def test_what_is_shown_to_be_equivalent_has_an_interval_near_the_margin() -> None:
    shown = [
        finding
        for result in results().values()
        for finding in result.findings
        if finding.p_equivalent is not None and finding.p_equivalent < 0.025
    ]
    assert shown
    for finding in shown:
        low, high, margin = finding.estimate.low, finding.estimate.high, finding.margin
        assert low is not None and high is not None and margin is not None
        assert -1.2 * margin < low <= high < 1.2 * margin, finding.id


@pytest.mark.parametrize("kind", PARAMETERS)
def test_exposure_under_every_browsing_model_has_a_name(kind: str) -> None:
    assert f"exposure_{kind}" in METRICS
