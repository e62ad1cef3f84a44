"""Downloads from a real server on this machine: whole, wrong, cut off, missing, malicious."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fairrec.command_line.data import data_app
from fairrec.datasets import read_dataset
from fairrec.datasets.downloading import ORIGIN_FILE, find_origin, is_present, obtain
from fairrec.datasets.origins import ORIGINS, Origin
from fairrec.errors import BadData, FairrecError, RunBroken, WrongUse


def toy_archive(extra: dict[str, str] | None = None) -> bytes:
    flags = "|".join(["0"] * 19)
    files = {
        "toy/u.data": "1\t7\t4\t100\n1\t8\t5\t200\n",
        "toy/u.user": "1|24|F|writer|00000\n",
        "toy/u.item": f"7|Quiet Harbour, The (1991)||||{flags}\n8|Loud (1992)||||{flags}\n",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in (files | (extra or {})).items():
            archive.writestr(name, text)
    return content.getvalue()


GOOD = toy_archive()
EVIL = toy_archive({"../evil": "x"})


class Server(ThreadingHTTPServer):
    """Serves what it is told to, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []

    def origin(self, path: str, **fields) -> Origin:
        url = f"http://127.0.0.1:{self.server_port}/{path}"
        return Origin("toy", url, "http://home", "Be kind.", "Nobody 2000.", 1, ("age",), **fields)

    def serve(self, path: str, body: bytes, md5_of: bytes | None = None) -> Origin:
        self.bodies[f"/{path}"] = body
        md5 = hashlib.md5(body if md5_of is None else md5_of).hexdigest()
        self.bodies[f"/{path}.md5"] = f"MD5 ({path}) = {md5}\n".encode()
        return self.origin(path)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.bodies.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path in self.server.cut else body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def nothing_left(folder: Path) -> bool:
    return not folder.exists() or not list(folder.iterdir())


def test_a_good_archive_is_checked_unpacked_and_read(server: Server, tmp_path: Path) -> None:
    said: list[str] = []
    origin = server.serve("toy.zip", GOOD)
    folder = obtain(origin, tmp_path / "data" / "toy", said.append)
    dataset = read_dataset(folder)
    assert dataset.catalog.titles == ("The Quiet Harbour", "Loud")
    record = json.loads((folder / ORIGIN_FILE).read_text("utf-8"))
    assert record["url"] == origin.url
    assert record["sha256"] == hashlib.sha256(GOOD).hexdigest()
    assert record["md5_checked_against"] == f"{origin.url}.md5"
    assert f"{origin.url}.md5" in said[0] and "comes from where the data come from" in said[0]
    assert any("MB" in line for line in said)
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]
    asked = len(server.asked)
    obtain(origin, folder, said.append)
    assert len(server.asked) == asked and "already in" in said[-1]


def test_a_wrong_checksum_keeps_nothing(server: Server, tmp_path: Path) -> None:
    origin = server.serve("toy.zip", GOOD, md5_of=b"another")
    with pytest.raises(BadData) as caught:
        obtain(origin, tmp_path / "toy", lambda line: None)
    assert hashlib.md5(GOOD).hexdigest() in str(caught.value)
    assert hashlib.md5(b"another").hexdigest() in str(caught.value)
    assert nothing_left(tmp_path)


def test_a_body_that_is_cut_off_keeps_nothing(server: Server, tmp_path: Path) -> None:
    origin = server.serve("toy.zip", GOOD)
    server.cut.add("/toy.zip")
    with pytest.raises(RunBroken, match=f"{len(GOOD) // 2:,} of {len(GOOD):,} bytes came"):
        obtain(origin, tmp_path / "toy", lambda line: None)
    assert nothing_left(tmp_path)


def test_what_is_missing_is_said(server: Server, tmp_path: Path) -> None:
    with pytest.raises(RunBroken, match=r"none\.zip.* could not be downloaded: the answer is 404"):
        obtain(server.origin("none.zip", file_md5={"a": "b"}), tmp_path / "toy", print)
    with pytest.raises(FairrecError, match=r"md5"):
        server.serve("toy.zip", GOOD)
        server.bodies["/toy.zip.md5"] = b"<html>no such page</html>"
        obtain(server.origin("toy.zip"), tmp_path / "toy", print)
    assert nothing_left(tmp_path)


def test_no_server_is_said(tmp_path: Path) -> None:
    gone = Server()
    origin = gone.origin("toy.zip")
    gone.server_close()
    with pytest.raises(RunBroken, match="could not be downloaded: no answer"):
        obtain(origin, tmp_path / "toy", lambda line: None)
    assert nothing_left(tmp_path)


def test_an_archive_that_writes_elsewhere_keeps_nothing(server: Server, tmp_path: Path) -> None:
    place = tmp_path / "here"
    with pytest.raises(BadData, match="leads out of the folder"):
        obtain(server.serve("toy.zip", EVIL), place / "toy", lambda line: None)
    assert nothing_left(place)
    assert not list(tmp_path.rglob("evil"))


def test_published_checksums_of_files_are_checked(server: Server, tmp_path: Path) -> None:
    server.serve("toy.zip", GOOD)
    right = hashlib.md5(b"1|24|F|writer|00000\n").hexdigest()
    said: list[str] = []
    obtain(server.origin("toy.zip", file_md5={"u.user": right}), tmp_path / "a", said.append)
    assert any(right in line for line in said)
    assert "/toy.zip.md5" not in server.asked
    with pytest.raises(BadData, match=r"u\.user has MD5"):
        obtain(server.origin("toy.zip", file_md5={"u.user": "0" * 32}), tmp_path / "b", print)
    with pytest.raises(BadData, match=r"0 files called u\.nobody"):
        obtain(server.origin("toy.zip", file_md5={"u.nobody": right}), tmp_path / "b", print)
    assert not (tmp_path / "b").exists()


def test_a_folder_with_other_things_is_left_alone(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WrongUse, match="not empty"):
        obtain(server.serve("toy.zip", GOOD), tmp_path, lambda line: None)
    assert server.asked == []
    (tmp_path / "empty").mkdir()
    assert is_present(obtain(server.serve("toy.zip", GOOD), tmp_path / "empty", print))


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(WrongUse, match=r"(?s)'ml-7' is unknown.*ml-100k, ml-1m"):
        find_origin("ml-7")


def test_every_origin_says_what_a_reader_needs() -> None:
    for name, origin in ORIGINS.items():
        assert name == origin.name
        assert origin.url.endswith((".zip", ".tar.gz"))
        assert origin.terms and origin.citation and origin.home.startswith("http")
        assert all(len(md5) == 32 and int(md5, 16) for md5 in origin.file_md5.values())


def test_the_command_shows_the_terms_and_asks(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ORIGINS, "toy", server.serve("toy.zip", GOOD))
    monkeypatch.setenv("FAIRREC_CACHE", str(tmp_path))
    run = CliRunner().invoke
    declined = run(data_app, ["get", "toy"], input="n\n")
    assert isinstance(declined.exception, WrongUse)
    assert "Be kind." in declined.output and "Nobody 2000." in declined.output
    silent = run(data_app, ["get", "toy"], input="")
    assert isinstance(silent.exception, WrongUse) and server.asked == []
    assert "here:   no" in run(data_app, ["list"]).output.split("toy (about")[1]
    accepted = run(data_app, ["get", "toy"], input="y\n")
    assert accepted.exit_code == 0, accepted.output
    assert is_present(tmp_path / "data" / "toy")
    listed = run(data_app, ["list"]).output
    assert str(tmp_path / "data" / "toy") in listed.split("toy (about")[1].replace("\n", "")
    again = run(data_app, ["get", "toy"])
    assert again.exit_code == 0 and "already in" in again.output


def test_the_command_takes_consent_as_an_option(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ORIGINS, "toy", server.serve("toy.zip", GOOD))
    monkeypatch.setenv("FAIRREC_CACHE", str(tmp_path))
    done = CliRunner().invoke(data_app, ["get", "toy", "--accept-licence"])
    assert done.exit_code == 0, done.output
    assert "Be kind." in done.output and is_present(tmp_path / "data" / "toy")


def test_an_origin_without_checksum_is_said_to_have_none(server: Server, tmp_path: Path) -> None:
    origin = server.serve("toy.zip", GOOD)
    del server.bodies["/toy.zip.md5"]
    said: list[str] = []
    folder = obtain(origin, tmp_path / "toy", said.append)
    assert any("no checksum is published" in line for line in said)
    assert json.loads((folder / ORIGIN_FILE).read_text("utf-8"))["md5_checked_against"] is None


def test_what_is_in_the_cache_is_listed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRREC_CACHE", str(tmp_path))
    monkeypatch.setitem(ORIGINS, "toy", server.serve("toy.zip", GOOD))
    runner = CliRunner()
    assert runner.invoke(data_app, ["get", "toy"], input="y\n").exit_code == 0
    listed = runner.invoke(data_app, ["list"]).output
    assert f"here:   {tmp_path / 'data' / 'toy'}" in listed
    assert "ml-32m" in listed and "lastfm-360k" in listed
