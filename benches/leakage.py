"""Precision and recall of the leakage rules (NB501 to NB505), against notebooks labelled by others.

    python benches/leakage.py

Reads `truth/leakage_extra/` of the corpus (NB2PROD_CORPUS, or `shared/corpus` beside the checkout). A label
speaks of a file and a kind of leakage; labels their own authors call ambiguous are not counted. Every wrong
answer is listed. Exit code 0, also where there is no corpus: then it says so and measures nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from nb2prod.analysis import analyse_notebook  # noqa: E402
from nb2prod.checks import (  # noqa: E402
    fit_before_split,
    resampled_before_split,
    scored_on_training_rows,
    test_set_fitted,
    test_set_reused,
)
from nb2prod.libraries import Libraries  # noqa: E402
from nb2prod.notebook.read import read_notebook  # noqa: E402

# What the labels call a leak, and the checks that find it.
KINDS = {
    "preprocessing-leakage": (fit_before_split,),
    "overlap-leakage": (resampled_before_split, scored_on_training_rows),
    "multi-test-leakage": (test_set_reused,),
}


def main() -> None:
    """Print the figures, or that there is nothing to measure."""
    corpus = Path(os.environ.get("NB2PROD_CORPUS", ROOT.parent / "shared" / "corpus"))
    folder = corpus / "truth" / "leakage_extra"
    if not (folder / "truth.jsonl").is_file():
        print(f"no labelled notebooks in {folder}: nothing measured (NB2PROD_CORPUS names the corpus)")
        return
    libraries = Libraries()
    counts: Counter[str] = Counter()
    for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        if label["label"] not in {"leak", "no-leak"}:
            continue
        analysis = analyse_notebook(read_notebook(folder / label["file"]), libraries=libraries)
        found = any(True for module in KINDS[label["rule"]] for _ in module.check(analysis))
        outcome = {
            (True, "leak"): "hits",
            (False, "leak"): "missed",
            (True, "no-leak"): "wrong",
            (False, "no-leak"): "silent",
        }[found, label["label"]]
        counts[outcome] += 1
        if outcome in {"missed", "wrong"}:
            print(f"{outcome}: {label['file']}, {label['rule']}")
        if label["label"] == "no-leak" and (extra := sum(1 for _ in test_set_fitted.check(analysis))):
            print(f"beside the labels: {label['file']}, {extra} of test-set-fitted, a rule of its own")
    print(
        f"precision {counts['hits']}/{counts['hits'] + counts['wrong']}, "
        f"recall {counts['hits']}/{counts['hits'] + counts['missed']}, "
        f"silent where there is no leak {counts['silent']}/{counts['silent'] + counts['wrong']}"
    )


if __name__ == "__main__":
    main()
