"""The house rules that a machine can hold: sizes, names, exports, docstrings, what may be imported at start."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import grimp
import pytest

import juyi

ROOT = Path(juyi.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in MODULES]
PACKAGES = [f"juyi.{module.name}" for module in pkgutil.iter_modules([str(ROOT)]) if module.ispkg and module.name != "cli"]

BENCHMARKS = sorted((ROOT.parents[1] / "benchmarks").rglob("*.py"))
FLOORS = [
    "cli",
    "server distributed",
    "adaptation reproduction",
    "report",
    "experiments applications compatibility",
    "evaluation",
    "training suites labelling",
    "tasks embedding_files",
    "objectives engines postprocessing baselines index teachers",
    "encoder augmentation",
    "data",
    "layout",
    "bare_folders",
    "losses poolings tokenization metrics",
    "hub",
    "provenance similarity_settings calibration tables",
    "declarations embeddings prompts assets atomic caches extras locks language processes",
    "types",
    "errors",
]
"""From the top down; what stands on one floor knows nothing of its neighbours. Some rooms are not built yet."""


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


def floor_of(module: str) -> int:
    room = module.split(".")[1]
    return next(number for number, rooms in enumerate(reversed(FLOORS)) if room in rooms.split())


@pytest.fixture(scope="module")
def imports() -> set[tuple[str, str]]:
    """Who imports whom among the modules, imports within functions and for the type checker included."""
    graph = grimp.build_graph("juyi")
    return {(module, imported) for module in graph.modules for imported in graph.find_modules_directly_imported_by(module)}


def test_imports_go_down(imports: set[tuple[str, str]]) -> None:
    within = {(importer, imported) for importer, imported in imports if "juyi" not in (importer, imported)}
    upward = [
        (importer, imported)
        for importer, imported in within
        if importer.split(".")[1] != imported.split(".")[1] and floor_of(importer) <= floor_of(imported)
    ]
    assert not upward
    assert len(within) > 500


def test_the_linter_knows_the_same_floors() -> None:
    settings = tomllib.loads((ROOT.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = [layer.replace("juyi.", "").split(" | ") for layer in settings["contracts"][0]["layers"]]
    there = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert layers == [rooms for floor in FLOORS if (rooms := [room for room in floor.split() if room in there])]


def test_no_import_leads_back_to_where_it_came_from(imports: set[tuple[str, str]]) -> None:
    """No cycle among modules; what a module has to do with the package around it, the next test says."""
    remaining = {
        (importer, imported)
        for importer, imported in imports
        if not importer.startswith(f"{imported}.") and imported != "juyi" and importer != "juyi"
    }
    while remaining:
        importers, imported = {a for a, _ in remaining}, {b for _, b in remaining}
        fewer = {(a, b) for a, b in remaining if b in importers and a in imported}
        assert fewer != remaining, sorted(fewer)
        remaining = fewer


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_no_module_imports_its_own_package(path: Path) -> None:
    """Whoever imports the package he is part of depends on the order in which its `__init__` imports."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    package = ".".join(("juyi", *parts[:-1]))
    if len(parts) == 1 or parts[-1] == "__init__":
        return
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            modules = {child.stem for child in path.parent.iterdir()}
            assert {alias.name for alias in node.names} <= modules, ast.unparse(node)


@pytest.mark.parametrize("path", BENCHMARKS, ids=[path.name for path in BENCHMARKS])
def test_benchmarks_measure_with_the_library(path: Path) -> None:
    """They import nothing from the command line, and define no candidate, score, label, table or difference of their own."""
    tree = tree_of(path)
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert not [module for module in modules if module.startswith("juyi.cli")]
    names = {node.name.lower() for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    words = ("candidate", "bootstrap", "score", "label", "difference", "interval", "comparison", "verdict")
    assert not [name for name in names if name.strip("_").endswith(words)]
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if path.name != "interval_levels.py":  # whose matter is other ways to an interval
        assert not called & {"quantile", "percentile"}


def public_names(module: ModuleType) -> set[str]:
    """What a stranger finds in a package: everything without an underscore that is no module."""
    return {name for name in dir(module) if not name.startswith("_") and not isinstance(getattr(module, name), ModuleType)}


@pytest.mark.parametrize("name", ["juyi", *PACKAGES])
def test_what_is_public_is_what_is_exported(name: str) -> None:
    package = importlib.import_module(name)
    assert len(package.__all__) == len(set(package.__all__))
    exported = {each for each in package.__all__ if not each.startswith("_")}
    for each in exported:
        assert getattr(package, each) is not None
    assert public_names(package) - {"annotations", "TYPE_CHECKING", "Any"} == exported


def test_juyi_offers_what_a_program_needs_and_imports_it_when_it_is_used() -> None:
    names = {"Encoder", "SimCSE", "adapt", "compare", "encode", "evaluate", "load_encoder"}
    assert names <= set(dir(juyi)) and set(dir(juyi)) == set(juyi.__all__)


@pytest.mark.parametrize(
    "statement", ["import juyi", "import juyi.cli.main as m; m.cli.make_context('juyi', ['--version'], resilient_parsing=True)"]
)
def test_the_start_needs_neither_torch_nor_transformers(statement: str) -> None:
    code = f"{statement}; import sys; print([m for m in ('torch', 'transformers', 'onnxruntime', 'rich') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    "name",
    [
        "metrics",
        "data",
        "tasks",
        "suites",
        "evaluation",
        "index",
        "types",
        "tokenization",
        "layout",
        "hub",
        "engines",
        "augmentation",
    ],
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
