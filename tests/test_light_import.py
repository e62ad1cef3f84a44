"""`import fairrec` and `fairrec --help` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "torch", "transformers", "matplotlib", "statsmodels", "fairlearn")
REPORT = f"import sys; print([name for name in {HEAVY!r} if name in sys.modules])"


@pytest.mark.parametrize(
    "code",
    [
        "import fairrec",
        "import fairrec.types, fairrec.gates, fairrec.protocols",
        "from fairrec import SensitivityAudit, films, run_audit, as_recommender; films()",
        "import sys; sys.argv = ['fairrec', '--help']\n"
        "from fairrec.command_line.main import app; app(standalone_mode=False)",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{REPORT}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_public_name_can_be_imported() -> None:
    import fairrec

    for name in fairrec.__all__:
        assert getattr(fairrec, name) is not None
    with pytest.raises(AttributeError):
        _ = fairrec.no_such_name
