"""`fairrec.yaml`: what to audit and what must hold, checked before anything is asked."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fairrec.command_line.names import AuditName
from fairrec.errors import WrongUse
from fairrec.gates import parse_gate
from fairrec.metrics.browsing import parse_browsing
from fairrec.recommenders.kinds import KINDS


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CatalogSection(_Section):
    """Where the items come from: an embedded catalogue, or a CSV or Parquet file."""

    embedded: Literal["films", "artists"] = "films"

    path: Path | None = Field(
        default=None, description="CSV or Parquet file; none means the embedded one."
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

    kind: str = Field(default="likelihood", description="One of `fairrec kinds`.")
    variant: Literal["raw", "per_token", "prior_corrected"] = "prior_corrected"
    pool: PoolSection = PoolSection()
    temperature: float = Field(default=0.0, ge=0, description="Of open generation; 0 is greedy.")
    max_new_tokens: int = Field(default=400, ge=1)
    one_shot: bool = False
    prefill: str = ""
    settings: dict[str, Any] = Field(
        default_factory=dict, description="What else the adapter of the kind is told."
    )
    first: RecommenderSection | None = Field(
        default=None, description="Who filters, is called, or consumes rows, in kinds of parts."
    )
    second: RecommenderSection | None = Field(
        default=None, description="Who reranks (filter_then_rerank)."
    )

    @field_validator("kind")
    @classmethod
    def _kind_is_known(cls, kind: str) -> str:
        if kind not in KINDS or kind in ("multi_task", "function"):
            close = difflib.get_close_matches(kind, KINDS, 1)
            raise ValueError(
                f"kind {kind!r}; "
                + (f"did you mean {close[0]!r}?" if close else "see fairrec kinds")
            )
        return kind


class TopicsSection(_Section):
    """What the user is a fan of: names, or the most frequent values of a column."""

    names: list[str] | None = None
    column: str = Field(default="director", description="Or `title`: items are topics.")
    n: int = Field(default=30, ge=2)
    minimum_items: int = Field(default=5, ge=1)


class UsersSection(_Section):
    """Who is asked for, in audits about users."""

    path: Path | None = Field(
        default=None, description="Folder of a data set; none means synthetic users."
    )
    format: str = Field(default="auto", description="Layout of the data set.")
    n: int = Field(default=50, ge=2, description="Users asked for, drawn by the seed.")
    held_out: int = Field(default=1, ge=0, description="Last items of each user kept back.")
    history: int = Field(default=10, ge=1, description="Items of the history that are shown.")
    sampling: Literal["recent", "top_rated", "random"] = "recent"
    intersections: list[list[str]] = Field(
        default_factory=list, description="Attributes that are also stated together."
    )


class ItemsSection(_Section):
    """How the audits of the items' side look at lists."""

    browsing: list[str] = Field(
        default_factory=lambda: ["log2"], min_length=1, description="How people read lists."
    )
    merit: list[Literal["catalogue", "equal", "interactions", "relevance"]] | dict[str, float] = (
        Field(default_factory=lambda: ["catalogue"], description="What groups deserve.")
    )
    popularity: str | None = Field(
        default=None, description="Numeric column; none counts the data set's interactions."
    )
    quality: str | None = Field(default=None, description="Numeric column, such as a rating.")
    source: str | None = Field(
        default=None, description="Column that says who wrote an item's description: human or llm."
    )
    minimum_alpha: float = Field(default=0.5, ge=0, le=1)
    positions: list[int] = Field(default_factory=lambda: [0, 5, 10, 15, 19], min_length=2)
    shuffles: int = Field(default=5, ge=2)

    @field_validator("browsing")
    @classmethod
    def _browsing_can_be_read(cls, browsing: list[str]) -> list[str]:
        return [str(parse_browsing(text)) for text in browsing]


class TemplateSection(_Section):
    """Your own words; fields are {value}, {statement}, {name}, {history}, {candidates}, {k}."""

    user: str
    system: str | None = None


DEFAULT_GATES: dict[AuditName, list[str]] = {
    "sensitivity": ["sensitivity.*.jaccard.snsr <= 0.1"],
    "counterfactual": ["counterfactual.*.jaccard.flip_excess <= 0.1"],
    "implicit_cue": [],
    "group_utility": ["group_utility.*.ndcg.difference <= 0.1"],
    "leakage": [],
    "stereotype": [],
    "scoring": [],
    "exposure": [],
    "popularity": [],
    "position_bias": [],
    "grounding": [],
    "provider": [],
}
"""What must hold when the settings say nothing. Where the literature knows no number that most
would accept, nothing is decided unless somebody sets a gate."""

DEFAULT_COLUMNS: dict[AuditName, str] = {"provider": "distributor"}
"""The column that groups items when the settings name none, where it is not the genre."""


class Configuration(_Section):
    """Everything that `fairrec audit` can be told."""

    audit: AuditName = "sensitivity"

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
    words: Path | None = Field(
        default=None, description="YAML file of your own attributes, templates and cues."
    )
    language: Literal["en", "de", "es", "zh"] = "en"
    template: str | TemplateSection = "movie"
    users: UsersSection = UsersSection()
    placebos: list[str] = Field(default_factory=list)
    repeats: int = Field(default=1, ge=0)
    cutoffs: list[int] = Field(
        default_factory=list, description="Ranks at which lists are compared as well."
    )
    cues: list[str] = Field(default_factory=list, description="Kinds of cue; none means all.")
    column: str = Field(default="genre", description="Column of the catalogue that groups items.")
    items: ItemsSection = ItemsSection()
    threshold: float | None = Field(default=None, description="Score of a selection (scoring).")
    mitigate: list[dict[str, dict[str, Any]]] = Field(
        default_factory=list, description="Mitigations with their settings, the innermost first."
    )
    on_error: Literal["raise", "original"] = Field(
        default="raise", description="What to do where a mitigation fails."
    )
    k: int = Field(default=20, ge=1)
    dialect: Literal["unit", "paper", "fairllm", "langfair"] = "unit"
    draws: int = Field(default=10_000, ge=100)
    seed: int = Field(default=0, ge=0)
    gates: list[str] = Field(default_factory=list)
    minimum_answered: float = Field(default=0.5, ge=0, le=1)

    @field_validator("gates")
    @classmethod
    def _gates_can_be_read(cls, gates: list[str]) -> list[str]:
        for gate in gates:
            parse_gate(gate)
        return gates

    @field_validator("mitigate", mode="before")
    @classmethod
    def _mitigations_by_name(cls, named: Any) -> Any:
        if not isinstance(named, list):
            return named
        return [{entry: {}} if isinstance(entry, str) else entry for entry in named]

    @field_validator("mitigate")
    @classmethod
    def _one_name_each(cls, named: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for entry in named:
            if len(entry) != 1:
                raise ValueError(
                    f"{entry} is not one name with its settings: {{fa_ir: {{p: 0.4}}}}"
                )
        return named

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_audit(cls, content: Any) -> Any:
        if isinstance(content, dict):
            audit = content.get("audit", "sensitivity")
            given = {key: value for key, value in content.items() if value is not None}
            defaults = {
                "gates": DEFAULT_GATES.get(audit, []),
                "column": DEFAULT_COLUMNS.get(audit, "genre"),
            }
            content = {**content, **{k: v for k, v in defaults.items() if k not in given}}
        return content

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
