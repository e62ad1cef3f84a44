"""Language models behind an OpenAI-compatible server: OpenAI, Azure, vLLM, llama.cpp, Ollama,
LM Studio, TGI and others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import stamina
from numpy.typing import NDArray

from fairrec.errors import BackendFailed, ModelUnavailable, WrongUse
from fairrec.language_models.conversation import conversation
from fairrec.protocols import Generation, GenerationParameters, Prompt
from fairrec.remote import side_by_side, try_again, without_keys

TOP = 20
"""Likeliest tokens that a server is asked to name; more than most offer."""

_FINISH = {"length": "length", "content_filter": "filter"}


class OpenAIServer:
    """A model that a server runs.

    Requests run side by side and are tried again, in one layer, after lost connections, time-outs
    and the statuses 408, 409, 429 and 5xx; a Retry-After is kept to. A prompt that fails for good
    is a `Generation` that finished with "error"; the others are not lost. A key that a server
    repeats in its message is not shown.

    The key comes from the environment variable OPENAI_API_KEY alone; a server without keys needs
    none.

    Args:
        model: The model's name on the server.
        base_url: Where the server is, such as ``http://localhost:8080/v1``; None takes
            OPENAI_BASE_URL, or OpenAI itself. A query, such as Azure's ``?api-version=...``, is
            sent with every request.
        api: "chat", or "completions" for a base model: turns are then joined by blank lines, and
            a prefill is possible.
        system_role: Whether the model knows a system turn; if not, its text opens the first turn
            of the user, in every prompt alike.
        concurrency: Requests at one time.
        timeout: Seconds for one try.
        attempts: Tries of one request.

    Raises:
        ModelUnavailable: The package openai is not installed.
        WrongUse: The URL or a setting is none.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        *,
        api: Literal["chat", "completions"] = "chat",
        system_role: bool = True,
        concurrency: int = 8,
        timeout: float = 120.0,
        attempts: int = 5,
    ) -> None:
        url = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise WrongUse(
                f"the server's address {parts.scheme}://{parts.hostname or ''}.",
                expected="an http or https URL without a name or password in it.",
                do="write openai:MODEL@http://localhost:8080/v1; keys go into OPENAI_API_KEY.",
            )
        if api not in ("chat", "completions") or min(concurrency, attempts) < 1:
            raise WrongUse(
                f"api {api!r}, concurrency {concurrency}, attempts {attempts}.",
                expected="'chat' or 'completions', and numbers of at least 1.",
            )
        try:
            import openai
        except ImportError as error:
            raise ModelUnavailable(
                "openai cannot be imported.",
                expected="the extra 'openai', which servers need.",
                do="pip install 'fairrec[openai]'",
            ) from error
        self._errors = openai
        self._key = os.environ.get("OPENAI_API_KEY") or "none"
        port = f":{parts.port}" if parts.port else ""
        self._place = f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"
        # Retries are ours alone: two layers would multiply.
        self._client: Any = openai.OpenAI(
            api_key=self._key,
            base_url=self._place,
            default_query=dict(parse_qsl(parts.query)),
            max_retries=0,
            timeout=timeout,
        )
        self.model = model
        self.api = api
        self.system_role = system_role
        self._concurrency = concurrency
        self._attempts = attempts

    def __repr__(self) -> str:
        return f"OpenAIServer({self.model!r}, {self._place!r}, api={self.api!r})"

    @property
    def description(self) -> Mapping[str, Any]:
        """Name, place and how it is asked; a server does not say which weights answer."""
        return {
            "name": self.model,
            "backend": "openai",
            "server": self._place,
            "api": self.api,
            "system_role": self.system_role,
        }

    def generate(
        self,
        prompts: Sequence[Prompt],
        parameters: GenerationParameters,
        seeds: Sequence[int] | None = None,
    ) -> list[Generation]:
        """Generate text; see `fairrec.protocols.LanguageModel`.

        Raises:
            ModelUnavailable: The server refuses the key or does not know the model.
            WrongUse: A prefill in a chat, or a system turn that the model does not take.
        """
        self._check_prefill(prompts)
        chosen = seeds if seeds is not None else [parameters.seed] * len(prompts)
        jobs = [
            partial(self._generation, prompt, parameters, seed)
            for prompt, seed in zip(prompts, chosen, strict=True)
        ]
        return side_by_side(jobs, self._concurrency)

    def choice_logprobs(
        self, prompts: Sequence[Prompt], choices: Sequence[str]
    ) -> NDArray[np.float64]:
        """Score choices; see `fairrec.protocols.ScoresChoices`.

        A choice is as likely as the first tokens that the server names and that begin it, spaces
        around them and their case as they are but for the space: of "Yes", these are "Yes", " Yes"
        and "Ye". NaN stands for a choice that none of the server's likeliest tokens begins.

        Raises:
            WrongUse: The server offers no log-probabilities, or see `generate`.
            ModelUnavailable: See `generate`.
            BackendFailed: The server gave no answer to one of the prompts.
        """
        self._check_prefill(prompts)
        jobs = [partial(self._first_tokens, prompt) for prompt in prompts]
        named = side_by_side(jobs, self._concurrency)
        rows = [_of_choices(tokens, choices) for tokens in named]
        return np.array(rows, dtype=np.float64).reshape(len(prompts), len(choices))

    def _generation(
        self, prompt: Prompt, parameters: GenerationParameters, seed: int
    ) -> Generation:
        sampled = {"top_p": parameters.top_p, "seed": seed % 2**31}
        options: dict[str, Any] = {
            "max_tokens": parameters.max_new_tokens,
            "temperature": parameters.temperature,
            **(sampled if parameters.temperature > 0 else {}),
            **({"stop": list(parameters.stop)} if parameters.stop else {}),
        }
        try:
            return self._read(self._ask(prompt, options))
        except BackendFailed as failure:
            return Generation("", "error", detail=failure.seen)

    def _read(self, reply: Any) -> Generation:
        try:
            chosen = reply.choices[0]
            text = chosen.message.content if self.api == "chat" else chosen.text
            finish = _FINISH.get(chosen.finish_reason or "stop", "stop")
        except (AttributeError, IndexError, TypeError):
            raise BackendFailed("the server's reply has no choices that can be read") from None
        usage = getattr(reply, "usage", None)
        return Generation(
            text if isinstance(text, str) else "",
            finish,
            getattr(usage, "prompt_tokens", 0) or 0,
            getattr(usage, "completion_tokens", 0) or 0,
        )

    def _first_tokens(self, prompt: Prompt) -> list[tuple[str, float]]:
        """Return the likeliest first tokens with their log-probabilities."""
        named = {"logprobs": True, "top_logprobs": TOP} if self.api == "chat" else {"logprobs": TOP}
        reply = self._ask(prompt, {"max_tokens": 1, "temperature": 0.0, **named})
        self._read(reply)  # a reply that is none says nothing about what the server offers
        found: Any = reply.choices[0].logprobs
        try:
            if content := getattr(found, "content", None):
                tokens = [_pair(token) for token in _get(content[0], "top_logprobs")]
            else:
                tokens = list(dict(found.top_logprobs[0]).items())
            return [(str(token), float(logprob)) for token, logprob in tokens]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise WrongUse(
                f"the server of {self.model!r} offers no log-probabilities.",
                expected="a server that names its likeliest tokens.",
                do="use OpenGeneration, ListwiseRanking, PairwiseRanking(written=True) or "
                "RatingPrediction(reading='text'), which read what a model writes.",
            ) from None

    def _ask(self, prompt: Prompt, options: Mapping[str, Any]) -> Any:
        """Return the server's reply.

        Raises:
            BackendFailed: There is none, after all attempts.
            ModelUnavailable: The server refuses the key or does not know the model.
            WrongUse: The model takes no system turn.
        """
        errors = self._errors
        try:
            return self._sent(prompt, options)
        except (errors.AuthenticationError, errors.PermissionDeniedError) as error:
            raise ModelUnavailable(
                f"the server at {self._place} refuses the key (status {error.status_code}).",
                expected="a key that it knows.",
                do="set the environment variable OPENAI_API_KEY.",
            ) from None
        except errors.NotFoundError as error:
            raise ModelUnavailable(
                f"the server at {self._place} does not know {self.model!r} or has no "
                f"{self.api} interface: {self._said(error)}",
                expected="a model and an interface that it has.",
                do="check the name and the address; they end in /v1 mostly.",
            ) from None
        except errors.BadRequestError as error:
            said = self._said(error)
            if prompt.system and self.system_role and "system" in said.lower():
                raise WrongUse(
                    f"{self.model!r} takes no system turn: {said}",
                    expected="a model with a system role, or prompts without one.",
                    do="use OpenAIServer(..., system_role=False).",
                ) from None
            raise BackendFailed(f"status 400: {said}") from None
        except errors.APIStatusError as error:
            raise BackendFailed(f"status {error.status_code}: {self._said(error)}") from None
        except (errors.OpenAIError, ValueError) as error:  # lost, too late, or not JSON
            raise BackendFailed(f"{type(error).__name__}: {self._said(error)}") from None

    def _sent(self, prompt: Prompt, options: Mapping[str, Any]) -> Any:
        """Send a prompt until there is a reply, or no more attempts."""
        turns = conversation(prompt, system_role=self.system_role and self.api == "chat")
        if self.api == "chat":
            create = partial(self._client.chat.completions.create, messages=turns)
        else:
            text = "\n\n".join(turn["content"] for turn in turns)
            create = partial(self._client.completions.create, prompt=f"{text}\n\n{prompt.prefill}")
        for attempt in stamina.retry_context(
            on=self._wait, attempts=self._attempts, timeout=None, wait_max=30.0
        ):
            with attempt:
                return create(model=self.model, **options)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, error: Exception) -> bool | float:
        """Say whether to try again, or after how many seconds."""
        if isinstance(error, self._errors.APIConnectionError):
            return True
        headers = getattr(getattr(error, "response", None), "headers", None)
        return try_again(getattr(error, "status_code", None), headers)

    def _said(self, error: Exception) -> str:
        return without_keys(str(error), [self._key])

    def _check_prefill(self, prompts: Sequence[Prompt]) -> None:
        if self.api == "chat" and any(prompt.prefill for prompt in prompts):
            raise WrongUse(
                "a chat server cannot be told how its reply begins.",
                expected="prompts without a prefill.",
                do="leave the prefill out, or use api='completions'.",
            )


def _of_choices(tokens: Sequence[tuple[str, float]], choices: Sequence[str]) -> list[float]:
    found = []
    for choice in choices:
        begun = [
            logprob
            for token, logprob in tokens
            if token.strip() and choice.strip().startswith(token.strip())
        ]
        found.append(float(np.logaddexp.reduce(begun)) if begun else np.nan)
    return found


def _pair(token: Any) -> tuple[Any, Any]:
    return _get(token, "token"), _get(token, "logprob")


def _get(found: Any, name: str) -> Any:
    """Return an entry; the client leaves what it does not know as plain JSON."""
    return found[name] if isinstance(found, dict) else getattr(found, name)
