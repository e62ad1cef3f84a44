"""Archives that nobody vouches for are taken apart without leaving the folder."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from fairrec.datasets.extracting import extract
from fairrec.errors import BadData


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: dict[str, bytes], *others: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in others:
            archive.addfile(member)
    return path


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_plain_files_come_out(tmp_path: Path, make) -> None:
    name = "x.zip" if make is make_zip else "x.tar.gz"
    archive = make(tmp_path / name, {"ml/a.txt": b"one", "ml/deep/b.txt": b"two"})
    extract(archive, tmp_path / "out")
    assert (tmp_path / "out/ml/a.txt").read_bytes() == b"one"
    assert (tmp_path / "out/ml/deep/b.txt").read_bytes() == b"two"


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", "C:\\evil", "C:evil", "\\evil"]
)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, make, name: str) -> None:
    place = tmp_path / "in" / "side"
    place.mkdir(parents=True)
    archive = make(place / ("x.zip" if make is make_zip else "x.tar.gz"), {name: b"evil"})
    with pytest.raises(BadData, match="leads out of the folder"):
        extract(archive, place / "out")
    assert not list(tmp_path.rglob("*evil*"))


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    for number, kind in enumerate(
        (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    ):
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc/passwd"
        archive = make_tar(tmp_path / f"{number}.tar.gz", {}, member)
        with pytest.raises(BadData, match="a link or a device: 'link'"):
            extract(archive, tmp_path / f"out{number}")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as opened:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(info, "/etc/passwd")
    with pytest.raises(BadData, match="a link or a device: 'link'"):
        extract(tmp_path / "x.zip", tmp_path / "out")


def test_a_bomb_is_stopped_while_it_is_written(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "x.zip", {"big": bytes(3_000_000)})
    with pytest.raises(BadData, match="more than 1,000,000 bytes"):
        extract(archive, tmp_path / "out", most_bytes=1_000_000)
    assert (tmp_path / "out/big").stat().st_size <= 1_000_000
    archive = make_zip(tmp_path / "y.zip", {str(n): b"" for n in range(11)})
    with pytest.raises(BadData, match="more than 10 files"):
        extract(archive, tmp_path / "out2", most_files=10)


def test_broken_archives_are_named(tmp_path: Path) -> None:
    whole = make_tar(tmp_path / "x.tar.gz", {"a": bytes(range(256)) * 500})
    (tmp_path / "cut.tar.gz").write_bytes(whole.read_bytes()[:600])
    (tmp_path / "text.zip").write_text("not found")
    (tmp_path / "text.tar.gz").write_text("not found")
    for name in ("cut.tar.gz", "text.zip", "text.tar.gz"):
        with pytest.raises(BadData, match="cannot be taken apart"):
            extract(tmp_path / name, tmp_path / f"out-{name}")


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning), zipfile.ZipFile(tmp_path / "x.zip", "w") as opened:
        opened.writestr("a", "1")
        opened.writestr("a", "2")
    with pytest.raises(BadData, match="two files of one name"):
        extract(tmp_path / "x.zip", tmp_path / "out")
