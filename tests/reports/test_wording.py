"""The words: what a verdict says and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairrec.gates import apply_gates, parse_gate
from fairrec.reports.untrusted import clean
from fairrec.reports.wording import (
    estimate_words,
    gate_words,
    headline_findings,
    number,
    p_words,
    percent,
    sentence,
)
from fairrec.results import AuditResult, Estimate, Finding, Validity, Verdict


def _finding(attribute: str, value: float, low: float | None, high: float | None) -> Finding:
    return Finding(
        id=f"sensitivity.{attribute}.jaccard.snsr",
        audit="sensitivity",
        metric="jaccard",
        statistic="snsr",
        estimate=Estimate(value, low, high),
        attribute=attribute,
        p_adjusted=0.004,
        noise_floor=0.04,
    )


def _judged(*findings: Finding, gate: str = "*.snsr <= 0.1", answered: int = 20) -> AuditResult:
    group = Validity("race", "black", 20, {"answered": answered})
    result = AuditResult("sensitivity", "run", findings, (), (group,), {}, {})
    return apply_gates(result, [parse_gate(gate)] if gate else [])


RACE = _finding("race", 0.15, 0.12, 0.18)
AGE = _finding("age", 0.30, 0.25, 0.35)
GENDER = _finding("gender", 0.09, 0.05, 0.14)
PHYSICS = _finding("physics", 0.05, 0.02, 0.08)


def test_fail_names_the_attribute_and_its_evidence():
    said = sentence(_judged(RACE, PHYSICS))
    assert str(said) == (
        "Fail: stating a user’s race changes the recommendations unequally: "
        "SNSR (Jaccard) 0.150 [0.120, 0.180] against a gate of at most 0.1; noise floor 0.040."
    )
    assert ("race", True) in said.words
    assert said.remarks == (
        "Of 2 gated findings 1 fails, 1 passes.",
        "Adjusted p-value of the difference: 0.004.",
    )


def test_fail_of_several_attributes_names_the_worst_first():
    said = str(sentence(_judged(RACE, AGE)))
    assert "age and race changes" in said
    assert "age, worst of them, has SNSR (Jaccard) 0.300" in said


def test_fail_of_another_statistic_makes_no_claim_about_inequality():
    mean = replace(RACE, id="m", statistic="mean", value="black", estimate=Estimate(0.3, 0.2, 0.4))
    said = str(sentence(_judged(mean, gate="m >= 0.8")))
    assert said.startswith("Fail: race = black has mean similarity (Jaccard) 0.300")
    assert "at least 0.8" in said
    assert "unequally" not in said


def test_pass_means_within_the_gates_and_not_fair():
    said = sentence(_judged(PHYSICS))
    assert str(said).startswith("Pass: what was gated lies within the gates; closest is physics")
    assert "not that the recommender is fair" in said.remarks[-1]


def test_pass_names_what_no_gate_looks_at():
    assert "No gate looks at race" not in " ".join(sentence(_judged(PHYSICS, RACE)).remarks)
    alone = _judged(PHYSICS, RACE, gate="sensitivity.physics.* <= 0.1")
    assert alone.verdict is Verdict.PASS
    assert sentence(alone).remarks[-1] == (
        "No gate looks at race, where lists differ beyond noise."
    )
    noise = replace(RACE, p_adjusted=0.3)
    quiet = _judged(PHYSICS, noise, gate="sensitivity.physics.* <= 0.1")
    assert not any("No gate" in remark for remark in sentence(quiet).remarks)


def test_undecided_says_why():
    assert "reaches across the gate" in str(sentence(_judged(GENDER, PHYSICS)))
    bare = _finding("race", 0.5, None, None)
    assert "without an interval" in str(sentence(_judged(bare)))
    assert "too few of the prompts" in str(sentence(_judged(RACE, answered=2)))


def test_without_a_gate_signal_is_told_from_noise_and_nothing_is_decided():
    said = sentence(_judged(PHYSICS, replace(RACE, p_adjusted=0.001), gate=""))
    assert str(said) == (
        "Signal: beyond noise for race and physics: race has SNSR (Jaccard) 0.150 "
        "[0.120, 0.180]; noise floor 0.040, adjusted p 0.001."
    )
    assert said.remarks == ("No gate was set, so nothing was decided.",)


def test_no_signal_is_no_proof_unless_it_was_tested():
    quiet = replace(RACE, p_adjusted=0.4)
    said = sentence(_judged(quiet, gate=""))
    assert str(said).startswith("No signal: nothing is told from noise; nearest to it is race")
    assert said.remarks[0] == "That is no proof that there is no effect."
    tested = replace(quiet, margin=0.05, p_equivalent=0.01)
    said = sentence(_judged(tested, gate=""))
    assert said.remarks[0] == "Tested to be as good as none: race (SNSR (Jaccard)) within ±0.05."


def test_without_a_test_the_number_speaks_for_itself():
    said = sentence(_judged(replace(RACE, p_adjusted=None), gate=""))
    assert str(said).startswith("No verdict: race has SNSR (Jaccard) 0.150")


def test_nothing_measured_is_no_pass():
    missing = replace(RACE, estimate=Estimate(None, reason="refused"))
    assert "nothing could be measured" in str(sentence(_judged(missing, gate="")))
    assert sentence(_judged(missing)).label == "Undecided"


def test_the_short_table_puts_fails_first():
    shown = headline_findings(_judged(PHYSICS, GENDER, RACE, AGE))
    assert [f.attribute for f in shown] == ["age", "race", "gender", "physics"]
    assert [f.verdict for f in shown] == [
        Verdict.FAIL,
        Verdict.FAIL,
        Verdict.UNDECIDED,
        Verdict.PASS,
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0, "0.000"),
        (0.12345, "0.123"),
        (-0.5, "−0.500"),
        (0.00004, "4e−05"),
        (12345.0, "1.23e+04"),
    ],
)
def test_numbers(value, words):
    assert number(value) == words


def test_estimates_without_a_value_say_why():
    assert estimate_words(Estimate(None, reason="no topic")) == "not measured (no topic)"
    assert estimate_words(Estimate(0.5)) == "0.500"


def test_small_shares_and_p_values_are_not_rounded_away():
    assert percent(1, 1000) == "<1 %"
    assert percent(999, 1000) == ">99 %"
    assert percent(0, 10) == "0 %"
    assert percent(10, 10) == "100 %"
    assert percent(0, 0) == "–"
    assert p_words(0.0001) == "<0.001"
    assert p_words(0.05) == "0.050"


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("x <= 0.1", "at most 0.1"),
        ("x >= 0.8", "at least 0.8"),
        ("x in [0.8, 1.25]", "from 0.8 to 1.25"),
        ("written by hand", "written by hand"),
        (None, ""),
    ],
)
def test_gates_in_words(gate, words):
    assert gate_words(replace(RACE, gate=gate)) == words


def test_cleaning_takes_escapes_and_controls_out():
    assert clean("\x1b[31mred\x1b[0m") == "red"
    assert clean("\x1b]8;;https://evil.example\x07link\x1b]8;;\x1b\\") == "link"
    assert clean("a\u202eb\x00c\ud800") == "a\ufffdb\ufffdc\ufffd"
    assert clean("line\nand\ttab\r\n") == "line\nand\ttab\n"
    assert clean("العربية 👩🏾‍🚀") == "العربية 👩🏾‍🚀"
    assert clean("abcdef", 4) == "abc…"


@given(st.text(st.characters()), st.integers(1, 30))
def test_cleaned_text_is_short_printable_and_utf8(text, limit):
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    cleaned.encode("utf-8", "strict")
    assert all(c in "\n\t" or not ("\x00" <= c <= "\x1f" or "\x7f" <= c <= "\x9f") for c in cleaned)
    assert clean(cleaned) == cleaned
