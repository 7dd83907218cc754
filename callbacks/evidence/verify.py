"""核对证据包：任何一个字节被改过都会报出来。只需要 Python 3.9 以上，不联网。

python3 verify.py            （在解压后的文件夹里）
python3 verify.py 证据包.zip
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

THEN = (1980, 1, 1, 0, 0, 0)  # a file's time in the ZIP: when it was packed is no evidence
MANIFEST, SEAL = "manifest.json", "seal.json"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: object) -> bytes:
    """The only way a list of files is written: a changed blank is a changed byte."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8")


def problems(files: dict[str, bytes]) -> list[str]:
    """What is wrong with these files ({path: bytes}), in words; empty when nothing is."""
    found: list[str] = []
    listed = {SEAL}
    for name in (SEAL, MANIFEST):
        if name not in files:
            return [f"缺少 {name}，无法核对"]
        try:
            value = json.loads(files[name].decode("utf-8"))
            rows = [(row["path"], row["size"], row["sha256"]) for row in value["files"]]
        except (ValueError, KeyError, TypeError):
            return [f"{name} 已被改动，无法读取"]
        if canonical(value) != files[name]:
            found.append(f"{name} 已被改动")
        for path, size, wanted in rows:
            listed.add(path)
            if path not in files:
                found.append(f"缺少 {path}")
            elif len(files[path]) != size or sha256(files[path]) != wanted:
                found.append(f"{path} 已被改动")
        if name == SEAL and value.get("manifest_sha256") != sha256(files.get(MANIFEST, b"")):
            found.append(f"{MANIFEST} 与封条不符")
    found += [f"{path} 不属于这个证据包" for path in sorted(set(files) - listed)]
    return sorted(set(found))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The one ZIP of these files: sorted, fixed headers, stored, for compressors differ between machines."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, data in sorted(files.items()):
            entry = zipfile.ZipInfo(path, THEN)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, data)
    return out.getvalue()


def unzipped(content: bytes) -> tuple[dict[str, bytes], list[str]]:
    """The files of a ZIP, and in words what is wrong with the ZIP around them.

    Put together again from its files it must be the very same bytes: no other header, comment, second file
    of a name, nothing before, between or after.
    """
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                if entry.filename in files:
                    return {}, [f"ZIP 中有重名文件 {entry.filename}"]
                files[entry.filename] = archive.read(entry)
        same = zipped(files) == content
    except Exception as unreadable:  # whatever it is that a reader stumbles over, the sealer never wrote it
        return {}, [f"打不开，可能已被改动：{unreadable}"]
    return files, [] if same else ["ZIP 文件本身已被改动（文件头、注释或多余的字节）"]


def inspect(place: str | Path) -> tuple[dict[str, bytes], list[str]]:
    """Every file of a ZIP or folder by its path, and what is wrong with them, in words.

    Raises:
        OSError: the place cannot be read.
    """
    place = Path(place)
    if place.is_dir():
        paths = sorted(path for path in place.rglob("*") if path.is_file())
        files = {path.relative_to(place).as_posix(): path.read_bytes() for path in paths}
        return files, problems(files)
    files, found = unzipped(place.read_bytes())
    return files, found if found and not files else sorted({*found, *problems(files)})


def main(arguments: list[str]) -> int:
    place = arguments[1] if len(arguments) > 1 else Path(__file__).parent
    try:
        files, found = inspect(place)
    except OSError as unreadable:
        print(f"打不开：{unreadable}")
        return 1
    for line in found:
        print(line)
    if found:
        print(f"不通过：{len(found)} 处不符")
        return 1
    print(f"通过：{len(files)} 个文件与清单一致")
    print(f"清单指纹 SHA-256: {sha256(files[MANIFEST])}（应与报告首页所印一致）")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
