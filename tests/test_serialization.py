"""JSON and back: nothing is lost, nothing that is no JSON gets through."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.errors import BadData
from fairrec.results import (
    SCHEMA_VERSION,
    AuditResult,
    Estimate,
    Example,
    Exchange,
    Finding,
    Observation,
    Validity,
    Verdict,
)
from fairrec.serialization import from_json, to_json
from fairrec.types import (
    Answer,
    Arm,
    Attempt,
    Match,
    MatchKind,
    Outcome,
    Probe,
    Ranking,
    Request,
    Usage,
    content_hash,
)

text = st.text(st.characters(codec="utf-8"), max_size=8)
name = st.none() | text
number = st.floats(allow_nan=False, allow_infinity=False)
count = st.integers(0, 10**6)
names = st.dictionaries(text, text, max_size=3)
unique = st.lists(text, unique=True, max_size=4).map(tuple)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)

requests = st.builds(
    Request,
    k=st.integers(1, 100),
    instruction=text,
    system=name,
    profile=names,
    slots=names,
    history=unique,
    candidates=st.none() | unique,
    replicate=count,
)
matches = st.builds(
    Match, text=text, kind=st.sampled_from(MatchKind), item_id=name, similarity=st.floats(0, 1)
)
usages = st.none() | st.builds(Usage, prompt_tokens=count, completion_tokens=count)


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    items = draw(unique)
    scored = st.lists(number, min_size=len(items), max_size=len(items)).map(tuple)
    outcomes = st.sampled_from([o for o in Outcome if items or o is not Outcome.ANSWERED])
    return Ranking(
        items=items,
        outcome=draw(outcomes),
        scores=draw(st.none() | scored),
        matches=tuple(draw(st.lists(matches, max_size=3))),
        text=draw(text),
        detail=draw(text),
        usage=draw(usages),
    )


probes = st.builds(
    Probe,
    request=requests,
    arm=st.sampled_from(Arm),
    cluster=text,
    attribute=name,
    value=name,
)
attempts = st.builds(Attempt, seconds=number, error=name)
answers = st.builds(
    Answer,
    probe_id=text,
    ranking=rankings(),
    seconds=number,
    attempts=st.lists(attempts, max_size=2).map(tuple),
)
estimates = st.builds(
    Estimate,
    value=st.none() | number,
    low=st.none() | number,
    high=st.none() | number,
    level=st.floats(0.5, 0.99),
    method=text,
    n=count,
    n_missing=count,
    unit=text,
    direction=st.sampled_from(["lower", "higher", ""]),
    reason=text.map(lambda t: t or "why"),
)
examples = st.builds(
    Example, cluster=text, value=text, measure=number, probe_id=text, reference_probe_id=text
)
findings = st.builds(
    Finding,
    id=text,
    audit=text,
    metric=text,
    statistic=text,
    estimate=estimates,
    attribute=name,
    value=name,
    p_value=st.none() | st.floats(0, 1),
    p_adjusted=st.none() | st.floats(0, 1),
    family=name,
    noise_floor=st.none() | number,
    verdict=st.none() | st.sampled_from(Verdict),
    gate=name,
    examples=st.lists(examples, max_size=2).map(tuple),
)
observations = st.builds(
    Observation,
    cluster=text,
    arm=st.sampled_from(Arm),
    attribute=name,
    value=name,
    outcome=st.sampled_from(Outcome),
    measures=st.dictionaries(text, st.none() | number, max_size=3),
    probe_id=text,
)
validities = st.builds(
    Validity,
    attribute=name,
    value=name,
    asked=count,
    outcomes=st.dictionaries(text, count, max_size=3),
    recommended=count,
    off_catalogue=count,
    ambiguous=count,
    repeated=count,
)
exchanges = st.builds(
    Exchange,
    cluster=text,
    arm=st.sampled_from(Arm),
    attribute=name,
    value=name,
    system=name,
    instruction=text,
    titles=st.lists(text, max_size=3).map(tuple),
    items=unique,
    outcome=st.sampled_from(Outcome),
    text=text,
)
results = st.builds(
    AuditResult,
    audit=text,
    name=text,
    findings=st.lists(findings, max_size=3).map(tuple),
    observations=st.lists(observations, max_size=3).map(tuple),
    validity=st.lists(validities, max_size=2).map(tuple),
    exchanges=st.dictionaries(text, exchanges, max_size=2),
    provenance=st.dictionaries(text, plain, max_size=3),
    warnings=st.lists(text, max_size=2).map(tuple),
    verdict=st.none() | st.sampled_from(Verdict),
    schema_version=st.just(SCHEMA_VERSION),
)

EMPTY = AuditResult("sensitivity", "run", (), (), (), {}, {})


@settings(max_examples=150, deadline=None)
@given(st.one_of(requests, rankings(), probes, answers, findings, exchanges, results))
def test_round_trip_keeps_everything(value):
    written = to_json(value)
    back = from_json(type(value), written)
    assert back == value
    assert to_json(back) == written


@given(probes)
def test_a_probe_keeps_its_id(probe):
    assert from_json(Probe, to_json(probe)).id == probe.id


def test_equal_values_give_equal_text():
    one = Request(k=1, profile={"a": "x", "b": "y"})
    other = Request(k=1, profile={"b": "y", "a": "x"})
    assert to_json(one) == to_json(other)


def test_mappings_come_back_as_dicts():
    back = from_json(Request, to_json(Request(k=1, profile={"gender": "female"})))
    assert type(back.profile) is dict


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_no_json_are_refused_with_their_path(number):
    with pytest.raises(BadData, match=r"provenance\.seeds\.1"):
        to_json(replace(EMPTY, provenance={"seeds": [1.0, number]}))
    row = Observation("t", Arm.NEUTRAL, None, None, Outcome.ANSWERED, {"serp": number}, "p")
    with pytest.raises(BadData, match=r"observations\.0\.measures\.serp"):
        to_json(replace(EMPTY, observations=(row,)))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_no_json_are_refused_on_reading(literal):
    written = to_json(replace(EMPTY, provenance={"seed": 0}))
    with pytest.raises(BadData, match="number"):
        from_json(AuditResult, written.replace('"seed":0', f'"seed":{literal}'))


def test_what_is_no_plain_json_type_is_refused():
    with pytest.raises(BadData, match="cannot be kept as JSON"):
        to_json(replace(EMPTY, provenance={"path": object()}))


def test_a_newer_schema_says_what_to_do():
    newer = json.loads(to_json(EMPTY)) | {"schema_version": SCHEMA_VERSION + 1, "findings": 3}
    with pytest.raises(BadData) as caught:
        from_json(AuditResult, json.dumps(newer))
    assert str(SCHEMA_VERSION + 1) in caught.value.seen
    assert str(SCHEMA_VERSION) in caught.value.expected
    assert "upgrade" in caught.value.do


@pytest.mark.parametrize("version", ['"1"', "null", "true", "1.0"])
def test_a_schema_version_is_a_whole_number(version):
    written = to_json(EMPTY).replace('"schema_version":1', f'"schema_version":{version}')
    with pytest.raises(BadData, match="schema_version"):
        from_json(AuditResult, written)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 200_000, "no JSON"),
        (b"\xff\xfe{", "no JSON"),
        ("9" * 5000, "no JSON"),
        ("[]", "schema_version"),
        ('{"schema_version": 1, "audit": "a"}', "at name: Field required"),
    ],
)
def test_malformed_text_is_bad_data(broken, says):
    with pytest.raises(BadData, match=says):
        from_json(AuditResult, broken)


def test_a_wrong_type_is_named_by_its_path():
    plain = json.loads(to_json(EMPTY))
    plain["findings"] = [{"id": "x", "audit": "a", "metric": "m", "statistic": "s"}]
    with pytest.raises(BadData, match=r"findings\.0\.estimate"):
        from_json(AuditResult, json.dumps(plain))
    with pytest.raises(BadData, match=r"at k:"):
        from_json(Request, '{"k": "20"}')


def test_the_types_own_checks_hold_on_reading():
    with pytest.raises(BadData, match="same item twice"):
        from_json(Ranking, '{"items": ["a", "a"]}')


def test_unknown_keys_of_the_same_schema_are_ignored():
    assert from_json(Request, '{"k": 2, "later": true}') == Request(k=2)


def test_lone_surrogates_are_replaced():
    ranking = Ranking(items=("a\ud800",), text="\udfff and \U0001f600")
    back = from_json(Ranking, to_json(ranking))
    assert back.items == ("a\ufffd",)
    assert back.text == "\ufffd and \U0001f600"
    assert from_json(Ranking, '{"items": ["a\\ud800"]}').items == ("a\ufffd",)


def test_ten_thousand_observations_are_quick_and_compact():
    rows = tuple(
        Observation(
            f"topic {i % 60}",
            Arm.SENSITIVE,
            "race",
            "black",
            Outcome.ANSWERED,
            {"jaccard": i / 10007, "serp": i / 10009, "prag": i / 10037, "rbo": None},
            content_hash([i]),
        )
        for i in range(10_000)
    )
    result = replace(EMPTY, observations=rows)
    to_json(EMPTY)
    start = time.perf_counter()
    written = to_json(result)
    seconds = time.perf_counter() - start
    assert seconds < 1.0
    assert len(written) < 320 * len(rows)
    assert from_json(AuditResult, written) == result
