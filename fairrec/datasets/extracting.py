"""Takes archives apart that nobody vouches for."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from fairrec.errors import BadData

MOST_BYTES = 8_000_000_000
MOST_FILES = 1_000
_BLOCK = 1 << 20


def extract(
    archive: Path, folder: Path, *, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES
) -> None:
    """Extract a .zip or .tar.gz into a folder; nothing is written anywhere else.

    Args:
        archive: The archive.
        folder: A new folder.
        most_bytes: Bytes that all files may have together, as counted while writing.
        most_files: Files and folders that there may be.

    Raises:
        BadData: The archive is broken, too large, or holds a link, a device or a name that leads
            out of the folder.
    """
    folder.mkdir()
    try:
        members = _zip(archive) if archive.name.endswith(".zip") else _tar(archive)
        left = most_bytes
        for count, (name, source) in enumerate(members, start=1):
            if count > most_files:
                raise _refused(archive, f"more than {most_files} files")
            target = folder / _safe(archive, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, target.open("xb") as file:
                while block := source.read(min(_BLOCK, left + 1)):
                    left -= len(block)
                    if left < 0:
                        raise _refused(archive, f"more than {most_bytes:,} bytes")
                    file.write(block)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        RuntimeError,  # what zipfile raises for encrypted or unknown compression
    ) as error:
        raise BadData(
            f"{archive.name} cannot be taken apart: {error}.",
            expected="a whole archive.",
            do="download it again.",
        ) from error
    except FileExistsError as error:
        raise _refused(archive, "two files of one name") from error


def _zip(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(archive, f"a link or a device: {member.filename[:100]!r}")
            if not member.is_dir():
                # The name as it stands in the archive: zipfile has already bent some of them.
                yield member.orig_filename, opened.open(member)


def _tar(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive, "r:*") as opened:
        for member in opened:
            source = opened.extractfile(member) if member.isfile() else None
            if source is not None:
                yield member.name, source
            elif not member.isdir():
                raise _refused(archive, f"a link or a device: {member.name[:100]!r}")


def _safe(archive: Path, name: str) -> Path:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    leads_out = posix.is_absolute() or bool(windows.anchor) or ".." in windows.parts
    if leads_out or not posix.parts or "\0" in name:
        raise _refused(archive, f"a name that leads out of the folder: {name[:100]!r}")
    return Path(*posix.parts)


def _refused(archive: Path, what: str) -> BadData:
    return BadData(
        f"{archive.name} holds {what}.",
        expected="an archive of plain files.",
        do="do not trust this copy; nothing of it was kept.",
    )
