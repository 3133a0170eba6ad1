"""Restarts of the kernel after installing: they go, with what is there for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook


def steps(*cells: str) -> str:
    """Return the steps of the package made of these cells."""
    return convert_notebook(Path("n.ipynb"), content=document(*cells)).package.files["src/n/steps.py"].decode()


INSIDE = "    import IPython\n    app = IPython.Application.instance()\n    app.kernel.do_shutdown(True)"


@pytest.mark.parametrize(
    "source",
    [
        "import IPython\napp = IPython.Application.instance()\napp.kernel.do_shutdown(True)",
        "get_ipython().kernel.do_shutdown(restart=True)",
        f"import os\nif not os.getenv('IS_TESTING'):\n{INSIDE}",
        f"import sys\nif 'google.colab' in sys.modules:\n{INSIDE}",
    ],
)
def test_a_restart_goes_with_what_is_there_for_it(source: str) -> None:
    text = steps("total = 1", source, "print(total)")

    assert "print(total)" in text
    assert not [
        word for word in ("kernel", "IPython", "app", "os", "sys") if f"{word}." in text or f" {word}\n" in text
    ]


@pytest.mark.parametrize(
    "source",
    [
        "app.kernel.do_shutdown(False)",
        "if ask():\n    app.kernel.do_shutdown(True)",
        "if True:\n    print('restarting')\n    app.kernel.do_shutdown(True)",
        "if True:\n    app.kernel.do_shutdown(True)\nelse:\n    print(1)",
    ],
)
def test_what_does_more_than_restart_stays(source: str) -> None:
    assert "do_shutdown" in steps("from kernels import app, ask", source)


def test_what_others_use_stays() -> None:
    text = steps("import IPython", "app = IPython.Application.instance()", "app.kernel.do_shutdown(True)", "print(app)")

    assert "app = IPython.Application.instance()" in text
    assert "do_shutdown" not in text
