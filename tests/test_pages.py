"""Every rule page holds what it says: the format, its check, and each of its examples."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nb2prod.checks
from nb2prod.config import Selectors, Settings
from nb2prod.data import rules_folder
from nb2prod.diagnostics import PACKAGE
from nb2prod.discovery import Discovered, Target
from nb2prod.errors import ConfigurationError
from nb2prod.examples import Example, Expected, examples
from nb2prod.fixer.fix import fix_notebooks
from nb2prod.generated import FILE_NAME
from nb2prod.linter import lint
from nb2prod.packages import lint_packages
from nb2prod.pages import Page, load_page, load_rules, matching, page_files, require_matching
from nb2prod.selection import UNREADABLE
from nb2prod.suppress import UNUSED

if TYPE_CHECKING:
    from nb2prod.diagnostics import Diagnostic, Rule
    from nb2prod.fixer.fix import FixedNotebook

PAGES = [load_page(path) for path in page_files(rules_folder())]
CASES = [
    pytest.param(page, example, id=f"{page.rule.name}-{example.title}")
    for page in PAGES
    for title in ("Bad", "Good", "Fixed")
    if title in page.sections
    for example in examples(page, title)
]
FIXABLE = [
    pytest.param(page, example, id=f"{page.rule.name}-{example.title}")
    for page in PAGES
    if page.rule.fix != "none"
    for example in examples(page, "Bad")
]


def found_in(example: Example, rule: Rule, folder: Path) -> list[Expected]:
    """Write the example down as files, lint it for its rule, and return what was found."""
    path = write_example(example, folder)
    if rule.about == PACKAGE:
        return found_in_packages(path, rule)
    report = lint([Target(path, settings_for(rule))], load_rules())
    assert not report.internal_errors, report.internal_errors[0].trace
    assert all(diagnostic.location.path == path for diagnostic in report.diagnostics)
    return [
        Expected(
            diagnostic.rule.code,
            diagnostic.location.cell,
            diagnostic.location.line,
            lowered(diagnostic),
        )
        for diagnostic in report.diagnostics
        if diagnostic.rule == rule
    ]


def found_in_packages(notebook: Path, rule: Rule) -> list[Expected]:
    """Return what is found in the packages of an example, each as about the file as a whole."""
    settings = settings_for(rule)
    packages = tuple(Target(each, settings) for each in sorted(notebook.parent.glob(f"*/{FILE_NAME}")))
    report = lint_packages(Discovered((Target(notebook, settings),), (), packages), load_rules()).report
    assert not report.internal_errors, report.internal_errors[0].trace
    assert (report.notices, len(report.packages)) == ((), 1)
    return [Expected(each.rule.code, None, 1, lowered(each)) for each in report.diagnostics]


def lowered(diagnostic: Diagnostic) -> str:
    """Return the severity that a finding has instead of its rule's, if it is lower."""
    return str(diagnostic.severity) if diagnostic.severity < diagnostic.rule.severity else ""


def write_example(example: Example, folder: Path) -> Path:
    """Write the example's notebook and files into the folder; return where the notebook is."""
    for name, text in example.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    path = folder / example.name
    path.write_text(json.dumps(example.notebook), encoding="utf-8")
    return path


def settings_for(rule: Rule) -> Settings:
    """Return settings that run the rule alone; what a comment silences, all rules together must say."""
    return Settings() if rule.name == UNUSED else Settings(select=Selectors((rule.code,), "the test"))


@pytest.mark.parametrize(("page", "example"), CASES)
def test_an_example_gives_exactly_the_marked_findings(page: Page, example: Example, tmp_path: Path) -> None:
    """Bad: the code on each marked line and nowhere else. Good and Fixed: nothing."""
    assert found_in(example, page.rule, tmp_path) == list(example.expected), f"{page.path.name}, {example.title}"


def found_by_code(path: Path) -> Counter[str]:
    """Return how often each of all rules finds something in the file."""
    report = lint([Target(path, Settings())], load_rules())
    assert not report.internal_errors, report.internal_errors[0].trace
    return Counter(each.rule.code for each in report.diagnostics)


def fixed(path: Path, rule: Rule, *, unsafe: bool) -> FixedNotebook | None:
    """Return what fixing the file for the rule gives; None where there is no fix."""
    targets = [Target(path, settings_for(rule))]
    found = fix_notebooks(targets, lint(targets, load_rules()), load_rules(), unsafe=unsafe)
    return found[0] if found else None


def cells_of(notebook: Any) -> list[dict[str, Any]]:
    """Return the cells without their ids, which move with them."""
    return [{key: value for key, value in cell.items() if key != "id"} for cell in notebook["cells"]]


@pytest.mark.parametrize(("page", "example"), FIXABLE)
def test_a_bad_example_becomes_the_fixed_one_of_its_name(page: Page, example: Example, tmp_path: Path) -> None:
    """Or stays as it is where the page shows none. Fixing again changes nothing, and nothing new is found."""
    wanted = next((each for each in examples(page, "Fixed") if each.variant == example.variant), example)
    path = write_example(example, tmp_path)
    before = found_by_code(path)
    if page.rule.fix == "unsafe":
        assert fixed(path, page.rule, unsafe=False) is None
    result = fixed(path, page.rule, unsafe=page.rule.fix == "unsafe")
    assert cells_of(json.loads(result.fixed) if result else example.notebook) == cells_of(wanted.notebook)
    added = {file.path.name: file.after.decode() for file in result.companions} if result else {}
    assert dict(example.files) | added == wanted.files
    if result:
        assert result.dropped == ()
        for file in result.companions:
            file.path.write_bytes(file.after)
        path.write_bytes(result.fixed)
        assert found_by_code(path) < before
        assert fixed(path, page.rule, unsafe=True) is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.rule.name)
def test_fixed_examples_have_the_names_of_bad_ones(page: Page) -> None:
    if page.rule.fix != "none":
        bad = [example.variant for example in examples(page, "Bad")]
        shown = [example.variant for example in examples(page, "Fixed")]
        assert shown
        assert shown == [name for name in bad if name in shown]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.rule.name)
def test_a_page_shows_what_is_bad_and_what_is_good(page: Page) -> None:
    bad, good = examples(page, "Bad"), examples(page, "Good")
    # What the linter itself says is about files that no cell can show.
    if page.rule.name != UNREADABLE:
        assert bad, "no Bad example"
        assert [example.title for example in bad if not example.expected] == [], "Bad examples without a marked line"
    assert good, "no Good example"


def test_every_rule_has_a_check_and_every_check_a_rule() -> None:
    """Except for what a page forbids, and what the linter says: of files without analysis, of comments to it."""
    folders = [Path(folder) for folder in nb2prod.checks.__path__]
    checks = {path.stem.replace("_", "-") for folder in folders for path in folder.glob("[!_]*.py")}
    written = {page.rule.name for page in PAGES if page.rule.forbid is None}
    assert written == checks | {UNREADABLE, UNUSED}


def test_names_and_codes_are_unique() -> None:
    names = [page.rule.name for page in PAGES]
    codes = [page.rule.code for page in PAGES]
    assert len(set(names)) == len(names)
    assert len(set(codes)) == len(codes)


def test_front_matter_alone_gives_the_same_rules_as_whole_pages() -> None:
    assert load_rules() == tuple(sorted((page.rule for page in PAGES), key=lambda rule: rule.code))


PAGE = """+++
code = "NB998"
name = "made-up"
summary = "Made up."
severity = "warning"
fix = "none"
since = "0.1.0"
+++

## What it does

Something.

## Why is this bad?

Because.

## Bad

Text before.

```python {execution_count=7 tags=["a b", "c"]}
x = 1  # error: NB998
y = "# error: none"
```

```output
1
```

```output {type="error" ename="ValueError" evalue="no"}
Traceback
no
```

### In R, with a file {language="r"}

```toml {file="conf/requirements.toml"}
a = 1
```

```python
a = 1
b = 2  # error: NB998, NB998
```

### The file as a whole {error="NB998"}

```raw
raw
```

## Good

```markdown
## A heading
```

~~~python
s = '''
```
## no heading
'''
~~~

## Known problems

None.

## References
"""


def made_up(folder: Path, text: str = PAGE) -> Page:
    path = folder / "made-up.md"
    path.write_text(text, encoding="utf-8")
    return load_page(path)


def test_fences_are_cells_and_text_between_them_is_markdown(tmp_path: Path) -> None:
    first, second, third = examples(made_up(tmp_path), "Bad")
    assert first.notebook["cells"] == [
        {"id": "cell-1", "cell_type": "markdown", "metadata": {}, "source": "Text before."},
        {
            "id": "cell-2",
            "cell_type": "code",
            "execution_count": 7,
            "metadata": {"tags": ["a b", "c"]},
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "1\n"},
                {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["Traceback", "no"]},
            ],
            "source": 'x = 1\ny = "# error: none"',
        },
    ]
    assert first.expected == (Expected("NB998", 2, 1),)
    assert second.notebook["metadata"]["language_info"] == {"name": "r"}
    assert second.files == {"conf/requirements.toml": "a = 1\n"}
    assert second.expected == (Expected("NB998", 1, 2), Expected("NB998", 1, 2))
    assert third.expected == (Expected("NB998", None, 1),)
    assert third.notebook["cells"] == [{"id": "cell-1", "cell_type": "raw", "metadata": {}, "source": "raw"}]


def test_a_heading_or_fence_inside_a_fence_is_text(tmp_path: Path) -> None:
    (example,) = examples(made_up(tmp_path), "Good")
    assert [cell["source"] for cell in example.notebook["cells"]] == [
        "## A heading",
        "s = '''\n```\n## no heading\n'''",
    ]
    assert example.expected == ()


def test_examples_are_valid_notebooks(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    for title in ("Bad", "Good"):
        for example in examples(made_up(tmp_path), title):
            nbformat.validate(example.notebook)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("+++\ncode", "code", "made-up.md:1: a rule page starts with a line `+++`"),
        ('"0.1.0"\n+++', '"0.1.0"', "made-up.md:1: the front matter is not closed by a line `+++`"),
        ('code = "NB998"', "code = NB998", "made-up.md:2: front matter is not TOML: "),
        ('code = "NB998"', 'code = "NB99"', "made-up.md:2: `code` is NB and three digits, not 'NB99'"),
        ('name = "made-up"', 'name = "other"', "made-up.md:3: `name` is the file's name, `made-up`"),
        ('summary = "Made up."', 'summary = " "', "made-up.md:4: `summary` must be a string that says something"),
        ('summary = "Made up."', "", "made-up.md:1: key `summary` is missing"),
        ('severity = "warning"', 'severity = "bad"', "made-up.md:5: `severity` is error, warning or note"),
        ('fix = "none"', 'fix = "maybe"', "made-up.md:6: `fix` is none, safe or unsafe, not 'maybe'"),
        ('fix = "none"', 'fix = "safe"', "made-up.md:66: section `Fixed` must stand here, not `Known problems`"),
        ('since = "0.1.0"', 'since = "soon"', "made-up.md:7: `since` is a version such as 0.1.0, not 'soon'"),
        ('since = "0.1.0"', 'since = "0.1.0"\ntags = 1', "made-up.md:8: unknown key `tags`"),
        (
            'since = "0.1.0"',
            'since = "0.1.0"\nemitted-by = "me"',
            "made-up.md:8: `emitted-by` is linter or is left out",
        ),
        ('since = "0.1.0"', 'since = "0.1.0"\nredact = 1', "made-up.md:8: `redact` is true or false, not 1"),
        ('since = "0.1.0"', 'since = "0.1.0"\nforbid = 1', "made-up.md:8: `forbid` is a table, not 1"),
        ('since = "0.1.0"', 'since = "0.1.0"\n[forbid]\ncall = []', "made-up.md:9: `[forbid]` has no `call`; it has "),
        (
            'since = "0.1.0"',
            'since = "0.1.0"\n[forbid]\nmessage = "no"\ncalls = "a"',
            "made-up.md:10: `calls` is a list of names or globs, not 'a'",
        ),
        (
            'since = "0.1.0"',
            'since = "0.1.0"\n[forbid]\nmessage = "no"\ncalls = ["a"]\nunless-guarded = 1',
            "made-up.md:11: `unless-guarded` is true or false, not 1",
        ),
        ('since = "0.1.0"', 'since = "0.1.0"\n[forbid]\ncalls = ["a"]', "`[forbid]` needs a `message`"),
        ('since = "0.1.0"', 'since = "0.1.0"\n[forbid]\nmessage = "no"', "`[forbid]` forbids nothing; it needs "),
        ("+++\n\n##", "+++\n\nHello\n##", "made-up.md:10: text before the first section"),
        ("## Why is this bad?", "## Why?", "made-up.md:14: unknown section `Why?`"),
        ("Something.", "", "made-up.md:10: section `What it does` is empty"),
        ("## Known", "## Fixed\n\nx\n\n## Known", "made-up.md:66: a section `Fixed` in a page that says `fix` is none"),
        ("\n## References", "", "section `References` is missing"),
        ("## References", "## References\n## Bad", "section `Bad` too many"),
        ("~~~python", "~~~~python", "a code fence is not closed"),
    ],
)
def test_a_page_that_breaks_the_format_is_refused_with_file_and_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in PAGE
    with pytest.raises(ConfigurationError) as refusal:
        made_up(tmp_path, PAGE.replace(old, new, 1))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("execution_count=7", "execution_count=seven", 'made-up.md:22: `execution_count=seven tags=["a b", "c"]`'),
        ("execution_count=7", 'execution_count="7"', "made-up.md:22: `execution_count` is a number, not '7'"),
        ("NB998, NB998", "NB997", "made-up.md:44: the mark says NB997, the page is NB998"),
        ("NB998, NB998", "NB998 here", "made-up.md:44: a mark is `# error: `, `# warning: ` or `# note: ` and codes"),
        ("```raw", "```sql", "made-up.md:49: a fence is python, output, raw, markdown or has a `file`, not `sql`"),
        ("```raw", "```output", "made-up.md:49: an output needs a code cell directly above"),
        ('type="error"', 'type="mistake"', "made-up.md:31: an output's `type` is "),
        ('evalue="no"', 'value="no"', "made-up.md:31: an output of type error has no `value`"),
        ("conf/", "../", "made-up.md:38: `file` is a path beside the notebook"),
        ("conf/", "/", "made-up.md:38: `file` is a path beside the notebook"),
        ("### In R, with a file", "###", "made-up.md:36: a heading in an example is `### Title {key=value}`"),
    ],
)
def test_an_example_that_breaks_the_format_is_refused_with_file_and_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    page = made_up(tmp_path, PAGE.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as refusal:
        examples(page, "Bad")
    assert message in str(refusal.value)


def test_a_mark_in_a_good_example_is_refused(tmp_path: Path) -> None:
    page = made_up(tmp_path, PAGE.replace("~~~python\n", "~~~python\nx = 1  # error: NB998\n"))
    with pytest.raises(ConfigurationError, match="a line is marked in Good, where nothing may be found"):
        examples(page, "Good")


def test_two_pages_with_one_code_are_refused(tmp_path: Path) -> None:
    made_up(tmp_path)
    (tmp_path / "twin.md").write_text(PAGE.replace("made-up", "twin"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="code NB998 is already taken by made-up"):
        load_rules(tmp_path)


def test_a_selector_is_a_code_a_name_or_a_prefix() -> None:
    rules = load_rules()
    assert matching("NB", rules) == rules
    assert [rule.name for rule in matching("NB001", rules)] == [UNREADABLE]
    assert [rule.code for rule in matching(UNREADABLE, rules)] == ["NB001"]
    assert {rule.code[:3] for rule in matching("NB0", rules)} == {"NB0"}
    assert matching("unreadable", rules) == ()


@pytest.mark.parametrize(
    ("word", "suggestion"), [("unreadable-fil", UNREADABLE), ("nb001", "NB001"), ("zzz", "nb2prod rule")]
)
def test_an_unknown_rule_is_refused_with_a_suggestion(word: str, suggestion: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        require_matching(word, load_rules(), "--select")
    assert str(refusal.value).startswith(f"--select: no rule is called `{word}`")
    assert suggestion in str(refusal.value)
