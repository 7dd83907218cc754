"""核对证据包：任何一个字节被改过都会报出来。只需要 Python 3.9 以上，不联网。

python3 verify.py            （在解压后的文件夹里）
python3 verify.py 证据包.zip
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path

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


def read(place: str | Path) -> dict[str, bytes]:
    """Every file of a ZIP or folder, by its path."""
    place = Path(place)
    if place.is_dir():
        return {str(p.relative_to(place).as_posix()): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    with zipfile.ZipFile(place) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def main(arguments: list[str]) -> int:
    place = arguments[1] if len(arguments) > 1 else Path(__file__).parent
    try:
        files = read(place)
    except (OSError, zipfile.BadZipFile) as unreadable:
        print(f"打不开，可能已被改动：{unreadable}")
        return 1
    found = problems(files)
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
