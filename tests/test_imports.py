"""Who may know whom: the direction of imports, read from the source of every module."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "rhythmic_foley"

# Room (a folder, or a module beside the folders) -> rooms it may import, at the top of a file or inside a function.
# Imports for type checkers only are free.
BASE = {"errors", "lazy", "values", "runtime", "audio", "media"}
STUDIO = BASE | {"schedulers", "models", "vision", "describe", "library", "pipeline", "studio"}
ALLOWED = {
    "errors": set(),
    "lazy": set(),
    "schedulers": set(),
    "values": {"errors"},
    "runtime": {"errors"},
    "audio": {"errors", "lazy", "values", "runtime"},
    "media": {"errors", "lazy", "values", "runtime", "audio"},
    "models": {"errors", "audio"},
    "library": {"errors", "lazy", "values", "runtime", "audio", "models"},
    "weights": {"errors", "models", "schedulers"},
    "vision": {"errors", "values", "models"},
    "describe": {"errors", "values", "models"},
    "pipeline": {"errors", "lazy", "values", "runtime", "audio", "models", "schedulers"},
    "studio": STUDIO - {"schedulers"},
    "export": BASE - {"lazy"} | {"studio"},
    "integrations": {"errors", "values", "audio", "media", "studio", "export"},
    "cluster": {"errors", "values", "studio"},
    "training": STUDIO | {"cluster", "weights"},
    "evaluation": STUDIO | {"export", "cluster", "weights", "training"},
    "ui": BASE | {"vision", "library", "pipeline", "studio", "export"},
    "arguments": {"errors"},
    "cli": {
        "",
        "arguments",
        "errors",
        "values",
        "runtime",
        "library",
        "pipeline",
        "studio",
        "export",
        "integrations",
        "cluster",
    }
    | {"training", "evaluation", "weights", "ui"},
    "__main__": {"cli"},
    "": {"lazy"},
}
# What `models` may use from outside: networks only, nothing that reads or writes.
FOR_NETWORKS = {
    "torch",
    "diffusers",
    "transformers",
    "numpy",
    "math",
    "typing",
    "dataclasses",
    "collections",
    "functools",
}
# Mini-Gemini is published in a folder layout that no library reads, so its network reads that folder itself, as the
# libraries' own networks do with theirs.
FOR_MINI_GEMINI = {"json", "pathlib", "pickle", "re", "PIL", "safetensors", "zipfile"}
# The base of the small networks reads and writes a folder as diffusers' base does, which takes long to import.
FOR_STORED = {"json", "pathlib", "safetensors", "inspect", "types"}


def runtime_imports(tree: ast.AST) -> Iterator[str]:
    """Full names of imported modules, without those below `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that they can be read"
            # `from rhythmic_foley import cli` names the module after the import.
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == PACKAGE.name else []
            yield from names or [str(node.module)]
        yield from runtime_imports(node)


def part_of(module: str) -> str:
    """The part a module of the package belongs to: "models" for rhythmic_foley.models.yamnet, "" for the package."""
    part = (module.split(".") + [""])[1]
    return "" if part.startswith("__version") else part


def broken_rules(part: str, source: str, more: frozenset[str] = frozenset()) -> list[str]:
    """What `source`, as a file of `part`, imports without being allowed to; `more` are modules from outside."""
    modules = set(runtime_imports(ast.parse(source)))
    inside = {module for module in modules if module.split(".")[0] == PACKAGE.name}
    broken = [module for module in inside if part_of(module) not in ALLOWED[part] | {part}]
    if part == "models":
        allowed = FOR_NETWORKS | {"__future__"} | more
        broken += [module for module in modules - inside if module.split(".")[0] not in allowed]
    return sorted(broken)


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path):
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py").replace("__init__", "")
    assert part in ALLOWED, f"{part} is new: give it a row in ALLOWED"
    reads = FOR_MINI_GEMINI if path.parent.name == "mini_gemini" else FOR_STORED if path.name == "stored.py" else ()
    more = frozenset(reads)
    assert broken_rules(part, path.read_text(encoding="utf-8"), more) == []


@pytest.mark.parametrize(
    ("part", "source", "broken"),
    [
        ("values", "from rhythmic_foley.audio.mel import HOP", ["rhythmic_foley.audio.mel"]),
        ("values", "def f():\n    import rhythmic_foley.models.yamnet", ["rhythmic_foley.models.yamnet"]),
        ("studio", "from rhythmic_foley import ui", ["rhythmic_foley.ui"]),
        ("ui", "from rhythmic_foley.cluster.ray_tasks import spread", ["rhythmic_foley.cluster.ray_tasks"]),
        ("models", "import torch\nimport av\nfrom pathlib import Path", ["av", "pathlib"]),
        (
            "ui",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rhythmic_foley.media import ClipInfo",
            [],
        ),
        ("models", "from rhythmic_foley.models.yamnet import Yamnet", []),
    ],
)
def test_the_rules_are_noticed(part, source, broken):
    assert broken_rules(part, source) == broken


def test_app_py_only_opens_the_app():
    app = (PACKAGE.parent / "app.py").read_text(encoding="utf-8")
    inside = {part_of(name) for name in runtime_imports(ast.parse(app)) if name.startswith(PACKAGE.name)}
    assert inside <= {"studio", "ui", "errors"}


@pytest.mark.parametrize("module", ["values.onsets", "values.events", "values.windows", "cli"])
def test_value_types_load_in_a_blink(module):
    heavy = ("torch", "librosa", "scipy", "cv2", "av", "gradio", "diffusers", "transformers", "matplotlib")
    code = f"import sys, rhythmic_foley.{module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "[]"


def test_requirements_are_what_is_imported():
    """No dependency that nothing uses, no import that only another package happens to bring along."""
    names = {"opencv-python-headless": "cv2", "pillow": "PIL"}
    lines = (PACKAGE.parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = {re.split(r"[<>=]", line)[0] for line in lines if line and not line.startswith("#")}
    sources = [*SOURCES, PACKAGE.parent / "app.py"]
    imported = {
        name.split(".")[0] for path in sources for name in runtime_imports(ast.parse(path.read_text(encoding="utf-8")))
    }
    outside = imported - set(sys.stdlib_module_names) - {PACKAGE.name}
    assert {names.get(name, name) for name in listed} == outside
