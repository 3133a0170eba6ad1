"""Runs a package and writes down what each step was given and made. Executed by its path, with the libraries.

One argument: a JSON file with ``source`` and ``tests`` (folders to import from), ``package``, ``output`` (the field
of the output folder), ``results`` (step to the names of what it returns), ``modules`` (step to its module),
``written`` (where the answer goes), ``contract`` (the file of the module of that name), ``distributions`` (what the
package needs), and ``alone``: None to run the pipeline; else, by step, the arguments to call it with by itself and
what it made.
Never imports ``nb2prod``.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any


def main() -> None:
    """Run, and write the answer."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.path[:1] = [settings["source"], settings["tests"]]
    answer = _pipeline(settings) if settings["alone"] is None else _alone(settings)
    Path(settings["written"]).write_text(json.dumps(answer), encoding="utf-8")


def _pipeline(settings: dict[str, Any]) -> dict[str, Any]:
    runs, values = importlib.import_module("step_runs"), importlib.import_module("stored_values")
    pipeline = importlib.import_module(settings["package"] + ".pipeline")
    config = importlib.import_module(settings["package"] + ".config").Config(**{settings["output"]: Path("results")})
    here = Path(settings["written"]).parent

    package = [each for name, each in list(sys.modules.items()) if name.partition(".")[0] == settings["package"]]
    inputs = _loaded(Path(__file__).with_name("inputs_run.py")).watch(package, _loaded(Path(settings["contract"])))
    modules = [_module(settings, name) for name in dict.fromkeys(settings["modules"].values())]
    displayed = _counted(sys.modules.get(settings["package"] + ".display"), "_displayed")
    run = runs.record(
        lambda: pipeline.run(config), modules, settings["results"], settings["package"], here, values.look
    )
    return {
        "error": repr(run.error) if run.error is not None else None,
        "inputs": inputs,
        "figures": sorted(file.name for file in Path("results", "figures").glob("*.png")),
        "displays": bool(displayed),
        "versions": _versions([*settings["distributions"], *(["ipython"] if displayed else [])]),
        "python": ".".join(map(str, sys.version_info[:3])),
        "steps": {
            name: {"printed": each.printed, "logged": each.logged, "arguments": each.arguments, "made": each.made}
            for name, each in run.steps.items()
        },
    }


def _counted(module: Any, name: str) -> list[str]:
    """Have a function of a module leave its name in the list that is returned whenever it is called."""
    calls: list[str] = []
    function = getattr(module, name, None)
    if function is not None:

        def counting(*arguments: Any, **named: Any) -> Any:
            calls.append(name)
            return function(*arguments, **named)

        setattr(module, name, counting)
    return calls


def _versions(names: list[str]) -> dict[str, str]:
    """Return the versions of distributions, and of all they need, as far as they are installed."""
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        # `2.1.0+cpu` is the same release, built for another machine.
        found[name] = distribution.version.partition("+")[0]
        for text in distribution.requires or ():
            needed, _, marker = text.partition(";")
            if "extra" not in marker:
                waiting += re.findall(r"^[\w.-]+", needed)
    return dict(sorted(found.items()))


def _loaded(file: Path) -> Any:
    """Return a module of ours, loaded from its file: its folder has others, which the package must not find."""
    spec = importlib.util.spec_from_file_location(f"nb2prod_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _module(settings: dict[str, Any], name: str) -> Any:
    return importlib.import_module(f"{settings['package']}.{name}")


def _alone(settings: dict[str, Any]) -> dict[str, str | None]:
    """Return for each step why calling it by itself does not give what it made; None where it does.

    The last step comes first, and each is called twice: in a test run any other may come before it, and a step may
    find settings of a library changed by those it never came after, or by itself.
    """
    values = importlib.import_module("stored_values")
    answer: dict[str, str | None] = dict.fromkeys(settings["alone"])
    for name in (name for name in reversed(answer) for _ in range(2)):
        if answer[name] is not None:
            continue
        each = settings["alone"][name]
        try:
            made = getattr(_module(settings, settings["modules"][name]), name)(*map(values.decode, each["arguments"]))
            values.assert_results(made, each["made"])
        except BaseException as error:  # noqa: BLE001 - whatever a step raises, it cannot be tested by itself
            answer[name] = f"{type(error).__name__}: {error}"[:200]
    return answer


if __name__ == "__main__":
    main()
