"""A real receiver of webhooks on loopback."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Keeps what is posted to it. `statuses` are the answers to give, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses) or [204]
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self._more = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._more:
                    receiver.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                    status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                    receiver._more.notify_all()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=1"

    def wait(self, count: int, seconds: float = 20) -> list[tuple[str, dict[str, str], bytes]]:
        """What came, once it is `count` or more. Raises AssertionError when it does not come to that."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.got) >= count, seconds), f"only {len(self.got)} came"
            return list(self.got)

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()
