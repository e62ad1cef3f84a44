"""Asking: the runner, the store of answers, and a whole audit from plan to verdict."""

from fairrec.running.audit_run import judge_answers, run_audit
from fairrec.running.runner import Progress, ask
from fairrec.running.store import ResponseStore

__all__ = ["Progress", "ResponseStore", "ask", "judge_answers", "run_audit"]
