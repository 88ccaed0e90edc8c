"""A web server on loopback that answers as a test wants it to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers:
    """What the server answers; may be changed while it runs. `hold` set: it answers nothing until it is cleared."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.status = 200
        self.modified: str | None = None
        self.go = threading.Event()
        self.go.set()
        self.asked = 0
        self.url = ""


@contextmanager
def answering(body: bytes) -> Iterator[Answers]:
    """Serves one body at every address."""
    answers = Answers(body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.asked += 1
            answers.go.wait(60)
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(answers.body)))
            if answers.modified:
                self.send_header("Last-Modified", answers.modified)
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    answers.url = f"http://user:sesame@127.0.0.1:{server.server_port}/rain.csv?token=sesame"
    try:
        yield answers
    finally:
        answers.go.set()
        server.shutdown()
        server.server_close()
