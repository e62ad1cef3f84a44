"""Downloads from a real server on this machine; archives are made here."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fairrec.command_line.data import data_app
from fairrec.datasets import read_dataset
from fairrec.datasets.downloading import ORIGIN_FILE, find_origin, obtain
from fairrec.datasets.extracting import extract
from fairrec.datasets.origins import ORIGINS, Origin
from fairrec.errors import BadData, RunBroken, WrongUse

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


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
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
                self.wfile.write(content[: len(content) // 2] if self.path in outer.cut else content)

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


@pytest.mark.parametrize("seen_as", ["md5", "cut", "404", "not a zip", "no checksum in it"])
def test_what_goes_wrong_leaves_nothing(server: Server, tmp_path: Path, seen_as: str) -> None:
    origin = serve(server, zipped(FILES))
    expected: type[Exception] = BadData
    words = ""
    if seen_as == "md5":
        server.content["/toy.zip.md5"] = b"0" * 32
        words = f"(?s)toy.zip has MD5 {md5(server.content['/toy.zip'])}.*MD5 {'0' * 32}"
    elif seen_as == "cut":
        server.cut.add("/toy.zip")
        expected, words = RunBroken, "bytes came"
    elif seen_as == "404":
        del server.content["/toy.zip"]
        expected, words = RunBroken, "404"
    elif seen_as == "not a zip":
        origin = serve(server, b"<html>maintenance</html>")
        words = "cannot be taken apart"
    else:
        server.content["/toy.zip.md5"] = b"<html>maintenance</html>"
        words = "holds 0 MD5"
    with pytest.raises(expected, match=words):
        obtain(origin, tmp_path / "toy", lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_no_answer_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    origin = serve(server, b"")
    server.stop()
    with pytest.raises(RunBroken, match="could not be downloaded"):
        obtain(origin, tmp_path / "toy", lambda _: None)


def test_an_origin_without_checksum_is_said_to_have_none(server: Server, tmp_path: Path) -> None:
    origin = serve(server, zipped(FILES))
    del server.content["/toy.zip.md5"]
    said: list[str] = []
    folder = obtain(origin, tmp_path / "toy", said.append)
    assert any("no checksum is published" in line for line in said)
    assert json.loads((folder / ORIGIN_FILE).read_text())["md5_checked_against"] is None


def test_files_with_published_checksums_are_checked(server: Server, tmp_path: Path) -> None:
    good = {"users.dat": md5(FILES["toy/users.dat"])}
    origin = serve(server, tarred(FILES), "toy.tar.gz", file_md5=good)
    obtain(origin, tmp_path / "toy", lambda _: None)
    assert (tmp_path / "toy" / "toy" / "users.dat").read_bytes() == FILES["toy/users.dat"]
    for wrong, words in (({"users.dat": "0" * 32}, "users.dat has MD5"), ({"x": "0"}, "0 files")):
        origin = serve(server, tarred(FILES), "toy.tar.gz", file_md5=wrong)
        with pytest.raises(BadData, match=words):
            obtain(origin, tmp_path / "other", lambda _: None)
        assert not (tmp_path / "other").exists()


def test_what_is_there_is_not_written_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(WrongUse, match="not empty"):
        obtain(serve(server, zipped(FILES)), tmp_path / "mine", lambda _: None)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil", "..\\evil", "C:\\evil"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str, pack: object) -> None:
    ending = "zip" if pack is zipped else "tar.gz"
    archive = tmp_path / f"x.{ending}"
    archive.write_bytes(pack({"good": b"1", name: b"2"}))  # type: ignore[operator]
    with pytest.raises(BadData, match="leads out of the folder"):
        extract(archive, tmp_path / "out")
    assert not list(tmp_path.glob("**/*evil*"))


def test_links_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    for name in ("x.tar.gz", "x.zip"):
        with pytest.raises(BadData, match="a link or a device"):
            extract(tmp_path / name, tmp_path / f"out-{name}")


def test_bombs_are_stopped_while_writing(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({"zeros": bytes(10_000_000)}))
    with pytest.raises(BadData, match="more than 1,000,000 bytes"):
        extract(tmp_path / "x.zip", tmp_path / "out", most_bytes=1_000_000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 1_000_000
    (tmp_path / "y.zip").write_bytes(zipped({str(n): b"" for n in range(20)}))
    with pytest.raises(BadData, match="more than 10 files"):
        extract(tmp_path / "y.zip", tmp_path / "out2", most_files=10)


def test_the_command_shows_the_terms_and_asks(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ORIGINS, "toy", serve(server, zipped(FILES)))
    target = tmp_path / "toy"
    runner = CliRunner()
    refused = runner.invoke(data_app, ["get", "toy", "--to", str(target)], input="n\n")
    assert isinstance(refused.exception, WrongUse)
    assert "terms" in refused.output and server.asked == [] and not target.exists()
    silent = runner.invoke(data_app, ["get", "toy", "--to", str(target)], input="")
    assert isinstance(silent.exception, WrongUse) and not target.exists()
    done = runner.invoke(data_app, ["get", "toy", "--to", str(target), "--accept-licence"])
    assert done.exit_code == 0, done.output
    assert done.output.index("terms") < done.output.index("downloading")
    assert len(read_dataset(target).catalog) == 2


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


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(WrongUse, match="ml-100k"):
        find_origin("ml-9000")
