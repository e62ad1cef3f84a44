"""The value types: what they refuse, their addresses, and what a notebook shows."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest

from fairrec.results import AuditResult, Estimate, Finding, Observation
from fairrec.types import (
    Arm,
    Outcome,
    Probe,
    Ranking,
    Request,
    content_hash,
    is_off_catalogue,
    off_catalogue_id,
)

PROBE = Probe(Request(k=2, instruction="Films, please."), Arm.SENSITIVE, "topic", "race", "black")


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Request(k=0),
        lambda: Request(k=1, replicate=-1),
        lambda: Ranking(items=("a", "a")),
        lambda: Ranking(items=()),
        lambda: Ranking(items=("a",), scores=(1.0, 2.0)),
        lambda: Ranking(items=("a",), scores=(math.nan,)),
        lambda: Estimate(value=math.nan),
        lambda: Estimate(value=0.5, low=-math.inf),
        lambda: Estimate(value=None),
    ],
)
def test_impossible_values_are_refused(broken):
    with pytest.raises(ValueError):
        broken()


def test_a_missing_answer_needs_no_items():
    assert Ranking(outcome=Outcome.REFUSED).items == ()


def test_values_are_frozen():
    with pytest.raises(FrozenInstanceError):
        PROBE.cluster = "other"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "change",
    [
        {"arm": Arm.NEUTRAL},
        {"cluster": "other"},
        {"attribute": None},
        {"value": "white"},
        {"request": Request(k=3, instruction="Films, please.")},
        {"request": Request(k=2, instruction="Films, please.", replicate=1)},
        {"request": Request(k=2, instruction="Films, please.", candidates=())},
        {"request": Request(k=2, instruction="Films, please.", system="")},
        {"request": Request(k=2, instruction="Films, please.", profile={"race": "black"})},
    ],
)
def test_every_part_of_a_probe_counts_in_its_id(change):
    assert replace(PROBE, **change).id != PROBE.id


def test_a_probe_has_the_same_id_in_another_process():
    code = (
        "from fairrec.types import *;"
        "r = Request(k=2, instruction='Films, please.', profile={'b': '1', 'a': '\\ud800'});"
        "print(Probe(r, Arm.NEUTRAL, 'topic').id)"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1")
    }
    assert len(seen) == 1


def test_content_hash_does_not_depend_on_key_order():
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    assert content_hash(["ab"]) != content_hash(["a", "b"])
    with pytest.raises(ValueError):
        content_hash([math.nan])


def test_off_catalogue_ids_are_told_apart():
    assert is_off_catalogue(off_catalogue_id("no such film"))
    assert not is_off_catalogue("f0001")


def _result() -> AuditResult:
    found = Finding(
        id="sensitivity.<b>.jaccard.snsr",
        audit="sensitivity",
        metric="jaccard",
        statistic="snsr",
        estimate=Estimate(value=0.1234, low=0.05, high=0.2),
    )
    missing = replace(
        found, id="second", estimate=Estimate(value=None, reason="no <i>topic</i> was answered")
    )
    rows = tuple(
        Observation("t", arm, "race", "black", Outcome.ANSWERED, {"jaccard": j}, "p")
        for arm, j in ((Arm.SENSITIVE, 0.5), (Arm.REPEAT, None))
    )
    return AuditResult("sensitivity", "run", (found, missing), rows, (), {}, {})


def test_findings_are_found_by_id():
    result = _result()
    assert result.finding("second") is result.findings[1]
    with pytest.raises(KeyError):
        result.finding("third")


def test_observations_become_a_table():
    table = _result().to_pandas()
    assert list(table["arm"]) == ["sensitive", "repeat"]
    assert table["jaccard"][0] == 0.5
    assert math.isnan(table["jaccard"][1])


def test_a_notebook_shows_escaped_text():
    html = _result()._repr_html_()
    assert "&lt;b&gt;" in html
    assert "no &lt;i&gt;topic" in html
    assert "<i>" not in html
    assert "0.123" in html
    assert "[0.050, 0.200]" in html
