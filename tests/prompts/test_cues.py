"""The embedded cues hint at one value each and name their sources."""

from __future__ import annotations

import re

import pytest

from fairrec.errors import WrongUse
from fairrec.prompts import CueSet, attribute, cue_kinds, cues


@pytest.mark.parametrize("kind", cue_kinds())
def test_every_kind_is_complete(kind: str) -> None:
    found = cues(kind)
    assert found.kind == kind
    assert len(found.source) > 40
    known = [value.value for value in attribute(found.attribute).values]
    assert len(found.values) >= 2
    assert set(found.values) <= set(known)
    # Every value has as many cues, so that none is better hidden than another.
    counts = {len(sentences) for sentences in found.values.values()}
    assert len(counts) == 1
    assert counts.pop() >= (4 if kind == "pronouns" else 8)


@pytest.mark.parametrize("kind", cue_kinds())
def test_cues_are_sentences_and_hint_at_one_value(kind: str) -> None:
    said = [sentence for sentences in cues(kind).values.values() for sentence in sentences]
    assert len({sentence.casefold() for sentence in said}) == len(said)
    for sentence in said:
        assert sentence == " ".join(sentence.split())
        assert sentence.endswith(".")
        assert sentence[0].isupper()
        assert "{" not in sentence


@pytest.mark.parametrize("kind", cue_kinds())
def test_cues_do_not_state_the_attribute(kind: str) -> None:
    """A hint that says it outright would be a statement."""
    found = cues(kind)
    for value in attribute(found.attribute).values:
        said = re.compile(rf"\b({re.escape(value.value)}|woman|man|girl|boy)\b", re.IGNORECASE)
        for sentences in found.values.values():
            assert not [sentence for sentence in sentences if said.search(sentence)]


def names(kind: str) -> dict[str, set[str]]:
    return {
        value: {re.search(r"is ([\w]+)[.@]", sentence)[1].casefold() for sentence in sentences}  # type: ignore[index]
        for value, sentences in cues(kind).values.items()
    }


@pytest.mark.parametrize("kind", [kind for kind in cue_kinds() if "names" in kind])
def test_no_name_stands_under_two_values(kind: str) -> None:
    by_value = names(kind)
    assert all(len(some) >= 8 for some in by_value.values())
    assert len(set().union(*by_value.values())) == sum(map(len, by_value.values()))


@pytest.mark.parametrize(
    ("emails", "first"),
    [("email_names", "first_names"), ("email_names_race", "first_names_race")],
)
def test_e_mail_names_are_made_of_the_first_names(emails: str, first: str) -> None:
    for value, some in names(emails).items():
        assert some <= names(first)[value]
    for sentences in cues(emails).values.values():
        for sentence in sentences:
            assert re.fullmatch(r"My e-mail address is [a-z]+\.[a-z]+@example\.com\.", sentence)


def test_surnames_say_nothing_about_gender() -> None:
    surnames = [
        [re.search(r"\.(\w+)@", sentence)[1] for sentence in cues("email_names").statements(value)]  # type: ignore[index]
        for value in ("female", "male")
    ]
    assert surnames[0] == surnames[1]


def test_names_of_the_resume_experiment() -> None:
    """All 36 first names of Bertrand and Mullainathan 2004, table of names."""
    assert names("first_names_race") == {
        "African American": {
            *("aisha", "keisha", "tamika", "lakisha", "tanisha", "latoya", "kenya", "latonya"),
            *("ebony", "rasheed", "tremayne", "kareem", "darnell", "tyrone", "jamal", "hakim"),
            *("leroy", "jermaine"),
        },
        "white": {
            *("emily", "anne", "jill", "allison", "sarah", "meredith", "laurie", "carrie"),
            *("kristen", "neil", "geoffrey", "brett", "brendan", "greg", "todd", "matthew"),
            *("jay", "brad"),
        },
    }


def test_dialect_sentences_are_pairs_that_say_the_same() -> None:
    pairs = zip(*cues("dialect").values.values(), strict=True)
    for one, other in pairs:
        shared = set(re.findall(r"\w{4,}", one)) & set(re.findall(r"\w{4,}", other))
        assert one != other
        assert len(shared) >= 2, (one, other)


def test_a_value_without_cues_has_none() -> None:
    assert cues("pronouns").statements("boy") == ()


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({"a": ("x.",)}, "1 value"),
        ({"a": ("x.",), "b": ()}, "no cue for 'b'"),
        ({"a": ("x.", "y."), "b": ("y.",)}, "the cue 'y.' more than once"),
    ],
)
def test_a_bad_set_of_cues_is_refused(values: dict[str, tuple[str, ...]], seen: str) -> None:
    with pytest.raises(WrongUse, match=seen):
        CueSet("kind", "gender", "here", values)


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(WrongUse, match="did you mean 'first_names'"):
        cues("first_name")
