"""The scoring audit finds the published gaps of recorded job scores."""

import json
from pathlib import Path

import numpy as np
import pytest

from fairrec.audits import ScoringAudit
from fairrec.audits.intersections import NAMES, VALUES
from fairrec.prompts import Template, custom_attribute
from fairrec.types import Answer, Arm, Probe, Ranking, Request
from fairrec.users import User

JOBS = Path(__file__).parents[2].parent / "shared" / "oracles" / "jobs_scores.json"


def recorded_jobs():
    """The recorded scores as probes and answers, the labels as users."""
    said = json.loads(JOBS.read_text())
    labels, scores = {}, {}
    for row in said["labels"]:
        labels.setdefault(str(row["user"]), {})[str(row["job"])] = row["label"]
    for row in said["scores"]:
        stated = tuple(sorted(row["attributes"].items()))
        scores.setdefault((str(row["user"]), stated), {})[str(row["job"])] = row["score"]
    people = [
        User(user, candidates=tuple(jobs), held_out=tuple(job for job, y in jobs.items() if y))
        for user, jobs in labels.items()
    ]
    probes, answers = [], []
    for (user, stated), of in scores.items():
        request = Request(k=len(of), profile=dict(stated), slots={"user": user})
        name = NAMES.join(name for name, _ in stated)
        value = VALUES.join(value for _, value in stated)
        probes.append(Probe(request, Arm.COUNTERFACTUAL, user, name, value))
        order = sorted(of, key=lambda job: -of[job])
        ranking = Ranking(tuple(order), scores=tuple(of[job] for job in order))
        answers.append(Answer(probes[-1].id, ranking))
    return said, people, probes, answers


@pytest.mark.skipif(not JOBS.exists(), reason=f"{JOBS.name} is not there")
def test_gaps_of_recorded_job_scores_are_the_published_ones():
    said, people, probes, answers = recorded_jobs()
    stated = [
        custom_attribute("Gender", ["Male", "Female"]),
        custom_attribute("Age", ["<35", ">35"]),
    ]
    audit = ScoringAudit(people, stated, Template("{value}"), threshold=5.0, draws=200)
    result = audit.judge(probes, answers)
    keys = {
        "SPD": "selection_rate.statistical_parity_gap",
        "EO": "true_positive_rate.equal_opportunity_gap",
        "PPV_diff": "positive_predictive_value.predictive_parity_gap",
    }
    found = {
        names: {
            key: result.finding(f"scoring.{names.replace(',', NAMES)}.{id}").estimate.value
            for key, id in keys.items()
        }
        for names in said["per_attribute_set"]
    }
    for names, published in said["per_attribute_set"].items():
        assert {key: round(gap, 4) for key, gap in found[names].items()} == published
    means = {key: np.mean([gaps[key] for gaps in found.values()]) for key in keys}
    assert {key: round(float(mean), 4) for key, mean in means.items()} == said["published"]
