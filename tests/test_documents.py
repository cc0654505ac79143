"""The documents say what the code has: whoever adds a setting, a filter, a command, a module or a dependency describes it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

import pytest

from auditpanel import cli
from auditpanel.app import ROOT
from auditpanel.config import Settings
from auditpanel.filters import FilterSet
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.times import Edge, parse_typed

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "auditpanel/client/README.md")
# ARCHITECTURE.md's map is relative to the package.
FOLDERS = (ROOT, ROOT / "auditpanel")
CODE_BLOCK = re.compile(r"^```.*?^```$|^ {4}[^\n]*$", re.MULTILINE | re.DOTALL)
DATES_ROW = re.compile(r"^\| ([A-Z]\w+/\w+)?[^|]*\| `(2026[^`]+)`[^|]*\| ([^|]+)\| ([^|]+)\|$", re.MULTILINE)
PATH_NAMED = re.compile(r"`((?:\w[\w.-]*/)+|(?:\w[\w.-]*/)*\w[\w-]*\.(?:py|md|html|css|js|toml|txt|svg|png))`|\]\(((?!https?:)[^)#]+)")


class AskedFor(Mapping[str, str]):
    """An environment with nothing in it that keeps the names it is asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getitem__(self, name: str) -> str:
        self.names.append(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read(document: str) -> str:
    return (ROOT / document).read_text()


def first_cells(document: str) -> set[str]:
    """What stands in backticks in the first column of its tables."""
    rows = re.findall(r"^\| (.+?) \|", read(document), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def paths_named(document: str) -> Iterator[tuple[str, str]]:
    """Each with the folder whose row of a table it stands in, or an empty text."""
    for line in CODE_BLOCK.sub("", read(document)).splitlines():
        row = re.match(r"\| `([\w/]+/)` \|", line)
        for code, link in PATH_NAMED.findall(line):
            yield code or link, row[1] if row else ""


def exists(path: str, row_of: str) -> bool:
    return any((folder / row_of / path).exists() or (folder / path).exists() for folder in FOLDERS)


def packages_and_modules() -> set[str]:
    entries = (ROOT / "auditpanel").iterdir()
    return {f"{each.name}/" if each.is_dir() else each.name for each in entries if each.suffix == ".py" or (each / "__init__.py").exists()}


def direct_dependencies() -> set[str]:
    project = tomllib.loads(read("pyproject.toml"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return {re.split(r"[\[<>=!~; ]", each)[0] for each in wanted}


def test_the_readme_has_every_setting() -> None:
    environ = AskedFor()
    Settings.from_environment(environ)
    assert len(environ.names) > 5
    assert set(environ.names) - first_cells("README.md") == set()


def test_the_readme_has_every_filter() -> None:
    around_them = {"match", "range", "created_after", "created_before"}
    assert FilterSet.parse([(name, "") for name in around_them], LOG_FIELDS).conditions == ()
    assert (LOG_FIELDS.keys() | around_them) - first_cells("README.md") == set()


def test_each_date_of_the_readme_is_read_as_it_says() -> None:
    zone, checked = "", 0
    for named, typed, *expected in DATES_ROW.findall(read("README.md")):
        zone = named or zone
        for edge, words in zip(Edge, expected, strict=True):
            at = parse_typed(typed, ZoneInfo(zone), edge).at
            assert words.startswith(f"{at.day} {at:%b, %H:%M}"), (zone, typed, edge)
            checked += 1
    assert checked == 18


def test_the_readme_has_every_command() -> None:
    commands = {each.name for each in vars(cli).values() if isinstance(each, cli.PanelCommand)}
    assert len(commands) > 5
    assert commands - {cell.split()[0] for cell in first_cells("README.md")} == set()


def test_the_readme_has_every_target_of_make() -> None:
    targets = re.findall(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)[0].split()
    assert [target for target in targets if f"make {target}" not in read("README.md")] == []


def test_the_architecture_has_every_package_and_module() -> None:
    assert packages_and_modules() - first_cells("ARCHITECTURE.md") == set()


def test_the_architecture_has_every_direct_dependency() -> None:
    assert direct_dependencies() - first_cells("ARCHITECTURE.md") == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    assert [path for path, row_of in paths_named(document) if not exists(path, row_of)] == []


def test_the_screenshot_is_small_enough_for_a_page() -> None:
    assert (ROOT / "auditpanel/panel/static/readme/logs.png").stat().st_size < 150_000
