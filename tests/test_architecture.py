"""The house rules that a machine can hold: sizes, names, exports, docstrings, what may be imported at start."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import juyi

ROOT = Path(juyi.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in MODULES]
PACKAGES = [f"juyi.{module.name}" for module in pkgutil.iter_modules([str(ROOT)]) if module.ispkg and module.name != "cli"]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_files_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400
    for function in functions_of(path):
        assert function.end_lineno is not None
        assert function.end_lineno - function.lineno < 80, function.name
        body = function.body[1:] if ast.get_docstring(function) else function.body
        assert not body or (body[-1].end_lineno or 0) - body[0].lineno < 60, function.name


def test_files_are_small_on_average() -> None:
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES]
    assert sum(lengths) / len(lengths) < 150


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_names_say_what_is_inside(path: Path) -> None:
    assert not {*path.relative_to(ROOT).with_suffix("").parts} & {"utils", "util", "helpers", "common", "misc"}


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.parent.name != "cli"], ids=[n for n in NAMES if not n.startswith("cli/")]
)
def test_functions_take_few_arguments(path: Path) -> None:
    # The `simcse` tool's own signatures are kept as they are.
    for function in functions_of(path):
        names = [
            a.arg
            for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
            if a.arg not in ("self", "cls")
        ]
        assert len(names) <= 8, f"{function.name}: {names}"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_everything_public_is_documented(path: Path) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_export_what_they_say(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__ == sorted(package.__all__, key=lambda n: (n.islower(), n)) or sorted(package.__all__) == sorted(
        set(package.__all__)
    )
    for exported in package.__all__:
        assert getattr(package, exported) is not None


@pytest.mark.parametrize(
    "statement", ["import juyi", "import juyi.cli.main as m; m.cli.make_context('juyi', ['--version'], resilient_parsing=True)"]
)
def test_the_start_needs_neither_torch_nor_transformers(statement: str) -> None:
    code = f"{statement}; import sys; print([m for m in ('torch', 'transformers', 'onnxruntime', 'rich') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    "name", ["metrics", "data", "tasks", "index", "types", "tokenization", "layout", "hub", "engines", "augmentation"]
)
def test_evaluation_and_search_need_no_torch(name: str) -> None:
    code = f"import juyi.{name}, sys; print('torch' in sys.modules, 'transformers' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False False"
    )


def test_the_exception_tree_has_one_root() -> None:
    from juyi import errors

    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert all(issubclass(kind, errors.JuyiError) for kind in kinds)


def test_every_command_is_listed_and_has_help() -> None:
    from juyi.cli.main import COMMANDS

    files = {
        path.stem for path in (ROOT / "cli").glob("*.py") if "\ncommand" in path.read_text() or "def command(" in path.read_text()
    }
    assert files == set(COMMANDS)
    for name in COMMANDS:
        command = importlib.import_module(f"juyi.cli.{name}").command
        assert command.help
        for child in getattr(command, "commands", {}).values():
            assert child.help
            assert all(getattr(option, "help", "given") for option in child.params if option.param_type_name == "option")
