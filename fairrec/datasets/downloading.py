"""Obtains a data set from its origin: checked, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import re
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fairrec.datasets.extracting import MOST_BYTES, extract
from fairrec.datasets.origins import ORIGINS, Origin
from fairrec.errors import BadData, RunBroken, WrongUse

ORIGIN_FILE = "fairrec-origin.json"
"""In the folder of a data set: where it came from, on what terms, and its checksums."""

_UNFINISHED = ".unfinished-"
_ONE_DAY = 24 * 60 * 60
_BLOCK = 1 << 20
_SECONDS = 60.0
_MD5 = re.compile(r"\b[0-9a-fA-F]{32}\b")


def find_origin(name: str) -> Origin:
    """Return where a data set comes from.

    Raises:
        WrongUse: The name is unknown.
    """
    if name not in ORIGINS:
        raise WrongUse(
            f"data set {name!r} is unknown.",
            expected=f"one of {', '.join(ORIGINS)}.",
            do="`fairrec data list` says more of each.",
        )
    return ORIGINS[name]


def is_present(folder: Path) -> bool:
    """Tell whether `obtain` has put a data set here."""
    return (folder / ORIGIN_FILE).is_file()


def obtain(origin: Origin, folder: Path, say: Callable[[str], None]) -> Path:
    """Download a data set into a folder, unless it is there; ask for consent to the terms first.

    The archive is checked against the MD5 that the origin gives out beside it, or its files
    against those that their author published. An origin that gives out none is taken at its
    word, which is said and recorded. The folder is whole or absent.

    Args:
        origin: Where from.
        folder: Where to; new or empty.
        say: Told, in one line each, what is going on.

    Raises:
        WrongUse: The folder holds something else, or cannot be written.
        RunBroken: The origin cannot be reached, or broke off.
        BadData: A checksum is another, or the archive is not to be trusted.
    """
    if is_present(folder):
        say(f"{origin.name} is already in {folder}")
        return folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUse(
            f"{folder} is there and not empty.",
            expected="a new or an empty folder.",
            do="choose another folder, or remove what is there.",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        # Beside the goal, so that the last step is a rename.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=_UNFINISHED) as scratch:
            archive = Path(scratch) / origin.url.rsplit("/", 1)[-1]
            record = _checked_archive(origin, archive, say)
            unpacked = Path(scratch) / "unpacked"
            extract(archive, unpacked)
            _check_files(origin, unpacked, say)
            (unpacked / ORIGIN_FILE).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
            if folder.exists():
                folder.rmdir()
            unpacked.rename(folder)
    except OSError as error:
        raise WrongUse(
            f"{origin.name} could not be kept in {folder}: {error.strerror or error}.",
            expected=f"a folder with write permission and {origin.megabytes * 6} MB of space.",
            do="free some space, or choose another folder.",
        ) from error
    say(f"{origin.name} is ready in {folder}")
    return folder


def _checked_archive(origin: Origin, archive: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Download the archive, check it, and return what is to be kept on record."""
    source, expected = f"{origin.url}.md5", None
    if not origin.file_md5:
        say(f"asking {source} for the checksum: it comes from where the data come from")
        expected = _published_md5(source)
    md5, sha256 = _download(origin.url, archive, say)
    if expected is not None and md5 != expected:
        raise _wrong_checksum(archive.name, md5, expected)
    if expected is not None:
        say(f"MD5 {md5} is as {source} says")
    elif not origin.file_md5:
        say(f"no checksum is published: {archive.name} (SHA-256 {sha256}) could not be checked")
    return {
        "name": origin.name,
        "url": origin.url,
        "home": origin.home,
        "terms": origin.terms,
        "citation": origin.citation,
        "md5": md5,
        "md5_checked_against": None if expected is None else source,
        "sha256": sha256,
    }


def _check_files(origin: Origin, folder: Path, say: Callable[[str], None]) -> None:
    for name, expected in origin.file_md5.items():
        found = [path for path in folder.rglob(name) if path.is_file()]
        if len(found) != 1:
            raise BadData(
                f"the archive of {origin.name} has {len(found)} files called {name}.",
                expected="one.",
                do=f"see {origin.home} for what has changed; nothing was kept.",
            )
        with found[0].open("rb") as file:
            seen = hashlib.file_digest(file, _md5).hexdigest()
        if seen != expected:
            raise _wrong_checksum(name, seen, expected)
        say(f"MD5 {seen} of {name} is as published")


def _download(url: str, target: Path, say: Callable[[str], None]) -> tuple[str, str]:
    """Stream to a file and return its MD5 and SHA-256."""
    md5, sha256 = _md5(), hashlib.sha256()
    with _opened(url) as response, target.open("wb") as file:
        stated = response.headers.get("Content-Length", "")
        size = int(stated) if stated.isdecimal() else None
        say(f"downloading {url} ({'size unknown' if size is None else _megabytes(size)}) ...")
        done, told = 0, 0
        while block := response.read(_BLOCK):
            done += len(block)
            if done > MOST_BYTES:
                raise _broke_off(url, f"more than {_megabytes(MOST_BYTES)} came")
            file.write(block)
            md5.update(block)
            sha256.update(block)
            if size and done * 10 // size > told and size > 50 * _BLOCK:
                told = done * 10 // size
                say(f"{told * 10} % ({_megabytes(done)})")
    if size is not None and done != size:
        raise _broke_off(url, f"{done:,} of {size:,} bytes came")
    return md5.hexdigest(), sha256.hexdigest()


def _published_md5(url: str) -> str | None:
    """Ask for a checksum; None where the origin has no such file."""
    try:
        with _opened(url) as response:
            text = response.read(4096).decode("utf-8", "replace")
    except RunBroken as error:
        if isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 404:
            return None
        raise
    found = _MD5.findall(text)
    if len(found) != 1:
        raise BadData(
            f"{url} holds {len(found)} MD5 checksums.",
            expected="one, 32 hexadecimal digits.",
            do="try again later; without a checksum nothing is downloaded.",
        )
    return found[0].lower()


@contextlib.contextmanager
def _opened(url: str) -> Iterator[Any]:
    request = urllib.request.Request(url, headers={"User-Agent": "fairrec"})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            yield response
    except urllib.error.HTTPError as error:
        raise _broke_off(url, f"the answer is {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _broke_off(url, f"no answer: {error.reason}") from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _broke_off(url, f"the connection broke: {error}") from error


def _broke_off(url: str, why: str) -> RunBroken:
    return RunBroken(
        f"{url} could not be downloaded: {why}.",
        expected="the whole file.",
        do="check the network and try again; nothing was kept.",
    )


def _wrong_checksum(name: str, seen: str, expected: str) -> BadData:
    return BadData(
        f"{name} has MD5 {seen}.",
        expected=f"MD5 {expected}.",
        do="try again; if it stays so, the origin has changed the file. Nothing was kept.",
    )


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _sweep(folder: Path) -> None:
    """Remove what a killed process left, but not what another is working on."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ONE_DAY:
                shutil.rmtree(left)
