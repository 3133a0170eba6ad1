"""What calls are called, and what they do, through imports, assignments and light types."""

from __future__ import annotations

import pytest
from notebooks import analysis_of, notebook_of

from nb2prod.analysis import analyse_notebook


@pytest.mark.parametrize(
    ("source", "called"),
    [
        ("import numpy as np\nnp.random.rand(3)", "numpy.random.rand"),
        ("from numpy import random as r\nr.rand(3)", "numpy.random.rand"),
        ("import pandas as pd\ndf = pd.read_csv('a')\ndf.head()", "pandas.DataFrame.head"),
        ("import pandas as pd\ndf = pd.read_csv('a')\ndf['x'].mean()", "pandas.Series.mean"),
        ("import pandas as pd\ndf = pd.read_csv('a').dropna()\ndf.head()", "pandas.DataFrame.head"),
        ("import pandas as pd\ndf = pd.read_csv('a')[['x', 'y']]\ndf.head()", "pandas.DataFrame.head"),
        ("import pandas as pd\ndf = pd.read_csv('a')\ndf[(df.x > 1) & (df.y < 2)].head()", "pandas.DataFrame.head"),
        ("import pandas as pd\ndf = pd.read_csv('a')\ndf.loc[df.x > 1].head()", "pandas.DataFrame.head"),
        ("import pandas as pd\ndf = pd.read_csv('a')\ndf[~df.x][:3].head()", "pandas.DataFrame.head"),
        ("import pandas as pd\ndf = pd.read_csv('a')\ndf[name].head()", None),
        ("import pandas as pd\ndf = pd.read_csv('a')\ndf.loc[df.x > 1, 'y'].head()", None),
        ("import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1])", "matplotlib.axes.Axes.plot"),
        ("with open('f') as f:\n    f.read()", None),
        ("xs = []\nxs.append(1)", "builtins.list.append"),
        ("from numpy import *\nrandom.rand(3)", "numpy.random.rand"),
        ("from pandas import *\ndf = read_csv('a')\ndf.head()", "pandas.DataFrame.head"),
        ("%pylab inline\nrandn(3)", "numpy.random.randn"),
        ("from pylab import *\nfrom numpy.linalg import *\nrandn(3)", "numpy.random.randn"),
        ("from numpy.random import *\nfrom helpers import *\nrandn(3)", None),
        ("randn(3)\nfrom numpy.random import *", None),
        ("unknown.thing()", None),
        ("def f(np):\n    np.random.rand()", None),
    ],
)
def test_the_last_call_is_known_by_its_qualified_name(source: str, called: str | None) -> None:
    (*_, last) = analysis_of(source).calls()
    if called is None:
        assert last.qualified_name is None or not last.qualified_name.startswith(("numpy", "pandas"))
    else:
        assert last.qualified_name == called


READ = "import pandas as pd\n"


@pytest.mark.parametrize(
    ("source", "called"),
    [
        ("def f():\n    df = pd.read_csv('a')\n    df.head()", "pandas.DataFrame.head"),
        ("def f():\n    df = pd.read_csv('a')\n    df = df.dropna()\n    return df.head()", "pandas.DataFrame.head"),
        ("def f():\n    import numpy as np\n    np.random.rand()", "numpy.random.rand"),
        ("def f():\n    from numpy import random\n    random.rand()", "numpy.random.rand"),
        ("def f(p):\n    with open(p) as h, pd.read_csv(h) as df:\n        df.head()", "pandas.DataFrame.head"),
        ("def f(df):\n    return df.head()\nx = f(pd.read_csv('a'))\nx.tail()", "pandas.DataFrame.tail"),
        ("def g():\n    return pd.read_csv('a'), 3\ndf, n = g()\ndf.head()", "pandas.DataFrame.head"),
        ("def f(k):\n    df = pd.read_csv('a')\n    if k:\n        df = df.dropna()\n    df.head()",
         "pandas.DataFrame.head"),
        ("def f(k):\n    df = pd.read_csv('a')\n    if k:\n        df = other(df)\n    df.head()", None),
        ("def f(k):\n    df = pd.read_csv('a')\n    for i in k:\n        df = other(df)\n    df.head()", None),
        ("def f(k):\n    df = pd.read_csv('a')\n    for df in k:\n        df.head()", None),
        ("def f(k):\n    df = pd.read_csv('a')\n    return [df.head() for df in k]", None),
        ("def f(k):\n    try:\n        df = pd.read_csv('a')\n    except E:\n        df = 3\n    df.head()", None),
        ("def f():\n    global df\n    df = pd.read_csv('a')\n    df.head()", None),
        ("def f(df):\n    df.head()\nf(3)\nf(pd.read_csv('a'))\nz.head()", None),
        ("def f(df=None):\n    df.head()", None),
        ("df = pd.read_csv('a')\ndf.price.mean()", "pandas.Series.mean"),
        ("df = pd.read_csv('a')\ndf.ix(3)", "pandas.DataFrame.ix"),
        ("def f(n):\n    return f(n - 1)\nf(3).head()", None),
        ("def g():\n    yield pd.read_csv('a')\ng().head()", None),
        ("@cached\ndef g():\n    return pd.read_csv('a')\ng().head()", None),
        ("with lock:\n    df = pd.read_csv('a')\ndf.head()", "pandas.DataFrame.head"),
        ("if k:\n    df = pd.read_csv('a')\nelse:\n    df = pd.read_excel('a')\ndf.head()", "pandas.DataFrame.head"),
        ("df = pd.read_csv('a')\nif k:\n    df = df[df.x > 3]\ndf.head()", "pandas.DataFrame.head"),
        ("try:\n    df = pd.read_csv('a')\nexcept E:\n    df = 3\ndf.head()", None),
        ("df = pd.read_csv('a')\nif k:\n    df = other(df)\ndf.head()", None),
        ("df = pd.concat([pd.read_csv('a'), other()])\ndf.head()", "pandas.DataFrame.head"),
        ("df = pd.concat([pd.read_csv(p) for p in paths])\ndf.head()", "pandas.DataFrame.head"),
        ("df = pd.concat(parts)\ndf.head()", None),
    ],
)  # fmt: skip
def test_names_inside_functions_and_blocks_have_types_where_checks_ask(source: str, called: str | None) -> None:
    (*_, last) = analyse_notebook(notebook_of(READ + source), local_types=True).calls()
    assert last.qualified_name == called


def test_the_converter_is_told_nothing_of_names_inside_functions() -> None:
    (*_, last) = analysis_of(READ + "def f():\n    df = pd.read_csv('a')\n    df.head()").calls()
    assert last.qualified_name is None


def test_calling_an_object_is_not_calling_its_class() -> None:
    (*_, last) = analysis_of("from keras.layers import Dense\nlayer = Dense(3)", "layer(x)").calls()
    assert last.qualified_name is not None
    assert last.qualified_name.endswith(".__call__")


def test_two_definitions_of_different_kinds_leave_the_type_unknown() -> None:
    (*_, last) = analysis_of(
        "import pandas as pd\ndf = pd.read_csv('a')\nif df is None:\n    df = other()", "df.head()"
    ).calls()
    assert last.qualified_name is None


def test_arguments_are_known_by_parameter_name() -> None:
    (call,) = analysis_of("import pandas as pd\npd.read_csv('data.csv', sep=';')").calls({"read-file"})
    assert set(call.arguments) == {"filepath_or_buffer", "sep"}
