"""What calls are called, and what they do, through imports, assignments and light types."""

from __future__ import annotations

import pytest
from notebooks import analysis_of


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
