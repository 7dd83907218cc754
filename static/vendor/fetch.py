"""Copy the pinned browser packages from npm into this folder.

For engineers only: the copies are committed and nothing here runs on a shop's machine.
Needs `npm` on the path. Each archive is checked against its sha512 before one file is taken from it;
source map comments are cut, because the hashed file storage refuses names that lead nowhere.
Writes the copies, `icons.svg`, `sha256.json` and the table of README.md.

    python static/vendor/fetch.py
"""

import base64
import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Package:
    """One npm package: its pin and the files taken from it (path in archive → name here)."""

    name: str
    version: str
    integrity: str
    licence: str
    files: dict[str, str]


PACKAGES = (
    Package(
        "@tabler/core",
        "1.6.1",
        "sha512-lgmR9gcxRp5JlLxcmRi9Rz85JrEvH6Bz71KnlcPVSa97wtwQNjgSs3g3fxwbAlulHyRMghhIV04QUuW3pqDsIg==",
        "MIT",
        {"dist/css/tabler.min.css": "tabler.min.css"},
    ),
    Package(
        "@tabler/icons",
        "3.51.0",
        "sha512-0pinvPZz7YeX+OSfxuEAbnEPWbocVXW5iU8h5lh41pYG8sZuQfpWECC980lxOT0clGIcNGn8xsBr+zKaRGdA/g==",
        "MIT",
        {"tabler-nodes-outline.json": "icons.svg"},
    ),
    Package(
        "htmx.org",
        "2.0.11",
        "sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        "0BSD",
        {"dist/htmx.min.js": "htmx.min.js"},
    ),
    Package(
        "idiomorph",
        "0.8.0",
        "sha512-R47JBL+6jHDQvcnbppIUtXXcxi5h6+wuCEEZXnRhUltsgzPFKzThL5PuHppP9ypJuy+7WawcY1TsSBD/iQbMhw==",
        "0BSD",
        {"dist/idiomorph-ext.min.js": "idiomorph-ext.min.js"},
    ),
    Package(
        "tinykeys",
        "3.1.0",
        "sha512-LyQgmvqSSCBzK6PJjDy1kJWlanBVY0LFnJtte3AzJfdoijCZ+nDWjT0GvJAoHI+LUiBGpQQfvRrRNmValIZQiw==",
        "MIT",
        {"dist/tinykeys.umd.js": "tinykeys.min.js"},
    ),
    Package(
        "echarts",
        "6.1.0",
        "sha512-q0yaFPggC9FUdsWH4blavRWFmxdrIodbkoKNAjJudAI6CA9gNPxHtV2RcZNEepZVlk4yvBYkOkbk6HIVpIyHZA==",
        "Apache-2.0",
        {"dist/echarts.common.min.js": "echarts.min.js"},
    ),
)

# Outline icons in the sprite; add a name and run this file again.
ICONS = """
adjustments alarm alert-circle alert-triangle archive arrow-back-up arrow-left arrow-right ban bell
bolt book box brightness-half bug bulb building-store calendar calendar-event calendar-time chart-bar chart-line check
checklist chevron-down chevron-left chevron-right chevron-up circle-check circle-dashed circle-x
clipboard-text clock coin command copy copy-check device-desktop device-mobile discount dots download edit
exclamation-circle external-link eye eye-off file-spreadsheet file-upload filter flag gift hand-stop
headset heart help-circle history home hourglass-high inbox info-circle key keyboard language
list-check list-details lock login logout mail message message-2 message-circle-question
message-report messages microphone minus mood-empty mood-sad mood-smile moon note notebook package
pencil phone phone-calling phone-call phone-check phone-off phone-outgoing phone-x photo player-pause
player-play plus power progress receipt-refund refresh repeat rotate scale search send settings
shield-exclamation shield-check shopping-cart sort-descending sparkles star sun sun-moon tag template
thumb-up thumb-down transfer trash trending-down trending-up truck truck-delivery upload user
user-check user-off user-plus user-question users world x
""".split()


def download(package: Package, folder: Path) -> dict[str, bytes]:
    """Return the wanted files of a package by archive path; raise ValueError on a wrong checksum."""
    spec = f"{package.name}@{package.version}"
    command = ["npm", "pack", "--json", "--pack-destination", str(folder), spec]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    entry = answer[0] if isinstance(answer, list) else next(iter(answer.values()))
    archive = (folder / entry["filename"].replace("@", "").replace("/", "-")).read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if digest != package.integrity:
        raise ValueError(f"{spec}: expected {package.integrity}, got {digest}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {path: tar.extractfile(f"package/{path}").read() for path in package.files}  # type: ignore[union-attr]


def shape(tag: str, attributes: dict[str, str]) -> str:
    """Return one SVG element, `key` (a build tool's own mark) left out."""
    pairs = " ".join(f'{key}="{value}"' for key, value in attributes.items() if key != "key")
    return f"<{tag} {pairs}/>"


def sprite(nodes: bytes) -> bytes:
    """Build the SVG sprite of ICONS from the package's node list; raise KeyError on an unknown name."""
    known = json.loads(nodes)
    symbols = []
    for name in sorted(set(ICONS)):
        shapes = "".join(shape(tag, attributes) for tag, attributes in known[name])
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def prepared(path: str, content: bytes) -> bytes:
    """Return the file as it is committed: the sprite built, or source map comments cut."""
    if path == "tabler-nodes-outline.json":
        return sprite(content)
    return re.sub(rb"\n?(//|/\*)[#@] sourceMappingURL=[^\n*]*(\*/)?", b"", content)


def main() -> None:
    """Fetch every package, write its files, the checksums and the table of the README."""
    sums: dict[str, str] = {}
    rows = ["| file | package | version | licence |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            for path, content in download(package, Path(folder)).items():
                name = package.files[path]
                data = prepared(path, content)
                (HERE / name).write_bytes(data)
                sums[name] = hashlib.sha256(data).hexdigest()
                rows.append(f"| `{name}` | {package.name} | {package.version} | {package.licence} |")
    (HERE / "sha256.json").write_text(json.dumps(sums, indent=1, sort_keys=True) + "\n")
    readme = (HERE / "README.md").read_text()
    head = readme.split("| file |")[0]
    (HERE / "README.md").write_text(head + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
