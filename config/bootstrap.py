"""Make `.venv` and keep it in step with the requirements. Standard library only.

Run by make before any package is there: `python3 -I config/bootstrap.py [tests]`. Without an
argument it installs requirements.txt, with `tests` also tests/requirements.txt. A stamp inside
`.venv` holds the hash of what was installed, so a second run does nothing; an installation that
was interrupted is made anew. Uses uv when it is on PATH, else venv and pip.
Exit status 1 with one plain sentence when something is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
VENV = BASE / ".venv"
PYTHON = VENV / "bin" / "python"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
UNFINISHED = VENV / ".unfinished"
GROUPS = {
    "run": ["requirements.txt"],
    "tests": ["requirements.txt", "tests/requirements.txt"],
}


def fail(sentence: str) -> None:
    sys.exit(f"make: {sentence}")


def fingerprint(group: str) -> str:
    """Hash of the requirement files of a group: what its stamp must hold."""
    digest = hashlib.sha256()
    for name in GROUPS[group]:
        digest.update((BASE / name).read_bytes())
    return digest.hexdigest()


def stamp(group: str) -> Path:
    return VENV / f".installed-{group}"


def is_current(group: str) -> bool:
    if UNFINISHED.exists() or not stamp(group).exists() or not works(PYTHON):
        return False
    return stamp(group).read_text() == fingerprint(group)


def works(python: Path) -> bool:
    """True when the interpreter starts and is new enough (a copied or outdated .venv is not)."""
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        done = subprocess.run([str(python), "-c", check], capture_output=True)  # noqa: S603
    except OSError:
        return False
    return done.returncode == 0


def run(*command: str | Path) -> bool:
    return subprocess.run([str(part) for part in command], cwd=BASE).returncode == 0  # noqa: S603


def has(python: str | Path, module: str) -> bool:
    return run(python, "-c", f"import importlib.util as u, sys; sys.exit(not u.find_spec('{module}'))")


def install_debian_package(package: str) -> bool:
    """True when we may install packages on this machine, and this one now is there."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    return run("apt-get", "-qq", "update") and run("apt-get", "-qq", "install", "-y", package)


def create_with_venv() -> None:
    package = f"python{VERSION}-venv"
    # Debian leaves ensurepip out of its python3.
    if not has(sys.executable, "ensurepip") and not install_debian_package(package):
        fail(
            f"this Python has no venv. On Debian or Ubuntu: apt install {package}; or put uv on PATH. "
            f"(缺少 venv 模块，请先安装 {package} 或 uv)"
        )
    if not run(sys.executable, "-m", "venv", "--clear", VENV):
        fail(f"could not create .venv with {sys.executable}.")


def ensure_venv(uv: str | None) -> None:
    """Have a whole `.venv`, made by uv where it can."""
    if UNFINISHED.exists() or not works(PYTHON):
        shutil.rmtree(VENV, ignore_errors=True)
    if PYTHON.exists():
        return
    print(f"Creating .venv with Python {VERSION} ...", flush=True)
    if not (uv and run(uv, "venv", "--quiet", "--python", sys.executable, VENV)):
        create_with_venv()


def install(group: str, uv: str | None) -> None:
    requirements = GROUPS[group][-1]
    print(f"Installing {requirements} ...", flush=True)
    if uv and run(uv, "pip", "install", "--quiet", "--python", PYTHON, "-r", requirements):
        return
    if uv:
        # pip may know a package index that uv is not told of.
        print("uv could not install them; trying pip ...", flush=True)
    if not has(PYTHON, "pip"):  # uv leaves it out
        create_with_venv()
    # Twice quiet: its words about a slow or partial index are of no use here, errors are shown.
    if not run(PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", requirements):
        fail(f"could not install {requirements}; see pip's words above. (依赖安装失败)")


def main(group: str) -> None:
    if is_current(group):
        return
    os.environ.pop("VIRTUAL_ENV", None)
    os.environ.pop("PYTHONHOME", None)
    uv = shutil.which("uv")
    ensure_venv(uv)
    UNFINISHED.touch()
    install(group, uv)
    for name in GROUPS if group == "tests" else ["run"]:
        stamp(name).write_text(fingerprint(name))
    UNFINISHED.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        main("tests" if "tests" in sys.argv[1:] else "run")
    except KeyboardInterrupt:
        fail("stopped; run it again to go on.")
