"""Language models behind an OpenAI-compatible server: OpenAI, Azure, vLLM, llama.cpp, Ollama,
LM Studio, TGI and others.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

import numpy as np
import stamina
from numpy.typing import NDArray

from fairrec.errors import ModelUnavailable, WrongUse
from fairrec.language_models.conversation import conversation
from fairrec.protocols import Generation, GenerationParameters, Prompt

TOP = 20
"""Likeliest tokens that a server is asked to name; more than most offer."""

_FINISH = {"length": "length", "content_filter": "filter"}


class OpenAIServer:
    """A model that a server runs.

    Requests run side by side and are tried again, in one layer, after lost connections, time-outs
    and the statuses 408, 409, 429 and 5xx; a Retry-After is kept to. A prompt that fails for good
    is a `Generation` that finished with "error"; the others are not lost.

    The key comes from the environment variable OPENAI_API_KEY alone; a server without keys needs
    none.

    Args:
        model: The model's name on the server.
        base_url: Where the server is, such as ``http://localhost:8080/v1``; None takes
            OPENAI_BASE_URL, or OpenAI itself.
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
        # Retries are ours alone: two layers would multiply.
        self._client: Any = openai.OpenAI(
            api_key=os.environ.get("OPENAI_API_KEY") or "none",
            base_url=url,
            max_retries=0,
            timeout=timeout,
        )
        self.model = model
        self.api = api
        self.system_role = system_role
        self._concurrency = concurrency
        self._attempts = attempts
        port = f":{parts.port}" if parts.port else ""
        self._place = f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"

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
        return self._side_by_side(jobs)

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
        """
        self._check_prefill(prompts)
        jobs = [partial(self._first_tokens, prompt) for prompt in prompts]
        rows = [_of_choices(tokens, choices) for tokens in self._side_by_side(jobs)]
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
        reply = self._ask(prompt, options)
        if isinstance(reply, str):
            return Generation("", "error", detail=reply)
        choices = getattr(reply, "choices", None)
        if not choices:
            return Generation("", "error", detail="the server's reply has no choices")
        chosen = choices[0]
        text = chosen.message.content if self.api == "chat" else chosen.text
        usage = getattr(reply, "usage", None)
        return Generation(
            text or "",
            _FINISH.get(chosen.finish_reason or "stop", "stop"),
            getattr(usage, "prompt_tokens", 0) or 0,
            getattr(usage, "completion_tokens", 0) or 0,
        )

    def _first_tokens(self, prompt: Prompt) -> list[tuple[str, float]]:
        """Return the likeliest first tokens with their log-probabilities; none after a failure."""
        named = {"logprobs": True, "top_logprobs": TOP} if self.api == "chat" else {"logprobs": TOP}
        reply = self._ask(prompt, {"max_tokens": 1, "temperature": 0.0, **named})
        if isinstance(reply, str):
            return []
        found: Any = reply.choices[0].logprobs if getattr(reply, "choices", None) else None
        if self.api == "chat" and getattr(found, "content", None):
            return [(token.token, token.logprob) for token in found.content[0].top_logprobs]
        if self.api == "completions" and getattr(found, "top_logprobs", None):
            return list(found.top_logprobs[0].items())
        # Some servers answer completions in the form of chats.
        content = getattr(found, "content", None)
        if content:
            return [(token["token"], token["logprob"]) for token in content[0]["top_logprobs"]]
        raise WrongUse(
            f"the server of {self.model!r} offers no log-probabilities.",
            expected="a server that names its likeliest tokens.",
            do="use OpenGeneration, ListwiseRanking, PairwiseRanking(written=True) or "
            "RatingPrediction(reading='text'), which read what a model writes.",
        )

    def _ask(self, prompt: Prompt, options: Mapping[str, Any]) -> Any:
        """Return the server's reply, or in words why there is none."""
        errors = self._errors
        if self.api == "chat":
            turns = conversation(prompt, system_role=self.system_role)
            create: Callable[..., Any] = partial(
                self._client.chat.completions.create, messages=turns
            )
        else:
            turns = conversation(prompt, system_role=False)
            text = "\n\n".join(turn["content"] for turn in turns)
            create = partial(self._client.completions.create, prompt=f"{text}\n\n{prompt.prefill}")
        try:
            for attempt in stamina.retry_context(
                on=self._wait, attempts=self._attempts, timeout=None, wait_max=30.0
            ):
                with attempt:
                    return create(model=self.model, **options)
        except (errors.AuthenticationError, errors.PermissionDeniedError) as error:
            raise ModelUnavailable(
                f"the server at {self._place} refuses the key (status {error.status_code}).",
                expected="a key that it knows.",
                do="set the environment variable OPENAI_API_KEY.",
            ) from None
        except errors.NotFoundError as error:
            raise ModelUnavailable(
                f"the server at {self._place} does not know {self.model!r} or has no "
                f"{self.api} interface: {_said(error)}",
                expected="a model and an interface that it has.",
                do="check the name and the address; they end in /v1 mostly.",
            ) from None
        except errors.BadRequestError as error:
            said = _said(error)
            if prompt.system and self.system_role and "system" in said.lower():
                raise WrongUse(
                    f"{self.model!r} takes no system turn: {said}",
                    expected="a model with a system role, or prompts without one.",
                    do="use OpenAIServer(..., system_role=False).",
                ) from None
            return f"status 400: {said}"
        except errors.APIStatusError as error:
            return f"status {error.status_code}: {_said(error)}"
        except (errors.OpenAIError, ValueError) as error:  # lost, too late, or not JSON
            return f"{type(error).__name__}: {_said(error)}"
        return "no answer"

    def _wait(self, error: Exception) -> bool | float:
        """Say whether to try again, or after how many seconds."""
        errors = self._errors
        if isinstance(error, errors.APIConnectionError):
            return True
        if not isinstance(error, errors.APIStatusError):
            return False
        if error.status_code not in (408, 409, 429) and error.status_code < 500:
            return False
        try:
            return min(max(float(error.response.headers.get("retry-after", "")), 0.0), 60.0)
        except ValueError:
            return True

    def _side_by_side(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        if not jobs:
            return []
        # The first alone, so that a refused key is not sent many times over.
        first = jobs[0]()
        with ThreadPoolExecutor(self._concurrency) as pool:
            return [first, *pool.map(lambda job: job(), jobs[1:])]

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
        found.append(math.log(sum(map(math.exp, begun))) if begun else math.nan)
    return found


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
