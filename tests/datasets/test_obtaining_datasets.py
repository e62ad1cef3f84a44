"""Downloads from a real server on this machine; archives are made here."""

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
from fairrec.datasets.downloading import ORIGIN_FILE, obtain
from fairrec.datasets.origins import ORIGINS, Origin

FILES = {
    "toy/ratings.dat": b"1::10::5::300\n1::20::4::400\n",
    "toy/users.dat": b"1::F::1::10::48067\n",
    "toy/movies.dat": b"10::Heat (1995)::Action\n20::Net, The (1995)::Crime\n",
}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class Server:
    """What it serves, by path; a path in `cut` is broken off half-way."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                content = outer.content.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(
                    content[: len(content) // 2] if self.path in outer.cut else content
                )

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def serve(server: Server, content: bytes, name: str = "toy.zip", **more: object) -> Origin:
    server.content[f"/{name}"] = content
    server.content[f"/{name}.md5"] = f"MD5 ({name}) = {md5(content)}\n".encode()
    return Origin("toy", f"{server.url}/{name}", "home", "terms", "cite", 1, **more)  # type: ignore


def test_a_data_set_is_checked_unpacked_and_readable(server: Server, tmp_path: Path) -> None:
    content = zipped(FILES)
    said: list[str] = []
    folder = obtain(serve(server, content), tmp_path / "data" / "toy", said.append)
    assert read_dataset(folder).catalog.titles == ("Heat", "The Net")
    record = json.loads((folder / ORIGIN_FILE).read_text())
    assert record["md5"] == md5(content)
    assert record["md5_checked_against"] == f"{server.url}/toy.zip.md5"
    assert any("it comes from where the data come from" in line for line in said)
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]
    obtain(serve(server, content), folder, said.append)
    assert server.asked == ["/toy.zip.md5", "/toy.zip"]  # not asked again


def test_an_origin_without_checksum_is_said_to_have_none(server: Server, tmp_path: Path) -> None:
    origin = serve(server, zipped(FILES))
    del server.content["/toy.zip.md5"]
    said: list[str] = []
    folder = obtain(origin, tmp_path / "toy", said.append)
    assert any("no checksum is published" in line for line in said)
    assert json.loads((folder / ORIGIN_FILE).read_text())["md5_checked_against"] is None


def test_the_command_keeps_it_in_the_cache_and_lists_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRREC_CACHE", str(tmp_path))
    monkeypatch.setitem(ORIGINS, "toy", serve(server, zipped(FILES)))
    runner = CliRunner()
    assert runner.invoke(data_app, ["get", "toy"], input="y\n").exit_code == 0
    listed = runner.invoke(data_app, ["list"]).output
    assert f"here:   {tmp_path / 'data' / 'toy'}" in listed
    assert "ml-32m" in listed and "lastfm-360k" in listed
