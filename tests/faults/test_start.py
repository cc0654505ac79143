from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from auditpanel.config import Settings
from auditpanel.embedded import postgres_answers, valkey_answers
from auditpanel.errors import InvalidInput, Unavailable
from auditpanel.running import running_servers
from auditpanel.serving.checks import check_address, check_postgres_version
from tests.faults.started_panel import StartedPanel, wait_for
from tests.servers import start_servers

pytestmark = pytest.mark.timeout(120)

Start = Callable[..., StartedPanel]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a panel in the test's folder; the keywords go to its environment."""
    panels: list[StartedPanel] = []

    def _start(**environ: str) -> StartedPanel:
        panels.append(StartedPanel(tmp_path / "panel", **environ))
        return panels[-1]

    yield _start
    for panel in panels:
        panel.end()


def refusal(panel: StartedPanel) -> str:
    """The one line that a start which cannot be ends with."""
    assert panel.wait_until_it_ends() == 1
    lines = panel.terminal.strip().splitlines()
    assert len(lines) == 1, panel.terminal
    return lines[0]


def test_ctrl_c_stops_every_process_and_the_database_cleanly(start: Start) -> None:
    panel = start().wait_until_it_runs()
    processes = panel.descendants()
    assert panel.get("/starts") == "1"
    assert panel.press_ctrl_c() == 0
    assert "database system is shut down" in panel.terminal
    assert "Traceback" not in panel.terminal
    assert "killed" not in panel.terminal
    assert psutil.wait_procs(processes, timeout=1)[1] == []


def test_the_terminal_shows_the_account_and_then_the_address(start: Start) -> None:
    panel = start().wait_until_it_runs()
    lines = panel.terminal.splitlines()
    assert lines.index("user: admin@localhost") < lines.index(f"Auditpanel runs on http://127.0.0.1:{panel.port}")


def test_a_second_start_finds_everything_again(start: Start) -> None:
    start().wait_until_it_runs().press_ctrl_c()
    assert start().wait_until_it_runs().get("/starts") == "2"


def test_a_start_after_a_power_cut_finds_everything_again(start: Start) -> None:
    panel = start().wait_until_it_runs()
    panel.cut_the_power()
    assert start(PORT=str(panel.port)).wait_until_it_runs().get("/starts") == "2"


def test_a_pid_file_that_names_somebody_elses_process_does_not_stop_a_start(start: Start, tmp_path: Path) -> None:
    start().wait_until_it_runs().cut_the_power()
    pid_file = tmp_path / "panel/instance/postgres/postmaster.pid"
    owner = pid_file.stat().st_uid if os.geteuid() == 0 else None
    # PostgreSQL takes any process of its own user for a server.
    with subprocess.Popen(["sleep", "60"], user=owner) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *pid_file.read_text().splitlines()[1:], ""]))
        try:
            assert start().wait_until_it_runs().get("/starts") == "2"
        finally:
            stranger.kill()


def test_nothing_outlives_a_killed_supervisor_and_the_database_ends_cleanly(start: Start) -> None:
    panel = start().wait_until_it_runs()
    processes = panel.descendants()
    panel.process.kill()
    assert psutil.wait_procs(processes, timeout=15)[1] == []
    again = start(PORT=str(panel.port)).wait_until_it_runs()
    assert "database system was shut down at" in again.terminal


def test_a_start_while_the_last_ones_servers_still_stop_waits_for_them(start: Start) -> None:
    panel = start().wait_until_it_runs()
    panel.process.kill()
    assert start().wait_until_it_runs().get("/starts") == "2"


@pytest.mark.parametrize("program", ["gunicorn", "postgres", "valkey"])
def test_a_program_that_dies_is_started_again(start: Start, program: str) -> None:
    panel = start().wait_until_it_runs()
    killed = panel.find(program)
    killed.kill()
    wait_for(lambda: "was ended by SIGKILL: starting it again" in panel.terminal)

    def _is_back() -> bool:
        with suppress(AssertionError, psutil.NoSuchProcess):
            return panel.find(program).pid != killed.pid and panel.answers("/starts")
        return False

    wait_for(_is_back)
    assert panel.press_ctrl_c() == 0


def test_a_data_folder_too_deep_for_a_socket_works_also_after_a_power_cut(start: Start, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / "a folder with spaces" / "instance"
    start(AUDITPANEL_DATA=str(deep)).wait_until_it_runs().cut_the_power()
    panel = start(AUDITPANEL_DATA=str(deep)).wait_until_it_runs()
    assert panel.get("/starts") == "2"
    panel.press_ctrl_c()


def test_a_swept_away_socket_folder_is_made_again(start: Start, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    start(AUDITPANEL_DATA=str(deep)).wait_until_it_runs().cut_the_power()
    sockets = Path((deep / "run.path").read_text())
    for path in sockets.iterdir():
        path.unlink()
    sockets.rmdir()
    assert start(AUDITPANEL_DATA=str(deep)).wait_until_it_runs().get("/starts") == "2"
    assert sockets.is_dir()


def test_a_given_database_and_redis_are_used_and_none_is_started(start: Start, tmp_path: Path) -> None:
    database, redis, stop = start_servers(tmp_path / "elsewhere")
    try:
        panel = start(DATABASE_URL=database, REDIS_URL=redis).wait_until_it_runs()
        assert panel.get("/starts") == "1"
        assert {child.name() for child in panel.descendants()}.isdisjoint({"postgres", "valkey-server"})
        panel.press_ctrl_c()
    finally:
        stop()


def test_a_taken_port_is_said_in_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal(start(PORT=str(port)))
    assert line == f"auditpanel: port {port} is taken on 127.0.0.1: stop what uses it, or choose another with PORT=8001"


def test_an_unwritable_data_folder_is_said_in_one_line(start: Start, tmp_path: Path) -> None:
    # Root may write everywhere, but not below a file.
    (tmp_path / "file").touch()
    line = refusal(start(AUDITPANEL_DATA=str(tmp_path / "file" / "instance")))
    assert f"the data folder {tmp_path}/file/instance cannot be written (Not a directory)" in line
    assert "AUDITPANEL_DATA" in line


def test_a_data_folder_in_use_is_said_in_one_line(start: Start) -> None:
    first = start().wait_until_it_runs()
    line = refusal(start())
    assert f"is in use by process {first.process.pid}: stop that, or choose another folder with AUDITPANEL_DATA" in line
    assert first.get("/starts") == "1"


@pytest.mark.parametrize(
    ("name", "url"), [("DATABASE_URL", "postgresql://ann:hush@127.0.0.1:1/panel"), ("REDIS_URL", "redis://ann:hush@127.0.0.1:1/0")]
)
def test_a_server_that_cannot_be_reached_is_said_in_one_line_without_its_password(start: Start, name: str, url: str) -> None:
    line = refusal(start(**{name: url}))
    assert line.startswith(f"auditpanel: {name}: ")
    assert "cannot be reached" in line
    assert "hush" not in line


def test_a_bad_port_is_said_in_one_line(start: Start) -> None:
    assert refusal(start(PORT="99999")).startswith('auditpanel: PORT: "99999" is not')


def test_a_step_that_fails_stops_what_was_started(start: Start) -> None:
    panel = start(PREPARE_FAILS="1")
    assert panel.wait_until_it_ends() == 1
    assert panel.terminal.splitlines()[-1] == "auditpanel: prepare ended with code 3; the reason stands above"
    assert "database system is shut down" in panel.terminal


@pytest.mark.parametrize("version", [90_624, 140_009, 149_999])
def test_a_database_older_than_15_is_refused(version: int) -> None:
    with pytest.raises(Unavailable, match="is too old: use 15 or newer"):
        check_postgres_version(version)


def test_a_database_of_version_15_is_taken() -> None:
    check_postgres_version(150_000)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"HOST: .* is not an address of this machine"):
        check_address("192.0.2.1", 8000)


def test_a_command_starts_the_servers_for_itself_and_stops_them(tmp_path: Path) -> None:
    settings = Settings.from_environment({"AUDITPANEL_DATA": str(tmp_path)})
    with running_servers(settings) as urls:
        assert "postgresql+psycopg://" in urls.database
        assert urls.redis.startswith("unix://")
        assert postgres_answers(tmp_path)
        assert valkey_answers(tmp_path)
        with running_servers(settings) as others:
            assert others == urls
        assert postgres_answers(tmp_path)
    assert not postgres_answers(tmp_path)
    assert not valkey_answers(tmp_path)


def test_a_command_uses_the_servers_of_the_running_panel(start: Start, tmp_path: Path) -> None:
    panel = start().wait_until_it_runs()
    with running_servers(Settings.from_environment({"AUDITPANEL_DATA": str(tmp_path / "panel/instance")})):
        pass
    assert panel.get("/starts") == "1"


def test_a_start_beside_a_command_that_runs_its_own_servers_is_refused(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_servers(Settings.from_environment({"AUDITPANEL_DATA": str(data)})):
        assert f"is in use by process {os.getpid()}" in refusal(start(AUDITPANEL_DATA=str(data)))
