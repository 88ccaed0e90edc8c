"""Nothing but the door opens a connection to the outside: no other module imports what could."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOOR = {"marketplace/live/http.py", "marketplace/live/addresses.py"}  # the second parses URLs with the door's library
CONNECTS = {
    "aiohttp", "ftplib", "http.client", "httpcore", "httpcore2", "httpx", "httpx2", "requests", "smtplib", "socket",
    "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc.client",
}  # fmt: skip
ROOMS = ("accounts", "live", "catalogue", "publishing")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_no_room_but_the_door_imports_a_network_library():
    folders = [ROOT / "registry", ROOT / "search", *(ROOT / "marketplace" / room for room in ROOMS)]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(files) > 20
    found = {
        str(path.relative_to(ROOT)): sorted(imported(path) & CONNECTS) for path in files if imported(path) & CONNECTS
    }
    found.pop("marketplace/live/http.py")
    assert {name: libraries for name, libraries in found.items() if name not in DOOR} == {}


def test_the_door_is_where_the_libraries_are():
    assert {"httpx2", "socket"} <= imported(ROOT / "marketplace" / "live" / "http.py")
