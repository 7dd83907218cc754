"""Find a chromium for the browser tests, or bring one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.servers import Missing

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LAUNCH_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEBIAN_PACKAGES = ["chromium", "fonts-noto-cjk"]  # the second for Chinese in screenshots


def find_chromium() -> Path:
    """The machine's chromium, else the one Playwright installed. Raises Missing."""
    for name in NAMES:
        path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
        if path:
            return Path(path)
    own = playwrights_own()
    if own.exists():
        return own
    raise Missing("chromium: none found. `make test` brings one; or install the package chromium.")


def playwrights_own() -> Path:
    """Where Playwright keeps its chromium, installed or not. Asked in a process of its own."""
    code = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def bring_chromium() -> Path:
    """Find a chromium or install one: Debian's package when root, else Playwright's. Raises Missing."""
    try:
        return find_chromium()
    except Missing:
        pass
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
        subprocess.run([*quiet, "update"], env=env)
        subprocess.run([*quiet, "install", "-y", "--no-install-recommends", *DEBIAN_PACKAGES], env=env)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    try:
        return find_chromium()
    except Missing:
        raise Missing("chromium: not on this machine, and it could not be installed (see above).") from None
