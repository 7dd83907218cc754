"""From files to one sealed ZIP. Pure: the same files give the same bytes."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from callbacks.evidence import verify

REPORT, VERIFIER, README = "report.pdf", "verify.py", "README.txt"

_README_TEXT = """证据包说明

report.pdf      报告，首页印有清单指纹
manifest.json   每个原始记录文件的 SHA-256
seal.json       报告、清单和核对程序自身的 SHA-256
verify.py       离线核对：python3 verify.py 证据包.zip（连 ZIP 本身一起核对）；解压后：python3 verify.py

其余文件是记录原文。姓名、电话、地址已按最小必要原则遮盖。
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    content: bytes
    manifest_sha256: str
    zip_sha256: str
    paths: tuple[str, ...]


def seal_pack(files: Mapping[str, bytes], about: Mapping[str, str], report: Callable[[str], bytes]) -> Sealed:
    """List the files with their hashes, have the report printed with the list's own, seal it all.

    `report` makes the PDF from the manifest's hash.
    """
    manifest = verify.canonical({"format": 1, "about": dict(about), "files": _rows(files)})
    fingerprint = hashlib.sha256(manifest).hexdigest()
    around = {
        verify.MANIFEST: manifest,
        REPORT: report(fingerprint),
        VERIFIER: Path(verify.__file__).read_bytes(),
        README: _README_TEXT.encode(),
    }
    seal = verify.canonical({"format": 1, "manifest_sha256": fingerprint, "files": _rows(around)})
    everything = {**files, **around, verify.SEAL: seal}
    content = verify.zipped(everything)
    digest = hashlib.sha256(content).hexdigest()
    return Sealed(content, fingerprint, digest, tuple(sorted(everything)))


def _rows(files: Mapping[str, bytes]) -> list[dict[str, object]]:
    return [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(files.items())
    ]
