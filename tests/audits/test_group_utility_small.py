"""Group utility where a group is too small to be compared."""

from __future__ import annotations

from fairrec.audits import GroupUtilityAudit
from fairrec.catalogs import Catalog
from fairrec.prompts import template
from fairrec.recommenders.conventional import Popularity
from fairrec.running import run_audit
from fairrec.users import User


def test_one_group_that_is_large_enough_is_no_comparison() -> None:
    """It crashed: the smallest of one group was asked for where there was nothing to compare."""

    catalog = Catalog(tuple(map(str, range(20))), tuple(map(str, range(20))))
    users = [
        User(str(n), {"gender": "female" if n < 3 else "male"}, (str(n),), held_out=(str(n + 1),))
        for n in range(16)
    ]
    audit = GroupUtilityAudit(users, ["gender"], template("movie_user"), k=5, draws=100)
    result = run_audit(audit, Popularity(catalog).fit(users))
    for which in ("min", "max", "difference", "ratio"):
        assert result.finding(f"group_utility.gender.ndcg.{which}").estimate.value is None
