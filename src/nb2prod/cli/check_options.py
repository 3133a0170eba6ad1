"""The options of ``nb2prod check``, in the order of its help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.cli.options import CHOICE, FILE, FLAG, OUTPUT, TEXT, Option
from nb2prod.config import FAIL_ON
from nb2prod.report.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable


def _flag(written: str, help_text: str) -> Option:
    return Option(written, written.lstrip("-").replace("-", "_"), FLAG, help_text, default=False)


def _file(written: str, help_text: str) -> Option:
    return Option(written, written.lstrip("-").replace("-", "_"), FILE, help_text)


def _texts(written: str, parameter: str, metavar: str, help_text: str) -> Option:
    return Option(written, parameter, TEXT, help_text, metavar=metavar, is_repeatable=True)


def _choice(written: str, parameter: str, help_text: str, choices: Iterable[str]) -> Option:
    return Option(written, parameter, CHOICE, help_text, choices=tuple(choices))


OPTIONS = (
    _texts("--select", "selected", "RULES", "Run only these rules: codes, names or prefixes."),
    _texts("--extend-select", "extended", "RULES", "Run these rules as well."),
    _choice(
        "--profile",
        "profile",
        "What a person fixes before pushing, or everything.  [default: production]",
        ("commit", "production"),
    ),
    _texts("--config", "config", "KEY=VALUE", "A setting, in the place of the file's."),
    _texts("--ignore", "ignored", "RULES", "Do not run these rules."),
    _choice("--fail-on", "fail_on", "Least severity that makes the exit code 1.  [default: error]", FAIL_ON),
    _texts("--exclude", "exclude", "GLOB", "Leave out files or folders that match."),
    _flag("--force-exclude", "Leave them out even if they are named on the command line."),
    _flag("--isolated", "Read no settings from files."),
    _choice("--format", "output_format", "How findings are printed.  [default: text]", FORMATS),
    Option(
        "--output",
        "outputs",
        OUTPUT,
        "Also write the report in this format to a file, or print it so without one. May be repeated.",
        is_repeatable=True,
    ),
    _flag("--fix", "Apply the fixes that are safe, and report what is left."),
    _flag("--unsafe-fixes", "With --fix or --diff: also fixes that may change the meaning."),
    _flag("--add-ignores", "Silence what is found where it is found: comments, or metadata."),
    Option("--reason", "reason", TEXT, "With --add-ignores: why, written beside each.", metavar="TEXT", default=""),
    _flag("--diff", "Print what --fix or --add-ignores would change, and write nothing."),
    _flag("--show-fixes", "With these three: list the findings that are fixed or silenced."),
    Option("--since", "since", TEXT, "Report only cells that changed since this revision of git.", metavar="REV"),
    _file("--stdin-filename", "With `-` for PATHS: the name of the notebook that standard input holds."),
    _file("--baseline", "Report only what this file does not have."),
    _file("--write-baseline", "Write what is found to a file; with --baseline only what is known."),
    _flag("--statistics", "Print how often each rule found something instead."),
    _flag("--timing", "Print where the time goes, by rule, to standard error."),
    Option("--no-cache", "use_cache", FLAG, "Look at every notebook.", default=True),
    _file("--output-file", "Write the report to a file."),
)
