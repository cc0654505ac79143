"""`make up`, from the checks to the address on the terminal; and the two servers, as the Procfile names them."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from honcho.environ import parse_procfile

from auditpanel import embedded
from auditpanel.config import Settings
from auditpanel.data_folder import held_folder
from auditpanel.embedded import Durability, EmbeddedServer
from auditpanel.errors import AuditpanelError, Unavailable
from auditpanel.running import START_TIMEOUT_S, ServerUrls, needed_servers
from auditpanel.serving.checks import check_surroundings
from auditpanel.serving.child import Kind, Program
from auditpanel.serving.supervisor import AskedToStop, Supervisor

# Before anything else uses the database.
PREPARE = Program("prepare", "flask --app wsgi prepare", Kind.STEP)
WEB_TIMEOUT_S = 60


def main(arguments: Sequence[str]) -> int:
    try:
        return _run(arguments)
    except AuditpanelError as error:
        print(f"auditpanel: {error}", file=sys.stderr)
        return 1


def _run(arguments: Sequence[str]) -> int:
    settings = Settings.from_environment(os.environ)
    match arguments:
        case ["up"]:
            _start_everything(settings)
            return 0
        case ["postgres", *options]:
            embedded.run_postgres(settings.data, Durability.NONE if "--durability=none" in options else Durability.FULL)
        case ["valkey", *_]:
            embedded.run_valkey(settings.data)
    print("usage: python -m auditpanel up | postgres | valkey", file=sys.stderr)
    return 2


def _start_everything(settings: Settings) -> None:
    servers = {server.name: server for server in needed_servers(settings)}
    programs = _read_procfile(Path("Procfile"), servers)
    with held_folder(settings.data):
        check_surroundings(settings)
        embedded.make_socket_folder(settings.data)
        supervisor = Supervisor([*programs, PREPARE], _child_environment(settings, os.environ))
        supervisor.stop_on_signals()
        try:
            _bring_up(supervisor, settings, programs, list(servers.values()))
            supervisor.run()
        except AskedToStop:
            supervisor.say("stopping")
        finally:
            supervisor.stop()


def _bring_up(supervisor: Supervisor, settings: Settings, programs: Sequence[Program], servers: Sequence[EmbeddedServer]) -> None:
    names = [server.name for server in servers]
    for name in names:
        supervisor.start(name)
    for server in servers:
        supervisor.wait_for(partial(server.answers, settings.data), needing=names, timeout_s=START_TIMEOUT_S)
    supervisor.run_step(PREPARE.name, needing=names)
    supervisor.start("web")
    supervisor.wait_for(partial(_web_answers, _address(settings)), needing=["web", *names], timeout_s=WEB_TIMEOUT_S)
    for program in programs:
        if program.kind is Kind.PROGRAM and program.name != "web":
            supervisor.start(program.name)
    supervisor.print_plain(f"\nAuditpanel runs on {_address(settings)}\nCtrl-C stops it\n")


def _read_procfile(path: Path, servers: Mapping[str, EmbeddedServer]) -> list[Program]:
    """Without the servers that are not needed."""
    try:
        commands: dict[str, str] = parse_procfile(path.read_text()).processes
    except FileNotFoundError as error:
        raise Unavailable(f"there is no {path.absolute()}: start in the folder of Auditpanel, with make up") from error
    unneeded = {embedded.POSTGRES.name, embedded.VALKEY.name} - servers.keys()
    return [_to_program(name, command, servers.get(name)) for name, command in commands.items() if name not in unneeded]


def _to_program(name: str, command: str, server: EmbeddedServer | None) -> Program:
    return Program(name, command) if server is None else Program(name, command, Kind.SERVER, server.stop_signal)


def _child_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    urls = ServerUrls.of(settings)
    return {
        **environ,
        # The programs of the Procfile are those of this environment, activated or not.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)]),
        "AUDITPANEL_DATA": str(settings.data),
        "DATABASE_URL": urls.database,
        "REDIS_URL": urls.redis,
        "PYTHONUNBUFFERED": "1",
    }


def _address(settings: Settings) -> str:
    """As a browser on this machine takes it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _web_answers(address: str) -> bool:
    # Past any proxy of the environment: it would not find this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/healthz", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
