"""Fair prompts: they hide what they should, go on after a kill, and fit one model alone."""

from __future__ import annotations

import subprocess
import sys
from copy import copy, deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fairrec.errors import BadData, WrongUse
from fairrec.evidence.fresh_attack import fresh_attack
from fairrec.mitigations.cfp import CounterfactuallyFairPrompt
from fairrec.mitigations.cfp.training import subsets
from fairrec.protocols import Recommender, ScoresItems, TrainsThrough
from fairrec.recommenders.p5 import Examples, save_generator
from fairrec.types import Request

pytestmark = pytest.mark.model

DRAW = Examples(history=10, targets=4, ordered=False).draw
QUICK = {"steps": 4, "batch": 16, "check_every": 2, "length": 2, "width": 8, "validation": 0.3}


def span_of(made) -> str:
    return "user" if made.network.encoder_decoder else "prompt"


@pytest.fixture(scope="module")
def fitted(taste_recommender, taste_users):
    prompt = CounterfactuallyFairPrompt(
        ["gender"],
        spans=(span_of(taste_recommender),),
        steps=250,
        batch=100,
        check_every=50,
        method="mmd",
        weight=20.0,
        length=10,
        validation=0.3,
    )
    return prompt.fit(taste_recommender, taste_users, draw=DRAW)


def gender_auc(recommender, users, span: str) -> float:
    requests = [Request(k=5, slots={"user": u.id}, history=u.history[:10]) for u in users]
    labels = np.array([u.profile["gender"] == "male" for u in users]).astype(np.intp)
    train = np.arange(len(users)) % 4 < 2
    vectors = recommender.embed(requests, span)
    return fresh_attack(vectors, labels, train, attackers=["logistic"], draws=10).auc


def test_gender_is_hidden_and_recommending_goes_on(fitted, taste_recommender, taste_users) -> None:
    span = span_of(taste_recommender)
    before = gender_auc(taste_recommender, taste_users, span)
    after = gender_auc(fitted.wrap(taste_recommender), taste_users, span)
    assert before > 0.8
    assert after < before
    if span == "user":  # a lone layer of a decoder has nowhere else to keep what it recommends by
        assert 0.35 < after < before - 0.15
        looks = fitted.artefact.looks
        assert min(look["loss"] for look in looks[1:]) < 1.05 * looks[0]["loss"]


def test_the_model_is_as_it_was(fitted, taste_recommender, taste_users) -> None:
    module = taste_recommender.module
    request = Request(k=5, history=taste_users[0].history)
    before = taste_recommender.recommend([request])
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with fitted.applied_to(module):
        assert taste_recommender.recommend([request])[0].scores != before[0].scores
    assert taste_recommender.recommend([request]) == before
    assert all(torch.equal(t, weights[n]) for n, t in module.state_dict().items())
    assert all(p.requires_grad for p in module.parameters())


def test_a_wrapped_recommender_can_do_what_the_original_can(fitted, taste_recommender) -> None:
    wrapped = fitted.wrap(taste_recommender)
    for protocol in (Recommender, ScoresItems, TrainsThrough):
        assert isinstance(wrapped, protocol)
    request = Request(k=5, history=("f1", "f50"))
    with fitted.applied_to(taste_recommender.module):
        inside = taste_recommender.recommend([request])
        scores = taste_recommender.score([request], ["f3"])
    assert wrapped.recommend([request]) == inside
    assert wrapped.score([request], ["f3"])[0] == scores[0]
    assert copy(wrapped).recommend([request]) == inside
    assert wrapped.description["of"] == taste_recommender.description
    assert wrapped.description != taste_recommender.description


def test_folder_and_back(fitted, taste_recommender, tmp_path) -> None:
    fitted.save(tmp_path)
    loaded = CounterfactuallyFairPrompt.load(tmp_path)
    request = Request(k=5, history=("f1", "f50"))
    assert loaded.settings == fitted.settings
    assert loaded.wrap(taste_recommender).recommend([request]) == fitted.wrap(
        taste_recommender
    ).recommend([request])
    (tmp_path / "fair_prompt.json").write_text("{}")
    with pytest.raises(WrongUse, match="no fair prompt"):
        CounterfactuallyFairPrompt.load(tmp_path)


def test_peft_loads_the_prompt_of_a_causal_model(fitted, taste_recommender, tmp_path) -> None:
    from peft import PeftModel

    fitted.save(tmp_path)
    if taste_recommender.network.encoder_decoder:
        assert not (tmp_path / "adapter_config.json").exists()  # PEFT has none for encoders
        return
    module = taste_recommender.module
    tokens = torch.tensor([[5, 9, 12, 7]])
    with fitted.applied_to(module), torch.no_grad():
        ours = module(input_ids=tokens).logits
    theirs = PeftModel.from_pretrained(deepcopy(module), tmp_path).eval()
    with torch.no_grad():
        assert theirs(input_ids=tokens).logits == pytest.approx(ours, abs=1e-4)


def test_another_model_is_refused(fitted, taste_recommender) -> None:
    other = deepcopy(taste_recommender.module)
    with torch.no_grad():
        next(other.parameters())[0, 0] += 1
    with pytest.raises(WrongUse, match="weights"), fitted.applied_to(other):
        pass
    with fitted.applied_to(deepcopy(taste_recommender.module)):
        pass  # the same weights in another object are the same model


@pytest.mark.parametrize("method", ["adversarial", "reversal", "mmd", "hsic", "wasserstein"])
def test_one_prompt_hides_any_set(method, taste_recommender, taste_users) -> None:
    prompt = CounterfactuallyFairPrompt(
        ["gender", "age"], method=method, keep=0.1, spans=("prompt", "output"), **QUICK
    )
    prompt.fit(taste_recommender, taste_users, draw=DRAW)
    request = Request(k=5, history=("f1", "f50"))
    answers = [
        prompt.wrap(taste_recommender, chosen).recommend([request])[0].scores
        for chosen in subsets(["gender", "age"])
    ]
    assert len(set(answers)) == 3
    assert prompt.wrap(taste_recommender, ["age", "gender"]).hide == ("gender", "age")
    with pytest.raises(WrongUse, match="cannot be hidden"):
        prompt.wrap(taste_recommender, ["religion"])


CHILD = """
import os, signal, sys
from pathlib import Path
from fairrec.mitigations.cfp import CounterfactuallyFairPrompt
from fairrec.recommenders.p5 import Examples, load_generator
from fairrec.users import User
recommender = load_generator(Path(sys.argv[1]))
users = [User(f"u{n}", {"gender": "ab"[n % 2]}, tuple(f"f{(n + i) % 80}" for i in range(9)))
         for n in range(60)]
def tell(training):
    if training.step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
prompt = CounterfactuallyFairPrompt(["gender"], spans=("prompt",), steps=6, batch=16,
    check_every=2, length=2, width=8, validation=0.3)
prompt.fit(recommender, users, checkpoint=Path(sys.argv[2]), tell=tell)
print(prompt.artefact.content_hash)
"""


def test_a_killed_training_goes_on_as_if_nothing_had_been(taste_recommender, tmp_path) -> None:
    save_generator(taste_recommender, tmp_path / "model")

    def train(folder: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", CHILD, str(tmp_path / "model"), str(folder), str(kill_at)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    whole = train(tmp_path / "whole", 0)
    killed = train(tmp_path / "killed", 4)
    assert killed.returncode == -9
    resumed = train(tmp_path / "killed", 0)
    assert whole.returncode == 0, whole.stderr
    assert resumed.stdout == whole.stdout != ""


def test_a_checkpoint_of_another_run_is_refused(taste_recommender, taste_users, tmp_path) -> None:
    def fit(**changed):
        settings = {**QUICK, "spans": ("prompt",), **changed}
        prompt = CounterfactuallyFairPrompt(["gender"], **settings)
        prompt.fit(taste_recommender, taste_users, draw=DRAW, checkpoint=tmp_path)

    fit()
    with pytest.raises(WrongUse, match="another run"):
        fit(seed=1)


def test_users_that_do_not_do(taste_recommender, taste_users) -> None:
    def fit(users, *attributes):
        CounterfactuallyFairPrompt(attributes, **QUICK).fit(taste_recommender, users)

    with pytest.raises(BadData, match=r"1 user\(s\) lack 'gender': u0"):
        fit([replace(taste_users[0], profile={}), *taste_users[1:]], "gender")
    with pytest.raises(BadData, match="all users have gender = 'female'"):
        fit(taste_users[::2], "gender")
    with pytest.raises(BadData, match=r"fewer than 4 users have: 'other' \(1\)"):
        fit([replace(taste_users[0], profile={"gender": "other"}), *taste_users[1:]], "gender")
    with pytest.raises(BadData, match="fewer than two items"):
        fit([replace(taste_users[0], history=("f1",)), *taste_users[1:]], "gender")
    with pytest.raises(WrongUse, match="attributes to hide"):
        fit(taste_users)
    with pytest.raises(WrongUse, match="no span 'nose'"):
        CounterfactuallyFairPrompt(["gender"], spans=("nose",), **QUICK).fit(
            taste_recommender, taste_users
        )
    with pytest.raises(WrongUse, match="nothing in the span 'history'"):
        CounterfactuallyFairPrompt(["gender"], spans=("history",), **QUICK).fit(
            taste_recommender,
            taste_users,
            draw=lambda user, rng: (Request(k=1), [user.history[0]]),
        )
    with pytest.raises(WrongUse, match="not trained"):
        CounterfactuallyFairPrompt(["gender"]).wrap(taste_recommender)
    with pytest.raises(WrongUse, match="'magic'"):
        CounterfactuallyFairPrompt(["gender"], method="magic")
