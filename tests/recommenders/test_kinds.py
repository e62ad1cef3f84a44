"""The table of kinds says what the classes do, and audits hold to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from adapter_world import CATALOG, writes

from fairrec.audits import ScoringAudit
from fairrec.audits.needs import NEEDS, fits
from fairrec.catalogs import Catalog
from fairrec.command_line.kinds import as_markdown
from fairrec.errors import WrongUse
from fairrec.prompts import attribute, template
from fairrec.recommenders import ListwiseRanking, as_recommender
from fairrec.recommenders.kinds import KINDS, check_gives, kind_of
from fairrec.running import run_audit
from fairrec.users import User

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_its_adapter(name: str) -> None:
    adapter = KINDS[name].load()
    assert hasattr(adapter, "recommend") and hasattr(adapter, "description")
    assert KINDS[name].gives()[0] == "rankings"


def test_the_docs_hold_the_table() -> None:
    assert as_markdown() in (DOCS / "recommenders.md").read_text("utf-8")


def test_an_audit_says_what_a_recommender_lacks() -> None:
    users = [User(f"u{n}", {"gender": "female"}, ("i0",), candidates=("i2", "i3")) for n in (1, 2)]
    words = template("movie_profile")
    audit = ScoringAudit(users, [attribute("gender")], words, threshold=0.0, draws=200)
    with pytest.raises(WrongUse) as error:
        run_audit(audit, ListwiseRanking(writes("[1]"), CATALOG))
    assert error.value.seen == "the audit 'scoring' judges scores; ListwiseRanking gives none."
    assert "yes_no" in error.value.expected and "listwise" not in error.value.expected


def test_what_others_make_is_taken_as_it_comes() -> None:
    own = as_recommender(lambda request: ["i1"], name="own")
    check_gives(own, ("scores",), "scoring")
    assert kind_of(own) is KINDS["function"]
    assert kind_of(object()) is None  # type: ignore[arg-type]


def test_controls() -> None:
    assert fits("sensitivity", KINDS["popularity"]) == "control"
    assert fits("exposure", KINDS["popularity"]) == "yes"
    assert fits("scoring", KINDS["open"]) == "no"
    assert set(NEEDS) == {"scoring"}


def test_a_mitigated_recommender_is_of_its_kind() -> None:
    from fairrec.mitigations import MITIGATIONS

    columns = {"genre": np.array(["x", "y"] * 5, dtype=object)}
    catalog = Catalog(CATALOG.ids, CATALOG.titles, columns)
    inner = ListwiseRanking(writes("[1]"), catalog)
    wrapped = MITIGATIONS["mmr"](catalog=catalog, column="genre").wrap(inner)  # type: ignore[call-arg]
    assert kind_of(wrapped) is KINDS["listwise"]
