from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest

from fairrec.catalogs import TitleMatcher, films
from fairrec.language_models import ScriptedModel, demo_model
from fairrec.protocols import (
    Generation,
    GenerationParameters,
    LanguageModel,
    Prompt,
    ReadsText,
    Recommender,
)
from fairrec.recommenders import OpenGeneration
from fairrec.types import MatchKind, Outcome, Request, Usage, content_hash

JAWS = "Jaws"


def script(answer: Callable[[Prompt, int], str], name: str = "test") -> ScriptedModel:
    return ScriptedModel(answer, lambda prompt, text: -1.0, {"name": name})


def says(text: str) -> ScriptedModel:
    return script(lambda prompt, seed: text)


class Ends:
    """A model that ends every answer in a stated way."""

    description = {"name": "ends"}  # noqa: RUF012

    def __init__(self, text: str, finish: str) -> None:
        self.text, self.finish = text, finish

    def generate(self, prompts, parameters, seeds=None):  # type: ignore[no-untyped-def]
        return [Generation(self.text, self.finish, 7, 3) for _ in prompts]


def ask(model: LanguageModel, k: int = 5, **options):  # type: ignore[no-untyped-def]
    recommender = OpenGeneration(model, films(), **options)
    return recommender.recommend([Request(k=k, instruction="Recommend films.")])[0]


def titles(ranking) -> list[str]:  # type: ignore[no-untyped-def]
    return [films().title(item) if item in films() else item for item in ranking.items]


def test_is_a_recommender_that_reads_text() -> None:
    recommender = OpenGeneration(demo_model(), films())
    assert isinstance(recommender, Recommender)
    assert isinstance(recommender, ReadsText)


def test_titles_become_items_in_order() -> None:
    ranking = ask(says("Sure:\n1. Jaws\n2. The Argo Tapes (2031)\n3. King Kong\n4. matrix, the"))
    assert ranking.outcome is Outcome.ANSWERED
    assert titles(ranking) == [JAWS, "?argo tapes", "?king kong", "The Matrix"]
    assert [match.kind for match in ranking.matches] == [
        MatchKind.EXACT,
        MatchKind.ABSENT,
        MatchKind.AMBIGUOUS,
        MatchKind.NORMALISED,
    ]
    assert ranking.text.startswith("Sure:")
    assert ranking.usage == Usage(2, 14)


def test_repeats_keep_their_first_place_and_stay_among_the_matches() -> None:
    ranking = ask(says("1. Jaws\n2. Argo\n3. Jaws (1975)\n4. the argo\n5. Alien\n6. Up"), k=3)
    assert titles(ranking) == [JAWS, "?argo", "Alien"]
    assert [match.text for match in ranking.matches] == [
        "Jaws",
        "Argo",
        "Jaws (1975)",
        "the argo",
        "Alien",
    ]


def test_the_list_ends_at_k() -> None:
    assert titles(ask(says("1. Jaws\n2. Alien\n3. Up"), k=2)) == [JAWS, "Alien"]


def test_a_description_does_not_make_another_unknown_film() -> None:
    plain = ask(says("1. Argo\n2. Drive"))
    described = ask(says("1. Argo - how six people were brought home\n2. Drive"))
    assert plain.items == described.items == ("?argo", "?drive")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", Outcome.EMPTY),
        ("I'm sorry, but I cannot help you.", Outcome.REFUSED),
        ("Films are fun.", Outcome.UNPARSABLE),
        ("x" * 10_000_000, Outcome.UNPARSABLE),
    ],
)
def test_answers_without_titles_are_outcomes(text: str, outcome: Outcome) -> None:
    ranking = ask(says(text))
    assert (ranking.items, ranking.matches, ranking.outcome) == ((), (), outcome)
    assert ranking.detail
    assert len(ranking.text) <= 100_000


def test_invalid_unicode_is_kept_as_valid_text() -> None:
    ranking = ask(says("1. Jaws\ud800\n2. Alien"))
    ranking.text.encode("utf-8")
    assert titles(ranking)[1] == "Alien"


@pytest.mark.parametrize(
    ("text", "found", "outcome"),
    [
        ("1. Jaws\n2. Alien\n3. Al", [JAWS, "Alien"], Outcome.ANSWERED),
        ("1. Jaws\n2. Alien", [JAWS], Outcome.ANSWERED),
        ("1. Jaws\n2. Alien\n", [JAWS, "Alien"], Outcome.ANSWERED),
        ("1. Jaws\n2. Alien\n3.", [JAWS, "Alien"], Outcome.ANSWERED),
        ("1. Jaws\n2. **Alien** (1979) - a sh", [JAWS, "Alien"], Outcome.ANSWERED),
        ('["Jaws", "Alien", "U', [JAWS, "Alien"], Outcome.ANSWERED),
        ("1. Ja", [], Outcome.TRUNCATED),
        ("Here are some", [], Outcome.TRUNCATED),
        ("<think>Let me think of", [], Outcome.TRUNCATED),
        ("I am sorry, but I cannot help you with th", [], Outcome.REFUSED),
    ],
)
def test_an_answer_cut_at_the_limit_keeps_whole_titles(
    text: str, found: list[str], outcome: Outcome
) -> None:
    ranking = ask(Ends(text, "length"))
    assert (titles(ranking), ranking.outcome) == (found, outcome)
    assert "cut at the token limit" in ranking.detail
    assert ranking.usage == Usage(7, 3)


def test_a_filtered_answer_is_filtered() -> None:
    ranking = ask(Ends("1. Jaws\n2. Alien", "filter"))
    assert (ranking.items, ranking.outcome) == ((), Outcome.FILTERED)
    assert ranking.text == "1. Jaws\n2. Alien"


def test_the_prefill_is_part_of_the_list() -> None:
    seen: list[Prompt] = []

    def answer(prompt: Prompt, seed: int) -> str:
        seen.append(prompt)
        return "Jaws\n2. Alien"

    assert titles(ask(script(answer), prefill="1. ")) == [JAWS, "Alien"]
    assert seen == [Prompt("Recommend films.", None, "1. ")]
    assert ask(says(""), prefill="1. ").outcome is Outcome.EMPTY


def test_one_shot_shows_the_same_catalogue_titles_to_everybody() -> None:
    seen: list[str] = []

    def answer(prompt: Prompt, seed: int) -> str:
        seen.append(prompt.user)
        return "1. Jaws"

    recommender = OpenGeneration(script(answer), films(), one_shot=True)
    recommender.recommend(
        [Request(k=2, instruction=text) for text in ("For a girl.", "For a boy.")]
    )
    girl, boy = seen
    example = girl.removeprefix("For a girl.")
    assert boy == "For a boy." + example
    lines = example.strip().split("\n")
    assert [line[:3] for line in lines[1:]] == ["1. ", "2. ", "3. "]
    assert all(line[3:] in films().titles for line in lines[1:])
    assert recommender.description["example"] == example


def echo_seed(prompt: Prompt, seed: int) -> str:
    return f"1. Film {seed % 1_000_003}\n2. Jaws"


SAMPLED = GenerationParameters(temperature=1.0, seed=5)


def test_sampling_depends_on_text_and_replicate_alone() -> None:
    requests = [
        Request(k=2, instruction=text, replicate=replicate)
        for text in ("a", "b")
        for replicate in (0, 1)
    ]
    recommender = OpenGeneration(script(echo_seed), films(), parameters=SAMPLED)
    together = recommender.recommend(requests)
    alone = [recommender.recommend([request])[0] for request in requests]
    assert together == alone
    assert recommender.recommend(requests[::-1]) == together[::-1]
    assert len({ranking.items for ranking in together}) == 4
    profiled = dataclasses.replace(requests[0], profile={"gender": "female"})
    assert recommender.recommend([profiled]) == [together[0]]
    other = dataclasses.replace(SAMPLED, seed=6)
    reseeded = OpenGeneration(script(echo_seed), films(), parameters=other)
    assert reseeded.recommend(requests) != together


def test_greedy_answers_need_no_seed() -> None:
    seeds: list[object] = []

    class Model(Ends):
        def generate(self, prompts, parameters, seeds_=None):  # type: ignore[no-untyped-def]
            seeds.append(seeds_)
            return super().generate(prompts, parameters)

    ask(Model("1. Jaws", "stop"))
    assert seeds == [None]


def test_nothing_asked_is_nothing_answered() -> None:
    assert OpenGeneration(demo_model(), films()).recommend([]) == []


def test_request_text_is_all_that_reaches_the_model() -> None:
    recommender = OpenGeneration(demo_model(), films(), prefill="1. ")
    request = Request(k=3, instruction="Films é", system="You recommend.")
    assert json.loads(recommender.request_text(request)) == ["You recommend.", "Films é", "1. "]
    same = dataclasses.replace(request, profile={"gender": "x"}, slots={"name": "y"})
    assert recommender.request_text(same) == recommender.request_text(request)
    for changed in ({"instruction": "b"}, {"system": None}):
        other = dataclasses.replace(request, **changed)
        assert recommender.request_text(other) != recommender.request_text(request)


def test_the_description_changes_with_whatever_changes_an_answer() -> None:
    def description(model: LanguageModel | None = None, **options) -> str:  # type: ignore[no-untyped-def]
        catalog = options.pop("catalog", films())
        return content_hash(
            dict(OpenGeneration(model or demo_model(), catalog, **options).description)
        )

    greedy = GenerationParameters()
    variants = [
        description(),
        description(script(echo_seed)),
        description(catalog=films().subset(films().ids[:9])),
        description(matcher=TitleMatcher(films(), 0.8)),
        description(parameters=dataclasses.replace(greedy, max_new_tokens=9)),
        description(parameters=SAMPLED),
        description(parameters=dataclasses.replace(SAMPLED, seed=6)),
        description(parameters=dataclasses.replace(greedy, stop=("\n\n",))),
        description(one_shot=True),
        description(prefill="1. "),
    ]
    assert len(set(variants)) == len(variants)
    assert description() == description(parameters=dataclasses.replace(greedy, seed=9))


def test_the_demo_model_recommends_films() -> None:
    request = Request(k=20, instruction="I am a fan of Spike Lee. Recommend 20 movie titles.")
    ranking = OpenGeneration(demo_model(), films()).recommend([request])[0]
    assert ranking.outcome is Outcome.ANSWERED
    assert len(ranking.items) == 20
    assert sum(item in films() for item in ranking.items) >= 19
