"""personal-data-in-output: saved outputs show addresses and numbers of real persons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Finding, Fix, RemoveOutputs
from nb2prod.patterns import lazy_pattern
from nb2prod.saved_outputs import output_texts
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb2prod.analysis import Analysis

LANGUAGE_INDEPENDENT = True
_RULE = "personal-data-in-output"

# One address is an author's, or an example's; from two on it is data about people.
_AT_LEAST = 2
# One is enough: the check digits are right, and it is written as one is read out.
_CERTAIN = ("bank accounts", "card numbers in groups")
_ONE = {
    "e-mail addresses": "e-mail address",
    "telephone numbers": "telephone number",
    "card numbers": "card number",
    "card numbers in groups": "card number in groups",
    "bank accounts": "bank account",
    "social security numbers": "social security number",
}

# Patterns are texts, which `re` compiles when an output first asks for one.
_MAIL = (
    r"(?<![\w.+%@/:-])(?P<local>[A-Za-z0-9][\w.+-]{0,60})"
    r"@(?P<domain>(?:[A-Za-z0-9-]{1,40}\.)+(?P<last>[A-Za-z]{2,12}))(?![\w@-])"
)
_PHONE = r"(?<![\w.+-])\+\d{1,3}[ \-./]?(?:\(\d{1,4}\)[ \-./]?)?\d{2,5}(?:[ \-./]\d{2,8}){1,4}(?![\w.-])"
# As people write them at home; numbers of this form are other things as well, unless a word says what they are.
_NATIONAL = (
    r"(?<![\w.+-])(?:\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}[-.]\d{3}[-.]\d{4}|0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,5})(?![\w.-])"
)
# Given to nobody: for films and manuals.
_FICTIONAL = lazy_pattern(r".*555\D?01\d\d")
# Each begins with the characters it can begin with, which `re` is quick to look for; only then with
# what may not stand before them.
_CARD = r"\d(?<![\w.+-]\d)\d{3}(?:[ -]\d{4}){3}(?![\w.-])"
_CARD_IN_ONE = r"[2-6](?<![\w.+-][2-6])\d{14,15}(?![\w.-])"
_ISSUERS = lazy_pattern(r"4|5[1-5]|2[2-7]|3[47]|6[05]")
_IBAN = r"[A-Z](?<!\w[A-Z])[A-Z]\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"
_SOCIAL = r"\d(?<![\w.+-]\d)\d\d-\d\d-\d{4}(?![\w.-])"
# What any of these four begins with: one look instead of four.
_NUMBER = lazy_pattern(r"\d\d\d(?:\d[ -]\d{4}[ -]|-\d\d-\d{4}|\d{12})|[A-Z][A-Z]\d\d")

# Not a person: what software and companies call their mailboxes, and what stands for an address.
_ROLES = lazy_pattern(
    r"(?i)no-?reply|do-?not-?reply|info|support|admin\w*|contact|help|sales|hello|team|office|service|security|git|user\d*|"
    r"webmaster|postmaster|abuse|root|test\w*|example|username|name|someone|you|your\.?\w*|email|dev|mail|press|legal|privacy"
)
_NOBODY = lazy_pattern(
    r"(?i)(?:.*\.)?(?:example|test|invalid|localhost|domain|email|company|yourdomain|acme|foo|bar)\.\w+"
    r"|.*\.(?:example|test|invalid|local|internal)|.*gserviceaccount\.com|.*noreply\.github\.com"
)
_FILES = frozenset({"png", "jpg", "jpeg", "gif", "svg", "js", "css", "py", "json", "html", "csv", "txt", "md", "ipynb"})
_DUMMY_CARDS = frozenset({"4111111111111111", "4242424242424242", "5555555555554444", "378282246310005"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell whose saved outputs show several addresses or numbers of persons; never the values."""
    for cell in analysis.notebook.code_cells:
        shown: dict[str, set[str]] = {}
        for text in output_texts(analysis).get(cell.index, ()):
            for kind, value in _personal(text):
                shown.setdefault(kind, set()).add(value)
        alone = any(not each <= words(_RULE)["documented"] for kind in _CERTAIN if (each := shown.get(kind)))
        if alone or sum(map(len, shown.values())) >= _AT_LEAST:
            kinds = [f"{len(values)} {kind if len(values) > 1 else _ONE[kind]}" for kind, values in shown.items()]
            message = (
                f"the saved output shows {' and '.join(kinds)}: whoever has the file has them; "
                "clear the output, and show counts or masked values"
            )
            fix = Fix("remove the saved outputs", (RemoveOutputs(cell.index),), Applicability.UNSAFE)
            yield Finding(cell.location(), message, fix=fix)


def _personal(text: str) -> Iterator[tuple[str, str]]:
    """Yield kind and value of what belongs to one person."""
    if "@" in text:
        for found in re.finditer(_MAIL, text):
            if not (_ROLES.fullmatch(found["local"]) or _NOBODY.fullmatch(found["domain"]) or found["last"] in _FILES):
                yield "e-mail addresses", found[0].lower()
    if "+" in text:
        yield from (("telephone numbers", _digits(each)) for each in re.findall(_PHONE, text) if _is_phone(each))
    if any(word in text for word in words(_RULE)["telephones"]):
        found_at_home = (each for each in re.findall(_NATIONAL, text) if _is_phone(each))
        yield from (("telephone numbers", _digits(each)) for each in found_at_home if not _FICTIONAL.fullmatch(each))
    if not _NUMBER.search(text):
        return
    for kind, pattern in (("card numbers in groups", _CARD), ("card numbers", _CARD_IN_ONE)):
        for each in re.findall(pattern, text):
            if _is_card(number := _digits(each)):
                yield kind, number
    for each in re.findall(_IBAN, text):
        if _is_iban(each):
            yield "bank accounts", each.replace(" ", "")
    if "-" in text:
        yield from (("social security numbers", each) for each in re.findall(_SOCIAL, text) if _is_issued(each))


def _digits(text: Iterable[str]) -> str:
    return "".join(each for each in text if each.isdigit())


def _is_phone(text: str) -> bool:
    digits = _digits(text)
    # +1-234-567-8901 has ten and more; `+12-34` of a formula has not.
    return 9 <= len(digits) <= 15 and len(set(digits)) > 3  # noqa: PLR2004 - the lengths of E.164


def _is_card(number: str) -> bool:
    """Whether the last digit is the one that Luhn's formula gives."""
    if number in _DUMMY_CARDS or not _ISSUERS.match(number) or len(set(number)) < 4:  # noqa: PLR2004 - 1111 2222 3333 4444 is a drawing of a card
        return False
    doubled = (sum(divmod(2 * int(each), 10)) for each in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(doubled)) % 10 == 0


def _is_issued(text: str) -> bool:
    """Whether a social security number is one that is given to people."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def _is_iban(text: str) -> bool:
    """Whether country and length go together, and the check digits are right (ISO 7064, modulo 97)."""
    number = text.replace(" ", "")
    if number[:2] not in words(_RULE).get(str(len(number)), ()):
        return False
    return int("".join(str(int(each, 36)) for each in number[4:] + number[:4])) % 97 == 1
