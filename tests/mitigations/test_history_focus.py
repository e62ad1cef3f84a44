"""The order of a history, said in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairrec import as_recommender
from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.mitigations.prompting.history_focus import HistoryFocus
from fairrec.mitigations.prompting.order_bootstrap import OrderBootstrap
from fairrec.prompts import template
from fairrec.types import Ranking, Request

CATALOG = Catalog(("a", "b", "c", "d", "e"), ("Heat", "Up", "Mr. {k} Nobody", "M", "8½"))


def asked(history: str = "abc", candidates: str = "de", language: str = "en") -> Request:
    """Return a request in the embedded words."""
    listed = ["; ".join(map(CATALOG.title, items)) for items in (history, candidates)]
    words = template("movie_candidates", language=language)
    text = words.instruction(k=2, history=listed[0], candidates=listed[1])
    return Request(
        k=2,
        instruction=text,
        system=words.system,
        history=tuple(history),
        candidates=tuple(candidates),
    )


@pytest.mark.parametrize("language", ["en", "de", "es", "zh"])
def test_recency_names_the_last_item(language: str) -> None:
    request = asked(language=language)
    (found,) = HistoryFocus(catalog=CATALOG, language=language).expand(request)
    words, sentence = found.instruction.split("\n\n")
    assert words == request.instruction
    assert "Mr. {k} Nobody" in sentence and "{recent}" not in sentence
    assert "Heat" not in sentence and "Up" not in sentence
    assert replace(found, instruction=request.instruction) == request


@pytest.mark.parametrize("language", ["en", "de", "es", "zh"])
def test_in_context_makes_an_example_of_the_last_item(language: str) -> None:
    request = asked(language=language)
    mitigation = HistoryFocus(catalog=CATALOG, focus="in_context", language=language)
    (found,) = mitigation.expand(request)
    words, sentence = found.instruction.split("\n\n")
    assert words == asked("ab", language=language).instruction
    assert sentence.count("Mr. {k} Nobody") == 2
    assert found.history == request.history and found.candidates == request.candidates


def test_numbered_histories_lose_the_last_number_too() -> None:
    request = Request(k=1, instruction="Seen:\n1. a\n2. b\n3. c\nMore?", history=("a", "b", "c"))
    (found,) = HistoryFocus(focus="in_context").expand(request)
    assert found.instruction.startswith("Seen:\n1. a\n2. b\nMore?\n\nTo give you an example")


def test_the_sentences_differ() -> None:
    texts = {
        HistoryFocus(catalog=CATALOG, focus=focus, language=language).expand(asked())[0].instruction  # type: ignore[arg-type]
        for focus in ("recency", "in_context")
        for language in ("en", "de", "es", "zh")
    }
    assert len(texts) == 8


def test_requests_without_an_order_are_asked_as_they_are() -> None:
    free = Request(k=1, instruction="Any film?")
    one = replace(asked("a"), history=("a",))
    assert HistoryFocus().expand(free) == [free]
    assert HistoryFocus(catalog=CATALOG, focus="in_context").expand(one) == [one]
    assert "Heat" in HistoryFocus(catalog=CATALOG).expand(one)[0].instruction.split("\n\n")[1]


def test_words_that_do_not_show_the_history_are_refused() -> None:
    mitigation = HistoryFocus(catalog=CATALOG, focus="in_context")
    for words in ("Rank these.", "Up; Heat; Mr. {k} Nobody.", asked().instruction * 2):
        with pytest.raises(WrongUse, match="the instruction shows the history"):
            mitigation.expand(replace(asked(), instruction=words))
    with pytest.raises(WrongUse, match="no words"):
        HistoryFocus().expand(Request(k=1, history=("a",)))
    for wrong in ({"focus": "first"}, {"language": "tlh"}):
        with pytest.raises(WrongUse):
            HistoryFocus(**wrong)


def test_the_answer_is_the_originals() -> None:
    """A model that names first what is said last."""

    def answer(request: Request) -> list[str]:
        last = max(CATALOG.ids, key=lambda item: request.instruction.rfind(CATALOG.title(item)))
        return [last, *(item for item in "de" if item != last)][:2]

    model = as_recommender(answer, name="last word", catalog=CATALOG)
    assert model.recommend([asked()])[0].items == ("e", "d")
    (found,) = HistoryFocus(catalog=CATALOG).wrap(model).recommend([asked()])
    assert found.items == ("c", "d")
    ranking = Ranking(items=("d", "e"), scores=(2.0, 1.0))
    assert HistoryFocus().combine([asked()], [[ranking]]) == [ranking]
    described = HistoryFocus(catalog=CATALOG).description
    assert (described["mitigation"], described["focus"]) == ("history_focus", "recency")


def test_it_stacks_with_mitigations_that_reorder_the_words() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> list[str]:
        seen.append(request)
        return list(request.candidates or ())

    model = as_recommender(answer, name="as shown", catalog=CATALOG)
    inner = HistoryFocus(catalog=CATALOG, focus="in_context").wrap(model)
    OrderBootstrap(catalog=CATALOG, orders=2).wrap(inner).recommend([asked()])
    assert [request.candidates for request in seen] == [("d", "e"), ("e", "d")]
    for request in seen:
        shown = "".join(request.candidates or ())
        words, sentence = request.instruction.split("\n\n")
        assert words == asked("ab", shown).instruction and sentence.count("Nobody") == 2
