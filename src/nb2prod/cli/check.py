"""``nb2prod check``: find notebooks, lint them, print the report."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from nb2prod.cache.store import Cache
from nb2prod.cli import CLEAN, FINDINGS, INTERNAL, write, write_error
from nb2prod.cli.outputs import TEXTS, Output, destinations, write_report
from nb2prod.config import FAIL_ON, Configuration, Globs, Overrides, Settings, override
from nb2prod.discovery import discover, unsaved
from nb2prod.lint_run import joined
from nb2prod.report.formats import FORMATS
from nb2prod.report.text import printable
from nb2prod.rulebook import all_rules, house_folders
from nb2prod.selection import select
from nb2prod.workers import lint_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb2prod.diagnostics import Rule
    from nb2prod.discovery import Target
    from nb2prod.lint_run import InternalError, Report
    from nb2prod.notebook.model import Notebook

# A run that takes longer says how far it is, to whoever watches.
_PATIENCE = 2.0

# One bug may show on every notebook: after this many a line each says where.
_MOST_TRACES = 5


_STDIN = Path("-")
_FILE = click.Path(dir_okay=False, path_type=Path)

# A paragraph after \b keeps its lines.
_EXIT_CODES = """\b
Exit codes:
  0  no finding at or above --fail-on
  1  at least one such finding is left; with --diff: something would change
  2  wrong usage or settings
  3  a bug of ours; the report is incomplete
"""


@click.command(epilog=_EXIT_CODES)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--select", "selected", multiple=True, metavar="RULES", help="Run only these rules: codes, names or prefixes."
)
@click.option("--extend-select", "extended", multiple=True, metavar="RULES", help="Run these rules as well.")
@click.option(
    "--profile",
    type=click.Choice(["commit", "production"]),
    help="What a person fixes before pushing, or everything.  [default: production]",
)
@click.option("--config", "config", multiple=True, metavar="KEY=VALUE", help="A setting, in the place of the file's.")
@click.option("--ignore", "ignored", multiple=True, metavar="RULES", help="Do not run these rules.")
@click.option(
    "--fail-on", type=click.Choice(list(FAIL_ON)), help="Least severity that makes the exit code 1.  [default: error]"
)
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out files or folders that match.")
@click.option("--force-exclude", is_flag=True, help="Leave them out even if they are named on the command line.")
@click.option("--isolated", is_flag=True, help="Read no settings from files.")
@click.option(
    "--format", "output_format", type=click.Choice(list(FORMATS)), help="How findings are printed.  [default: text]"
)
@click.option(
    "--output",
    "outputs",
    type=Output(),
    multiple=True,
    help="Also write the report in this format to a file, or print it so without one. May be repeated.",
)
@click.option("--fix", is_flag=True, help="Apply the fixes that are safe, and report what is left.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also fixes that may change the meaning.")
@click.option("--add-ignores", is_flag=True, help="Silence what is found where it is found: comments, or metadata.")
@click.option("--reason", metavar="TEXT", default="", help="With --add-ignores: why, written beside each.")
@click.option("--diff", is_flag=True, help="Print what --fix or --add-ignores would change, and write nothing.")
@click.option("--show-fixes", is_flag=True, help="With these three: list the findings that are fixed or silenced.")
@click.option("--since", metavar="REV", help="Report only cells that changed since this revision of git.")
@click.option(
    "--stdin-filename", type=_FILE, help="With `-` for PATHS: the name of the notebook that standard input holds."
)
@click.option("--baseline", type=_FILE, help="Report only what this file does not have.")
@click.option("--write-baseline", type=_FILE, help="Write what is found to a file; with --baseline only what is known.")
@click.option("--statistics", is_flag=True, help="Print how often each rule found something instead.")
@click.option("--timing", is_flag=True, help="Print where the time goes, by rule, to standard error.")
@click.option("--no-cache", "use_cache", is_flag=True, flag_value=False, default=True, help="Look at every notebook.")
@click.option("--output-file", type=_FILE, help="Write the report to a file.")
def check(
    paths: tuple[Path, ...],
    selected: tuple[str, ...],
    extended: tuple[str, ...],
    profile: str | None,
    config: tuple[str, ...],
    ignored: tuple[str, ...],
    fail_on: str | None,
    exclude: tuple[str, ...],
    *,
    force_exclude: bool,
    isolated: bool,
    output_format: str | None,
    outputs: tuple[tuple[str, Path | None], ...],
    fix: bool,
    unsafe_fixes: bool,
    add_ignores: bool,
    reason: str,
    diff: bool,
    show_fixes: bool,
    since: str | None,
    stdin_filename: Path | None,
    baseline: Path | None,
    write_baseline: Path | None,
    statistics: bool,
    timing: bool,
    use_cache: bool,
    output_file: Path | None,
) -> int:
    """Check notebooks and folders of notebooks (default: this folder), or standard input (`-`).

    Packages that `nb2prod convert` has made, found in these folders, are held against their notebooks and tests.

    A comment silences findings on its line: `# nb2prod: ignore[NB301] reason`; or in its cell:
    `# nb2prod: ignore-cell[NB301] reason`.
    """
    printed, files = destinations(outputs, output_format, output_file)
    if statistics and not TEXTS.issuperset(files.values() if printed is None else [printed]):
        raise click.UsageError("--statistics is text; --format json has the counts in its `summary`")
    if (unsafe_fixes or show_fixes) and not (fix or diff or add_ignores):
        raise click.UsageError(f"{'--unsafe-fixes' if unsafe_fixes else '--show-fixes'} needs --fix or --diff")
    if add_ignores and (fix or unsafe_fixes or write_baseline):
        raise click.UsageError("--add-ignores stands alone: what can be fixed, or is to be known, comes before it")
    if reason and not add_ignores:
        raise click.UsageError("--reason needs --add-ignores")
    if "\n" in reason or "#" in reason:
        raise click.UsageError("--reason is one line without `#`: it stands in a comment")
    if diff and (output_format or outputs or statistics or output_file):
        raise click.UsageError(
            "--diff prints differences and no report: it goes with no --format, --output, --statistics or file"
        )
    stdin = paths == (_STDIN,)
    _check_uses(paths, stdin_filename, since, changes=fix or diff or add_ignores)
    overrides = Overrides(
        select=_words(selected),
        ignore=_words(ignored),
        exclude=Globs(Path.cwd(), exclude) if exclude else None,
        fail_on=fail_on,
        isolated=isolated,
        profile=profile,
        extend_select=_words(extended),
        config=config,
    )
    configuration = Configuration(overrides)
    if stdin:
        found = unsaved(stdin_filename or Path("stdin.ipynb"), configuration, force_exclude=force_exclude)
    else:
        found = discover(paths or (Path(),), configuration, force_exclude=force_exclude)
    in_force = [target.settings for target in found.targets] or [configuration.settings_for(Path.cwd())]
    rules = all_rules(house_folders(in_force))
    # A rule misspelt on the command line is an error even where no notebook is found.
    select(override(Settings(), overrides), rules)
    for notice in found.notices:
        write_error(f"notice: {printable(notice)}")
    if not found.targets and not found.packages and not stdin:
        where = ", ".join(str(path) for path in paths) or "this folder"
        write_error(f"notice: no notebooks found in {printable(where)}")
    targets = found.targets
    if since is not None:
        from nb2prod.revisions import Revision, changed_targets, only_changed  # noqa: PLC0415 - few runs ask git

        revision = Revision(since)
        targets = changed_targets(targets, revision)
    if stdin:
        report = _lint_stdin(targets, rules)
    elif timing:
        from nb2prod.cli.timing import lint_timed  # noqa: PLC0415 - few runs are measured

        report, times = lint_timed(targets, rules)
        write_error(times)
    else:
        # What is kept of a fix is its title; a run that changes something needs all of it.
        cache = Cache(rules) if use_cache and not (fix or diff or add_ignores) else None
        report = lint_all(targets, rules, progress=_progress(len(targets)), cache=cache)
    changed = False
    if add_ignores:
        from nb2prod.cli.baselines import new_findings  # noqa: PLC0415 - most runs change nothing
        from nb2prod.cli.fixing import ignore_found  # noqa: PLC0415 - the same

        findings = new_findings(report, targets, rules, baseline)
        report, changed = ignore_found(targets, report, rules, findings, reason=reason, only_diff=diff, show=show_fixes)
    elif fix or diff:
        from nb2prod.cli.fixing import fix_found  # noqa: PLC0415 - the same

        report, changed = fix_found(targets, report, rules, unsafe=unsafe_fixes, only_diff=diff, show=show_fixes)
    if since is not None:
        report = only_changed(report, targets, revision)
    if found.packages and not diff:
        from nb2prod.packages import lint_packages  # noqa: PLC0415 - few runs meet one

        looked = lint_packages(found, rules, revision.is_changed if since is not None else None)
        report, targets = joined([report, looked.report]), (*targets, *looked.targets)
    for notice in report.notices:
        write_error(f"notice: {printable(notice)}")
    if (baseline or write_baseline or any(target.settings.baseline for target in targets)) and not diff:
        from nb2prod.cli.baselines import without_known  # noqa: PLC0415 - few runs have one

        report = without_known(report, targets, rules, baseline, write_baseline)
    if not diff:
        write_report(report, printed, files, statistics=statistics)
    for number, error in enumerate(report.internal_errors, 1):
        write_error(_internal_error(error, with_trace=number <= _MOST_TRACES))
    if report.internal_errors:
        return INTERNAL
    return FINDINGS if (changed if diff else report.failed) else CLEAN


def _check_uses(paths: tuple[Path, ...], stdin_filename: Path | None, since: str | None, *, changes: bool) -> None:
    """Raise UsageError for options that do not go together with standard input, or with a revision."""
    stdin = paths == (_STDIN,)
    if _STDIN in paths and not stdin:
        raise click.UsageError("`-` stands alone: standard input holds one notebook")
    if stdin_filename and not stdin:
        raise click.UsageError("--stdin-filename needs `-`, for standard input")
    if stdin and changes:
        raise click.UsageError("standard input is checked, not changed: it goes with no --fix, --add-ignores or --diff")
    if stdin and since is not None:
        raise click.UsageError("--since compares files, not standard input")
    if since is not None and changes:
        raise click.UsageError("--since reports what changed: it goes with no --fix, --add-ignores or --diff")


def _lint_stdin(targets: Sequence[Target], rules: Sequence[Rule]) -> Report:
    from nb2prod.linter import lint  # noqa: PLC0415 - a run that the cache answers needs no check
    from nb2prod.notebook.read import parse_notebook  # noqa: PLC0415 - the same

    content = sys.stdin.buffer.read()

    def read(target: Target) -> Notebook:
        return parse_notebook(content, target.path, transparent=target.settings.transparent_magics)

    return lint(targets, rules, read=read)


def _progress(files: int) -> Callable[[int], None]:
    """Return what shows on a terminal how many files are done, once the run has taken a while."""
    if not sys.stderr.isatty():
        return lambda _: None
    start = monotonic()

    def show(done: int) -> None:
        if monotonic() - start > _PATIENCE:
            write(f"\r\x1b[K{f'checked {done} of {files} notebooks' if done < files else ''}", error=True)

    return show


def _words(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of options that may be repeated and may hold several, separated by commas."""
    return tuple(word.strip() for option in options for word in option.split(",") if word.strip())


def _internal_error(error: InternalError, *, with_trace: bool) -> str:
    where = f" in {printable(str(error.path))}" if error.path else ""
    rule = f", rule {error.rule}" if error.rule else ""
    trace = error.trace.strip()
    # The message of an exception may quote the notebook.
    lines = trace.split("\n") if with_trace else [trace.rpartition("\n")[2]]
    shown = "\n".join(map(printable, lines))
    return f"internal error, please report{where}{rule}:{chr(10) if with_trace else ' '}{shown}"
