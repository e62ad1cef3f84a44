"""What runs elsewhere: real servers and real programs, and every way in which they fail."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adapter_world import CATALOG, POOL, asked
from local_server import Answer, Server

from fairrec.audits import CounterfactualAudit
from fairrec.errors import ModelUnavailable, WrongUse
from fairrec.prompts import attribute, template
from fairrec.recommenders import CommandProgram, HttpEndpoint
from fairrec.recommenders.json_templates import find
from fairrec.running import run_audit
from fairrec.types import Outcome
from fairrec.users import User


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def says(value: Any) -> Answer:
    return lambda body, headers: (200, json.dumps(value).encode(), {})


BODY = {"q": "{instruction}", "n": "{k}", "seen": "{history}", "who": "user {slots.user}"}


def test_a_body_is_filled_in_and_the_items_found(server: Server) -> None:
    seen: list[dict[str, Any]] = []

    def answer(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        seen.append(body)
        reply = {"data": [{"id": "i4", "s": 2}, {"id": "i3", "s": 1.5}]}
        return 200, json.dumps(reply).encode(), {}

    server.answer = answer
    endpoint = HttpEndpoint(server.url, BODY, "data.*.id", scores="data.*.s", catalog=CATALOG)
    (ranking,) = endpoint.recommend([asked()])
    assert ranking.items == ("i4", "i3") and ranking.scores == (2.0, 1.5)
    assert seen == [{"q": asked().instruction, "n": 3, "seen": ["i0", "i1"], "who": "user u"}]


@pytest.mark.parametrize(
    ("reply", "items"),
    [
        ({"r": ["Casino (1995)", "Up"]}, ("i4", "i3")),
        ({"r": "1. Casino\n2. Up"}, ("i4", "i3")),
        ({"r": [7, 8]}, ("?7", "?8")),
    ],
)
def test_titles_and_words_are_read(server: Server, reply: Any, items: tuple[str, ...]) -> None:
    server.answer = says(reply)
    (ranking,) = HttpEndpoint(server.url, BODY, "r", catalog=CATALOG).recommend([asked()])
    assert ranking.items == items


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        (says({"other": []}), Outcome.UNPARSABLE, "no 'r' in the reply"),
        (says({"r": []}), Outcome.EMPTY, "returned no items"),
        (says({"r": None}), Outcome.EMPTY, "returned None"),
        (says({"r": {"a": 1}}), Outcome.UNPARSABLE, "returned dict"),
        (lambda b, h: (200, b"<html>", {}), Outcome.UNPARSABLE, "JSONDecodeError"),
        (lambda b, h: (400, b"no such field", {}), Outcome.ERROR, "status 400: no such field"),
        (lambda b, h: (302, b"", {"Location": "http://x.invalid"}), Outcome.ERROR, "status 302"),
    ],
)
def test_bad_replies(server: Server, answer: Answer, outcome: Outcome, detail: str) -> None:
    server.answer = answer
    (ranking,) = HttpEndpoint(server.url, BODY, "r", catalog=CATALOG).recommend([asked()])
    assert ranking.outcome is outcome and detail in ranking.detail


def test_what_may_pass_is_tried_again(server: Server) -> None:
    statuses = iter([429, 503, 200])

    def answer(body: Any, headers: Any) -> tuple[int, bytes, dict[str, str]]:
        status = next(statuses)
        return status, json.dumps({"r": ["i4"]}).encode(), {"Retry-After": "0"}

    server.answer = answer
    (ranking,) = HttpEndpoint(server.url, BODY, "r", catalog=CATALOG).recommend([asked()])
    assert ranking.items == ("i4",) and next(statuses, None) is None


def test_order_is_kept_and_one_failure_costs_one_answer(server: Server) -> None:
    def answer(body: dict[str, Any], headers: Any) -> tuple[int, bytes, dict[str, str]]:
        number = int(body["who"].split()[1])
        time.sleep(0.02 * (5 - number % 5))
        if number == 3:
            return 400, b"no", {}
        return 200, json.dumps({"r": [f"i{number}"]}).encode(), {}

    server.answer = answer
    endpoint = HttpEndpoint(server.url, BODY, "r", catalog=CATALOG)
    found = endpoint.recommend([asked(slots={"user": str(n)}) for n in range(8)])
    assert [r.items for r in found] == [(f"i{n}",) if n != 3 else () for n in range(8)]


def test_time_outs_and_dead_servers_are_errors(server: Server) -> None:
    def slow(body: Any, headers: Any) -> tuple[int, bytes, dict[str, str]]:
        time.sleep(0.5)
        return 200, b"{}", {}

    server.answer = slow
    endpoint = HttpEndpoint(server.url, BODY, "r", timeout=0.1, attempts=1)
    assert endpoint.recommend([asked()])[0].outcome is Outcome.ERROR
    endpoint = HttpEndpoint("http://127.0.0.1:9", BODY, "r", attempts=2)
    assert "refused" in endpoint.recommend([asked()])[0].detail


def test_keys_are_sent_and_never_shown(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "s3cret")
    sent: list[str] = []

    def answer(body: Any, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        sent.append(headers["x-key"])
        return 401, b"", {}

    server.answer = answer
    endpoint = HttpEndpoint(f"{server.url}/r?key=abc", BODY, "r", headers={"X-Key": "$MY_KEY"})
    with pytest.raises(ModelUnavailable) as error:
        endpoint.recommend([asked()] * 5)
    assert sent == ["s3cret"]
    told = f"{endpoint.description} {endpoint!r} {error.value}"
    assert "s3cret" not in told and "abc" not in told


def test_a_key_that_an_endpoint_repeats_is_not_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "s3cret")
    server.answer = lambda body, headers: (400, headers["x-key"].encode(), {})
    endpoint = HttpEndpoint(server.url, BODY, "r", headers={"X-Key": "$MY_KEY"})
    assert endpoint.recommend([asked()])[0].detail == "status 400: ..."


def test_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongUse) as error:
        HttpEndpoint("http://localhost", {"q": "{instructions}"}, "r")
    assert error.value.seen == "the template has the unknown field {instructions}."
    assert error.value.do == "did you mean {instruction}?"
    with pytest.raises(WrongUse, match="the address ftp"):
        HttpEndpoint("ftp://x", {}, "r")
    monkeypatch.delenv("NOT_THERE", raising=False)
    with pytest.raises(WrongUse, match="NOT_THERE is not set"):
        HttpEndpoint("http://localhost", {}, "r", headers={"K": "$NOT_THERE"})


def test_paths() -> None:
    assert find([{"a": [1, 2]}], "0.a.1") == 2
    with pytest.raises(LookupError, match="no '5'"):
        find([1], "5")


def test_a_whole_audit_over_http(server: Server) -> None:
    """The endpoint treats women and men differently, and the audit sees it."""

    def answer(body: dict[str, Any], headers: Any) -> tuple[int, bytes, dict[str, str]]:
        first = ["Jaws", "Up", "Big"] if "woman" in body["q"] else ["Casino", "Speed", "Fargo"]
        return 200, json.dumps({"r": first}).encode(), {}

    server.answer = answer
    users = [User(f"u{n}", {"gender": "female"}, ("i0", "i1")) for n in range(6)]
    audit = CounterfactualAudit(
        users,
        [attribute("gender")],
        [template("movie_profile")],
        k=3,
        titles=dict(zip(CATALOG.ids, CATALOG.titles, strict=True)),
        draws=200,
    )
    result = run_audit(audit, HttpEndpoint(server.url, BODY, "r", catalog=CATALOG))
    found = result.finding("counterfactual.gender.jaccard.flip_excess").estimate
    assert found.value == 1.0


PROGRAM = """
    import json, sys, time
    for line in sys.stdin:
        asked = json.loads(line)
        user = asked["slots"].get("user")
        if user == "dies":
            print("no luck", file=sys.stderr); sys.exit(7)
        if user == "hangs":
            time.sleep(60)
        if user == "babbles":
            print("hello"); sys.stdout.flush(); continue
        print("x" * 100_000, file=sys.stderr)
        reply = {"id": asked["id"]}
        if user == "says":
            reply["text"] = "1. Casino\\n2. Up"
        elif user == "fails":
            reply["error"] = "not today"
        elif user == "lies":
            reply["id"] = 99
        else:
            reply["items"], reply["scores"] = asked["candidates"][:2], [2, 1]
        print(json.dumps(reply)); sys.stdout.flush()
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[CommandProgram]:
    script = tmp_path / "recommend.py"
    script.write_text(textwrap.dedent(PROGRAM))
    with CommandProgram([sys.executable, str(script)], catalog=CATALOG, timeout=2.0) as made:
        yield made


def test_a_program_answers_and_its_failures_cost_one_answer_each(program: CommandProgram) -> None:
    users = ("u", "dies", "says", "hangs", "fails", "babbles", "u", "lies", "u")
    found = program.recommend([asked(slots={"user": user}) for user in users])
    items = [ranking.items for ranking in found]
    fine = POOL[:2]
    assert items == [fine, (), ("i4", "i3"), (), (), (), fine, (), fine]
    assert found[0].scores == (2.0, 1.0)
    details = [r.detail for r in found if r.outcome is Outcome.ERROR]
    assert details[0] == "the program ended with exit code 7; its last words: no luck"
    assert details[1].startswith("the program gave no reply within 2 seconds")
    assert details[2] == "not today"
    assert details[3].startswith("the program wrote 'hello', not JSON")
    assert details[4].startswith("the program's reply has another id")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ModelUnavailable, match="cannot be started"):
        CommandProgram(["./no-such-program"]).recommend([asked()])
    with pytest.raises(WrongUse, match="the command 'a b'"):
        CommandProgram("a b")  # type: ignore[arg-type]
