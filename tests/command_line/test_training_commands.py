"""`fairrec train p5` and `fairrec cfp train`, on a folder of made-up users."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fairrec.command_line.main import app
from fairrec.errors import WrongUse
from fairrec.mitigations.cfp import CounterfactuallyFairPrompt
from fairrec.recommenders.p5 import save_generator

pytestmark = pytest.mark.model

PAGE = Path(__file__).parents[2] / "docs" / "fair_prompts.md"


def write_data(folder: Path, users) -> None:
    folder.mkdir()
    rows = [f"{u.id},{item}" for u in users for item in (*u.history, *u.held_out)]
    (folder / "interactions.csv").write_text("user,item\n" + "\n".join(rows) + "\n")
    people = [f"{u.id},{u.profile['gender']},{20 + n % 40}" for n, u in enumerate(users)]
    (folder / "users.csv").write_text("user,gender,age\n" + "\n".join(people) + "\n")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)
    assert not done.exit_code
    return done.output


def test_from_a_data_set_to_a_card(tmp_path, taste_users, monkeypatch) -> None:
    write_data(tmp_path / "data", taste_users)
    folders = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "p5")]
    run("train", "p5", *folders, "--steps", "30", "--held-out", "2")
    config = tmp_path / "cfp.yaml"
    config.write_text(
        f"recommender: {tmp_path}/p5\ndata: {tmp_path}/data\nout: {tmp_path}/prompt\n"
        "attributes: [gender, age]\n"
        "settings: {steps: 4, batch: 16, check_every: 2, length: 2, width: 8, validation: 0.3}\n"
    )
    said = run("cfp", "train", str(config))
    assert "| gender | embeddings |" in said
    assert "| gender | lists |" in said
    card = json.loads((tmp_path / "prompt" / "card.json").read_text())
    assert 0 < card["utility"]["hit@10"]["before"][0] <= 1
    assert CounterfactuallyFairPrompt.load(tmp_path / "prompt").attributes == ("gender", "age")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    scope: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), scope)
    assert scope["fair"].hide == ("gender",)


def test_a_language_model_is_asked_in_words(tmp_path, taste_users, word_model) -> None:
    write_data(tmp_path / "data", taste_users[:80])
    word_model.module.save_pretrained(tmp_path / "model")
    word_model._tokenizer.save_pretrained(tmp_path / "model")
    config = tmp_path / "cfp.yaml"
    config.write_text(
        f"model: {tmp_path}/model\ndata: {tmp_path}/data\nout: {tmp_path}/prompt\n"
        "attributes: [gender]\nstates: [gender]\nhistory: 3\npool: 12\n"
        "settings: {steps: 2, batch: 8, check_every: 2, length: 2, width: 8, validation: 0.3,"
        " spans: [last, history]}\n"
    )
    assert "| gender | lists |" in run("cfp", "train", str(config))
    assert (tmp_path / "prompt" / "adapter_config.json").exists()
    config.write_text(config.read_text().replace(f"{tmp_path}/model", "demo"))
    with pytest.raises(WrongUse, match="'demo' cannot be trained through"):
        run("cfp", "train", str(config))


def test_wrong_settings_are_named(tmp_path) -> None:
    config = tmp_path / "cfp.yaml"
    config.write_text("recommender: here\ndata: there\nout: o\nattributes: []\n")
    with pytest.raises(WrongUse, match="attributes"):
        run("cfp", "train", str(config))
    for recommenders in ("", "recommender: here\nmodel: default\n"):
        config.write_text(f"{recommenders}data: there\nout: o\nattributes: [gender]\n")
        with pytest.raises(WrongUse, match="either recommender"):
            run("cfp", "train", str(config))
    with pytest.raises(WrongUse, match="no setting 'lamda'"):
        CounterfactuallyFairPrompt(["gender"], lamda=3)


def test_what_was_held_out_must_be_known(taste_recommender, taste_users, tmp_path) -> None:
    """Other items would be among those it was trained on."""
    save_generator(taste_recommender, tmp_path / "p5")
    write_data(tmp_path / "data", taste_users)
    config = tmp_path / "cfp.yaml"
    config.write_text(
        f"recommender: {tmp_path}/p5\ndata: {tmp_path}/data\nout: o\nattributes: [gender]\n"
    )
    with pytest.raises(WrongUse, match="does not say what was held out"):
        run("cfp", "train", str(config))
