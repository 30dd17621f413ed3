"""Something that listens and answers whatever it was told to, once to each who connects."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

NO_HTTP = (b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
"""Another protocol; half of an answer."""


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """The port on 127.0.0.1."""

    def serve() -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            with link:
                link.recv(65_536)
                link.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
