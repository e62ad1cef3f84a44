"""Results for readers: HTML, Markdown, the terminal, and files."""

from fairrec.reports.html import render_html
from fairrec.reports.markdown import render_markdown
from fairrec.reports.terminal import print_summary
from fairrec.reports.writing import read_result, write_report

__all__ = ["print_summary", "read_result", "render_html", "render_markdown", "write_report"]
