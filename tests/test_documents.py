"""The documents say what the code has: whoever adds a setting, a filter, a command, a module or a dependency describes it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from auditpanel import api, cli
from auditpanel.app import ROOT
from auditpanel.catalogue.columns import FIELDS
from auditpanel.catalogue.metadata_schemas import TYPES
from auditpanel.catalogue.refused_csv import LINE, REASON
from auditpanel.cli import webhooks as webhook_commands
from auditpanel.cli.command import PanelCommand
from auditpanel.config import Settings
from auditpanel.filters import FilterSet
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.values import TaskStatus, TaskType
from auditpanel.times import Edge, parse_typed

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "auditpanel/client/README.md")
# ARCHITECTURE.md's map is relative to the package.
FOLDERS = (ROOT, ROOT / "auditpanel")
CODE_BLOCK = re.compile(r"^```.*?^```$|^ {4}[^\n]*$", re.MULTILINE | re.DOTALL)
DATES_ROW = re.compile(r"^\| ([A-Z]\w+/\w+)?[^|]*\| `(2026[^`]+)`[^|]*\| ([^|]+)\| ([^|]+)\|$", re.MULTILINE)
ROUTE_NAMED = re.compile(r"`(GET|POST|PUT|DELETE) (/v1/[^`?]+)`")
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


def packages_in_packages() -> set[str]:
    """As `catalogue/operations/`."""
    folders = (each.parent.relative_to(ROOT / "auditpanel") for each in (ROOT / "auditpanel").rglob("__init__.py"))
    return {f"{folder}/" for folder in folders if len(folder.parts) > 1}


def routes() -> set[tuple[str, str]]:
    """Of the API, with nothing in the braces."""
    app = Flask("routes")
    api.register(app)
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1/")]
    return {(method, re.sub("<.+?>", "{}", rule.rule)) for rule in rules for method in rule.methods or ()}


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


def test_the_readme_has_every_filter_of_background_tasks() -> None:
    assert TASK_FIELDS.keys() - first_cells("README.md") == set()
    assert [status for status in TaskStatus if f"`{status}`" not in read("README.md")] == []


def test_the_readme_has_every_type_of_background_task() -> None:
    assert [type_ for type_ in TaskType if f"| `{type_}` | {type_.label} |" not in read("README.md")] == []


def test_the_readme_has_every_kind_of_thing_in_the_api() -> None:
    kinds = {path.split("/")[2] for _, path in routes()}
    told = {path.split("/")[2] for cell in first_cells("README.md") if (path := cell.split()[-1]).startswith("/v1/")}
    assert len(kinds) > 5
    assert kinds - told == set()


def test_every_route_that_the_readme_names_exists() -> None:
    named = {(method, re.sub("{.+?}", "{}", path)) for method, path in ROUTE_NAMED.findall(read("README.md"))}
    assert len(named) > 15
    assert named - routes() == set()


def test_the_readme_has_every_column_of_the_templates_and_type_of_metadata() -> None:
    headers = [field.headers[0] for fields in FIELDS.values() for field in fields]
    assert [name for name in (*headers, *TYPES, LINE, REASON) if f"`{name}`" not in read("README.md")] == []


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
    modules = (cli, webhook_commands)
    commands = {each.name for module in modules for each in vars(module).values() if isinstance(each, PanelCommand)}
    assert len(commands) > 10
    assert commands - {cell.split()[0] for cell in first_cells("README.md")} == set()


def test_the_readme_has_every_target_of_make() -> None:
    targets = re.findall(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)[0].split()
    assert [target for target in targets if f"make {target}" not in read("README.md")] == []


def test_the_architecture_has_every_package_and_module() -> None:
    assert packages_and_modules() - first_cells("ARCHITECTURE.md") == set()


def test_the_architecture_has_every_package_in_a_package_and_every_job() -> None:
    inner, jobs = packages_in_packages(), {each.name for each in (ROOT / "jobs").glob("[a-z]*.py")}
    assert "catalogue/operations/" in inner
    named = {name for path, row_of in paths_named("ARCHITECTURE.md") for name in (path, f"{row_of}{path}")}
    assert (inner | jobs) - named == set()


def test_the_architecture_has_every_direct_dependency() -> None:
    assert direct_dependencies() - first_cells("ARCHITECTURE.md") == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    assert [path for path, row_of in paths_named(document) if not exists(path, row_of)] == []


def test_the_screenshot_is_small_enough_for_a_page() -> None:
    assert (ROOT / "auditpanel/panel/static/readme/logs.png").stat().st_size < 150_000
