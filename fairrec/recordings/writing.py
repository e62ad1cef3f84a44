"""Writes answers in the documented form, so that a run can be judged again elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairrec.errors import WrongUse
from fairrec.files import write_atomically
from fairrec.recordings.line import LISTS, MAPPINGS
from fairrec.recordings.tables import FORMS
from fairrec.types import Answer, Probe
from fairrec.users import User


def write_recording(
    path: Path,
    probes: Sequence[Probe],
    answers: Sequence[Answer],
    users: Sequence[User] = (),
) -> None:
    """Write a recording as JSONL, CSV or Parquet, by the ending of the file's name.

    Args:
        path: Where to.
        probes: What was asked.
        answers: One per probe, by id.
        users: Whom the probes' clusters name; none of them when clusters are topics.

    Raises:
        WrongUse: The file's name ends in something else.
    """
    found = {answer.probe_id: answer for answer in answers}
    known = {user.id: user for user in users}
    rows = [_row(probe, found[probe.id], known.get(probe.cluster)) for probe in probes]
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        write_atomically(path, text)
    elif path.suffix in FORMS:
        _write_table(path, rows)
    else:
        raise WrongUse(
            f"{path} ends in {path.suffix!r}.",
            expected=f"a name that ends in {', '.join(FORMS)}.",
            do="choose one of them.",
        )


def _row(probe: Probe, answer: Answer, user: User | None) -> dict[str, Any]:
    """Return what there is to say of a probe; what is empty is left out."""
    request, ranking = probe.request, answer.ranking
    usage = ranking.usage
    slots = {k: v for k, v in request.slots.items() if k not in ("user", "name", "template")}
    row = {
        "user" if "user" in request.slots else "topic": probe.cluster,
        "arm": str(probe.arm),
        "attribute": probe.attribute,
        "value": probe.value,
        "profile": dict(request.profile),
        "replicate": request.replicate,
        "template": request.slots.get("template"),
        "slots": slots,
        "k": request.k,
        "system": request.system,
        "instruction": request.instruction,
        "items": list(ranking.items),
        "scores": ranking.scores,
        "embedding": ranking.embedding,
        "text": ranking.text,
        "outcome": str(ranking.outcome),
        "detail": ranking.detail,
        "matches": [
            {
                "text": m.text,
                "kind": str(m.kind),
                "item_id": m.item_id,
                "similarity": m.similarity,
            }
            for m in ranking.matches
        ],
        "history": list(request.history) or None,
        "candidates": None if request.candidates is None else list(request.candidates),
        "seconds": answer.seconds or None,
        "calls": len(answer.attempts) or None,
        "prompt_tokens": None if usage is None else usage.prompt_tokens,
        "completion_tokens": None if usage is None else usage.completion_tokens,
    }
    if user is not None:
        row["user_profile"] = dict(user.profile)
        row["relevant"] = list(user.held_out) or None
    return {name: value for name, value in row.items() if value not in (None, "", {}, [])}


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    import pandas

    packed = LISTS | MAPPINGS | {"matches"}
    table = pandas.DataFrame(
        [
            {
                name: json.dumps(value, ensure_ascii=False) if name in packed else value
                for name, value in row.items()
            }
            for row in rows
        ]
    )
    if path.suffix == ".csv":
        write_atomically(path, table.to_csv(index=False))
    else:
        from io import BytesIO

        buffer = BytesIO()
        table.to_parquet(buffer, index=False)
        write_atomically(path, buffer.getvalue())
