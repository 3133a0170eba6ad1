"""What conversion knows about magics and modules, read from ``rules/conversion.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from nb2prod.data import rules_folder

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The tables of the file, under its own headings; a text of words is a set of them.

    dropped           magic → why it goes
    stars             module → builtins that a star import of it binds
    most_fields       how many values at most become fields of the configuration, and of these
    most_variables    how many that have a lower-case name,
    most_arguments    how many that have none: literals given to calls
    file_endings      of names of files that hold data
    writers           methods that write the file they are given first, whatever has them
    splits, training  keyword arguments that tell a run what to do, whatever call takes them
    hyperparameters   keyword arguments of the constructors of estimators
    concern_words     concern → words of headings that name what is done there,
    concern_nouns     and words that only count where a heading has none of these
    verbs             form of a verb in a heading → the verb
    import_words      words that say that a heading is about imports, if all its words are
    words_with_imports  among these
    """

    dropped: Mapping[str, str]
    timers: frozenset[str]
    measurements: frozenset[str]
    foreign: frozenset[str]
    scripts: frozenset[str]
    installers: frozenset[str]
    extensions: frozenset[str]
    kernel_names: frozenset[str]
    aliases: Mapping[str, str]
    advice: Mapping[str, str]
    enders: frozenset[str]
    magic_makers: frozenset[str]
    builders: frozenset[str]
    constants: frozenset[str]
    steady_modules: frozenset[str]
    stars: Mapping[str, frozenset[str]]
    drawing_methods: re.Pattern[str]
    drawing_arguments: re.Pattern[str]
    drawn_artists: frozenset[str]
    displaying: frozenset[str]
    displaying_if_installed: frozenset[str]
    tools: frozenset[str]
    built_on: Mapping[str, str]
    pandas_functions: Mapping[str, str]
    pandas_spreadsheets: Mapping[str, str]
    pandas_engines: frozenset[str]
    pandas_styles: frozenset[str]
    most_fields: int
    most_variables: int
    most_arguments: int
    file_endings: frozenset[str]
    writers: frozenset[str]
    splits: frozenset[str]
    training: frozenset[str]
    hyperparameters: frozenset[str]
    concern_words: Mapping[str, frozenset[str]]
    concern_nouns: Mapping[str, frozenset[str]]
    verbs: Mapping[str, str]
    prepositions: frozenset[str]
    compounds: frozenset[str]
    plurals: frozenset[str]
    import_words: frozenset[str]
    words_with_imports: frozenset[str]


@cache  # read once a run: every magic and every import asks
def knowledge() -> Knowledge:
    """Return the tables; a missing heading raises ``KeyError``, as the file is ours."""
    table = tomllib.loads((rules_folder() / "conversion.toml").read_text(encoding="utf-8"))
    magics, pandas = table["magics"], table["pandas"]
    configuration = table["configuration"]
    return Knowledge(
        dropped={name: reason for reason, names in magics["dropped"].items() for name in names.split()},
        timers=frozenset(magics["timers"].split()),
        measurements=frozenset(magics["measurements"].split()),
        foreign=frozenset(magics["foreign"].split()),
        scripts=frozenset(magics["scripts"].split()),
        installers=frozenset(magics["installers"].split()),
        extensions=frozenset(magics["extensions"].split()),
        kernel_names=frozenset(magics["kernel-names"].split()),
        aliases=magics["aliases"],
        advice=magics["advice"],
        enders=frozenset(magics["enders"].split()),
        magic_makers=frozenset(magics["makers"].split()),
        builders=frozenset(table["definitions"]["builders"].split()),
        constants=frozenset(table["definitions"]["constants"].split()),
        steady_modules=frozenset(table["definitions"]["steady"].split()),
        stars={module: frozenset(names.split()) for module, names in table["definitions"]["stars"].items()},
        drawing_methods=re.compile("".join(table["drawing"]["methods"].split())),
        drawing_arguments=re.compile(table["drawing"]["arguments"]),
        drawn_artists=frozenset(table["drawing"]["artists"].split()),
        displaying=frozenset(table["displaying"]["libraries"].split()),
        displaying_if_installed=frozenset(table["displaying"]["if-installed"].split()),
        tools=frozenset(table["distributions"]["tools"].split()),
        built_on=table["distributions"]["built-on"],
        pandas_functions=pandas["functions"],
        pandas_spreadsheets=pandas["spreadsheets"],
        pandas_engines=frozenset(pandas["engines"].split()),
        pandas_styles=frozenset(pandas["styles"].split()),
        most_fields=configuration["most-fields"],
        most_variables=configuration["most-variables"],
        most_arguments=configuration["most-arguments"],
        file_endings=frozenset(configuration["file-endings"].split()),
        writers=frozenset(configuration["writers"].split()),
        splits=frozenset(configuration["splits"].split()),
        training=frozenset(configuration["training"].split()),
        hyperparameters=frozenset(configuration["hyperparameters"].split()),
        concern_words={name: frozenset(words.split()) for name, words in table["concerns"]["words"].items()},
        concern_nouns={name: frozenset(words.split()) for name, words in table["concerns"]["nouns"].items()},
        verbs={form: verb for verb, forms in table["naming"]["verbs"].items() for form in forms.split()},
        prepositions=frozenset(table["naming"]["prepositions"].split()),
        compounds=frozenset(table["naming"]["compounds"].split()),
        plurals=frozenset(table["naming"]["plurals"].split()),
        import_words=frozenset(table["naming"]["imports"].split()),
        words_with_imports=frozenset(f"{table['naming']['imports']} {table['naming']['with-imports']}".split()),
    )
