"""A language model leads a conversation and calls a recommender when it sees fit.

Yunfan Gao et al., "Chat-REC: Towards Interactive and Explainable LLMs-Augmented Recommender
System", 2023, put candidates into the conversation; Luke Friedman et al., "Leveraging Large
Language Models in Conversational Recommender Systems" (RecLLM), 2023, let the model decide when to
retrieve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fairrec.catalogs import Catalog, TitleMatcher
from fairrec.errors import WrongUse
from fairrec.protocols import (
    Generation,
    GenerationParameters,
    HasContext,
    LanguageModel,
    Prompt,
    Recommender,
)
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.answers.title_ranking import rank_titles
from fairrec.recommenders.answers.tool_calls import ToolCall, read_tool_call
from fairrec.recommenders.generations import described, generate_seeded, used, withheld
from fairrec.recommenders.pointwise import one_line
from fairrec.types import Outcome, Ranking, Request

TOOL = (
    "You can call a recommender. To call it, reply with this JSON alone: "
    '{"tool": "recommend", "n": 10}. It replies with titles that fit the user. When you know '
    "enough, reply with your final list of titles, one a line."
)
"""What the model is told of the tool; it follows the request's system turn."""


class PipelineController:
    """A conversation of turns that ends in a list.

    The request's words open it. The model may call the recommender by a JSON object in its reply;
    the titles come back as the next turn. A reply without a call that names titles is its list;
    then a scripted user says the next of `follow_ups`, and the list after the last one counts. A
    call that cannot be read is answered by an error, as a program would, and counted. A
    conversation that reaches the cap of turns without a list is TRUNCATED.

    A sensitive attribute enters through the words. The whole conversation is the ranking's text,
    and its detail counts calls and broken calls: whether a model uses its tools is measured.

    Args:
        model: Who leads the conversation.
        catalog: The items.
        retriever: Who is called; it sees the request without its words.
        candidates: "tool" leaves the call to the model; "first" puts `shown` candidates into the
            first turn, whatever the model would have done (Chat-REC).
        shown: Titles that a call returns at most.
        follow_ups: What the user says after each list, such as "Something older, please.".
        turns: Replies of the model at most.
        parameters: How text is generated.

    Raises:
        WrongUse: A number is out of range.
    """

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        retriever: Recommender,
        *,
        candidates: Literal["tool", "first"] = "tool",
        shown: int = 20,
        follow_ups: Sequence[str] = (),
        turns: int = 6,
        parameters: GenerationParameters | None = None,
    ) -> None:
        if candidates not in ("tool", "first") or shown < 1 or turns <= len(follow_ups):
            raise WrongUse(
                f"candidates {candidates!r}, shown {shown}, {turns} turns for "
                f"{len(follow_ups)} follow-ups.",
                expected="'tool' or 'first', at least 1 title, and a turn more than follow-ups.",
            )
        self.model = model
        self.catalog = catalog
        self.retriever = retriever
        self.candidates = candidates
        self.shown = shown
        self.follow_ups = tuple(follow_ups)
        self.turns = turns
        self.parameters = parameters or GenerationParameters(max_new_tokens=256)
        self._matcher = TitleMatcher(catalog)

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "pipeline controller",
            "version": 1,
            "model": dict(self.model.description),
            "catalog": self.catalog.content_hash,
            "matcher": dict(self._matcher.description),
            "retriever": dict(self.retriever.description),
            "candidates": self.candidates,
            "shown": self.shown,
            "follow_ups": list(self.follow_ups),
            "turns": self.turns,
            "tool": TOOL,
            "parameters": described(self.parameters),
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Hold a conversation for every request, all of them turn by turn together."""
        talks = [_Talk(request, request.instruction) for request in requests]
        if self.candidates == "first":
            for talk, titles in zip(talks, self._retrieved(talks, self.shown), strict=True):
                talk.says = f"{talk.says}\n\nCandidates:\n{titles}"
        for _ in range(self.turns):
            going = [talk for talk in talks if not talk.ended]
            if not going:
                break
            self._turn(going)
        return [self._ranking(talk) for talk in talks]

    def _turn(self, talks: Sequence[_Talk]) -> None:
        """Let the model reply in each conversation, and do what its replies ask for."""
        for talk in talks:
            if self._too_long(self._prompt(talk)):
                talk.fail("the conversation is longer than the model can read")
        going = [talk for talk in talks if not talk.ended]
        written = generate_seeded(
            self.model,
            [self._prompt(talk) for talk in going],
            [talk.request for talk in going],
            self.parameters,
            "talk",
        )
        calling: list[tuple[_Talk, int]] = []
        for talk, generation in zip(going, written, strict=True):
            talk.reply(generation)
            if talk.ended:
                continue
            call = read_tool_call(talk.last)
            if call is None:
                self._listed(talk)
            elif call.error:
                talk.broken += 1
                talk.says = f"Error: {call.error}. The form is {ToolCall().form}."
            else:
                talk.calls += 1
                calling.append((talk, min(call.n, self.shown)))
        for n in {n for _, n in calling}:
            same = [talk for talk, wanted in calling if wanted == n]
            for talk, titles in zip(same, self._retrieved(same, n), strict=True):
                talk.says = f"The recommender's titles:\n{titles}"

    def _listed(self, talk: _Talk) -> None:
        """Take a reply as the model's list, and say what the user says next."""
        talk.lists += 1
        if talk.lists > len(self.follow_ups):
            talk.ended = True
        else:
            talk.says = self.follow_ups[talk.lists - 1]

    def _prompt(self, talk: _Talk) -> Prompt:
        told = [talk.request.system, TOOL if self.candidates == "tool" else None]
        system = "\n\n".join(text for text in told if text) or None
        return Prompt(talk.says, system, earlier=tuple(talk.earlier))

    def _too_long(self, prompt: Prompt) -> bool:
        if not isinstance(self.model, HasContext):
            return False
        room = self.parameters.max_new_tokens
        return self.model.count_tokens(prompt) > self.model.context_length - room

    def _retrieved(self, talks: Sequence[_Talk], n: int) -> list[str]:
        """Return the recommender's titles, one a line, or what became of the call."""
        asked = [self._call(talk.request, n) for talk in talks]
        lines = []
        for ranking in self.retriever.recommend(asked):
            items = [item for item in ranking.items if item in self.catalog]
            titles = [one_line(self.catalog.title(item)) for item in items]
            lines.append("\n".join(titles) or f"Error: {ranking.outcome}")
        return lines

    def _call(self, request: Request, n: int) -> Request:
        """Return what the recommender is asked: no words, and no more items than there are."""
        pool = request.candidates
        there = len(self.catalog) - len(set(request.history)) if pool is None else len(pool)
        return replace(request, k=max(1, min(n, there)), instruction="", system=None)

    def _ranking(self, talk: _Talk) -> Ranking:
        usage = used(*talk.generations)
        counted = f"{talk.calls} calls of the recommender, {talk.broken} broken calls"
        if talk.failed:
            outcome, why = talk.failed
            return Ranking(
                outcome=outcome, text=talk.transcript, detail=f"{why}; {counted}", usage=usage
            )
        if not talk.ended:
            detail = f"no list within {self.turns} turns; {counted}"
            return Ranking(
                outcome=Outcome.TRUNCATED, text=talk.transcript, detail=detail, usage=usage
            )
        parsed = parse_titles(talk.last, talk.request.k)
        items, matches = rank_titles(parsed.titles, self._matcher, talk.request.k)
        detail = "; ".join(part for part in (parsed.detail, counted) if part)
        return Ranking(
            items,
            parsed.outcome,
            matches=matches,
            text=talk.transcript,
            detail=detail,
            usage=usage,
        )


@dataclass
class _Talk:
    """One conversation: what was said, what is said next, and what was counted."""

    request: Request
    says: str
    earlier: list[tuple[str, str]] = field(default_factory=list)
    lists: int = 0
    calls: int = 0
    broken: int = 0
    ended: bool = False
    failed: tuple[Outcome, str] | None = None
    generations: list[Generation] = field(default_factory=list)

    @property
    def last(self) -> str:
        """The model's latest reply."""
        return self.earlier[-1][1] if self.earlier else ""

    @property
    def transcript(self) -> str:
        """Everything that was said."""
        return "\n\n".join(f"User: {said}\n\nModel: {reply}" for said, reply in self.earlier)

    def fail(self, why: str) -> None:
        """End the conversation without a list."""
        self.failed, self.ended = (Outcome.ERROR, why), True

    def reply(self, generation: Generation) -> None:
        """Take down a reply."""
        self.earlier.append((self.says, valid_text(generation.text)))
        self.generations.append(generation)
        self.failed = withheld(generation)
        self.ended = self.failed is not None
