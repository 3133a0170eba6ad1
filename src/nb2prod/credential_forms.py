"""What credentials look like: the formats of issuers, telling names, and texts nobody would write by chance."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What issuers publish about the form of their credentials. Inside a longer run of base64 (a picture)
# such a form is chance, so neither side may go on.
FORMATS = {
    "an AWS access key": r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    "a Google API key": r"AIza[\w-]{35}",
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}",
    "a GitLab token": r"glpat-[\w-]{20,}",
    "a Slack token": r"xox[abposr]-[\w-]{10,}",
    "a Slack webhook": r"https://hooks\.slack\.com/services/T\w+/B\w+/\w+",
    "an API key of OpenAI, Anthropic or the like": r"sk-(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{20,}",
    "a Stripe key": r"[rs]k_live_[0-9A-Za-z]{16,}",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30,}",
    "a SendGrid key": r"SG\.[\w-]{16,}\.[\w-]{16,}",
    "a PyPI token": r"pypi-AgEI[\w-]{50,}",
    "an npm token": r"npm_[A-Za-z0-9]{36}",
    "a signed web token": r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "an Azure key": r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
}
# Patterns that few notebooks need are texts, which `re` compiles when they are first used: start-up
# is spared them.
_FORMAT = (
    "(?<![A-Za-z0-9+/_-])(?:"
    + "|".join(f"(?P<f{number}>{pattern})" for number, pattern in enumerate(FORMATS.values()))
    + ")(?![A-Za-z0-9+/_])"
)
# Cheap looks before the dear ones: what every format, and every telling name, has in it.
_PARTS = (
    *("AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "hooks.slack"),
    *("sk-", "k_live_", "hf_", "SG.", "pypi-", "npm_", "eyJ", "Key=", "PRIVATE KEY"),
)
_ADDRESS_PART = "://"
# The shortest text in an issuer's format: a token of Slack.
_SHORTEST = 15
HINTS = ("pass", "pwd", "secret", "token", "key", "auth", "kennwort", "contrase", "senha")
_ADDRESS = r"[a-z][a-z0-9+.-]*://(?P<user>[^\s:/@'\"<>{}]*):(?P<value>[^\s/@'\"]+)@(?P<host>[\w.-]+)"
# Keys of services in what an address asks: `?api_key=…`.
_QUERY = (
    r"(?i)(?<=[?&])(?P<name>(?:api|app|access|auth|subscription)?[_-]?(?:key|token)|app_?id|client_secret|secret|sig|"
    r"password)=(?P<value>[\w%.~+/-]{16,200})"
)
_QUERY_PART = lazy_pattern(r"(?i)[?&][\w-]{0,20}(?:key|token|id|secret|sig|password)=")
# There `key` names a document.
_DOCUMENTS = lazy_pattern(r"(?:docs|drive|spreadsheets)\.google\.")
BEARER = r"(?i)(?:Bearer|Basic|Token)\s+(?P<value>[\w.+/=-]+)"
# The name is bounded: lines of prose are long, and each of their words might begin one.
_WRITTEN = r"\b(?P<name>\w[\w -]{0,60}?)['\"]?(?:\s*(?:=|:|\bis\b)\s*['\"`]?|\s+`)(?P<value>[^\s'\"`,;)]+)"
# What every `_WRITTEN` that is a credential has in it, in lower case.
_TOLD = lazy_pattern(r"(?:passphrase|passwd|password|pwd|secret|token|key|authorization)[^a-z]*?(?:[=:`]|\bis\b)")
_SHOWN = (
    r"(?i)\b(?P<name>\w{0,40}?(?:passphrase|passwd|password|pwd|secret|token|key))['\"]?\s{0,3}[=:]\s{0,3}"
    r"['\"]?(?P<value>[^\s'\",;)\]}]{8,})"
)
# What every `_SHOWN` has in it, in lower case.
_SHOWN_PART = lazy_pattern(r"(?:passphrase|passwd|password|pwd|secret|token|key)['\"]?\s{0,3}[=:]")
_DIGIT = lazy_pattern(r"\d")
_CUT_ADDRESS = r"(\w://[^\s/:@`]+:)[^\s/:@`]*[^\s/:@`\d…][^\s/:@`]*…"
_DATA_URI = r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+"

_WORD = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ACCOUNT = lazy_pattern(r"\baccount\.key\..*")
_PASSWORDS = frozenset(
    (
        *("passphrase", "passwd", "password", "pwd"),
        # In German, French, Spanish, Portuguese, Dutch.
        *("passwort", "kennwort", "motdepasse", "passe", "contrasena", "senha", "wachtwoord"),
    )
)
_TOKENS = frozenset({"apikey", "secret", "token"})
_KEYS = frozenset(
    (
        *("access", "account", "api", "app", "auth", "client", "consumer", "encryption", "master", "private", "secret"),
        *("service", "signing", "storage", "subscription"),
    )
)

_STAND_IN = (
    r"(?i)<.*>|^<|[{}]|^\$|\$\(|\*\*|^\*|%[sdr(]|^%|\.\.\.|…|x{3,}|your|change|example|placeholder|dummy|insert|replace|redacted|hidden|fake|sample|enter"
    r"|passw|^(?:pass|pwd|secret|token|key|test\w*|none|null|true|false|str|string|text|user|todo|abc\d*|foo|bar)$|:\s*$"
)
_ENVIRONMENT_NAME = lazy_pattern(r"[A-Z]+(?:_[A-Z0-9]+)+")
# Words of what is said about a password: "at least 12 characters".
_PROSE = frozenset({"a", "an", "and", "at", "be", "for", "in", "is", "must", "no", "of", "or", "the", "to", "with"})
# What a table calls the place: `password = "pw_hash"`.
_COLUMN = lazy_pattern(r"(?:[a-z]+_)+(?:col|column|digest|field|hash|hashed)")
_ELSEWHERE = lazy_pattern(r"^(?:\.{0,2}/|~|\w+://)|\.\w{2,4}$")  # a path, an address, a file name
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def credentials_in_prose(text: str) -> Iterator[str]:
    """Yield the values in a comment or in prose that look like credentials: ``password: …``, ``api_key = "…"``."""
    if not (_DIGIT.search(text) and _TOLD.search(text.lower())):
        return
    for found in re.finditer(_WRITTEN, text):
        value = found["value"].rstrip(".:!?")
        if _DIGIT.search(value) and kind_given(found["name"], value):
            yield value


def is_unmistakable(value: str) -> bool:
    """Return whether a credential is no word that code has for other reasons too (``admin``, ``data``)."""
    return len(value) >= 8 and (_classes(value) > 1 or len(value) >= 16)  # noqa: PLR2004 what nobody writes by chance


def _is_mixed(value: str) -> bool:
    """Return whether a password has letters of both cases and digits, as those that are drawn or demanded have."""
    return len(value) >= 8 and _classes(value) > 2  # noqa: PLR2004 what policies ask for


def _classes(value: str) -> int:
    """Return how many kinds of characters there are: digits, small letters, capitals, others."""
    return sum(bool(re.search(kind, value)) for kind in (r"\d", "[a-z]", "[A-Z]", r"[^\w]"))


def credentials_in_text(text: str) -> Iterator[str]:
    """Yield what each credential in a text that a program wrote is (``a password``), never the credential.

    Words after a telling name count only where nobody writes them by chance: output is full of data.
    """
    parts = parts_in(text)
    for line in text.splitlines() if parts else ():
        if any(part in line for part in parts):
            yield from (kind for kind, *_ in formats_in(line))
    if _SHOWN_PART.search(text.lower()):
        for found in re.finditer(_SHOWN, text):
            kind = kind_given(found["name"], found["value"])
            if kind and is_unmistakable(found["value"]):
                yield kind


def without_credentials(text: str) -> str:
    """Return a text in which credentials, and passwords of addresses that are cut off behind them, are "…"."""
    for _, _, _, value, _ in list(formats_in(text)):
        text = text.replace(value, "…")
    return re.sub(_CUT_ADDRESS, r"\1…", text) if "://" in text and "…" in text else text


def credentials_in_metadata(value: object, name: str = "") -> Iterator[str]:
    """Yield what each credential in metadata is: text under a telling key, or in the format of an issuer."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from credentials_in_metadata(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from credentials_in_metadata(item, name)
    elif isinstance(value, str) and value:
        kind = kind_given(name, value)
        if kind:
            yield kind
        elif len(value) >= _SHORTEST or _ADDRESS_PART in value:
            yield from (found for found, *_ in formats_in(value))


def _hints(text: str) -> bool:
    """Return whether anything in ``text`` may be named like a credential."""
    return bool(hints_in(text, HINTS))


def hints_in(text: str, hints: Sequence[str]) -> list[str]:
    """Return which of ``hints``, lower-case words, are in ``text`` in whatever case."""
    # Ten times as fast as a regular expression that ignores case.
    lowered = text.lower()
    return [word for word in hints if word in lowered]


def parts_in(text: str) -> list[str]:
    """Return what is in ``text`` of the parts of which one is in each issuer's format and address with a password."""
    parts = [part for part in _PARTS if part in text]
    if _ADDRESS_PART in text and ("@" in text or _QUERY_PART.search(text)):
        parts.append(_ADDRESS_PART)
    return parts


def formats_in(line: str) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield kind, start, end, value and name of what has an issuer's format, or is an address with a password."""
    text = re.sub(_DATA_URI, lambda found: " " * len(found[0]), line) if "base64," in line else line
    for found in re.finditer(_FORMAT, text) if any(part in text for part in _PARTS) else ():
        kind = list(FORMATS)[int((found.lastgroup or "f0")[1:])]
        if kind == "a private key" or not (re.search(_STAND_IN, found[0]) or _entropy(found[0]) < 3):  # noqa: PLR2004
            yield kind, found.start(), found.end(), found[0].partition("Key=")[2] or found[0], ""
    for found in re.finditer(_ADDRESS, text) if _ADDRESS_PART in text and "@" in text else ():
        # Documentation is full of addresses of nobody; what looks drawn by lot was none of its examples.
        at_nobody = re.search(r"\bexample\b|^host", found["host"]) and not _is_mixed(found["value"])
        if is_password(found["value"]) and found["value"] != found["user"] and not at_nobody:
            yield "an address with a password", found.start(), found.end(), found["value"], "password"
    for found in re.finditer(_QUERY, text) if _ADDRESS_PART in text and _QUERY_PART.search(text) else ():
        if _is_random(found["value"], found["name"].lower()) and not _DOCUMENTS.search(text):
            yield "an address with a key", found.start(), found.end(), found["value"], found["name"]


def bare(text: str) -> str:
    """Return the credential of a header's value: ``Bearer …`` without its first word."""
    found = re.fullmatch(BEARER, text)
    return found["value"] if found else text


def kind_given(name: str, value: str) -> str | None:
    """Return what ``value`` is if it is a credential given to ``name``, which must end as such names do."""
    if not _hints(name):
        return None
    # Spark's setting for a storage account ends with the account's address.
    words = [word.lower() for word in _WORD.findall(_ACCOUNT.sub("account.key", name))] or [""]
    if words == ["authorization"]:
        found = re.fullmatch(BEARER, value)
        return "a credential" if _is_random(found["value"] if found else value) else None
    if words[-1] in _PASSWORDS:
        return "a password" if is_password(value) else None
    is_key = words[-1] == "key" and len(words) > 1 and words[-2] in _KEYS
    if is_key or words[-1] in _TOKENS:
        return f"a {'key' if is_key or words[-1] == 'apikey' else words[-1]}" if _is_random(value, words[-1]) else None
    return None


def is_password(value: str) -> bool:
    """Return whether ``value``, given to a password, may be a real one: no stand-in, no name of a place for it."""
    stands_in = re.search(_STAND_IN, value) or _ENVIRONMENT_NAME.fullmatch(value) or _ELSEWHERE.search(value)
    if stands_in or _COLUMN.fullmatch(value) or not _PROSE.isdisjoint(value.split()[:-1]):
        return False
    return len(value) > 3 and len(set(value)) > 1  # noqa: PLR2004 nobody's password is "abc"


def _is_random(value: str, word: str = "") -> bool:
    """Whether nobody would write ``value`` by hand: no words, a long mixture."""
    if not is_password(value) or (word == "token" and re.fullmatch(_UUID, value)):
        return False
    longest = max(re.split(r"[-_./:\s]", value), key=len)
    mixed = bool(re.search(r"\d", longest)) and bool(re.search(r"[A-Za-z]", longest))
    return len(value) >= 16 and len(longest) >= 12 and mixed and _entropy(longest) > 3  # noqa: PLR2004


def _entropy(text: str) -> float:
    """Return the bits per character, by how often each occurs (Shannon)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
