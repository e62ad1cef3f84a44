"""`python -m fairrec` is the `fairrec` command."""

from fairrec.command_line.main import run

run()
