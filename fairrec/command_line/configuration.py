"""`fairrec.yaml`: what to audit and what must hold, checked before anything is asked."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fairrec.errors import WrongUse
from fairrec.gates import parse_gate


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CatalogSection(_Section):
    """Where the items come from: the embedded films, or a CSV or Parquet file."""

    path: Path | None = Field(
        default=None, description="CSV or Parquet file; none means the films."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="id, title, ... to the file's own column names."
    )


class PoolSection(_Section):
    """Which items the likelihood recommender ranks for each topic."""

    size: int | None = Field(default=60, ge=2, description="Items a topic; null means all.")
    stratify_by: str | None = Field(
        default=None, description="Numeric column whose range the pool covers evenly."
    )


class RecommenderSection(_Section):
    """How the language model is made to recommend."""

    kind: Literal["likelihood", "open"] = "likelihood"
    variant: Literal["raw", "per_token", "prior_corrected"] = "prior_corrected"
    pool: PoolSection = PoolSection()
    temperature: float = Field(default=0.0, ge=0, description="Of open generation; 0 is greedy.")
    max_new_tokens: int = Field(default=400, ge=1)
    one_shot: bool = False
    prefill: str = ""


class TopicsSection(_Section):
    """What the user is a fan of: names, or the most frequent values of a column."""

    names: list[str] | None = None
    column: str = "director"
    n: int = Field(default=30, ge=2)
    minimum_items: int = Field(default=5, ge=1)


class TemplateSection(_Section):
    """Your own words, with the fields {value}, {name} and {k}."""

    user: str
    system: str | None = None


class Configuration(_Section):
    """Everything that `fairrec audit` can be told."""

    name: str | None = Field(
        default=None, description="Folder of the run; made from the rest if unset."
    )
    model: str = "default"
    recommender: RecommenderSection = RecommenderSection()
    catalog: CatalogSection = CatalogSection()
    topics: TopicsSection = TopicsSection()
    attributes: list[str] | dict[str, list[str] | dict[str, str]] = Field(
        default_factory=lambda: ["gender", "age", "race"], min_length=1
    )
    wording: Literal["grammatical", "fairllm"] = "grammatical"
    template: Literal["movie", "music"] | TemplateSection = "movie"
    k: int = Field(default=20, ge=1)
    dialect: Literal["unit", "paper", "fairllm", "langfair"] = "unit"
    draws: int = Field(default=10_000, ge=100)
    seed: int = Field(default=0, ge=0)
    gates: list[str] = Field(default_factory=lambda: ["sensitivity.*.jaccard.snsr <= 0.1"])
    minimum_answered: float = Field(default=0.5, ge=0, le=1)

    @field_validator("gates")
    @classmethod
    def _gates_can_be_read(cls, gates: list[str]) -> list[str]:
        for gate in gates:
            parse_gate(gate)
        return gates

    @model_validator(mode="after")
    def _name_is_a_folder_name(self) -> Configuration:
        name = self.name
        if name is not None and (name in ("", ".", "..") or set(name) & set('/\\:*?"<>|\0')):
            raise ValueError(f"name {name!r} is no folder name")
        return self


def read_configuration(path: Path) -> dict[str, Any]:
    """Read a YAML file into plain types; `make_configuration` checks them.

    Raises:
        WrongUse: The file is missing, is not UTF-8 or YAML, or is no mapping.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(
            f"{path} cannot be read: {error}.",
            expected="a UTF-8 YAML file.",
            do="check the path; `fairrec init` writes one to start from.",
        ) from error
    except yaml.YAMLError as error:
        raise WrongUse(
            f"{path} is not YAML: {' '.join(str(error).split())}.",
            expected="keys and values as `fairrec init` writes them.",
            do="mend the line that is named.",
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise WrongUse(
            f"{path} holds a {type(content).__name__}.",
            expected="a mapping such as `model: default`.",
            do="start from the file that `fairrec init` writes.",
        )
    return content


def make_configuration(content: dict[str, Any], source: str) -> Configuration:
    """Check settings and fill in the defaults.

    Raises:
        WrongUse: A key is unknown (the nearest valid one is named) or a value is out of range.
    """
    try:
        return Configuration.model_validate(content)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        raise WrongUse(
            f"{source} has {len(lines)} problem(s):\n  " + "\n  ".join(lines),
            expected="the keys and values that `fairrec init` lists.",
            do="mend the lines above.",
        ) from error


def _explain(problem: Any) -> str:
    place = [str(part) for part in problem["loc"]]
    where = ".".join(place)
    if problem["type"] != "extra_forbidden":
        return f"{where or 'the file'}: {problem['msg']} (seen: {problem['input']!r:.80})"
    known = _keys_at(place[:-1])
    close = difflib.get_close_matches(place[-1], known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
    return f"{where}: unknown key; {hint}"


def _keys_at(place: list[str]) -> list[str]:
    section: type[BaseModel] = Configuration
    for part in place:
        field = section.model_fields.get(part)
        if field is None:
            continue  # a member of a union, named by its type
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                section = kind
    return list(section.model_fields)
