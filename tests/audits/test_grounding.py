"""The grounding audit counts what is wrong with titles, for whom, and of which items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from fairrec.audits.grounding import GroundingAudit
from fairrec.audits.grounding_pieces import KINDS, rank_bands, read_pieces
from fairrec.audits.position_bias import PositionBiasAudit
from fairrec.catalogs import Catalog, films
from fairrec.errors import BadData, WrongUse
from fairrec.language_models import load_language_model
from fairrec.prompts import Template, template
from fairrec.protocols import GenerationParameters
from fairrec.recommenders import OpenGeneration, as_recommender
from fairrec.results import AuditResult
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Answer, Arm, Match, MatchKind, Outcome, Probe, Ranking, Request
from fairrec.users import User

TITLES = ("Amber Road", "Blue Harbour", "Cold Lantern", "Dust", "Ember Coast", "Twins", "Twins")
CATALOG = Catalog(
    tuple("abcdefg"),
    TITLES,
    {"genre": np.array(["Drama", "Drama", "Comedy", None, "Comedy", "Drama", "Comedy"])},
)
WORDS = Template("{statement} Liked: {history}. Rank {k} of: {candidates}")
EXACT, FUZZY, AMBIGUOUS, ABSENT = (
    MatchKind.EXACT,
    MatchKind.FUZZY,
    MatchKind.AMBIGUOUS,
    MatchKind.ABSENT,
)


def ranked(*matches: Match) -> Ranking:
    items = dict.fromkeys(m.item_id or f"?{m.text.casefold()}" for m in matches)
    return Ranking(tuple(items), matches=matches)


def exact(item: str) -> Match:
    return Match(CATALOG.title(item), EXACT, item)


def one_of(user: str, ranking: Ranking, **request: object) -> tuple[Probe, Ranking]:
    asked = Request(k=5, slots={"user": user}, **request)  # type: ignore[arg-type]
    return Probe(asked, Arm.NEUTRAL, user), ranking


def shares(*asked: tuple[Probe, Ranking]) -> dict[str, list[float]]:
    rankings = {probe.id: ranking for probe, ranking in asked}
    owners = list(dict.fromkeys(probe.cluster for probe, _ in asked))
    table = read_pieces([probe for probe, _ in asked], rankings, owners, CATALOG).shares()
    return {kind: table[:, column].tolist() for column, kind in enumerate(KINDS)}


def test_every_kind_is_counted_once_where_it_stands() -> None:
    ranking = ranked(
        exact("a"),
        Match("The Argo Tapes", ABSENT),
        Match("Twins", AMBIGUOUS),
        exact("a"),
        Match("Cold Lanten", FUZZY, "c", 0.95),
        exact("d"),
        Match("the argo tapes", ABSENT),
        exact("e"),
    )
    found = shares(one_of("u", ranking, history=("d",), candidates=("a", "c", "d")))
    assert {kind: round(8 * value[0]) for kind, value in found.items()} == {
        "hallucinated": 2,
        "ambiguous": 1,
        "fuzzy": 1,
        "duplicated": 2,
        "out_of_candidates": 1,
        "consumed": 1,
        "grounded": 3,
    }


def test_what_cannot_occur_is_missing_and_not_nought() -> None:
    found = shares(
        one_of("free", ranked(exact("a"))),
        one_of("silent", Ranking(outcome=Outcome.REFUSED), history=("d",)),
    )
    assert found["hallucinated"][0] == 0 and found["grounded"][0] == 1
    for kind in ("out_of_candidates", "consumed"):
        assert np.isnan(found[kind][0])
    assert all(np.isnan(values[1]) for values in found.values())


def test_answers_in_ids_and_items_of_another_catalogue() -> None:
    found = shares(
        one_of("ids", Ranking(("a", "?made up", "z"))),
        one_of("matched", ranked(Match("Zebra", EXACT, "z"), exact("b"))),
    )
    assert found["hallucinated"] == pytest.approx([2 / 3, 1 / 2])
    assert found["duplicated"] == [0, 0]


def test_titles_without_items_have_the_group_that_their_words_name() -> None:
    ranking = ranked(Match("Twins", AMBIGUOUS), Match("Unheard", ABSENT), exact("a"), exact("a"))
    probe, answer = one_of("u", ranking)
    pieces = read_pieces([probe], {probe.id: answer}, ["u"], CATALOG)
    assert pieces.items.toarray().tolist() == [
        [0, 0, 0, 0, 0, 0.5, 0.5],
        [0] * 7,
        [1, 0, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0],
    ]
    once = pieces.distinct()
    assert once.rank.tolist() == [1, 2, 3]
    assert once.flags[:, KINDS.index("duplicated")].tolist() == [0, 0, 1]


def test_bands_of_ranks_cover_every_rank_once() -> None:
    for k in range(1, 120):
        bands = rank_bands(k)
        assert [r for _, a, b in bands for r in range(a, b + 1)] == list(range(1, k + 1))
        assert len({name for name, *_ in bands}) == len(bands)


BIG = Catalog(
    tuple(f"m{i}" for i in range(120)),
    tuple(f"{('Amber', 'Blue', 'Cold', 'Dust')[i % 4]} Story {i}" for i in range(120)),
    {"genre": np.array([("Drama", "Comedy", "Horror")[i % 3] for i in range(120)], dtype=object)},
)


def people(n: int = 60) -> list[User]:
    found = []
    for number in range(n):
        drawn = generator(0, str(number)).permutation(BIG.ids).tolist()
        found.append(
            User(
                f"u{number}",
                {"gender": ("female", "male")[number % 2]},
                history=tuple(drawn[:5]),
                candidates=tuple(drawn[5:65]),
            )
        )
    return found


def writer(  # type: ignore[no-untyped-def]
    invents: Callable[[Request, int], float], repeats: Callable[[str], float] = lambda item: 0.0
):
    """Writes candidates' titles, some of them invented, some named again at the end."""

    def write(request: Request) -> str:
        rng = generator(1, request.slots["user"], str(request.replicate))
        lines: list[str] = []
        shown = rng.permutation(request.candidates or ()).tolist()
        again = []
        for rank in range(1, request.k + 1):
            if rng.random() < invents(request, rank):
                lines.append(f"Quixotic {rng.integers(10**9)} Nowhere")
                continue
            item = shown.pop()
            lines.append(BIG.title(item))
            if rng.random() < repeats(item):
                again.append(BIG.title(item))
        return "\n".join(f"{i}. {line}" for i, line in enumerate([*again, *lines], 1))

    return as_recommender(write, name="writer", catalog=BIG)


def audit(users: Sequence[User], **changes: object) -> GroundingAudit:
    settings = {
        "catalog": BIG,
        "template": WORDS,
        "users": users,
        "k": 10,
        "column": "genre",
        "attributes": ["gender"],
        "draws": 499,
    }
    return GroundingAudit(**{**settings, **changes})  # type: ignore[arg-type]


def value(result: AuditResult, name: str) -> float:
    found = result.finding(f"grounding.{name}").estimate.value
    assert found is not None
    return found


def test_inventions_for_some_users_are_found_and_named() -> None:
    users = people()
    more = {user.id: 0.3 if user.profile["gender"] == "male" else 0.1 for user in users}
    result = run_audit(audit(users), writer(lambda r, rank: more[r.slots["user"]]))
    female, male = (value(result, f"gender.{g}.hallucinated.share") for g in ("female", "male"))
    assert female == pytest.approx(0.1, abs=0.06) and male == pytest.approx(0.3, abs=0.08)
    difference = result.finding("grounding.gender.hallucinated.difference")
    assert difference.estimate.value == pytest.approx(male - female)
    assert difference.p_adjusted is not None and difference.p_adjusted <= 0.05
    assert difference.noise_floor is not None and 0 < difference.noise_floor < 0.1
    assert value(result, "titles.hallucinated.share") == pytest.approx((male + female) / 2)
    assert value(result, "titles.hallucinated.changed_when_asked_again") > 0.03
    assert any("hallucinated most often for gender = male" in w for w in result.warnings)
    assert any("in no group of items" in words for words in result.warnings)
    table = result.tables["by_group"]
    assert table["subject"][0] == "hallucinated by gender"
    assert table["group"][:2] == ("female", "male") and table["share"][:2] == (female, male)
    assert len({len(column) for column in table.values()}) == 1
    for rank in ("1", "2_to_5", "6_to_10"):
        assert 0 <= value(result, f"rank.{rank}.hallucinated.share") <= 1
    rank = result.finding("grounding.rank.hallucinated.range")
    assert rank.p_value is not None and rank.p_value > 0.01
    assert from_json(AuditResult, to_json(result)) == result


def test_inventions_further_down_are_found() -> None:
    result = run_audit(audit(people()), writer(lambda r, rank: 0.05 * (rank - 1)))
    first, last = (value(result, f"rank.{r}.hallucinated.share") for r in ("1", "6_to_10"))
    assert first == 0 and last > 0.25
    found = result.finding("grounding.rank.hallucinated.range")
    assert found.p_adjusted is not None and found.p_adjusted <= 0.02
    gender = result.finding("grounding.gender.hallucinated.difference")
    assert gender.p_value is not None and gender.p_value > 0.01


def test_repeats_of_one_group_of_items_are_found() -> None:
    genre = dict(zip(BIG.ids, BIG.column("genre").tolist(), strict=True))
    result = run_audit(
        audit(people(), k=14),
        writer(lambda r, rank: 0.1, lambda item: 0.4 if genre[item] == "Horror" else 0.1),
    )
    horror = value(result, "genre.Horror.duplicated.share")
    drama = value(result, "genre.Drama.duplicated.share")
    assert horror > drama + 0.1
    found = result.finding("grounding.genre.duplicated.range")
    assert found.p_adjusted is not None and found.p_adjusted <= 0.02
    with pytest.raises(KeyError):
        result.finding("grounding.genre.Horror.hallucinated.share")
    assert value(result, "genre.Horror.out_of_candidates.share") == 0


def test_a_recommender_without_a_fault() -> None:
    result = run_audit(audit(people()), writer(lambda r, rank: 0.0))
    assert value(result, "titles.grounded.share") == 1
    for kind in ("hallucinated", "ambiguous", "duplicated", "out_of_candidates", "consumed"):
        estimate = result.finding(f"grounding.titles.{kind}.share").estimate
        assert estimate.value == 0 and 0 < (estimate.high or 0) < 0.1
    assert all(finding.p_value is None for finding in result.findings)
    assert result.warnings == ()


def test_shares_by_group_are_sums_over_sums() -> None:
    result = run_audit(audit(people(8), k=6), writer(lambda r, rank: 0.2, lambda item: 0.3))
    one = audit(people(8), k=6)
    probes = [probe for probe in one.plan() if probe.arm is Arm.NEUTRAL]
    recommender = writer(lambda r, rank: 0.2, lambda item: 0.3)
    named, again = dict.fromkeys(("Drama", "Comedy", "Horror"), 0), {}
    genre = dict(zip(BIG.ids, BIG.column("genre").tolist(), strict=True))
    for probe in probes:
        matches = recommender.recommend([probe.request])[0].matches
        items = [match.item_id for match in matches if match.item_id]
        for item in set(items):
            named[genre[item]] += 1
            again[genre[item]] = again.get(genre[item], 0) + (items.count(item) > 1)
    for group, times in named.items():
        share = value(result, f"genre.{group}.duplicated.share")
        assert share == pytest.approx(again[group] / times)


def test_missing_answers_few_users_and_small_groups() -> None:
    users = people(6)
    plain = writer(lambda r, rank: 0.2)

    def some(request: Request) -> Ranking:
        if request.slots["user"] == "u1":
            return Ranking(outcome=Outcome.REFUSED)
        return plain.recommend([request])[0]

    result = run_audit(audit(users), as_recommender(some, name="some"))
    overall = result.finding("grounding.titles.hallucinated.share").estimate
    assert (overall.n, overall.n_missing) == (5, 1)
    difference = result.finding("grounding.gender.hallucinated.difference")
    assert difference.estimate.value is None and difference.p_value is None
    told = " ".join(result.warnings)
    assert "1 of 6 answers are missing" in told
    assert "Groups of 'gender' that fewer than 5 users" in told
    silent = as_recommender(lambda request: None, name="silent")
    nothing = run_audit(audit(users), silent)
    assert [f.id for f in nothing.findings] == [f.id for f in result.findings]
    assert all(f.estimate.value is None and f.estimate.reason for f in nothing.findings)


def test_topics_have_no_candidates_nor_history() -> None:
    one = audit((), topics=("Sea", "Snow", "Fog"), template=Template("{value} {name}"),
                attributes=(), column=None, repeats=0)  # fmt: skip
    result = run_audit(one, as_recommender(lambda r: list(BIG.ids[: r.k]), name="ids", catalog=BIG))
    assert value(result, "titles.grounded.share") == 1
    assert result.finding("grounding.titles.consumed.share").estimate.value is None
    told = " ".join(result.warnings)
    for words in ("No candidates were shown", "No history was shown", "no noise floor"):
        assert words in told


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"column": "colour"}, WrongUse, "'colour'"),
        ({"attributes": ["age"]}, BadData, "'age'"),
        ({"topics": ("a", "b")}, WrongUse, "2 topic"),
        ({"users": (), "topics": ("a", "b")}, WrongUse, "attributes of topics"),
        ({"k": 0}, WrongUse, "k is 0"),
        ({"repeats": -1}, WrongUse, "repeats"),
        ({"minimum_group_size": 1}, WrongUse, "minimum_group_size"),
        ({"level": 2.0}, WrongUse, "level"),
    ],
)
def test_settings_that_cannot_be_used(
    changes: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        audit(**{"users": people(4), **changes})  # type: ignore[arg-type]


def test_false_alarms_are_as_rare_as_promised() -> None:
    """Lists in which an invention tends to be followed by another, whoever asks."""
    alarms: dict[str, int] = {}
    for seed in range(80):

        def write(request: Request, seed: int = seed) -> str:
            rng = generator(seed, request.slots["user"], str(request.replicate))
            rate, lines = rng.beta(1, 5), []
            wrong = rng.random() < rate  # alike at every rank, the first too
            for _ in range(request.k):
                wrong = wrong if rng.random() < 0.6 else rng.random() < rate
                item = (BIG.ids if rng.random() < 0.3 else request.candidates or ())[
                    int(rng.integers(60))
                ]
                lines.append(f"Quixotic {rng.integers(10**9)} Nowhere" if wrong else item)
            return "\n".join(BIG.title(x) if x in BIG else x for x in lines)

        users = people(20)
        one = audit(users, draws=99, seed=seed)
        result = run_audit(one, as_recommender(write, name=str(seed), catalog=BIG))
        for finding in result.findings:
            if finding.p_value is not None:
                alarms[finding.id] = alarms.get(finding.id, 0) + (finding.p_value <= 0.05)
    assert len(alarms) >= 8
    assert max(alarms.values()) <= 11  # 4 expected; 11 is the 99.9th percentile


@pytest.mark.model
def test_the_real_model_reads_lists_of_candidates() -> None:
    """The same answers are judged by what they name and by where it stood among candidates."""
    catalog = films()
    users = []
    for number in range(6):
        drawn = generator(0, str(number)).permutation(catalog.ids)[:11].tolist()
        users.append(
            User(
                f"u{number}",
                {"gender": ("female", "male")[number % 2]},
                history=(drawn[10],),
                held_out=(drawn[0],),
                candidates=tuple(drawn[:10]),
            )
        )
    words = template("movie_candidates")
    order = PositionBiasAudit(users, catalog, words, k=3, positions=(0, 9), shuffles=2, draws=200)
    model = OpenGeneration(
        load_language_model("default"),
        catalog,
        prefill="1. ",
        parameters=GenerationParameters(max_new_tokens=40),
    )
    probes = order.plan()
    rankings = model.recommend([probe.request for probe in probes])
    answers = [Answer(probe.id, r) for probe, r in zip(probes, rankings, strict=True)]
    result = order.judge(probes, answers)
    assert sum(sum(group.outcomes.values()) for group in result.validity) == 6 * 4
    # Greedy answers to the same prompt are the same.
    again = result.finding("position_bias.order.rbo.across_repeats").estimate
    assert again.value is None or again.value == pytest.approx(1.0)
    grounding = GroundingAudit(
        catalog, words, users, k=3, attributes=["gender"], minimum_group_size=2, draws=200
    )
    result = grounding.judge(probes, answers)
    kinds = [value(result, f"titles.{k}.share") for k in ("grounded", "hallucinated", "fuzzy")]
    assert 0 < kinds[0] <= 1 and all(0 <= share <= 1 for share in kinds)
    shown = [replace(f, noise_floor=None) for f in result.findings if f.attribute == "gender"]
    assert len(shown) == 3 * len(KINDS)
