"""A run's folder: three files, and the result back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from example_result import example_result

from fairrec.errors import BadData
from fairrec.reports import read_result, write_report


def test_three_files_and_back(tmp_path):
    result = example_result(3, draws=10, gates=("sensitivity.*.jaccard.snsr <= 0.1",))
    paths = write_report(result, tmp_path / "runs" / "first")
    assert [path.name for path in paths] == ["report.html", "report.md", "result.json"]
    assert all(path.stat().st_size for path in paths)
    assert len(list(paths[0].parent.iterdir())) == 3
    back = read_result(paths[2])
    assert back == read_result(paths[0].parent)
    # Lone surrogates are no text; all else comes back as it was.
    assert back.findings == result.findings
    assert back.provenance == result.provenance
    again = write_report(back, tmp_path / "again")
    for old, new in zip(paths[1:], again[1:], strict=True):
        assert old.read_bytes() == new.read_bytes()


def test_a_result_that_is_no_json_writes_nothing(tmp_path):
    broken = replace(example_result(3, draws=10), provenance={"seconds": float("nan")})
    with pytest.raises(BadData, match=r"provenance\.seconds"):
        write_report(broken, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe\x00"])
def test_unreadable_results_are_bad_data(tmp_path, content):
    file = tmp_path / "result.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadData):
        read_result(file)
    with pytest.raises(BadData):
        read_result(tmp_path)


def test_importing_the_reports_stays_light():
    code = (
        "import sys, fairrec.reports;"
        "heavy = {'matplotlib', 'jinja2', 'pydantic', 'pandas', 'torch', 'rich'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
