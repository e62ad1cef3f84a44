from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.catalogs import films, normalise_title
from fairrec.recommenders.answers.cleaning import MAX_ANSWER, clean_answer, without_thoughts
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.answers.title_text import title_of
from fairrec.types import Outcome

K = 20
TITLES = st.lists(st.sampled_from(films().titles), min_size=2, max_size=K, unique=True)
PLAIN = TITLES.filter(lambda titles: not any(re.search(r"[,;|]|^and ", t) for t in titles))


def read(text: str, k: int = K) -> list[str]:
    return list(parse_titles(text, k).titles)


PREAMBLES = [
    "",
    "Sure! Here is a list of 20 movies for a fan of Spike Lee:\n\n",
    "Here are some recommendations:\n",
    "<think>They like 3 films:\n1. Not this one\n2. Nor this\n</think>\n\n",
    "Of course.\n\n",
]
CLOSINGS = ["", "\n\nI hope you enjoy these films!", "\nLet me know if you would like some more."]
around = st.tuples(st.sampled_from(PREAMBLES), st.sampled_from(CLOSINGS))


@pytest.mark.parametrize(
    "form",
    [
        "{n}. {t}",
        "{n}) {t}",
        "{n}: {t}",
        "({n}) {t}",
        "{n} - {t}",
        "#{n} {t}",
        "#{n}: {t}",
        "{n}.{t}",
        "**{n}.** {t}",
        "**{n}. {t}**",
        "{n}. **{t}**",
        "### {n}. {t}",
        "  {n}. *{t}*",
        '{n}. "{t}"',
        "{n}. “{t}”",
        "{n}\\. {t}",
        "1. {t}",
        "- {t}",
        "* {t}",
        "• {t}",
        "- **{t}**",
        "- [ ] {t}",
    ],
)
@settings(max_examples=40, deadline=None)
@given(titles=TITLES, around=around)
def test_marked_lines_round_trip(form: str, titles: list[str], around: tuple[str, str]) -> None:
    lines = [form.format(n=n, t=t) for n, t in enumerate(titles, start=1)]
    if form == "{n}.{t}" and any(t[0].isdigit() for t in titles):
        return  # "1.21" may be a number
    answer = parse_titles(around[0] + "\n".join(lines) + around[1], K)
    assert answer.outcome is Outcome.ANSWERED
    assert list(answer.titles) == titles


@pytest.mark.parametrize(
    "form", ["{t} ({y})", "**{t}** ({y})", '"{t}" ({y}) - a film', "*{t} ({y})*"]
)
@settings(max_examples=40, deadline=None)
@given(titles=TITLES)
def test_years_stay_with_their_titles(form: str, titles: list[str]) -> None:
    lines = [f"{n}. {form.format(t=t, y=1980 + n)}" for n, t in enumerate(titles, start=1)]
    assert read("\n".join(lines)) == [f"{t} ({1980 + n})" for n, t in enumerate(titles, start=1)]


@settings(max_examples=60, deadline=None)
@given(titles=TITLES, around=around, indent=st.sampled_from([None, 2]))
def test_json_round_trips(titles: list[str], around: tuple[str, str], indent: int | None) -> None:
    objects = [{"rank": n, "title": t} for n, t in enumerate(titles)]
    wrapped = {"movies": objects, "note": "x"}
    numbered = {str(n): t for n, t in enumerate(titles)}
    for content in (titles, objects, wrapped, numbered):
        text = json.dumps(content, indent=indent, ensure_ascii=indent is None)
        assert read(around[0] + text + around[1]) == titles
        assert read(f"{around[0]}```json\n{text}\n```{around[1]}") == titles


@settings(max_examples=60, deadline=None)
@given(titles=TITLES)
def test_json_that_is_cut_gives_its_whole_strings(titles: list[str]) -> None:
    text = json.dumps(titles, ensure_ascii=False)
    assert read(text[:-3]) == titles[:-1]
    objects = json.dumps([{"title": t, "why": "good"} for t in titles])
    assert read(objects[:-3]) == titles
    assert read(repr(titles)) == titles


@settings(max_examples=60, deadline=None)
@given(titles=TITLES)
def test_quoted_titles_in_one_line_round_trip(titles: list[str]) -> None:
    assert read(", ".join(f'"{t}"' for t in titles)) == titles
    assert read("I recommend " + ", ".join(f"“{t}”" for t in titles) + ".") == titles


@settings(max_examples=60, deadline=None)
@given(titles=PLAIN.filter(lambda titles: len(titles) > 2), introduction=st.booleans())
def test_commas_round_trip(titles: list[str], introduction: bool) -> None:
    titles = [t for t in titles if len(t.split()) <= 10 and t[0].isupper()]
    if len(titles) < 3:
        return
    start = "Here are some films you may like: " if introduction else ""
    assert read(start + ", ".join(titles)) == titles
    assert read(start + ", ".join(titles[:-1]) + f", and {titles[-1]}") == titles
    assert read(start + "; ".join(titles)) == titles


@settings(max_examples=60, deadline=None)
@given(titles=TITLES, around=around)
def test_plain_lines_round_trip(titles: list[str], around: tuple[str, str]) -> None:
    if len(titles) < 4 or any("," in t or ";" in t or " | " in t for t in titles):
        return
    assert read(around[0] + "\n".join(titles) + around[1]) == titles


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("1) A\n2) B", ["A", "B"]),
        ("1. 1999\n2. 2046\n3. 11:14\n4. 9", ["1999", "2046", "11:14", "9"]),
        (
            "300: Rise of an Empire\n12 Angry Men\n2001: A Space Odyssey\nUp",
            ["300: Rise of an Empire", "12 Angry Men", "2001: A Space Odyssey", "Up"],
        ),
        ("1. Jaws\n2. 1. Alien\n3. 12. Up\n4. 9. 10", ["Jaws", "Alien", "Up", "9. 10"]),
        ("1. Jaws 2. Alien 3. Up", ["Jaws", "Alien", "Up"]),
        ("10. Jaws\n9. Alien\n8. Up", ["Jaws", "Alien", "Up"]),
        (" 9. Jaws\n10. Alien\n", ["Jaws", "Alien"]),
        ("1. Jaws\n   - Director: Steven Spielberg\n2. Alien\n   - 1979", ["Jaws", "Alien"]),
        ("- Jaws\n  - a shark\n- Alien\n  - a ship", ["Jaws", "Alien"]),
        ("1. **Jaws**: a shark\n2. *Alien* - a ship", ["Jaws", "Alien"]),
        (
            "1. Jaws (1975, Steven Spielberg)\n2. Alien [1979] is good",
            ["Jaws (1975)", "Alien (1979)"],
        ),
        ("1. M*A*S*H\n2. *M*A*S*H*\n3. M\\*A\\*S\\*H", ["M*A*S*H"] * 3),
        (
            "1. 'Breaker' Morant\n2. 'Jaws'\n3. 'night, Mother",
            ["'Breaker' Morant", "Jaws", "'night, Mother"],
        ),
        ('1. "Jaws," directed by Steven Spielberg\n2. "Alien" by X', ["Jaws", "Alien"]),
        ("1. [Jaws](https://example.org/a)\n2. [REC]", ["Jaws", "[REC]"]),
        ("1. Title: Jaws\n2. Movie: Alien", ["Jaws", "Alien"]),
        ("<ol><li>Jaws</li><li>Alien &amp; Co</li></ol>", ["Jaws", "Alien & Co"]),
        ("&quot;Jaws&quot;<br>&quot;Alien&quot;", ["Jaws", "Alien"]),
        ("\x1b[1m1. Ja\u200bws\x1b[0m\r\n2. Al\u202eien\x00", ["Jaws", "Alien"]),
        ("1. Jaws\ud800\n2. Alien", ["Jaws\ufffd", "Alien"]),
        (
            "I recommend Jaws, Matrix, The, and Monsters, Inc.",
            ["Jaws", "Matrix, The", "Monsters, Inc"],
        ),
        ("'Jaws', 'Schindler's List', 'Up'", ["Jaws", "Schindler's List", "Up"]),
        ('["1. Jaws", "2. Alien"]', ["Jaws", "Alien"]),
        (
            '[{"title": "Jaws", "year": 1975}, {"Title": "Up", "Year": "2009"}]',
            ["Jaws (1975)", "Up (2009)"],
        ),
        ('[{"rank": 1, "label": "Jaws"}, 1984, null, true, ["x"], ""]', ["Jaws", "1984"]),
        ('{"title": "Jaws"}', ["Jaws"]),
        ("<think>1. No</think>1. Jaws\n2. Up", ["Jaws", "Up"]),
        ("the prompt began it</think>1. Jaws\n2. Up", ["Jaws", "Up"]),
        ("1. Jaws\n2. Up\n<THINK>3. Alien", ["Jaws", "Up"]),
        ("I'm sorry to hear that. Here you are:\n1. Jaws\n2. Up", ["Jaws", "Up"]),
        ("Jaws,\nAlien,\nUp", ["Jaws", "Alien", "Up"]),
        ("Jaws\nI Can't Sleep\nAlien", ["Jaws", "I Can't Sleep", "Alien"]),
    ],
)  # fmt: skip
def test_known_answers(text: str, titles: list[str]) -> None:
    assert read(text) == titles


@pytest.mark.parametrize(
    ("text", "outcome", "detail"),
    [
        ("", Outcome.EMPTY, "blank"),
        (" \n\t\x00\u200b", Outcome.EMPTY, "blank"),
        ("<think>Jaws or Up?", Outcome.EMPTY, "nothing but reasoning"),
        ("<think>Jaws</think>\n", Outcome.EMPTY, "nothing but reasoning"),
        ("I'm sorry.", Outcome.REFUSED, "I'm sorry."),
        ("I’m sorry, but I can’t help with that.", Outcome.REFUSED, None),
        ("As an AI, I do not watch films, and so I have no list for you.", Outcome.REFUSED, None),
        ("Unfortunately I cannot recommend films by age.\n\nTake care.", Outcome.REFUSED, None),
        ("I apologize for any confusion, but I'm unable to say.", Outcome.REFUSED, None),
        ("Hello there", Outcome.UNPARSABLE, "no list of titles found"),
        ("I think, as always, that films are great.", Outcome.UNPARSABLE, None),
        ("Spike Lee is a director. He was born in Atlanta, in 1957.", Outcome.UNPARSABLE, None),
        ("1.\n2.\n3.", Outcome.UNPARSABLE, None),
        ("[]", Outcome.UNPARSABLE, None),
        ("{}", Outcome.UNPARSABLE, None),
    ],
)
def test_answers_without_titles(text: str, outcome: Outcome, detail: str | None) -> None:
    answer = parse_titles(text, K)
    assert (answer.titles, answer.outcome) == ((), outcome)
    assert answer.detail
    assert detail is None or answer.detail == detail


def test_one_bare_line_is_a_title_when_one_was_asked_for() -> None:
    assert read("Jaws", k=1) == ["Jaws"]
    assert read("Jaws", k=2) == []


def test_no_more_than_ten_times_k_titles() -> None:
    text = "\n".join(f"{n}. Film {n}" for n in range(1, 100))
    assert read(text, k=3) == [f"Film {n}" for n in range(1, 31)]


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec=None), max_size=300), st.integers(1, 20))
def test_any_text_is_read_without_an_error(text: str, k: int) -> None:
    answer = parse_titles(text, k)
    assert bool(answer.titles) == (answer.outcome is Outcome.ANSWERED)
    for title in answer.titles:
        assert title == title.strip()
        assert 0 < len(title) <= 510
        assert "\n" not in title
        title.encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("[]{}\"'*_`<>()#-.,:;|\\&\n 12a\x1b"), max_size=200))
def test_any_punctuation_is_read_without_an_error(text: str) -> None:
    parse_titles(text, 5)


BIG = 10_000_000


@pytest.mark.parametrize(
    "unit",
    [
        *("a", " ", "\n", "\t", "1", "1.", "1. a\n", "- a\n", "[", "[[\n", "{", '{"a":', "[1,\n"),
        *('"', "'", "a, ", "'a', ", "**", "*a", "(", "(1999) ", "[a](", "<", "<think>", "</think>"),
        *("<li>", "&amp;", "&", "\x1b[", "\x1b]", "\ud800", "\\", '"\\', "1. **a", "a: ", " - "),
        *("I'm sorry ", "```\n", "#", "1 2. ", "“a", "by A ", "a;b "),
    ],
)
def test_long_answers_are_read_in_linear_time(unit: str) -> None:
    """Each takes well under a second; quadratic work on 10 MB would take hours."""
    answer = parse_titles(unit * (BIG // len(unit)), K)
    assert len(answer.titles) <= 10 * K
    assert all(len(title) <= 510 for title in answer.titles)


def test_deep_json_is_no_list() -> None:
    assert parse_titles("[" * 10_000 + '"a"' + "]" * 10_000, K).outcome is not Outcome.ERROR
    assert read('{"a":' * 10_000) == []


def test_cleaning_is_capped_after_the_thoughts() -> None:
    assert len(clean_answer("x" * BIG)) == MAX_ANSWER
    thought = "<think>" + "x" * MAX_ANSWER + "</think>"
    assert clean_answer(thought + "1. Jaws") == "1. Jaws"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a<think>b</think>c", "ac"),
        ("a<think>b<think>c</think>d", "ad"),
        ("a<thinking>b", "a"),
        ("b</think>c</think>d", "d"),
        ("no thought", "no thought"),
    ],
)
def test_thoughts_are_left_out(text: str, kept: str) -> None:
    assert without_thoughts(text) == kept


@given(st.sampled_from(films().titles))
def test_a_film_alone_is_its_own_title(title: str) -> None:
    assert normalise_title(title_of(title)) == normalise_title(title)
