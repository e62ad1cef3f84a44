"""The runner asks once, in whole clusters, and remembers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fairrec.errors import RunBroken
from fairrec.running import ResponseStore, ask
from fairrec.types import Arm, Outcome, Probe, Ranking, Request


class Echo:
    """Recommends an item made from the request; counts what it is asked."""

    def __init__(self) -> None:
        self.description = {"name": "echo"}
        self.calls: list[list[Request]] = []

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        self.calls.append(list(requests))
        return [Ranking((f"{r.instruction}-{r.replicate}-{dict(r.profile)}",)) for r in requests]


class EchoText(Echo):
    """Reads nothing but the instruction."""

    def request_text(self, request: Request) -> str:
        return request.instruction


def plan(clusters: int = 3) -> list[Probe]:
    return [
        Probe(
            Request(k=1, instruction=f"{topic} {value}", profile={"a": value}, replicate=replicate),
            Arm.SENSITIVE,
            f"topic{topic}",
            "a",
            value,
        )
        for topic in range(clusters)
        for value in ("u", "v")
        for replicate in (0, 1)
    ]


def test_one_call_a_cluster_and_answers_in_order() -> None:
    recommender, probes = Echo(), plan()
    answers = ask(probes, recommender, ResponseStore(None))
    assert [len(call) for call in recommender.calls] == [4, 4, 4]
    assert [a.probe_id for a in answers] == [p.id for p in probes]
    assert answers[1].ranking.items == ("0 u-1-{'a': 'u'}",)


def test_what_is_recorded_is_not_asked_again(tmp_path: Path) -> None:
    probes = plan()
    with ResponseStore(tmp_path / "s") as store:
        first = ask(probes[:6], Echo(), store)
    with ResponseStore(tmp_path / "s") as store:
        again = Echo()
        answers = ask(probes, again, store)
    assert answers[:6] == first
    assert sum(map(len, again.calls)) == 6


def test_equal_questions_are_asked_once_of_a_reader_of_text() -> None:
    twins = [
        Probe(
            Request(k=1, instruction="an American", profile={a: "American"}), Arm.SENSITIVE, "t", a
        )
        for a in ("country", "continent")
    ]
    reader, other = EchoText(), Echo()
    a, b = ask(twins, reader, ResponseStore(None))
    assert a.ranking == b.ranking
    assert sum(map(len, reader.calls)) == 1
    ask(twins, other, ResponseStore(None))
    assert sum(map(len, other.calls)) == 2


def test_another_recommender_does_not_see_the_answers() -> None:
    store, other = ResponseStore(None), Echo()
    other.description = {"name": "other"}
    ask(plan(), Echo(), store)
    ask(plan(), other, store)
    assert sum(map(len, other.calls)) == 12


def test_an_error_is_asked_again_and_an_empty_answer_is_not() -> None:
    class Failing(Echo):
        def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
            super().recommend(requests)
            kinds = (Outcome.ERROR, Outcome.EMPTY)
            return [Ranking((), kinds[r.replicate], detail="503") for r in requests]

    store, again = ResponseStore(None), Echo()
    answers = ask(plan(), Failing(), store)
    assert answers[0].attempts[0].error == "503"
    ask(plan(), again, store)
    assert [r.replicate for call in again.calls for r in call] == [0] * 6


def test_a_recommender_that_breaks_keeps_what_was_answered() -> None:
    class Breaking(Echo):
        def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
            if len(self.calls) == 2:
                raise RuntimeError("out of tokens")
            return super().recommend(requests)

    store = ResponseStore(None)
    with pytest.raises(RunBroken, match=r"RuntimeError at 'topic2': out of tokens"):
        ask(plan(), Breaking(), store)
    assert len(store) == 8


def test_a_recommender_that_miscounts_is_named() -> None:
    class Short(Echo):
        def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
            return super().recommend(requests)[1:]

    with pytest.raises(RunBroken, match="3 rankings for 4 requests"):
        ask(plan(), Short(), ResponseStore(None))
