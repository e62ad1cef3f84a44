"""The page: safe against its own contents, complete, small, and readable by a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from example_result import ATTRIBUTES, HOSTILE, example_result, without_answers

from fairrec.reports import render_html
from fairrec.reports.html import MOST_BYTES
from fairrec.reports.pairs import MOST_TITLE
from fairrec.reports.wording import sentence
from fairrec.results import AuditResult, Verdict
from fairrec.types import Outcome

GATES = ("sensitivity.*.jaccard.snsr <= 0.1",)
VOID = {"meta", "link", "img", "br", "hr", "input", "wbr", "use", "path", "rect"}


class Page(HTMLParser):
    """What a page holds: tags, attributes, visible text, and whether its tags match."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.pieces: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


@pytest.fixture(scope="module")
def result() -> AuditResult:
    return example_result(gates=GATES)


@pytest.fixture(scope="module")
def page(result) -> Page:
    return Page(render_html(result))


def test_the_example_holds_what_it_should(result):
    assert len(result.validity) == 1 + sum(map(len, ATTRIBUTES.values())) == 32
    assert result.verdict is Verdict.FAIL
    shown = "".join(t for e in result.exchanges.values() for t in e.titles)
    assert sum(hostile in shown for hostile in HOSTILE) >= 10


def test_tags_match_and_nothing_can_run(page):
    assert page.open == []
    assert not set(page.tags) & {"script", "iframe", "object", "embed", "form", "img", "base"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not [value for _, _, value in page.attributes if "javascript:" in value.lower()]


def test_nothing_is_loaded_from_anywhere(page):
    loaded = [
        value
        for tag, name, value in page.attributes
        if name in {"src", "href", "xlink:href", "srcset", "data", "action", "poster"}
    ]
    assert loaded
    assert all(value.startswith("#") for value in loaded)
    styles = " ".join(re.findall(r"<style>.*?</style>", page.html, re.DOTALL))
    styles += " ".join(value for _, name, value in page.attributes if name == "style")
    assert "@import" not in styles
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)", styles))


def test_ids_are_unique_and_links_lead_to_them(page):
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for _, name, value in page.attributes if name in {"href", "xlink:href"}}
    targets |= set(re.findall(r"url\(#([^)]*)\)", page.html))
    targets |= {value for _, name, value in page.attributes if name == "aria-labelledby"}
    assert targets <= set(ids)


def test_a_strict_content_security_policy_comes_first(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page.html)
    assert policy
    assert policy[1].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert policy.start() < page.html.index("<style")


def test_hostile_text_is_shown_as_text(page):
    assert "<script>alert(1)</script>" in page.text
    assert '"><img src=x onerror=alert(2)>' in page.text
    assert "{{ 7 * 7 }}{% raw %}" in page.text
    assert "](javascript:alert(3))" in page.text
    assert "$\\frac{1}{0}$" in page.text
    assert "\x1b" not in page.html
    assert "\u202e" not in page.html
    page.html.encode("utf-8", "strict")


@pytest.mark.parametrize("title", HOSTILE[8:10])
def test_long_titles_are_cut(result, title):
    exchanges = {
        id: replace(e, titles=tuple(title for _ in e.items)) for id, e in result.exchanges.items()
    }
    html = render_html(replace(result, exchanges=exchanges))
    items = re.findall(r'<li class="(?:new|dropped|same|up|down)">.*?</li>', html)
    shown = [Page(item).text for item in items]
    assert len(shown) > 500
    assert all(title[:50] in text and "…" in text for text in shown)
    assert max(map(len, shown)) <= MOST_TITLE + len("✕ dropped (not in the catalogue) ")


def test_the_verdict_comes_first_and_every_finding_is_listed(result, page):
    claim = "".join(word for word, _ in sentence(result).words)
    assert page.text.index(claim) < page.text.index("Gated findings")
    assert all(finding.id in page.text for finding in result.findings)
    order = ["Before believing", "Gated findings", "How far apart", "What became", "Worst pairs"]
    order += ["Method", "Provenance"]
    places = [page.html.index(f'id="{i}"') for i in ("warnings", "findings", "plots", "funnel")]
    places += [page.html.index(f'id="{i}"') for i in ("pairs", "method", "provenance")]
    assert places == sorted(places)
    assert all(heading in page.text for heading in order)


def test_groups_that_differ_are_flagged_in_words(page):
    assert "1 group differs from the neutral prompt" in page.text
    assert re.search(r"▼ −\d+ points", page.text)


def test_pairs_say_what_became_of_every_item(page):
    for words in ("same place", "dropped", "new"):
        assert words in page.text
    assert re.search(r"▲ up \d+", page.text)
    assert re.search(r"▼ down \d+", page.text)
    assert "<mark>yellow</mark>" in page.html


def test_the_same_result_gives_the_same_page(result, page):
    assert render_html(result) == page.html


def test_31_values_and_60_topics_fit():
    html = render_html(example_result(60, gates=GATES, draws=20))
    assert len(html.encode()) < MOST_BYTES


def test_a_model_that_answers_megabytes_does_not_break_the_page(result):
    flood = "<\u202e'\"" * 2_500_000
    exchanges = {
        id: replace(e, text=flood, instruction=flood, system=flood, titles=(flood,) * 20)
        for id, e in result.exchanges.items()
    }
    flooded = replace(result, exchanges=exchanges, warnings=(flood,), provenance={flood: [flood]})
    html = render_html(flooded)
    assert len(html.encode()) < MOST_BYTES
    assert Page(html).open == []


def test_hostile_names_reach_labels_as_text():
    name = "$x^ <b>\u4e2d\u6587</b> \x00&"
    result = example_result(3, draws=10)
    findings = tuple(
        replace(f, attribute=f.attribute and name, value=f.value and name, metric=name)
        for f in result.findings
    )
    page = Page(render_html(replace(result, findings=findings, audit=name, name=name)))
    assert "<b>\u4e2d" not in page.html
    assert "$x^ <b>" in page.text
    assert "\x00" not in page.html


@pytest.mark.parametrize(
    ("gates", "says"),
    [
        ((), "No gate was set, so nothing was decided"),
        (("sensitivity.race.jaccard.snsr <= 0.9",), "Within the gates means"),
        (("sensitivity.gender.jaccard.snsr <= 0.08",), "the interval reaches across the gate"),
    ],
)
def test_every_verdict_has_its_page(gates, says):
    assert says in Page(render_html(example_result(gates=gates))).text


def test_a_result_without_any_number_says_so():
    page = Page(render_html(without_answers()))
    assert "nothing could be measured" in page.text
    assert "no topic has both lists" in page.text


def test_an_empty_result_still_renders():
    page = Page(render_html(AuditResult("other", "run", (), (), (), {}, {})))
    assert page.open == []
    assert "nothing could be measured" in page.text


def test_findings_of_another_audit_are_shown(result):
    other = replace(result.findings[0], id="exposure.x", statistic="quotient", metric="exposure")
    page = Page(render_html(replace(result, audit="exposure", findings=(other,), exchanges={})))
    assert "quotient (exposure)" in page.text
    assert "neutral prompt and once with each value" not in page.text


def test_a_missing_list_is_no_empty_list(result):
    exchanges = {
        id: replace(e, items=(), titles=(), outcome=Outcome.REFUSED)
        for id, e in result.exchanges.items()
    }
    assert "No list: refused." in Page(render_html(replace(result, exchanges=exchanges))).text


def _browse(file: Path, folder: Path, *arguments: str) -> str:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("chromium is not installed")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={folder}",
        *arguments,
        file.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def test_a_real_browser_runs_no_script_of_the_page(result, page, tmp_path):
    # The probe shows that the browser would run a script here if one were let through.
    file = tmp_path / "probe.html"
    file.write_text("<p>before</p><script>document.body.textContent = 'ran'</script>", "utf-8")
    assert "ran</body>" in _browse(file, tmp_path / "profile", "--dump-dom")

    file = tmp_path / "report.html"
    script = "<script>document.body.textContent = 'ran'</script></body>"
    file.write_text(page.html.replace("</body>", script), "utf-8")
    seen = Page(_browse(file, tmp_path / "profile", "--dump-dom"))
    assert str(sentence(result)).split(": ", 1)[1] in seen.text
    assert all(finding.id in seen.text for finding in result.findings)
    assert seen.tags.count("script") == 1


def test_the_page_does_not_scroll_sideways_on_a_phone(page, tmp_path):
    # A script may run only in this copy, which drops the policy and reports a width.
    file = tmp_path / "report.html"
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    measure = "<script>document.title = document.documentElement.scrollWidth</script></body>"
    html = policy.sub("", page.html).replace("<details", "<details open")
    html = html.replace("</body>", measure)
    frame = f'<iframe style="width:400px;height:800px;border:0" srcdoc="{_quote(html)}"></iframe>'
    read = (
        "<script>onload = () => document.body.textContent = 'width '"
        " + document.querySelector('iframe').contentDocument.title</script>"
    )
    file.write_text(f"<body>{frame}{read}</body>", "utf-8")
    seen = _browse(file, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=5000")
    width = re.search(r"width (\d+)", seen)
    assert width
    assert int(width[1]) <= 400


def _quote(html: str) -> str:
    return html.replace("&", "&amp;").replace('"', "&quot;")
