"""Recommenders of several stages: queries, features, conversations, filters and tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from adapter_world import CATALOG, POOL, TITLES, asked, writes
from hypothesis import given
from hypothesis import strategies as st

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.protocols import EmbedsUsers, Generation, GenerationParameters, Prompt
from fairrec.recommenders import (
    CatalogueLikelihood,
    FeatureEncoder,
    FilterThenRerank,
    GeneratedFeatures,
    GeneratedQueries,
    GeneratedRows,
    ListwiseRanking,
    MultiTask,
    OpenGeneration,
    PairwiseRanking,
    PipelineController,
    RatingPrediction,
    TwoTower,
    as_recommender,
)
from fairrec.recommenders.answers.tool_calls import read_tool_call
from fairrec.recommenders.conventional import ItemKNN, Popularity
from fairrec.recommenders.retrieval import TextSearch, item_texts
from fairrec.recommenders.written_texts import WrittenTexts
from fairrec.types import Outcome, Ranking, Request
from fairrec.users import User

GENRES = ["crime", "space", "sea", "family", "crime", "family", "bus", "snow", "sport", "time"]
WITH_GENRES = Catalog(CATALOG.ids, TITLES, {"genre": np.array(GENRES, dtype=object)})
USERS = [User(f"u{n}", history=(f"i{n}", f"i{n + 1}", "i5", "i6")[: 2 + n % 3]) for n in range(5)]


class Letters:
    """An encoder of which letters a text has."""

    description = {"name": "letters"}  # noqa: RUF012

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        rows = [[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), 26)


# Queries


def test_search_finds_words_and_nothing_else() -> None:
    search = TextSearch(item_texts(WITH_GENRES, ["genre"]))
    assert np.flatnonzero(search.scores("a crime story")).tolist() == [0, 4]
    assert not search.scores("zebra").any() and not search.scores("").any()


def test_queries_take_turns() -> None:
    model = writes("crime films\nfamily films\nzebras")
    recommender = GeneratedQueries(model, WITH_GENRES, columns=["genre"])
    (ranking,) = recommender.recommend([asked(candidates=None, k=5)])
    # The history holds Heat (crime); what no query finds is not filled up.
    assert ranking.items == ("i4", "i3", "i5")
    assert ranking.text == "crime films\nfamily films\nzebras"
    (ranking,) = recommender.recommend([asked(k=1)])
    assert ranking.items == ("i4",)


def test_queries_without_hits_are_no_answer() -> None:
    (ranking,) = GeneratedQueries(writes("1. zebras"), CATALOG).recommend([asked()])
    assert ranking.outcome is Outcome.EMPTY and ranking.detail == "no query found an item"


# Generated features and rows


def test_profiles_are_written_once_and_kept(tmp_path: Path) -> None:
    calls: list[str] = []

    def answer(prompt: Prompt) -> str:
        calls.append(prompt.user)
        found = re.search(r'"(.+)"', prompt.user)
        return GENRES[TITLES.index(found[1])] if found else "I like crime."

    cache = tmp_path / "texts.json"
    recommender = GeneratedFeatures(writes(answer), CATALOG, cache=cache)
    (ranking,) = recommender.recommend([asked(k=5)])
    assert ranking.items[0] == "i4" and ranking.text == "I like crime."
    assert len(calls) == 6
    again = GeneratedFeatures(writes(answer), CATALOG, cache=cache)
    assert again.recommend([asked(k=5)]) == [ranking] and len(calls) == 6
    again.recommend([asked("I am a man.")])
    assert len(calls) == 7
    cache.write_text("[1]")
    with pytest.raises(BadData, match="holds no texts"):
        GeneratedFeatures(writes(answer), CATALOG, cache=cache)


def test_profiles_can_be_compared_by_vectors() -> None:
    recommender = GeneratedFeatures(writes("Jaws"), CATALOG, encoder=Letters(), item_task=None)
    assert recommender.recommend([asked(k=1)])[0].items == ("i2",)


class Fails:
    """A model whose back-end is down."""

    description = {"name": "fails"}  # noqa: RUF012

    def generate(
        self, prompts: Sequence[Prompt], parameters: GenerationParameters, seeds=None
    ) -> list[Generation]:
        return [Generation("", "error", detail="lost") for _ in prompts]


def test_texts_that_failed_are_not_kept() -> None:
    texts = WrittenTexts(Fails(), GenerationParameters())
    assert texts.write([Prompt("x")]) == [Generation("", "error", detail="lost")]


@pytest.mark.parametrize(
    "adapter",
    [
        lambda model: GeneratedFeatures(model, CATALOG),
        lambda model: GeneratedRows(model, CATALOG, Popularity(CATALOG).fit(USERS)),
        lambda model: GeneratedQueries(model, CATALOG),
        lambda model: PipelineController(model, CATALOG, Popularity(CATALOG).fit(USERS)),
        lambda model: ListwiseRanking(model, CATALOG),
        lambda model: ListwiseRanking(model, CATALOG, window=2),
        lambda model: PairwiseRanking(model, CATALOG),
        lambda model: RatingPrediction(model, CATALOG, reading="text"),
        lambda model: OpenGeneration(model, CATALOG),
    ],
)
def test_a_back_end_that_fails_is_an_error_and_never_an_answer(adapter) -> None:
    """An error is asked again by the next run; rows that were not written are not no rows."""
    (ranking,) = adapter(Fails()).recommend([asked()])
    assert ranking.outcome is Outcome.ERROR and "lost" in ranking.detail and not ranking.items


def test_one_window_that_failed_leaves_the_list_open() -> None:
    class Sometimes(Fails):
        def generate(
            self, prompts: Sequence[Prompt], parameters: GenerationParameters, seeds=None
        ) -> list[Generation]:
            down = Generation("", "error", detail="lost")
            return [down if "Speed" in p.user else Generation("[2] > [1]") for p in prompts]

    (ranking,) = ListwiseRanking(Sometimes(), CATALOG, window=2).recommend([asked()])
    assert ranking.outcome is Outcome.ERROR


def test_rows_join_the_history() -> None:
    seen: list[Request] = []

    def consumer(request: Request) -> Sequence[str]:
        seen.append(request)
        return ["i9"]

    model = writes("1. Fargo\n2. Rocky\n3. Heat\n4. Jaws\n5. The Unheard Of")
    inner = as_recommender(consumer, name="inner", catalog=CATALOG)
    (ranking,) = GeneratedRows(model, CATALOG, inner).recommend([asked()])
    # Neither what was seen already nor a candidate is added: it would give the answer away.
    assert seen[0].history == ("i7", "i8", "i0", "i1")
    assert ranking.detail == "2 rows added, 1 titles outside the catalogue"


# Encoders


def test_a_user_is_the_pooled_history() -> None:
    recommender = FeatureEncoder(Letters(), CATALOG)
    assert isinstance(recommender, EmbedsUsers)
    (ranking,) = recommender.recommend([asked(history=("i0", "i9"), k=5)])
    texts = Letters().embed(TITLES).astype(float)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    user = texts[0] + texts[9]
    user /= np.linalg.norm(user)
    expected = {item: float(texts[int(item[1:])] @ user) for item in POOL}
    assert dict(zip(ranking.items, ranking.scores or (), strict=True)) == pytest.approx(expected)
    assert ranking.embedding == pytest.approx(user)
    assert recommender.embed_users([]).shape == (0, 26) and recommender.recommend([]) == []


def test_words_enter_only_where_they_are_embedded() -> None:
    arms = [asked("I am a woman."), asked("I am a man who likes jazz.")]
    unmoved = FeatureEncoder(Letters(), CATALOG).score(arms, POOL)
    assert np.array_equal(*unmoved)
    for pooling in ("mean", "recent", "attention"):
        moved = FeatureEncoder(Letters(), CATALOG, pooling=pooling, words=0.5).score(arms, POOL)
        assert not np.allclose(*moved)


def test_a_two_tower_model_learns_what_follows_what() -> None:
    rng = np.random.default_rng(0)
    users = []
    for n in range(200):
        start = int(rng.integers(10))
        users.append(User(f"u{n}", history=tuple(f"i{(start + step) % 10}" for step in range(4))))
    model = TwoTower(Letters(), CATALOG, width=16, history=3, steps=200, batch=32).fit(users)
    requests = [
        Request(1, history=(f"i{n}",), candidates=tuple(f"i{m}" for m in range(10) if m != n))
        for n in range(10)
    ]
    found = [ranking.items[0] for ranking in model.recommend(requests)]
    assert sum(item == f"i{(n + 1) % 10}" for n, item in enumerate(found)) >= 9
    again = TwoTower(Letters(), CATALOG, width=16, history=3, steps=200, batch=32).fit(users)
    assert again.description == model.description
    assert again.recommend(requests) == model.recommend(requests)
    with pytest.raises(WrongUse, match="has not learnt anything"):
        TwoTower(Letters(), CATALOG).recommend(requests)
    with pytest.raises(WrongUse, match="0 texts for 200 users"):
        TwoTower(Letters(), CATALOG, words=True).fit(users)


# Conversations


@pytest.mark.parametrize(
    ("reply", "n", "error"),
    [
        ('{"tool": "recommend", "n": 5}', 5, ""),
        ('Sure!\n```json\n{"tool": "recommend"}\n```', 10, ""),
        ('<tool_call>{"name": "recommend", "arguments": {"n": 3}}</tool_call>', 3, ""),
        ('{"tool": "recommend", "n": ', 10, "the call is not JSON"),
        ('{"tool": "delete"}', 10, "there is no tool 'delete'"),
        ('{"tool": "recommend", "n": "many"}', 10, "n is 'many', not a number of titles"),
        ('{"tool": "recommend", "n": true}', 10, "n is True, not a number of titles"),
    ],
)
def test_tool_calls(reply: str, n: int, error: str) -> None:
    call = read_tool_call(reply)
    assert call is not None and (call.error, call.n if not error else 10) == (error, n)


@given(st.text(alphabet='{}[]":,tol recmnd0123', max_size=80))
def test_any_reply_can_be_read(reply: str) -> None:
    read_tool_call(reply)


def talker(prompt: Prompt) -> str:
    """Calls, then lists what came back; after a follow-up, the last of it first."""
    if prompt.user.startswith("The recommender's titles:"):
        return "\n".join(f"{n}. {t}" for n, t in enumerate(prompt.user.splitlines()[1:], 1))
    if prompt.user == "The other way round.":
        return "\n".join(reversed(prompt.earlier[-1][1].splitlines()))
    return '{"tool": "recommend", "n": 3}'


def test_a_conversation_calls_the_recommender_and_is_refined() -> None:
    inner = Popularity(CATALOG).fit(USERS)
    controller = PipelineController(
        writes(talker), CATALOG, inner, follow_ups=["The other way round."]
    )
    (ranking,) = controller.recommend([asked()])
    (popular,) = inner.recommend([asked()])
    assert ranking.items == popular.items[::-1]
    assert ranking.detail == "1 calls of the recommender, 0 broken calls"
    assert ranking.text.count("User: ") == 3 and ranking.text.count("Model: ") == 3


def test_a_broken_call_is_answered_and_an_endless_one_ended() -> None:
    def mends(prompt: Prompt) -> str:
        return talker(prompt) if prompt.earlier else '{"tool": "recommend", '

    inner = Popularity(CATALOG).fit(USERS)
    (ranking,) = PipelineController(writes(mends), CATALOG, inner).recommend([asked()])
    assert ranking.outcome is Outcome.ANSWERED
    assert ranking.detail == "1 calls of the recommender, 1 broken calls"
    endless = PipelineController(writes('{"tool": "recommend"}'), CATALOG, inner, turns=3)
    (ranking,) = endless.recommend([asked()])
    assert ranking.outcome is Outcome.TRUNCATED
    assert ranking.detail == "no list within 3 turns; 3 calls of the recommender, 0 broken calls"


def test_candidates_can_come_first() -> None:
    def repeats(prompt: Prompt) -> str:
        return prompt.user.split("Candidates:\n")[1]

    inner = Popularity(CATALOG).fit(USERS)
    controller = PipelineController(writes(repeats), CATALOG, inner, candidates="first", shown=5)
    assert controller.recommend([asked()])[0].items == inner.recommend([asked()])[0].items


def test_conversations_do_not_disturb_one_another() -> None:
    controller = PipelineController(writes(talker), CATALOG, ItemKNN(CATALOG).fit(USERS))
    requests = [asked(), asked(history=("i2", "i3")), asked(candidates=POOL[:3], k=2)]
    alone = [controller.recommend([request])[0] for request in requests]
    assert controller.recommend(requests) == alone


# Filters and tasks


def test_only_the_hard_ones_are_reranked() -> None:
    scores = {"clear": (9.0, 2.0, 1.0, 0.0, 0.0), "close": (9.0, 8.5, 1.0, 0.0, 0.0)}

    def first(request: Request) -> Ranking:
        return Ranking(POOL, scores=scores[request.slots["user"]])

    recommender = FilterThenRerank(
        as_recommender(first, name="first", catalog=CATALOG),
        ListwiseRanking(writes("[5] > [4] > [3] > [2] > [1]"), CATALOG),
        keep=5,
        easy=0.5,
    )
    clear, close = recommender.recommend(
        [asked(k=2, slots={"user": user}) for user in ("clear", "close")]
    )
    assert clear.items == POOL[:2] and "easy" in clear.detail
    assert close.items == POOL[:-3:-1]


def test_what_the_second_does_not_answer_stays_missing() -> None:
    recommender = FilterThenRerank(
        Popularity(CATALOG).fit(USERS), ListwiseRanking(writes(""), CATALOG), keep=3
    )
    (ranking,) = recommender.recommend([asked()])
    assert ranking.outcome is Outcome.EMPTY and not ranking.items
    with pytest.raises(WrongUse, match="k is 4, but 3 items are kept"):
        recommender.recommend([asked(k=4)])


def test_each_request_goes_to_its_task() -> None:
    tasks = MultiTask(
        {
            "a": as_recommender(lambda request: ["i1"], name="a"),
            "b": as_recommender(lambda request: ["i2"], name="b"),
        },
        default="a",
    )
    requests = [asked(), asked(slots={"task": "b"}), asked(slots={"task": "a"})]
    assert [ranking.items for ranking in tasks.recommend(requests)] == [("i1",), ("i2",), ("i1",)]
    with pytest.raises(WrongUse, match="there is no task 'c'"):
        tasks.recommend([asked(slots={"task": "c"})])
    assert json.dumps(dict(tasks.description))


# What a model can read


class Reader:
    """A model that calls a tool, scores titles, and reads so many words."""

    def __init__(self, context_length: int) -> None:
        self.context_length = context_length
        self.description = {"name": "reader"}
        self.seen: list[Prompt] = []

    def count_tokens(self, prompt: Prompt) -> int:
        said = [text for exchange in prompt.earlier for text in exchange]
        return len(" ".join([*said, prompt.user]).split())

    def generate(
        self, prompts: Sequence[Prompt], parameters: GenerationParameters, seeds=None
    ) -> list[Generation]:
        self.seen += prompts
        return [Generation('{"tool": "recommend", "n": 1}') for _ in prompts]

    def continuation_logprobs(self, prompts: Sequence[Prompt], continuations: Sequence[str]):
        self.seen += prompts
        return [[np.array([-float(len(text))]) for text in continuations] for _ in prompts]


LONG = asked(
    instruction="I liked: " + "; ".join(TITLES[:8]) + ".", history=CATALOG.ids[:8], candidates=None
)


@pytest.mark.parametrize(
    ("make", "room"),
    [
        (lambda m: OpenGeneration(m, CATALOG, parameters=GenerationParameters(5)), 5),
        (lambda m: CatalogueLikelihood(m, CATALOG, variant="raw"), 64),
    ],
)
def test_long_histories_are_cut_wherever_words_are_read(make, room: int) -> None:
    reader = Reader(7 + room)
    (ranking,) = make(reader).recommend([LONG])
    assert ranking.detail.startswith("the oldest 3 of 8 titles of the history did not fit")
    assert [p.user for p in reader.seen] == ["I liked: Up; Casino; Big; Speed; Fargo."]
    (ranking,) = make(Reader(room)).recommend([LONG])
    assert ranking.outcome is Outcome.ERROR and "longer than the 0 tokens" in ranking.detail


def test_a_conversation_that_outgrows_the_model_is_an_error() -> None:
    reader = Reader(60)
    controller = PipelineController(
        reader,
        CATALOG,
        Popularity(CATALOG).fit(USERS),
        turns=50,
        parameters=GenerationParameters(5),
    )
    (ranking,) = controller.recommend([LONG])
    assert ranking.outcome is Outcome.ERROR and "longer than the model can read" in ranking.detail
    assert 1 < len(reader.seen) < 50
