"""`fairrec audit` about users: every audit runs from settings alone, on real files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairrec import films


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Forty users of the embedded films, as a table of one's own."""
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    items = films().ids[:60]
    lines = [
        f"u{user},{item},{rng.integers(1, 6)},{time}"
        for user in range(40)
        for time, item in enumerate(rng.permutation(items)[:8])
    ]
    (folder / "interactions.csv").write_text("\n".join(["user,item,rating,timestamp", *lines]))
    people = [f"u{user},{('female', 'male')[user % 2]}" for user in range(40)]
    (folder / "users.csv").write_text("\n".join(["user,gender", *people]))
    titles = dict(zip(films().ids, films().titles, strict=True))
    named = [f'{item},"{titles[item]}"' for item in items]
    (folder / "items.csv").write_text("\n".join(["item,title", *named]))
    return folder


def run(folder: Path, settings: dict[str, Any]) -> tuple[subprocess.CompletedProcess[str], Any]:
    common = {"model": "demo", "recommender": {"kind": "open"}, "k": 5, "draws": 200}
    (folder / "fairrec.yaml").write_text(json.dumps({**common, **settings}))
    done = subprocess.run(
        [sys.executable, "-m", "fairrec", "audit", "--name", "run"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    result = folder / "fairrec-runs/run/result.json"
    return done, json.loads(result.read_text("utf-8")) if result.is_file() else None


@pytest.mark.parametrize(
    ("settings", "id"),
    [
        ({"audit": "counterfactual"}, "counterfactual.gender.jaccard.flip_excess"),
        (
            {"audit": "implicit_cue", "cues": ["pronouns"]},
            "implicit_cue.gender.pronouns.jaccard.as_if",
        ),
        ({"audit": "group_utility"}, "group_utility.gender.ndcg.difference"),
        ({"audit": "leakage"}, "leakage.gender.lists_logistic.auc"),
    ],
)
def test_audits_of_real_users_run_from_settings(
    tmp_path: Path, data: Path, settings: dict[str, Any], id: str
) -> None:
    done, result = run(
        tmp_path, {**settings, "attributes": ["gender"], "users": {"path": str(data), "n": 40}}
    )
    assert done.returncode in (0, 1, 2), done.stderr
    assert id in {finding["id"] for finding in result["findings"]}
    assert (tmp_path / "fairrec-runs/run/answers.jsonl").is_file()
    replayed = subprocess.run(
        [
            *(sys.executable, "-m", "fairrec", "replay", "fairrec-runs/run/answers.jsonl"),
            *("--audit", settings["audit"], "--name", "again"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert replayed.returncode == 0, replayed.stderr
    again = json.loads((tmp_path / "fairrec-runs/again/result.json").read_text("utf-8"))
    values = [
        next(f["estimate"]["value"] for f in some["findings"] if f["id"] == id)
        for some in (result, again)
    ]
    assert values[0] == pytest.approx(values[1])


def test_made_up_users_and_a_stereotype_audit_need_no_files(tmp_path: Path) -> None:
    done, result = run(
        tmp_path, {"audit": "counterfactual", "users": {"n": 8}, "attributes": ["age"]}
    )
    assert done.returncode in (0, 1, 2), done.stderr
    assert result["provenance"]["audit"]["users"] == 8
    done, result = run(tmp_path, {"audit": "stereotype", "topics": {"n": 5}, "attributes": ["age"]})
    assert done.returncode in (0, 1, 2), done.stderr
    assert "stereotype.age.genre.jsd" in {finding["id"] for finding in result["findings"]}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"audit": "scoring"}, "no threshold"),
        ({"audit": "group_utility"}, "no user has held-out items"),
        ({"audit": "counterfactual", "attributes": ["shoe size"]}, "'shoe size' is unknown"),
        ({"audit": "counterfactual", "users": {"path": "nowhere"}}, "nowhere"),
        ({"audit": "counterfactul"}, "audit: "),
        ({"audit": "counterfactual", "words": "missing.yaml"}, "missing.yaml"),
        ({"audit": "counterfactual", "language": "de", "template": "poem"}, "'poem' is unknown"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_asked(
    tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    done, result = run(tmp_path, {"attributes": ["gender"], "users": {"n": 4}, **settings})
    assert done.returncode == 4 and result is None
    assert says in done.stderr and "Traceback" not in done.stderr


def test_words_of_your_own_need_no_code(tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text(
        """
attributes:
  job:
    - {value: nurse, phrase: a nurse and a, statement: I am a nurse.}
    - {value: pilot, phrase: a pilot and a, statement: I fly planes.}
placebos:
  pet:
    - {value: cat, statement: I have a cat.}
    - {value: dog, statement: I have a dog.}
templates:
  films:
    user: "{statement} I saw {history}. Name {k} films."
cues:
  clothes:
    attribute: job
    source: this test
    values:
      nurse: [I wear scrubs.]
      pilot: [I wear a peaked cap.]
""",
        "utf-8",
    )
    own = {"words": "words.yaml", "attributes": ["job"], "template": "films", "users": {"n": 6}}
    done, result = run(tmp_path, {"audit": "counterfactual", "placebos": ["pet"], **own})
    assert done.returncode in (0, 1, 2), done.stderr
    assert result["provenance"]["audit"]["attributes"] == {
        "job": ["I am a nurse.", "I fly planes."]
    }
    assert result["provenance"]["audit"]["templates"][0]["user"].startswith("{statement} I saw")
    assert "counterfactual.job.jaccard.flip_excess_over_placebo" in {
        finding["id"] for finding in result["findings"]
    }
    done, result = run(tmp_path, {"audit": "implicit_cue", **own})
    assert done.returncode in (0, 1, 2), done.stderr
    assert result["provenance"]["audit"]["cues"] == {"clothes": "this test"}
