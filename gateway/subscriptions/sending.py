"""One POST to a checked address: no redirects, a deadline for the whole, nothing of the answer but its status."""

import contextlib
import http.client
import socket
import ssl
import threading
from urllib.parse import quote

from gateway.subscriptions.addresses import AddressError, Destination, checked


class SendError(Exception):
    """It could not be sent; the text says why, for people."""


def post(url: str, body: bytes, headers: dict[str, str], *, seconds: float, allow_internal: bool) -> int:
    """Check an address and send to it; see `send`.

    Raises:
        SendError: the address is refused, nobody answers, or not in time.
    """
    try:
        where = checked(url, allow_internal=allow_internal)
    except AddressError as error:
        raise SendError(str(error)) from error
    return send(where, body, headers, seconds=seconds)


def send(where: Destination, body: bytes, headers: dict[str, str], *, seconds: float) -> int:
    """Send and return the status of the answer, whatever it is. Blocking for about `seconds` at most.

    Raises:
        SendError: nobody answers, or not in time.
    """
    try:
        return _exchange(where, body, headers, seconds)
    except TimeoutError as error:
        raise SendError(f"{where.host} did not answer within {seconds:g} seconds.") from error
    except ssl.SSLError as error:
        raise SendError(f"The certificate or encryption of {where.host} is not good: {error.reason}.") from error
    except OSError as error:
        raise SendError(f"{where.host} cannot be reached: {error.strerror or error}.") from error
    except (http.client.HTTPException, ValueError) as error:
        raise SendError(f"{where.host} does not answer as a web server does.") from error


def _exchange(where: Destination, body: bytes, headers: dict[str, str], seconds: float) -> int:
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.host, where.port, timeout=seconds)
    raw = socket.create_connection((where.ip, where.port), timeout=seconds)  # the checked address, not the name again
    late = threading.Event()

    def end() -> None:
        late.set()
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)

    deadline = threading.Timer(seconds, end)  # a timeout of the socket alone begins anew with each byte
    deadline.daemon = True
    deadline.start()
    try:
        if where.scheme == "https":
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=where.host)
        connection.sock = raw
        connection.request("POST", quote(where.target, safe="/?&=%+,;:@!$'()*~-._"), body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        deadline.cancel()
        connection.close()
        raw.close()
