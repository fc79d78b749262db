"""The house's own rules, held over the tree: layers, letters, sizes, where SQL is and what it may say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
MODULES = sorted(SRC.rglob("*.py"))
STORE = SRC / "fairlead" / "store"
EMBEDDED = SRC / "fairlead" / "embedded"  # asks PostgreSQL about itself, never about the fleet
STATEMENTS = sorted((STORE / "sql").glob("*.sql"))
MIGRATIONS = sorted((STORE / "migrations").glob("*.sql"))
MOST_LINES = 600
LONG_STATEMENT = 14  # from here on a name alone does not say enough
CLOCKS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
BEGINS_SQL = re.compile(
    r"^\s*(select\b.*\bfrom\b|insert\s+into\b|update\s+\w+\s+set\b|delete\s+from\b)", re.IGNORECASE | re.DOTALL
)


def of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


def blocks(path: Path) -> Iterator[tuple[str, str]]:
    """Statements of a file by name, comments included."""
    parts = re.split(r"^-- name: (\w+)\s*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """Texts that a program uses: not its letters."""
    letters = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in letters:
            yield node


def test_the_import_contracts_hold(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    broken = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert broken == 0, capsys.readouterr().out


def test_every_module_opens_with_a_letter():
    assert len(MODULES) > 100
    silent = [of(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in MODULES} - {SRC}
    assert [of(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_no_file_is_too_long_to_read():
    long = {of(path): lines for path in MODULES if (lines := path.read_text(encoding="utf-8").count("\n")) > MOST_LINES}
    assert long == {}


def test_nothing_is_left_for_later():
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    found = [
        f"{of(path)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if later.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_statements_are_named_and_told(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- "), "the file says what it is for"
    found = list(blocks(path))
    assert found
    names = [name for name, _ in found]
    assert sorted(set(names)) == sorted(names), "one statement a name"
    head = text[: text.index("-- name: ")]
    assert without_comments(head).strip() == "", "nothing stands outside a named block"
    for name, block in found:
        sql = without_comments(block).strip().rstrip(";")
        assert sql, f"{name} is empty"
        assert ";" not in re.sub(r"'[^']*'", "", sql), f"{name} is more than one statement"
        if len(sql.splitlines()) >= LONG_STATEMENT:
            assert "--" in block, f"{name} is long and says nothing about itself"


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_every_statement_is_used(path):
    """A statement that nobody runs is one that nobody tests."""
    sources = "\n".join(module.read_text(encoding="utf-8") for module in STORE.glob("*.py"))
    tests = "\n".join(module.read_text(encoding="utf-8") for module in (ROOT / "tests").rglob("*.py"))
    unused = [name for name, _ in blocks(path) if not named_in(name, sources) and not named_in(name, tests)]
    assert unused == []


def named_in(name: str, sources: str) -> bool:
    if f'"{name}"' in sources:
        return True
    # put together from two halves: f"{kind}_counts", f"is_{key}"
    halves = [(name[:i], name[i:]) for i, letter in enumerate(name) if letter == "_"]
    return any(re.search(rf'"\{{[^}}]+\}}{re.escape(end)}[\w{{}}]*"', sources) for _, end in halves) or any(
        re.search(rf'"{re.escape(start)}_\{{[^}}]+\}}"', sources) for start, _ in halves
    )


def test_sql_never_asks_the_time():
    found = [
        f"{of(path)}: {match[0]}"
        for path in [*STATEMENTS, *MIGRATIONS]
        for match in CLOCKS.finditer(without_comments(path.read_text(encoding="utf-8")))
    ]
    assert found == []
    assert CLOCKS.search("where at < now()"), "the test would see it"


def test_sql_is_written_in_the_store_only():
    found = [
        f"{of(path)}:{text.lineno}"
        for path in MODULES
        if not {STORE, EMBEDDED} & set(path.parents)
        for text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if BEGINS_SQL.search(text.value)
    ]
    assert found == []


def test_migrations_are_numbered_without_gaps():
    named = re.compile(r"(\d{4})_[a-z_]+\.(pre|post)\.sql")
    numbers = []
    for path in MIGRATIONS:
        match = named.fullmatch(path.name)
        assert match, path.name
        numbers.append(int(match[1]))
        assert path.read_text(encoding="utf-8").startswith("-- "), f"{path.name} says what it is for"
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
