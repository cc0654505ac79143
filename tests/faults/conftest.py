from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.whole_panel import WholePanel


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-rounds", type=int, default=1, metavar="N", help="How often each process is killed; only with tests/faults.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault_round" in metafunc.fixturenames:
        # The default again: the option is not known where another folder was named.
        metafunc.parametrize("fault_round", range(metafunc.config.getoption("--fault-rounds", default=1)))


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholePanel]:
    """One for all tests of a module: each makes a project of its own."""
    panel = WholePanel(tmp_path_factory.mktemp("panel"))
    panel.start()
    yield panel
    panel.end()
