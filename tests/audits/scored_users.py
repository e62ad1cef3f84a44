"""Users with candidates, and recommenders that score them in a known way."""

import numpy as np

from fairrec import as_recommender
from fairrec.audits.scoring import ScoringAudit
from fairrec.prompts import Attribute, AttributeValue, Template
from fairrec.seeds import generator
from fairrec.types import Ranking
from fairrec.users import User

ITEMS = tuple(f"item {n}" for n in range(6))


def attribute(name, *values):
    return Attribute(name, tuple(AttributeValue(v, f"a {v}", f"I am {v}.") for v in values))


GENDER = attribute("gender", "female", "male")
AGE = attribute("age", "old", "young")
WORDS = Template("{statement} Score {candidates}.")


def users(n=40, liked=2):
    found = []
    for i in range(n):
        held = generator(1, str(i)).permutation(ITEMS)[:liked]
        profile = {"gender": ("female", "male")[i % 2]}
        found.append(User(f"u{i}", profile, candidates=ITEMS, held_out=tuple(map(str, held))))
    return found


def audit(some=None, **more):
    settings = {"attributes": [GENDER], "template": WORDS, "threshold": 0.5, "draws": 500}
    return ScoringAudit(some or users(), **{**settings, **more})


def scorer(effect=0.0, noise=0.0, of="female"):
    """Scores are the user's own in (0, 1), with noise of every asking, and `effect` for some."""

    def answer(request):
        user = request.slots["user"]
        scores = generator(2, "taste", user).uniform(size=len(request.candidates))
        stated = f"{sorted(request.profile.items())} {request.replicate}"
        scores = scores + noise * generator(2, user, stated).normal(size=len(scores))
        if of in request.profile.values():
            scores = scores + effect
        order = np.argsort(-scores, kind="stable")
        return Ranking(
            tuple(request.candidates[i] for i in order), scores=tuple(scores[order].tolist())
        )

    return as_recommender(answer, name=f"scorer {effect} {noise} {of}")
