"""Markdown of the notebook as plain text for docstrings, and as markdown that cannot break a README."""

from __future__ import annotations

import html
import re
import textwrap

from nb2prod.convert.sections import without_number

_WIDTH = 100
# A docstring says what a step is about; the notebook keeps the textbook.
_LINES = 12

_FENCE = re.compile(r"^[ \t]*(```|~~~).*$", re.MULTILINE)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\(<?([^)\s>]*)>?[^)]*\)")
_TAG = re.compile(r"<(?:!--.*?-->|/?[A-Za-z][^<>]*>)", re.DOTALL)
_EMBEDDED = re.compile(r"<(script|style|iframe|svg)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:[-*_][ \t]*){3,}$|^[ \t]*=+[ \t]*$", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1|(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])")
_TABLE_LINE = re.compile(r"^[ \t]*\|.*\|?[ \t]*$|^[ \t:|-]*-{3,}[ \t:|-]*$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+")
# Control characters, surrogates, and the marks that turn the direction of text.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """Return ``text`` without characters that cannot be written or that hide what is written."""
    return _UNPRINTABLE.sub(
        "", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    )


def plain(markdown: str) -> str:
    """Return markdown as plain paragraphs, wrapped; tables, images and markup go."""
    text = clean(html.unescape(_TAG.sub("", _EMBEDDED.sub("", clean(markdown)))))
    for pattern, replacement in ((_FENCE, ""), (_IMAGE, r"\1"), (_LINK, r"\1"), (_TABLE_LINE, ""), (_RULE, "")):
        text = pattern.sub(replacement, text)
    text = _HEADING.sub(r"\n\1\n", text)
    text = _EMPHASIS.sub(lambda found: found[2] or found[3], text)
    paragraphs = [_paragraph(block) for block in re.split(r"\n[ \t]*\n", text)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def one_line(markdown: str) -> str:
    """Return a heading as one plain line."""
    return " ".join(plain(markdown).split())


def docstring(text: str, indent: str = "") -> list[str]:
    """Return the lines of a docstring literal; whatever ``text`` holds, it stays within its quotes."""
    text = clean(text).strip().replace('"""', "'''")
    # A quote next to the closing ones, or a backslash before them, would end or extend the literal.
    raw = "r" if "\\" in text else ""
    lines = [line.rstrip() for line in text.split("\n")]
    if len(lines) == 1 and not text.endswith(('"', "\\")) and not text.startswith('"'):
        return [f'{indent}{raw}"""{text}"""']
    if text.startswith('"'):
        lines[0] = " " + lines[0]
    return [f'{indent}{raw}"""{lines[0]}', *(indent + line if line else "" for line in lines[1:]), f'{indent}"""']


def step_text(title: str | None, text: str) -> str:
    """Return what a step's docstring says, shortened at a paragraph."""
    heading = without_number(one_line(title or "")).rstrip(":")
    if (word := heading.partition(" ")[0]).isalpha() and word.islower():
        heading = heading[:1].upper() + heading[1:]
    body = plain(text)
    if heading and body.lower().startswith(heading.lower()) and body[len(heading) :][:1] in ("", ".", ":", "\n"):
        body = body[len(heading) :].lstrip(" .:\n")
    kept: list[str] = []
    for paragraph in body.split("\n\n"):
        if kept and sum(part.count("\n") + 2 for part in kept) + paragraph.count("\n") > _LINES:
            kept.append("…")
            break
        lines = paragraph.split("\n")
        kept.append(paragraph if len(lines) <= _LINES else "\n".join([*lines[:_LINES], "…"]))
    summary = heading + ("" if heading.endswith((".", "!", "?", "…")) else ".") if heading else ""
    return "\n\n".join(part for part in (summary, *kept) if part)


def readme_markdown(markdown: str) -> str:
    """Return the notebook's markdown for a README: headings become bold, raw HTML and images go."""
    text = clean(_TAG.sub("", _EMBEDDED.sub("", clean(markdown))))
    text = _IMAGE.sub(r"\1", text)
    text = _HEADING.sub(r"\n**\1**\n", text)
    text = re.sub(r"^([ \t]*)(?=(?:=+|-+)[ \t]*$)", r"\1\\", text, flags=re.MULTILINE)
    if len(_FENCE.findall(text)) % 2:
        text = _FENCE.sub("", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return text.replace("<", "&lt;") if "`" not in text else text


def table_cell(text: str) -> str:
    """Return ``text`` as the content of a cell of a markdown table."""
    return clean(text).replace("\n", " ").replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").strip()


def code(text: str) -> str:
    """Return ``text`` as inline code of markdown, whatever backticks it holds."""
    text = clean(text).replace("\n", " ")
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _paragraph(block: str) -> str:
    lines = [line.strip() for line in block.strip("\n").split("\n") if line.strip()]
    items: list[str] = []
    for line in lines:
        if not items or _BULLET.match(line):
            items.append(line.lstrip("> "))
        else:
            items[-1] += " " + line.lstrip("> ")
    return "\n".join(
        textwrap.fill(
            item,
            _WIDTH,
            break_long_words=False,
            break_on_hyphens=False,
            subsequent_indent="  " if _BULLET.match(item) else "",
        )
        for item in items
    )
