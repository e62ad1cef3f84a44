"""The shapes that parts of fairrec plug into; anything with the right methods fits.

Capabilities are found by ``isinstance`` against these protocols, never by flags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fairrec.results import AuditResult
from fairrec.types import Answer, Probe, Ranking, Request


@runtime_checkable
class Recommender(Protocol):
    """Anything that answers requests with rankings."""

    @property
    def description(self) -> Mapping[str, Any]:
        """What it takes to name this recommender: plain JSON types, the same in every process.

        The response store addresses answers by it, so whatever changes an answer (model,
        weights, parameters, adapter version) belongs in it.
        """
        ...

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Answer every request: one ranking each, in the same order."""
        ...


@runtime_checkable
class ReadsText(Protocol):
    """A recommender that sees a request only as text.

    Requests with equal text are then one question, whatever their profiles say.
    """

    def request_text(self, request: Request) -> str:
        """Return all of the request that reaches the model."""
        ...


@runtime_checkable
class ScoresItems(Protocol):
    """A recommender that can score any item for any request."""

    @property
    def score_kind(self) -> str:
        """One of "logit", "log-probability", "rating", "similarity"."""
        ...

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return one array of ``len(items)`` scores per request; higher is better."""
        ...


@runtime_checkable
class EmbedsUsers(Protocol):
    """A recommender with a vector for each user; its rankings hold it as their `embedding`."""

    def embed_users(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        """Return one vector per request: requests x width."""
        ...


@runtime_checkable
class Mitigates(Protocol):
    """A recommender that answers with what another one answers.

    It says what to ask and what to make of the answers, and so that recorded answers of
    `original` serve every mitigation of it, whoever asks may do so in its place.
    """

    @property
    def original(self) -> Recommender:
        """The recommender that is asked."""
        ...

    def expand(self, request: Request) -> list[Request]:
        """Return what to ask `original` instead of a request: at least one."""
        ...

    def combine(
        self, requests: Sequence[Request], answers: Sequence[Sequence[Ranking]]
    ) -> list[Ranking]:
        """Return one ranking per request, of the answers to what `expand` gave for it."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a language model is asked.

    Attributes:
        user: The user's turn.
        system: The system turn, or None.
        prefill: Start of the model's own reply.
        earlier: Turns of the conversation so far, oldest first: what the user said and what the
            model replied.
    """

    user: str
    system: str | None = None
    prefill: str = ""
    earlier: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GenerationParameters:
    """How text is generated. ``temperature=0`` is greedy and needs no seed."""

    max_new_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """Text that a language model produced, prefill not included.

    `finish` is "stop" (the model ended), "length" (cut at max_new_tokens), "filter" (the back-end
    withheld the answer) or "error" (it gave none; `detail` says why).
    """

    text: str
    finish: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    detail: str = ""


@runtime_checkable
class LanguageModel(Protocol):
    """Anything that turns prompts into text."""

    @property
    def description(self) -> Mapping[str, Any]:
        """Name, weights and everything else that changes an answer: plain JSON types."""
        ...

    def generate(
        self,
        prompts: Sequence[Prompt],
        parameters: GenerationParameters,
        seeds: Sequence[int] | None = None,
    ) -> list[Generation]:
        """Answer every prompt, in the same order; `seeds` gives each prompt its own."""
        ...


@runtime_checkable
class ScoresContinuations(Protocol):
    """A language model that can say how likely a continuation of a prompt is."""

    def continuation_logprobs(
        self, prompts: Sequence[Prompt], continuations: Sequence[str]
    ) -> list[list[NDArray[np.float64]]]:
        """Return, per prompt and continuation, the log-probability (nats) of each token."""
        ...


@runtime_checkable
class ScoresChoices(Protocol):
    """A language model that can say how likely its reply begins with given words."""

    def choice_logprobs(
        self, prompts: Sequence[Prompt], choices: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return log-probabilities (nats), prompts x choices.

        NaN stands where a back-end does not say, such as a server that names its likeliest
        tokens alone. Prompts of one call that begin alike share the work.
        """
        ...


@runtime_checkable
class HasContext(Protocol):
    """A language model that knows how much it can read."""

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together, at most."""
        ...

    def count_tokens(self, prompt: Prompt) -> int:
        """Return how many tokens a prompt is."""
        ...


@runtime_checkable
class FillsMasks(Protocol):
    """A masked language model: it says which words could stand in a gap."""

    @property
    def description(self) -> Mapping[str, Any]:
        """See `LanguageModel`."""
        ...

    def mask_logprobs(self, texts: Sequence[str], words: Sequence[str]) -> NDArray[np.float64]:
        """Return log-probabilities (nats) of each word in each text's one ``[MASK]``.

        Returns:
            texts x words.
        """
        ...


@runtime_checkable
class PredictsNumbers(Protocol):
    """A model with a regression head."""

    @property
    def description(self) -> Mapping[str, Any]:
        """See `LanguageModel`."""
        ...

    def predict(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return one number per text."""
        ...


@runtime_checkable
class EmbedsTexts(Protocol):
    """A text encoder."""

    @property
    def description(self) -> Mapping[str, Any]:
        """See `LanguageModel`."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector per text: texts x width."""
        ...


class Audit(Protocol):
    """Plans what to ask and judges what was answered; asking is the runner's."""

    @property
    def name(self) -> str:
        """Short name, such as "sensitivity"."""
        ...

    def plan(self) -> list[Probe]:
        """Return every probe to ask; probes of one cluster stand together."""
        ...

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Return the findings; a pure function of what was recorded."""
        ...


@dataclass(frozen=True, slots=True)
class ForwardPass:
    """What a recommender's language model makes of n requests, as torch tensors with gradients.

    Attributes:
        loss: Cross-entropy (nats a token) of what should be recommended; None if nothing is.
        states: The model's last states over the prompt, n x length x width: the encoder's where
            there is one.
        spans: By name, which part of the prompt can stand for the user: n x length, boolean.
        output: n x choices: log-probabilities that say what would be recommended.
    """

    loss: Any
    states: Any
    spans: Mapping[str, Any]
    output: Any


@runtime_checkable
class TrainsThrough(Protocol):
    """A recommender with a torch language model inside that gradients can go through."""

    @property
    def description(self) -> Mapping[str, Any]:
        """See `Recommender`."""
        ...

    @property
    def module(self) -> Any:
        """The transformers model itself."""
        ...

    def forward(
        self, requests: Sequence[Request], targets: Sequence[Sequence[str]] | None = None
    ) -> ForwardPass:
        """Run the model; `targets` are, per request, ids of items to recommend."""
        ...
