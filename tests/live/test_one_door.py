"""Nothing but the door opens a connection to the outside: no other module imports what could."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIVE = "marketplace/live"
DOOR = {
    f"{LIVE}/http.py": {"httpx2"},
    f"{LIVE}/addresses.py": {"httpx2"},  # parses URLs with the door's library
    f"{LIVE}/names.py": {"socket"},  # asks for the addresses of names, and connects to none
}
CONNECTING = ("create_connection", "open_connection", "sock_connect", "create_datagram_endpoint")
CONNECTS = {
    "aiohttp", "ftplib", "http.client", "httpcore", "httpcore2", "httpx", "httpx2", "requests", "smtplib", "socket",
    "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc.client",
}  # fmt: skip
ROOMS = ("accounts", "live", "exports", "catalogue", "publishing")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files() -> list[Path]:
    folders = [ROOT / "registry", ROOT / "search", *(ROOT / "marketplace" / room for room in ROOMS)]
    found = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(found) > 20
    return found


def test_no_room_but_the_door_imports_a_network_library():
    found = {str(path.relative_to(ROOT)): imported(path) & CONNECTS for path in files()}
    assert {name: libraries for name, libraries in found.items() if libraries} == DOOR


def test_only_the_door_connects():
    found = {str(path.relative_to(ROOT)) for path in files() if any(name in path.read_text() for name in CONNECTING)}
    assert found == {f"{LIVE}/http.py"}
