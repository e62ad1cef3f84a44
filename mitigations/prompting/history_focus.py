"""History focus: a model is made to heed the order of what a user consumed.

Language models read a history as a set: shuffled, it gets much the same answer. Two changes of
the words help against it: to say which item is the most recent, and to make an example of it,
the history before it being the question and it the answer. Hou, Zhang, Lin, Lu, Xie, McAuley and
Zhao, "Large Language Models are Zero-Shot Rankers for Recommender Systems", ECIR 2024 (LLMRank),
section 3: recency-focused prompting and in-context learning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import ClassVar, Literal

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.mitigations.mitigation import RewritesRequests
from fairrec.prompts.shown_titles import find_titles, titles_of
from fairrec.types import Request

Focus = Literal["recency", "in_context"]


@dataclass(frozen=True, kw_only=True, eq=False)
class HistoryFocus(RewritesRequests):
    """Says in words which item of the history is the last, or makes an example of it.

    The sentence is added after the instruction; in LLMRank it stands between history and
    candidates, which ready-made words do not allow to be told apart. The wording is fairrec's.
    The structure of the request stays as it is: it is in order already. A request without a
    history is asked as it is, and so is one of a single item with "in_context".

    Attributes:
        catalog: The items, for the titles in the words; None where the words show ids.
        focus: "recency" names the most recent item. "in_context" takes it out of the history in
            the words and gives it as the right answer to the rest.
        language: Of the sentence: en, de, es or zh.

    Raises:
        WrongUse: Unknown focus or language. From `expand`: the request has no words, or
            ("in_context") they do not show its history exactly once, in its order.
    """

    name: ClassVar[str] = "history_focus"

    catalog: Catalog | None = None
    focus: Focus = "recency"
    language: str = "en"

    def __post_init__(self) -> None:
        if self.focus not in ("recency", "in_context"):
            raise WrongUse(
                f"the focus {self.focus!r} is unknown.", expected="'recency' or 'in_context'."
            )
        if self.language not in _sentences():
            raise WrongUse(
                f"the language {self.language!r} is unknown.",
                expected=f"one of {', '.join(_sentences())}.",
            )

    def expand(self, request: Request) -> list[Request]:
        """Return the request with the sentence."""
        in_context = self.focus == "in_context"
        if len(request.history) < (2 if in_context else 1):
            return [request]
        if not request.instruction:
            raise WrongUse(
                "a request has no words to focus on its history.",
                expected="an instruction: history_focus changes words alone.",
                do="use it with recommenders that read text.",
            )
        titles = titles_of(request.history, self.catalog)
        words = request.instruction
        if in_context:
            words = _without_last(words, titles)
        sentence = _sentences()[self.language][self.focus].format(recent=titles[-1])
        return [replace(request, instruction=f"{words.rstrip()}\n\n{sentence}")]


def _without_last(words: str, titles: list[str]) -> str:
    """Return the words with the last title taken out of the history."""
    found = find_titles(words, titles)
    if len(found) != 1:
        raise WrongUse(
            f"the instruction shows the history, {titles[0]!r} first, in {len(found)} places.",
            expected="all its titles one after another, in their order, once.",
            do="give the catalogue that the titles come from, and a template with {history}.",
        )
    *_, before, last = found[0]
    return words[: before.end] + words[last.end :]


@cache
def _sentences() -> dict[str, dict[str, str]]:
    import yaml

    text = (resources.files("fairrec.mitigations.data") / "history_focus.yaml").read_text("utf-8")
    return yaml.safe_load(text)
