"""Reads a recording: probes, answers and users, every row checked and none lost in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fairrec.catalogs import Catalog, TitleMatcher
from fairrec.catalogs.titles import normalise_title
from fairrec.errors import BadData
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.answers.title_ranking import rank_matches
from fairrec.recordings.conditions import missing_conditions
from fairrec.recordings.line import RecordedLine
from fairrec.recordings.tables import numbered_rows
from fairrec.types import Answer, Arm, Match, MatchKind, Outcome, Probe, Ranking, Request
from fairrec.users import User

MOST_SHOWN = 10
"""Problems that an error names; it counts them all."""

LONGEST = 100
"""Titles that are read out of an answer in words when nothing says how many were asked for."""


@dataclass(frozen=True)
class Recording:
    """What a recording holds, ready to be judged.

    Attributes:
        probes: What was asked.
        answers: One per probe, in the same order.
        users: Whom the recording speaks of, in order; topics when it has no users.
        of_users: Whether its clusters are users; else they are topics.
        titles: Titles by item id, as far as they are known.
        k: The largest number of items asked for.
        missing: Conditions that were asked for some users but not for others, in words.
        warnings: What else a reader must know.
    """

    probes: tuple[Probe, ...]
    answers: tuple[Answer, ...]
    users: tuple[User, ...]
    of_users: bool
    titles: Mapping[str, str]
    k: int
    missing: tuple[str, ...]
    warnings: tuple[str, ...]

    def stated(self, arms: Sequence[Arm]) -> dict[str, tuple[str, ...]]:
        """Return the attributes that probes of these arms state, with their values."""
        found: dict[str, dict[str, None]] = {}
        for probe in self.probes:
            if probe.arm in arms and probe.attribute is not None and probe.value is not None:
                found.setdefault(probe.attribute, {})[probe.value] = None
        return {name: tuple(values) for name, values in found.items()}


def read_recording(path: Path, catalog: Catalog | None = None) -> Recording:
    """Read a recording from JSONL, CSV or Parquet (see `docs/recorded-answers.md`).

    Args:
        path: The file.
        catalog: Whose titles are recommended. Without one every different title is an item.

    Raises:
        WrongUse: There is no such file, or not of a known form.
        BadData: Rows are broken, contradict each other, or there are none; all are counted
            and the first ones named by their row number.
    """
    lines, problems = _lines(path)
    if not lines and not problems:
        raise BadData(
            f"{path} holds no row.", expected="one row per asked request.", do="check the file."
        )
    asked = max((line.k or 0 for _, line in lines), default=0)
    reader = _Reader(catalog, asked or max((_length(line) for _, line in lines), default=1) or 1)
    users, contradictions = _users(lines, reader)
    problems += contradictions
    profiles = {user.id: user.profile for user in users}
    kept, repeated, doubled = _without_repeats(lines, profiles, reader)
    problems += doubled
    if len({line.user is None for _, line in lines}) == 2:
        problems.append("some rows name a user and some a topic")
    if problems:
        _refuse(path, problems)
    probes = tuple(probe for probe, *_ in kept)
    missing = missing_conditions(probes, profiles)
    warnings = []
    if missing:
        warnings.append(
            f"The recording lacks {len(missing)} condition(s) that others have: "
            f"{'; '.join(missing[:3])}{'; …' if len(missing) > 3 else ''}."
        )
    if repeated:
        warnings.append(f"{repeated} row(s) say the same as an earlier one and count once.")
    if reader.cut:
        warnings.append(f"{reader.cut} list(s) were longer than k and are judged to rank k.")
    return Recording(
        probes=probes,
        answers=tuple(
            Answer(probe.id, ranking, line.seconds, line.attempts) for probe, ranking, line in kept
        ),
        users=users,
        of_users=lines[0][1].user is not None,
        titles=reader.titles,
        k=reader.k,
        missing=missing,
        warnings=tuple(warnings),
    )


def _length(line: RecordedLine) -> int:
    if line.titles is None and line.items is None:
        return len(parse_titles(line.text, LONGEST).titles)
    return len(line.titles or line.items or ())


def _refuse(path: Path, problems: Sequence[str]) -> None:
    shown = "\n  ".join(problems[:MOST_SHOWN])
    more = f"\n  and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
    raise BadData(
        f"{path} has {len(problems)} problem(s):\n  {shown}{more}",
        expected="rows as docs/recorded-answers.md describes them.",
        do="mend these rows; the file is unchanged.",
    )


def _lines(path: Path) -> tuple[list[tuple[int, RecordedLine]], list[str]]:
    lines: list[tuple[int, RecordedLine]] = []
    problems: list[str] = []
    for number, row in numbered_rows(path):
        if isinstance(row, str):
            problems.append(f"row {number}: {row}")
            continue
        try:
            lines.append((number, RecordedLine.model_validate(row)))
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                where = ".".join(map(str, problem["loc"]))
                said = problem["msg"].removeprefix("Value error, ")
                problems.append(f"row {number}: {f'{where}: ' if where else ''}{said}")
    return lines, problems


def _users(
    lines: Sequence[tuple[int, RecordedLine]], reader: _Reader
) -> tuple[tuple[User, ...], list[str]]:
    """Return every user once; what rows say of one user must agree."""
    in_words = any(line.items is None for _, line in lines)
    said: dict[str, dict[str, tuple[int, object]]] = {}
    problems = []
    for number, line in lines:
        facts = said.setdefault(line.cluster, {})
        for name in ("user_profile", "history", "ratings", "relevant", "candidates"):
            fact = getattr(line, name)
            if fact is None:
                continue
            first, known = facts.setdefault(name, (number, fact))
            same = known == fact
            if name == "candidates":  # shown in several orders, they are the same ones still
                same = sorted(known) == sorted(fact)  # type: ignore[call-overload]
            if not same:
                problems.append(
                    f"row {number}: {name} of {line.cluster!r} is another one in row {first}"
                )
    users = []
    for cluster, facts in said.items():
        known = {name: fact for name, (_, fact) in facts.items()}
        try:
            users.append(
                User(
                    cluster,
                    profile=dict(known.get("user_profile", {})),  # type: ignore[call-overload]
                    history=known.get("history", ()),  # type: ignore[arg-type]
                    ratings=known.get("ratings"),  # type: ignore[arg-type]
                    held_out=reader.item_ids(known.get("relevant", ()), in_words),  # type: ignore[arg-type]
                    candidates=known.get("candidates"),  # type: ignore[arg-type]
                )
            )
        except BadData as error:
            problems.append(str(error.seen))
    return tuple(users), problems


class _Reader:
    """Turns lines into probes and rankings with one catalogue."""

    def __init__(self, catalog: Catalog | None, k: int) -> None:
        self.k = k
        self.cut = 0
        self.titles: dict[str, str] = {}
        self._catalog = catalog
        self._matcher = None if catalog is None else TitleMatcher(catalog)
        if catalog is not None:
            self.titles = dict(zip(catalog.ids, catalog.titles, strict=True))

    def probe(self, line: RecordedLine, own: Mapping[str, str]) -> Probe:
        attribute, value = line.stated
        slots = {"user": line.user} if line.user is not None else {"name": line.topic or ""}
        if line.template is not None:
            slots["template"] = line.template
        request = Request(
            k=line.k or self.k,
            instruction=line.instruction,
            system=line.system,
            profile=dict(line.profile) or ({attribute: value} if attribute and value else {}),
            slots={**slots, **line.slots},
            history=line.history or (),
            candidates=line.candidates,
            replicate=line.replicate,
        )
        return Probe(request, line.arm_for(own), line.cluster, attribute, value)

    def ranking(self, line: RecordedLine) -> Ranking:
        k = line.k or self.k
        outcome, detail = line.outcome, line.detail
        if line.items is not None:
            found = list(
                line.matches or (Match(self._title(i), MatchKind.EXACT, i) for i in line.items)
            )
            items = tuple(dict.fromkeys(line.items))
            matches = tuple(found)
        else:
            titles = line.titles
            if titles is None:
                parsed = parse_titles(line.text, k)
                titles, outcome = parsed.titles, outcome or parsed.outcome
                detail = detail or parsed.detail
            items, matches = rank_matches(map(self._match, titles), len(titles) or 1)
        self.cut += len(items) > k
        scores = None if line.scores is None else line.scores[:k]
        if outcome is None:
            outcome = Outcome.ANSWERED if items else Outcome.EMPTY
        return Ranking(
            items[:k], outcome, scores, matches, line.text, detail, line.usage, line.embedding
        )

    def item_ids(self, names: Sequence[str], in_words: bool) -> tuple[str, ...]:
        """Return the items that are named, by title where answers are in words."""
        known = self._catalog or ()
        if not in_words:
            return tuple(dict.fromkeys(names))
        matched = (name if name in known else self._match(name).item_id for name in names)
        return tuple(dict.fromkeys(item for item in matched if item is not None))

    def _match(self, title: str) -> Match:
        if self._matcher is not None:
            return self._matcher.match(title)
        item = normalise_title(title) or title.strip()
        self.titles.setdefault(item, title)
        return Match(title, MatchKind.EXACT, item)

    def _title(self, item: str) -> str:
        return self.titles.get(item, item)


def _without_repeats(
    lines: Sequence[tuple[int, RecordedLine]],
    profiles: Mapping[str, Mapping[str, str]],
    reader: _Reader,
) -> tuple[list[tuple[Probe, Ranking, RecordedLine]], int, list[str]]:
    """Return what there is per condition; a condition that is answered in two ways is a problem."""
    kept: dict[tuple[object, ...], tuple[int, Probe, Ranking, RecordedLine]] = {}
    repeated, problems = 0, []
    for number, line in lines:
        probe = reader.probe(line, profiles.get(line.cluster, {}))
        try:
            ranking = reader.ranking(line)
        except ValueError as error:
            problems.append(f"row {number}: {error}")
            continue
        first, _, known, _ = kept.setdefault(_condition(probe), (number, probe, ranking, line))
        if first == number:
            continue
        if (known.items, known.outcome, known.scores) == (
            ranking.items,
            ranking.outcome,
            ranking.scores,
        ):
            repeated += 1
        else:
            problems.append(
                f"row {number}: answers what row {first} answers, and otherwise; "
                "count repeats of a prompt by 'replicate'"
            )
    return [entry[1:] for entry in kept.values()], repeated, problems


def _condition(probe: Probe) -> tuple[object, ...]:
    """Return what tells a probe from the others of a recording, whatever its words."""
    request = probe.request
    return (
        probe.cluster,
        tuple(sorted(request.profile.items())),
        tuple(sorted(request.slots.items())),
        request.replicate,
    )
