"""The library tables are valid, say what they should, and name what exists."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import re
import sys
import tomllib
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.data import rules_folder
from nb2prod.errors import ConfigurationError
from nb2prod.libraries import UNKNOWN, CallInfo, Libraries, bind, effects_given
from nb2prod.libraries.table import read_table

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = rules_folder() / "libraries"
NAMES = sorted(file.stem for file in FOLDER.glob("*.toml") if not file.stem.startswith("_"))
POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


@pytest.fixture(scope="module")
def libraries() -> Libraries:
    return Libraries()


def known(libraries: Libraries, name: str) -> CallInfo:
    call = libraries.call(name)
    assert call is not None, name
    return call


# Every table is valid


@pytest.mark.parametrize("name", NAMES)
def test_every_row_can_be_read_and_stands_once(libraries: Libraries, name: str) -> None:
    table = libraries.library(name)
    assert table is not None
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    rows = [
        f"{group['in']}.{row}" for kind in ("calls", "classes") for group in data.get(kind, ()) for row in names(group)
    ]
    assert sorted(rows) == sorted(set(rows))
    for qualified in table.calls:
        call = known(libraries, qualified)
        assert call.qualified_name == qualified
        assert qualified.startswith(f"{name}.")


def names(group: dict[str, Any]) -> list[str]:
    found = []
    for line in group["rows"].splitlines():
        if "(" in line or "->" in line:
            found.append(line.partition("(")[0].partition("->")[0].strip())
        elif not line.startswith("#"):
            found.extend(line.split())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_conditions_name_parameters_that_have_a_default(libraries: Libraries, name: str) -> None:
    table = libraries.library(name)
    assert table is not None
    for qualified in table.calls:
        call = known(libraries, qualified)
        asked = {parameter for condition in call.conditions for parameter, _ in condition.values}
        assert asked <= {parameter for parameter, _ in call.defaults}, qualified


@pytest.mark.parametrize("name", NAMES)
def test_classes_that_are_named_are_known(libraries: Libraries, name: str) -> None:
    """A base, a result or an attribute of a class no table knows is a slip of the pen."""
    table = libraries.library(name)
    assert table is not None
    for qualified in table.calls:
        returns = known(libraries, qualified).returns
        for result in (returns,) if isinstance(returns, str) else returns or ():
            assert libraries.klass(result) is not None, f"{qualified} -> {result}"
    for qualified in table.classes:
        klass = libraries.klass(qualified)
        assert klass is not None
        values = [value for value in klass.attributes.values() if value not in (None, "self")]
        for other in (*klass.bases, *values, *filter(None, (klass.items, klass.members))):
            assert other is not None
            assert libraries.klass(other) is not None, f"{qualified}: {other}"


@pytest.mark.parametrize("name", NAMES)
def test_what_seeds_a_call_is_a_call_that_seeds(libraries: Libraries, name: str) -> None:
    table = libraries.library(name)
    assert table is not None
    for qualified in table.calls:
        call = known(libraries, qualified)
        for seeding in {*call.seeded_by, *call.seeds} - {"self"}:
            assert "seed" in known(libraries, seeding).effects, f"{qualified}: {seeding}"


def test_distributions_are_known_for_modules_named_otherwise(libraries: Libraries) -> None:
    assert libraries.distribution("cv2") == "opencv-python"
    assert libraries.distribution("sklearn.linear_model") == "scikit-learn"
    assert libraries.distribution("google.cloud.storage.blob") == "google-cloud-storage"
    assert libraries.distribution("google.cloud") is None
    assert libraries.distribution("pandas") == "pandas"
    assert libraries.distribution("some_module_of_ours") is None
    known_names = tomllib.loads((FOLDER / "_distributions.toml").read_text(encoding="utf-8"))["distributions"]
    assert len(known_names) >= 150
    assert not {name.partition(".")[0] for name in known_names} & sys.stdlib_module_names


# What lookups find


def test_a_method_is_found_in_a_base_class_and_returns_the_class_that_was_asked(libraries: Libraries) -> None:
    fit = known(libraries, "sklearn.linear_model.LinearRegression.fit")
    assert fit.qualified_name == "sklearn.base.BaseEstimator.fit"
    assert fit.effects == {"fit", "mutates-argument"}
    assert fit.returns == "sklearn.linear_model.LinearRegression"
    assert fit.parameters == ("X", "y")


def test_reexports_are_found_through_aliases_and_private_modules(libraries: Libraries) -> None:
    for name, canonical in (
        ("sklearn.linear_model._logistic.LogisticRegression", "sklearn.linear_model.LogisticRegression"),
        ("pandas.core.frame.DataFrame", "pandas.DataFrame"),
        ("pandas.core.frame.DataFrame.head", "pandas.core.generic.NDFrame.head"),
        ("tensorflow.keras.layers.Dense", "keras.layers.Dense"),
        ("sklearn.externals.joblib.dump", "joblib.dump"),
        ("pylab.plot", "matplotlib.pyplot.plot"),
    ):
        assert known(libraries, name).qualified_name == canonical


def test_types_flow_from_constructors_through_methods(libraries: Libraries) -> None:
    frame = known(libraries, "pandas.read_csv").returns
    assert frame == "pandas.DataFrame"
    head = known(libraries, f"{frame}.head").returns
    assert head == "pandas.DataFrame"
    assert known(libraries, f"{head}.groupby").returns == "pandas.core.groupby.DataFrameGroupBy"
    assert known(libraries, "matplotlib.pyplot.subplots").returns == (
        "matplotlib.figure.Figure",
        "matplotlib.axes.Axes",
    )
    assert known(libraries, "sklearn.svm.SVC").returns == "sklearn.svm.SVC"


def test_methods_are_found_on_attributes_of_known_class(libraries: Libraries) -> None:
    for name, found in (
        ("pandas.Series.str.contains", "pandas.core.strings.accessor.StringMethods.contains"),
        ("pandas.DataFrame.T.dot", "pandas.DataFrame.dot"),
        ("pandas.DataFrame.columns.tolist", "pandas.Index.tolist"),
        ("sklearn.model_selection.GridSearchCV.best_estimator_.predict", "sklearn.base.BaseEstimator.predict"),
    ):
        assert known(libraries, name).qualified_name == found
    assert libraries.call("pandas.DataFrame.price.mean") is None


def test_attributes_and_items_of_a_class_are_known(libraries: Libraries) -> None:
    assert libraries.attribute("pandas.DataFrame", "shape") == (True, None)
    assert libraries.attribute("pandas.DataFrame", "T") == (True, "pandas.DataFrame")
    assert libraries.attribute("pandas.DataFrame", "price") == (False, None)
    assert libraries.attribute("sklearn.linear_model.Lasso", "coef_") == (True, None)
    frame = libraries.klass("pandas.DataFrame")
    assert frame is not None
    assert frame.items == "pandas.Series"
    assert frame.pure_operators


def test_what_nobody_knows_is_none(libraries: Libraries) -> None:
    for name in ("unheard_of.call", "pandas.unheard_of", "pandas", "builtins.list.unheard_of", "../pandas.read_csv"):
        assert libraries.call(name) is None
    assert libraries.klass("pandas.read_csv") is None
    assert libraries.library("unheard_of") is None


def test_imports_that_do_more_than_load_are_not_pure(libraries: Libraries) -> None:
    for module, pure in (
        ("numpy", True),
        ("math", True),
        ("sklearn.svm", True),
        ("sklearn.experimental.enable_iterative_imputer", False),
        ("mpl_toolkits.mplot3d", False),
        ("seaborn", False),
        ("unheard_of", False),
    ):
        assert libraries.pure_import(module) is pure, module


@pytest.mark.parametrize(
    ("name", "arguments", "draws"),
    [
        ("sklearn.model_selection.KFold", {}, False),
        ("sklearn.model_selection.KFold", {"n_splits": 5, "shuffle": True}, True),
        ("sklearn.model_selection.ShuffleSplit", {}, True),
        ("sklearn.model_selection.train_test_split", {}, True),
        ("sklearn.model_selection.train_test_split", {"shuffle": False}, False),
        ("sklearn.linear_model.LogisticRegression", {}, False),
        ("sklearn.linear_model.LogisticRegression", {"solver": "saga"}, True),
        ("sklearn.linear_model.Lasso", {"selection": "random"}, True),
        ("sklearn.linear_model.Lars", {}, False),
        ("sklearn.linear_model.Lars", {"jitter": 0.1}, True),
        ("sklearn.svm.SVC", {}, False),
        ("sklearn.svm.SVC", {"probability": True}, True),
        ("sklearn.svm.LinearSVC", {}, True),
        ("sklearn.tree.DecisionTreeClassifier", {}, True),
        ("sklearn.linear_model.LinearRegression", {}, False),
        ("sklearn.neighbors.KNeighborsClassifier", {}, False),
        ("sklearn.preprocessing.StandardScaler", {}, False),
        ("sklearn.naive_bayes.GaussianNB", {}, False),
        ("sklearn.metrics.silhouette_score", {}, False),
        ("sklearn.metrics.silhouette_score", {"sample_size": 100}, True),
        ("torch.utils.data.DataLoader", {"shuffle": True}, True),
        ("torch.nn.Linear", {}, True),
        ("torch.nn.ReLU", {}, False),
        ("xgboost.XGBClassifier", {}, False),
        ("networkx.betweenness_centrality", {}, False),
        ("scipy.stats.norm.rvs", {}, True),
        ("pandas.DataFrame.sample", {}, True),
    ],
)
def test_a_call_draws_only_under_the_arguments_that_make_it_draw(
    libraries: Libraries,
    name: str,
    arguments: dict[str, object],
    draws: bool,
) -> None:
    effects = effects_given(known(libraries, name), arguments, if_unknown=False)
    assert ("random" in effects) is draws
    assert not {"random", "pure"} <= effects


def test_an_argument_that_is_no_literal_leaves_both_answers_open(libraries: Libraries) -> None:
    kfold = known(libraries, "sklearn.model_selection.KFold")
    assert "random" in effects_given(kfold, {"shuffle": UNKNOWN}, if_unknown=True)
    assert "random" not in effects_given(kfold, {"shuffle": UNKNOWN}, if_unknown=False)
    split = known(libraries, "sklearn.model_selection.train_test_split")
    assert "random" in effects_given(split, {"shuffle": UNKNOWN}, if_unknown=True)
    assert "random" not in effects_given(split, {"shuffle": UNKNOWN}, if_unknown=False)


def test_a_conditional_call_is_not_pure_before_its_arguments_are_known(libraries: Libraries) -> None:
    drop = known(libraries, "pandas.DataFrame.drop")
    assert drop.effects == {"mutates-argument"}
    assert effects_given(drop, {}, if_unknown=True) == {"pure"}
    assert effects_given(drop, {"inplace": True}, if_unknown=True) == {"mutates-argument"}
    assert effects_given(drop, {"inplace": 1}, if_unknown=True) == {"pure"}  # conditions ask for values of their type


def test_a_file_is_written_only_if_a_path_is_given(libraries: Libraries) -> None:
    to_csv = known(libraries, "pandas.DataFrame.to_csv")
    assert to_csv.path == ("path_or_buf",)
    assert effects_given(to_csv, {}, if_unknown=True) == {"pure"}
    assert effects_given(to_csv, {"path_or_buf": "out.csv"}, if_unknown=True) == {"write-file"}
    assert effects_given(to_csv, {"path_or_buf": UNKNOWN}, if_unknown=True) == {"write-file"}


def test_writing_into_an_argument_ends_purity(libraries: Libraries) -> None:
    add = known(libraries, "numpy.add")
    assert effects_given(add, {"out": UNKNOWN}, if_unknown=False) == {"mutates-argument"}
    assert effects_given(add, {"out": None}, if_unknown=False) == {"pure"}


def test_seeds_reach_what_they_seed_and_nothing_else(libraries: Libraries) -> None:
    assert known(libraries, "random.random").seeded_by == ("random.seed",)
    assert known(libraries, "numpy.random.rand").seeded_by == ("numpy.random.seed",)
    assert known(libraries, "sklearn.ensemble.RandomForestClassifier").seeded_by == ("numpy.random.seed",)
    assert known(libraries, "numpy.random.default_rng").seeded_by == ()
    assert known(libraries, "numpy.random.default_rng").seed == "seed"
    assert known(libraries, "numpy.random.Generator.normal").seeded_by == ("self",)
    assert known(libraries, "numpy.random.seed").seeds == ("numpy.random.seed",)
    assert "numpy.random.seed" in known(libraries, "transformers.set_seed").seeds
    uuid4 = known(libraries, "uuid.uuid4")
    assert (uuid4.seed, uuid4.seeded_by) == (None, ())


def test_a_seed_that_was_renamed_is_known_by_both_names(libraries: Libraries) -> None:
    evolution = known(libraries, "scipy.optimize.differential_evolution")
    assert (evolution.seed, evolution.seed_aliases) == ("rng", ("seed",))


def test_positional_arguments_are_bound_to_parameters(libraries: Libraries) -> None:
    read_csv = known(libraries, "pandas.read_csv")
    assert dict(bind(read_csv, ["a.csv"], {"sep": ";"})) == {"filepath_or_buffer": "a.csv", "sep": ";"}
    path = known(libraries, "pathlib.Path")
    assert list(bind(path, ["a", "b"], {})) == [("args", "a"), ("args", "b")]
    assert list(bind(known(libraries, "builtins.input"), ["a", "one too many"], {})) == [("prompt", "a")]


# Wrong tables


def table(folder: Path, text: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import = ", "mine.toml: "),
        ('import = "other"', "mine.toml: import is 'other', which is not the file's name"),
        ('import = "mine"\npure-imports = true', "mine.toml: unknown key `pure-imports`; did you mean `pure-import`?"),
        (
            'import = "mine"\n[[calls]]\nin = "mine"\neffect = ["pure"]',
            "mine.toml: calls group 1: unknown key `effect`; did you mean `effects`?",
        ),
        ('import = "mine"\n[[calls]]\neffects = ["pure"]', "mine.toml: calls group 1: the key `in` is missing"),
        (
            'import = "mine"\n[[calls]]\nin = "mine"\neffects = ["impure"]',
            "mine.toml: calls group 1: unknown effect `impure`",
        ),
        (
            'import = "mine"\n[[calls]]\nin = "mine"\nrandom-when = { a = [1] }\nrandom-unless = { a = [2] }',
            "mine.toml: calls group 1: random-when and random-unless exclude each other",
        ),
        ('import = "mine"\naliases = "a b"', "mine.toml: cannot read the alias `a b`"),
    ],
)
def test_a_wrong_table_is_refused_with_file_and_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_table(table(tmp_path, text))
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("f(a: colour)", "mine.toml: cannot read `a: colour` in `f(a: colour)`"),
        ("f(a", "mine.toml: cannot read the row `f(a`"),
        ("f(a=b+)", "mine.toml: `b+` is no literal"),
    ],
)
def test_a_wrong_row_is_refused_when_it_is_asked_for(tmp_path: Path, row: str, message: str) -> None:
    table(tmp_path, f"import = \"mine\"\n[[calls]]\nin = \"mine\"\nrows = '''\n{row}\n'''")
    with pytest.raises(ConfigurationError) as refused:
        Libraries(tmp_path).call("mine.f")
    assert str(refused.value) == message


def test_aliases_and_bases_that_go_in_circles_end(tmp_path: Path) -> None:
    table(
        tmp_path,
        'import = "mine"\naliases = """\nmine.a = mine.b\nmine.b = mine.a\n"""\n'
        '[[classes]]\nin = "mine"\nbases = ["mine.D"]\nrows = "C"\n'
        '[[classes]]\nin = "mine"\nbases = ["mine.C"]\nrows = "D"\n',
    )
    libraries = Libraries(tmp_path)
    assert libraries.call("mine.a.f") is None
    assert libraries.ancestors("mine.C") == ("mine.C", "mine.D")
    assert libraries.call("mine.C.method") is None


# Every name exists, with these parameters, where the library is installed


@pytest.mark.parametrize("name", NAMES)
def test_every_name_exists_in_the_library(libraries: Libraries, name: str) -> None:
    table = libraries.library(name)
    assert table is not None
    if table.distribution is not None:
        skip_unless_installed(name, table.verified)
    abstract = {
        f"{group['in']}.{row}"
        for group in tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")).get("calls", ())
        if group.get("abstract")
        for row in names(group)
    }
    wrong = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # looking at what is deprecated is the point
        if name == "sklearn":
            importlib.import_module("sklearn.experimental.enable_halving_search_cv")
            importlib.import_module("sklearn.experimental.enable_iterative_imputer")
        for qualified in table.calls:
            if qualified not in abstract:
                wrong += problems(known(libraries, qualified))
        for qualified in table.classes:
            wrong += attribute_problems(libraries, qualified)
    assert wrong == []


def skip_unless_installed(import_name: str, verified: str | None) -> None:
    """Skip unless the library is installed, as new as what its table was verified against."""
    # One import name may come from several distributions: opencv-python, opencv-python-headless.
    distributions = importlib.metadata.packages_distributions().get(import_name, ())
    if not distributions:
        pytest.skip(f"{import_name} is not installed")
    version = importlib.metadata.version(distributions[0])
    if verified is None or numbers(version) < numbers(verified):
        pytest.skip(f"the table of {import_name} is for {verified}, not {version}")


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.partition("+")[0].split(".")[:3] if part.isdigit()]


def problems(call: CallInfo) -> list[str]:
    try:
        found = resolve(call.qualified_name)
    except (AttributeError, ImportError):  # load_boston of sklearn is an ImportError
        return [] if call.until else [f"{call.qualified_name} does not exist"]
    except LookupError:  # a corpus of nltk's that is not downloaded, a library another one needs
        return []
    if call.until:
        return [f"{call.qualified_name} exists, and should be gone since {call.until}"]
    try:
        signature = inspect.signature(found).parameters
    except (TypeError, ValueError):
        return []
    owner = resolve(call.qualified_name.rpartition(".")[0])
    parameters = [each for each in signature.values() if not (inspect.isclass(owner) and each.name == "self")]
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    positional = [each.name for each in parameters if each.kind in POSITIONAL]
    wrapped = takes_any and inspect.Parameter.VAR_POSITIONAL in {each.kind for each in parameters}
    wrong = []
    if not wrapped and tuple(positional[: len(call.parameters)]) != call.parameters:
        wrong.append(f"{call.qualified_name} takes {positional}, not {call.parameters}")
    named = {*call.path, call.seed, *call.seed_aliases, call.model, *dict(call.defaults)} - {None}
    if not takes_any and not named <= signature.keys():
        wrong.append(f"{call.qualified_name} has no parameter {named - signature.keys()}")
    return wrong


def attribute_problems(libraries: Libraries, class_name: str) -> list[str]:
    klass = libraries.klass(class_name)
    assert klass is not None
    try:
        found = resolve(class_name)
    except AttributeError:
        return []
    # What a fit makes (coef_) is not there before; what a constructor makes stands in the class's text.
    names = (name for name in klass.attributes if not name.endswith("_") and not hasattr(found, name))
    return [f"{class_name} has no {name}" for name in names if not assigns(found, name)]


def assigns(klass: type, name: str) -> bool:
    """Whether a class or one of its bases that are written in Python assigns the attribute."""
    for base in klass.__mro__[:-1]:
        if name in getattr(base, "__annotations__", {}):
            return True
        try:
            if re.search(rf"\bself\.{name}\b", inspect.getsource(base)):
                return True
        except (OSError, TypeError):
            continue
    return False


def resolve(qualified: str) -> Any:
    parts = qualified.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if not f"{qualified}.".startswith(f"{error.name}."):
                raise LookupError(qualified) from error  # it needs a library that is not installed
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise AttributeError(qualified)
