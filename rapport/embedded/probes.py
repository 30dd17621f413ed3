"""Asks a part whether it serves: one short exchange each, in its own protocol, never an exception."""

import http.client
import socket
import struct

from rapport.embedded.ports import HOST

SECONDS = 2.0


def kafka(port: int, host: str = HOST) -> bool:
    """A broker answers ApiVersions only once it takes requests."""
    # api key 18, version 0, correlation id 1, no client id
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((host, port), SECONDS) as link:
            link.sendall(struct.pack(">i", len(request)) + request)
            answer = link.makefile("rb").read(8)
    except OSError:
        return False
    return len(answer) == 8 and answer[4:] == b"\x00\x00\x00\x01"


def mongo(port: int, host: str = HOST) -> bool:
    """A server of the MongoDB wire protocol answers ping."""
    # BSON {"ping": 1, "$db": "admin"} in an OP_MSG (2013) with no flags and one section of kind 0
    body = b"\x10ping\x00\x01\x00\x00\x00" + b"\x02$db\x00\x06\x00\x00\x00admin\x00"
    document = struct.pack("<i", len(body) + 5) + body + b"\x00"
    message = struct.pack("<iB", 0, 0) + document
    header = struct.pack("<iiii", len(message) + 16, 1, 0, 2013)
    try:
        with socket.create_connection((host, port), SECONDS) as link:
            link.sendall(header + message)
            answer = link.makefile("rb").read(16)
    except OSError:
        return False
    return len(answer) == 16 and struct.unpack("<i", answer[12:])[0] == 2013


def smtp(port: int, host: str = HOST) -> bool:
    """An SMTP server greets with 220."""
    try:
        with socket.create_connection((host, port), SECONDS) as link:
            greeted = link.recv(3) == b"220"
            link.sendall(b"QUIT\r\n")
            return greeted
    except OSError:
        return False


def http_ready(port: int, host: str = HOST) -> bool:
    """``GET /readyz`` answers 200."""
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
