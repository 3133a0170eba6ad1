"""What ``nb2prod check`` does: find notebooks, lint them, print the report."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from nb2prod.cache.store import Cache
from nb2prod.cli import CLEAN, FINDINGS, INTERNAL, write, write_error
from nb2prod.cli.outputs import TEXTS, destinations, write_report
from nb2prod.config import Configuration, Globs, Overrides, Settings, override
from nb2prod.discovery import discover, unsaved
from nb2prod.errors import UsageError
from nb2prod.lint_run import joined
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
        raise UsageError("--statistics is text; --format json has the counts in its `summary`")
    if (unsafe_fixes or show_fixes) and not (fix or diff or add_ignores):
        raise UsageError(f"{'--unsafe-fixes' if unsafe_fixes else '--show-fixes'} needs --fix or --diff")
    if add_ignores and (fix or unsafe_fixes or write_baseline):
        raise UsageError("--add-ignores stands alone: what can be fixed, or is to be known, comes before it")
    if reason and not add_ignores:
        raise UsageError("--reason needs --add-ignores")
    if "\n" in reason or "#" in reason:
        raise UsageError("--reason is one line without `#`: it stands in a comment")
    if diff and (output_format or outputs or statistics or output_file):
        raise UsageError(
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
        raise UsageError("`-` stands alone: standard input holds one notebook")
    if stdin_filename and not stdin:
        raise UsageError("--stdin-filename needs `-`, for standard input")
    if stdin and changes:
        raise UsageError("standard input is checked, not changed: it goes with no --fix, --add-ignores or --diff")
    if stdin and since is not None:
        raise UsageError("--since compares files, not standard input")
    if since is not None and changes:
        raise UsageError("--since reports what changed: it goes with no --fix, --add-ignores or --diff")


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
