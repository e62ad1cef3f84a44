"""Turn a table of recorded lists, one row a user, into a recording that fairrec replays.

    python examples/convert_recorded_lists.py lists.csv lists.jsonl
    fairrec replay lists.jsonl --audit counterfactual

The table has a column per prompt, named by what was varied, as in the recorded answers of
CFaiRLLM (Deldjoo and Di Noia 2024):

    recommendation_for_prompt_counterfact-False_sample-random_userDemo-gender_interact-zero-shot

`userDemo` is the attribute that the prompt stated ("no_info": none), `counterfact` whether the
other value was stated instead of the user's own; where nothing was stated, it is the same prompt
asked again. `sample` and `interact` are wordings of the prompt. A cell has a title a line.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

COLUMN = re.compile(
    r"recommendation_for_prompt_counterfact-(?P<flipped>False|True)_sample-(?P<sample>.+?)"
    r"_userDemo-(?P<stated>.+?)_interact-(?P<interact>.+)"
)
ATTRIBUTES = {
    "gender": ("gender",),
    "age-group": ("age_group",),
    "intersectional": ("gender", "age_group"),
}
"""Columns of the user's own values by what a prompt stated."""


def other_value(own: str, values: Sequence[str]) -> str:
    """Return the value that was stated instead of the user's own."""
    others = [value for value in values if value != own]
    return others[0] if len(others) == 1 else f"not {own}"


def lines(rows: Sequence[Mapping[str, str]]) -> Iterator[dict[str, object]]:
    """Yield a line of the recording per user and prompt."""
    values = {
        stated: sorted({row[columns[0]] for row in rows if row.get(columns[0])})
        for stated, columns in ATTRIBUTES.items()
        if len(columns) == 1  # of two attributes, the table does not say which was changed
    }
    for row in rows:
        own = {
            stated: " x ".join(row[column] for column in columns)
            for stated, columns in ATTRIBUTES.items()
            if all(row.get(column) for column in columns)
        }
        for name, cell in row.items():
            prompt = COLUMN.fullmatch(name or "")
            if prompt is None:
                continue
            line: dict[str, object] = {
                "user": row["userId"],
                "user_profile": own,
                "template": f"{prompt['sample']}, {prompt['interact']}",
                "titles": [title.strip() for title in (cell or "").splitlines() if title.strip()],
            }
            stated, flipped = prompt["stated"], prompt["flipped"] == "True"
            if stated == "no_info":
                yield {**line, "arm": "repeat" if flipped else "neutral", "replicate": int(flipped)}
            elif stated in own:
                value = other_value(own[stated], values.get(stated, ())) if flipped else own[stated]
                arm = "counterfactual" if flipped else "sensitive"
                yield {**line, "arm": arm, "profile": {stated: value}}


def main(source: Path, target: Path) -> None:
    """Convert one file."""
    with source.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    recording = [json.dumps(line, ensure_ascii=False) for line in lines(rows)]
    target.write_text("\n".join(recording) + "\n", "utf-8")
    print(f"{target}: {len(recording)} answers to {len(rows)} users")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python convert_recorded_lists.py TABLE.csv RECORDING.jsonl")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
