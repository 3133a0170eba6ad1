"""The three listed exceptions: credentials and paths of one machine become required fields."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nb2prod.analysis import analyse_notebook
from nb2prod.convert.api import Conversion, convert_notebook
from nb2prod.convert.write import write_package
from nb2prod.credential_forms import is_unmistakable
from nb2prod.credentials import find_credentials
from nb2prod.errors import RefusedError
from nb2prod.notebook.read import read_notebook

CASES = sorted((Path(__file__).parent.parent / "fixtures" / "cases").glob("*/notebook.ipynb"))
KEY = "q8Zr2LmX0vTnB7yKc4WdE1sJ"
PASSWORD = "Herbst-in-Jena-7"  # noqa: S105 nobody's
FOLDER = "/home/anna/thesis"


def convert(folder: Path, *sources: str, tags: tuple[str, ...] = ()) -> Conversion:
    """Convert a notebook of these cells; one that starts with ``md:`` is markdown, ``tags`` are the first's."""
    cells = []
    for number, source in enumerate(sources):
        kind = "markdown" if source.startswith("md:") else "code"
        cell: dict[str, object] = {"cell_type": kind, "source": source.removeprefix("md:"), "metadata": {}}
        cell |= {"outputs": [], "execution_count": None} if kind == "code" else {}
        cell |= {"metadata": {"tags": [*tags]}} if number == 0 else {}
        cells.append(cell)
    path = folder / "churn.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), encoding="utf-8")
    return convert_notebook(path)


def steps(conversion: Conversion) -> str:
    return conversion.package.files["src/churn/steps.py"].decode()


def fields(conversion: Conversion) -> dict[str, tuple[str, bool, bool]]:
    return {each.name: (each.type, each.required, each.secret) for each in conversion.plan.parameters}


def run(conversion: Conversion, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    write_package(conversion.package, folder / "package", force=True)
    environment = {**os.environ, "PYTHONPATH": str(folder / "package" / "src"), "PYTHONUTF8": "1", **variables}
    command = [sys.executable, "-m", conversion.package.name, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)


SECRETS = {
    "assigned": (f'API_KEY = "{KEY}"\nprint(API_KEY)', "API_KEY", "print(API_KEY)"),
    "assigned twice": (f'key = 1\napi_key = "{KEY}"\napi_key = None', "api_key_2", "api_key = api_key_2"),
    "annotated": (f'token: str = "{KEY}"\nprint(token)', "token", "print(token)"),
    "keyword": (f'connect(user="anna", password="{PASSWORD}")', "password", "password=password"),
    "pair": (f'get(auth=("anna", "{PASSWORD}"))', "password", '("anna", password)'),
    "dictionary": (f'h = {{"auth_token": "{KEY}"}}', "auth_token", '{"auth_token": auth_token}'),
    "header": (
        f'h = {{"Authorization": "Bearer {KEY}"}}',
        "authorization",
        '{"Authorization": f"Bearer {authorization}"}',
    ),
    "environment": (f'import os\nos.environ["MY_TOKEN"] = "{KEY}"', "my_token", 'os.environ["MY_TOKEN"] = my_token'),
    "default": (f'import os\na = os.getenv("API_KEY", "{KEY}")', "api_key", 'os.getenv("API_KEY", api_key)'),
    "argument": (f'client.set_api_key("{KEY}")', "api_key", "client.set_api_key(api_key)"),
    "attribute": (f'app.secret_key = b"{KEY}"', "secret_key", "app.secret_key = secret_key.encode()"),
    "address": (
        f'engine = create("postgresql://anna:{PASSWORD}@db.internal/churn")',
        "password",
        'create(f"postgresql://anna:{password}@db.internal/churn")',
    ),
    "f-string": (
        f'n = 1\nurl = f"ftp://anna:{PASSWORD}@db.internal/{{n}}"',
        "password",
        'f"ftp://anna:{password}@db.internal/{n}"',
    ),
    "known format": ('log("ghp_' + KEY + 'abcdefghijkl")', "github_token", "log(github_token)"),
    "magic": (f"%env API_KEY={KEY}", "api_key", 'set_environment("API_KEY", api_key)'),
    "shell": (f"!tool --password {PASSWORD} -v", "password", 'run_shell(f"tool --password {password} -v")'),
    "script": (f'%%bash\nexport SECRET_KEY="{KEY}"\n', "secret_key", "{secret_key}"),
    "class": (f'class A:\n    token = "{KEY}"', "token_2", "token = token_2"),
    "function": (f'def f():\n    return get(token="{KEY}")\nf()', "token", "return get(token=token)"),
    "parameter": (f'def f(token="{KEY}"):\n    return token\nf()', "token_2", "def f(token=token_2):"),
    "if": (f'token = "{KEY}"if 1 else"{KEY}"', "token_2", "token = token_2 if 1 else token_2"),
    "percent": (f'u = "ftp://anna:{PASSWORD}@db/%s" % name', "password", 'f"ftp://anna:{password}@db/%s" % name'),
}


@pytest.mark.parametrize("form", SECRETS)
def test_a_credential_becomes_a_required_field_without_an_option(form: str, tmp_path: Path) -> None:
    source, field, text = SECRETS[form]
    if form == "if":
        source = source.replace("token =", "token = 0\ntoken =").replace(f'"{KEY}"if', f'get(token="{KEY}")if')
        text = "get(token=token_2) if 1 else token_2"
    conversion = convert(tmp_path, source)

    assert fields(conversion) == {field: ("str", True, True)}
    assert text in steps(conversion)
    assert f"CHURN_{field.upper()}" in conversion.package.files["README.md"].decode()
    assert "--" + field.replace("_", "-") not in conversion.package.files["src/churn/cli.py"].decode()
    for path, content in conversion.package.files.items():
        assert KEY.encode() not in content, path
        assert PASSWORD.encode() not in content, path


def test_a_credential_is_the_same_field_wherever_it_is_written(tmp_path: Path) -> None:
    conversion = convert(tmp_path, f'API_KEY = "{KEY}"', f'print("https://host/?key={KEY}&a=b")\nprint("{KEY}")')

    assert fields(conversion) == {"API_KEY": ("str", True, True)}
    assert 'print(f"https://host/?key={API_KEY}&a=b")\n    print(API_KEY)' in steps(conversion)


def test_a_word_that_is_a_password_too_stays_a_word_elsewhere(tmp_path: Path) -> None:
    conversion = convert(tmp_path, 'connect(user="admin", password="admin")\nprint("admin")')

    assert 'connect(user="admin", password=password)\n    print("admin")' in steps(conversion)


@pytest.mark.parametrize(
    "source",
    [
        f"# password: {PASSWORD}\nx = 1",
        f'def f():\n    """Needs password={PASSWORD}."""\n    # or {PASSWORD}\n    return 1\nf()',
        f"'''\npassword = \"{PASSWORD}\"\n'''\nx = 1",
        f"x = 1\n'''\npassword = \"{PASSWORD}\"\n'''",
        f"md:# Churn\nThe password: `{PASSWORD}`.",
        f"md:# Churn\nftp://anna:{PASSWORD}@db.internal/x",
    ],
)
def test_a_credential_in_a_text_is_redacted_and_noted(source: str, tmp_path: Path) -> None:
    conversion = convert(tmp_path, source, "y = 2")

    assert fields(conversion) == {}
    assert conversion.plan.notes == ("A credential in the text or a comment of cell 1 was left out: revoke it.",)
    assert any(b"[redacted]" in content for content in conversion.package.files.values())
    for path, content in conversion.package.files.items():
        assert PASSWORD.encode() not in content, path


@pytest.mark.parametrize(
    "source",
    [
        f'match x:\n    case "ftp://anna:{PASSWORD}@db.internal/x":\n        pass',
        'k = "-----BEGIN RSA PRIVATE KEY-----" + body',
        f'k = b"ftp://anna:{PASSWORD}@db.internal/x"',
    ],
)
def test_a_credential_that_no_name_can_stand_for_is_refused(source: str, tmp_path: Path) -> None:
    if "BEGIN" in source:
        source = "x = f'''-----BEGIN RSA PRIVATE KEY-----\n{body}'''"
    with pytest.raises(RefusedError) as refused:
        convert(tmp_path, "x = body = 1", source)

    assert [reason.partition(":")[0] for reason in refused.value.reasons] in (["cell 2, line 1"], ["cell 2, line 2"])
    assert PASSWORD not in str(refused.value.reasons)


def test_a_module_beside_the_notebook_with_a_credential_is_refused(tmp_path: Path) -> None:
    (tmp_path / "access.py").write_text(f'import os\npassword = "{PASSWORD}"\n', encoding="utf-8")
    with pytest.raises(RefusedError) as refused:
        convert(tmp_path, "x = 1", "import access\nprint(access.password)")

    assert [reason.partition(";")[0] for reason in refused.value.reasons] == [
        "cell 2, line 1: access.py, which the notebook imports, has a credential in line 2"
    ]


def test_a_data_file_with_a_credential_is_no_test_data(tmp_path: Path) -> None:
    (tmp_path / "access.json").write_text(json.dumps({"key": KEY}), encoding="utf-8")
    conversion = convert(tmp_path, f'token = "{KEY}"\nprint(token, open("access.json").read())')

    assert conversion.plan.data_files == ()


PATHS = {
    "assigned": (f'DATA = "{FOLDER}/a.csv"\nopen(DATA)', "DATA", "open(DATA)"),
    "assigned twice": (f'data = 1\ndata = "{FOLDER}/a.csv"', "a_csv", "data = a_csv"),
    "argument": (f'open("{FOLDER}/a.csv")', "a_csv", "open(a_csv)"),
    "windows": ('open(r"C:\\Users\\anna\\a.csv")', "a_csv", "open(a_csv)"),
    "share": ('open("\\\\\\\\server\\\\share\\\\a.csv")', "a_csv", "open(a_csv)"),
    "home": ('open("~/thesis/a.csv")', "a_csv", "open(a_csv)"),
    "colab": ('open("/content/a.csv")', "a_csv", "open(a_csv)"),
    "kaggle": ('open("/kaggle/input/a.csv")', "a_csv", "open(a_csv)"),
    "databricks": ('open("/dbfs/a.csv")', "a_csv", "open(a_csv)"),
    "folder of files": (f'import os\nos.listdir("{FOLDER}/")', "thesis_folder", "os.listdir(thesis_folder)"),
    "chdir": (f'import os\nos.chdir("{FOLDER}")', "thesis_folder", "os.chdir(thesis_folder)"),
    "cd": (f"%cd {FOLDER}", "thesis_folder", "change_directory(thesis_folder)"),
    "shell": (f"!cp {FOLDER}/a.csv .", "a_csv", 'run_shell(f"cp {a_csv} .")'),
    "join": (f'import os\np = os.path.join("{FOLDER}", "a.csv")', "thesis_folder", 'join(thesis_folder, "a.csv")'),
    "path": (
        f'from pathlib import Path\np = Path("{FOLDER}") / "a"\np = 1',
        "thesis_folder",
        'Path(thesis_folder) / "a"',
    ),
    "f-string": (f'n = 1\np = f"{FOLDER}/{{n}}.csv"', "thesis_folder", 'f"{thesis_folder}/{n}.csv"'),
    "sum": (f'n = 1\np = "{FOLDER}/a" + str(n)', "thesis_folder", 'f"{thesis_folder}/a" + str(n)'),
    "percent": (f'n = 1\np = "{FOLDER}/%s.csv" % n', "thesis_folder", 'thesis_folder + "/%s.csv" % n'),
    "format": (f'n = 1\np = "{FOLDER}/{{}}.csv".format(n)', "thesis_folder", 'thesis_folder + "/{}.csv".format(n)'),
    "function": (f'def f():\n    return open("{FOLDER}/a.csv")\nf()', "a_csv", "return open(a_csv)"),
    "named otherwise": (f'a_csv = 1\nopen("{FOLDER}/a.csv")', "a_csv_2", "open(a_csv_2)"),
    "only a number": (f'open("{FOLDER}/2024.csv")', "path_2024_csv", "open(path_2024_csv)"),
    "somebody's home": ('import os\nos.listdir("/home/anna/")', "home_folder", "os.listdir(home_folder)"),
    "compared": (f'p = open("{FOLDER}/a.csv")\np == "{FOLDER}/a.csv"', "a_csv", "p == a_csv"),
}


@pytest.mark.parametrize("form", PATHS)
def test_a_path_of_one_machine_becomes_a_required_field(form: str, tmp_path: Path) -> None:
    source, field, text = PATHS[form]
    conversion = convert(tmp_path, source)

    assert fields(conversion) == {field: ("str", True, False)}
    assert text in steps(conversion)
    for path, content in conversion.package.files.items():
        assert b"anna" not in content, path


def test_a_path_object_stays_one(tmp_path: Path) -> None:
    conversion = convert(tmp_path, f'from pathlib import Path\nOUT = Path("{FOLDER}")\nprint(type(OUT / "a").__name__)')

    assert fields(conversion) == {"OUT": ("Path", True, False)}
    assert run(conversion, tmp_path, "--out", "x").stdout == run(conversion, tmp_path, CHURN_OUT="x").stdout
    assert run(conversion, tmp_path, "--out", "x").stdout in ("PosixPath\n", "WindowsPath\n")


@pytest.mark.parametrize(
    "source",
    [
        'url = "https://example.org/home/anna/a.csv"',
        'import os\nf = open(os.devnull or "/dev/null")',
        'open("/tmp/nb2prod-a.csv", "w")',
        '@app.route("/home/x/y")\ndef f():\n    return 1',
        'import re\nre.sub("/home/anna/.*", "", "x")',
        'open("data/a.csv")',
    ],
)
def test_what_any_machine_has_stays(source: str, tmp_path: Path) -> None:
    assert not any(required for _, required, _ in fields(convert(tmp_path, "app = 1", source)).values())


@pytest.mark.parametrize(
    ("source", "is_lifted"),
    [
        (
            "try:\n    from google.colab import drive\n    drive.mount('/content/x')\nexcept OSError:\n    1",
            False,
        ),
        ("colab = False\nif colab:\n    data = '/content/drive/x'\nelse:\n    data = 'x'", False),
        ("import os\ndata = '/kaggle/input' if 'KAGGLE_URL_BASE' in os.environ else '.'", False),
        ("colab = False\nif not colab:\n    data = '/content/drive/x'", True),
        ("colab = False\nif colab:\n    data = 'x'\nelse:\n    data = '/content/drive/x'", True),
        ("colab = False\nif colab:\n    data = '/home/anna/x.csv'", True),
        ("try:\n    data = open('/content/drive/x')\nexcept OSError:\n    pass", True),
    ],
)
def test_a_path_of_a_service_stays_where_only_the_service_gets(source: str, *, is_lifted: bool, tmp_path: Path) -> None:
    found = fields(convert(tmp_path, source)).values()

    assert any(required for _, required, _ in found) == is_lifted


def test_a_temporary_path_is_noted(tmp_path: Path) -> None:
    conversion = convert(tmp_path, 'open("/tmp/nb2prod-a.csv", "w")')

    assert conversion.plan.notes == ("Cell 1 uses /tmp/nb2prod-a.csv, which stays as it is.",)


def test_what_lies_in_the_parameters_cell_is_no_default(tmp_path: Path) -> None:
    source = f'n = 3\ntoken = "{KEY}"\nDATA = "{FOLDER}/a.csv"\nboth = ["{FOLDER}/b.csv"]'
    conversion = convert(tmp_path, source, "print(n, token, DATA, both)", tags=("parameters",))

    assert fields(conversion) == {
        "token": ("str", True, True),
        "DATA": ("str", True, False),
        "b_csv": ("str", True, False),
        "n": ("int", False, False),
    }
    done = run(conversion, tmp_path, "--data", "a", "--b-csv", "b", CHURN_TOKEN="t")  # noqa: S106 nobody's
    assert done.stdout == "3 t a ['b']\n"


def test_comments_keep_only_the_name_of_a_file(tmp_path: Path) -> None:
    conversion = convert(tmp_path, f'# from {FOLDER}/old.csv\nx = open("{FOLDER}/a.csv")  # or C:\\Users\\anna\\b.csv')

    assert "# from …/old.csv\n    x = open(a_csv)" in steps(conversion)
    assert "# or …/b.csv" in steps(conversion)


def test_the_comments_of_a_lifted_statement_stay_with_the_one_below(tmp_path: Path) -> None:
    conversion = convert(tmp_path, f'# what we have\nDATA = "{FOLDER}/a.csv"  # from {FOLDER}\n\n# and so\nprint(DATA)')

    assert "    # what we have\n    # from …/thesis\n    # and so\n    print(DATA)" in steps(conversion)


def test_asking_for_a_service_needs_no_value(tmp_path: Path) -> None:
    conversion = convert(tmp_path, 'import os\nprint(os.path.exists("/content/drive"))')

    assert fields(conversion) == {}


def test_a_run_without_the_values_names_field_cell_and_file_before_the_first_step(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    conversion = convert(
        tmp_path, 'print("started")', f'x = open("{FOLDER}/a.csv").read()', f'open("{FOLDER}/b.txt", "w").write(x)'
    )
    done = run(conversion, tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    beside = "a file of that name is beside the notebook"
    assert done.stderr.splitlines() == [
        f"--a-csv: needed since cell 2 reads a.csv from a folder of one machine; {beside} (or set CHURN_A_CSV)",
        "--b-txt: needed since cell 3 writes b.txt to a folder of one machine (or set CHURN_B_TXT)",
    ]
    assert run(conversion, tmp_path, "--a-csv", "a.csv", "--b-txt", "c.txt").returncode == 0
    assert (tmp_path / "c.txt").read_text(encoding="utf-8") == "1"


def test_options_count_more_than_the_environment_and_that_more_than_the_file(tmp_path: Path) -> None:
    source = 'n = 1\nrate = 0.5\nflag = True\nwords = ["a"]\nname = "x"'
    conversion = convert(tmp_path, source, "print(n, rate, flag, words, name)", tags=("parameters",))
    settings = tmp_path / "run.toml"
    settings.write_text('n = 2\nrate = 2\nflag = false\nwords = ["b"]\n', encoding="utf-8")
    variables = {"CHURN_N": "3", "CHURN_FLAG": "yes", "CHURN_WORDS": "['c']", "CHURN_NAME": ""}

    assert run(conversion, tmp_path).stdout == "1 0.5 True ['a'] x\n"
    assert run(conversion, tmp_path, "--config", "run.toml").stdout == "2 2.0 False ['b'] x\n"
    assert run(conversion, tmp_path, "--config", "run.toml", **variables).stdout == "3 2.0 True ['c'] x\n"
    assert run(conversion, tmp_path, "--n", "4", **variables).stdout == "4 0.5 True ['c'] x\n"


@pytest.mark.parametrize(
    ("content", "variables", "message"),
    [
        ("m = 1", {}, "run.toml: unknown m; it can have output_dir, n"),
        ("n = true", {}, "run.toml: n is not of type int"),
        ('n = "2"', {}, "run.toml: n is not of type int"),
        ("n =", {}, "run.toml is no TOML:"),
        ("", {"CHURN_N": "many"}, "the environment variable CHURN_N has no value of type int"),
    ],
)
def test_a_value_that_cannot_be_is_one_clear_error(
    content: str, variables: dict[str, str], message: str, tmp_path: Path
) -> None:
    conversion = convert(tmp_path, "n = 1", "print(n)", tags=("parameters",))
    (tmp_path / "run.toml").write_text(content, encoding="utf-8")
    done = run(conversion, tmp_path, "--config", "run.toml", **variables)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"churn: error: {message}" in done.stderr


def test_the_generated_tests_pass_without_the_values(tmp_path: Path) -> None:
    conversion = convert(tmp_path, f'token = "{KEY}"\nprint(token, open("{FOLDER}/a.csv"))')
    write_package(conversion.package, tmp_path / "package")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path / "package", capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 0, done.stdout
    assert (
        "test_a_run_without_the_required_values_names_them"
        in conversion.package.files["tests/test_entrypoint.py"].decode()
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_no_package_of_a_story_has_a_credential_of_its_notebook(path: Path) -> None:
    analysis = analyse_notebook(read_notebook(path))
    found = {each.value for cell in analysis.notebook.cells for each in find_credentials(analysis, cell)}
    secrets = {value for value in found if is_unmistakable(value)}
    if not secrets:
        pytest.skip("no credential")
    for name, content in convert_notebook(path).package.files.items():
        assert not any(value.encode() in content for value in secrets), name


def test_the_messy_story_runs_as_far_as_its_notebook_when_it_is_told_where_the_file_is(
    fixtures: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    folder = fixtures / "cases" / "messy_exploration"
    conversion = convert_notebook(folder / "notebook.ipynb")
    name = conversion.package.name.upper()
    data = str(folder / "sensors_export.csv")
    variables = {f"{name}_API_KEY": "k", f"{name}_SENSORS_EXPORT_CSV": data, f"{name}_TEMPS_PKL": "t.pkl"}
    done = run(conversion, tmp_path, **variables)

    assert done.stdout.startswith("https://api.weather.example.org/v2/hourly?station=0417&key=k\n")
    assert "RangeIndex" in done.stdout
    # Cell 8 reads a name that only cell 12 binds, in the notebook too.
    assert done.stderr.splitlines()[-1] == "NameError: name 'temps' is not defined"
    for path, content in conversion.package.files.items():
        assert b"mara" not in content, path
