"""HTTP/1.1 and WebSocket on a bare socket: nothing is added to what a test sends, nothing of the answer is hidden."""
import base64
import json
import os
import socket
import struct
import time
from urllib.parse import urlsplit


class Closed(Exception):
    """The peer has closed the connection."""


class Wire:
    """A socket with a buffer."""

    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def more(self, deadline=None):
        """Read what there is; TimeoutError at the deadline (of time.monotonic), Closed at the end."""
        self.socket.settimeout(60 if deadline is None else max(deadline - time.monotonic(), 0.001))
        try:
            got = self.socket.recv(65536)
        except ConnectionError as e:
            raise Closed from e
        if not got:
            raise Closed
        self.buffer += got

    def take(self, n, deadline=None):
        while len(self.buffer) < n:
            self.more(deadline)
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        taken, self.buffer = self.buffer.split(b"\r\n", 1)
        return taken.decode("latin-1")

    def abort(self):
        """Close with a reset, as a process that dies or a network that breaks."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Answer:
    """status, headers (lower-case names), body, and the pieces of the body, each with the time when it came, and
    when the request had been sent."""

    def __init__(self, status, headers):
        self.status, self.headers, self.pieces, self.sent = status, headers, [], 0.0

    @property
    def body(self):
        return b"".join(piece for _, piece in self.pieces)

    def json(self):
        return json.loads(self.body)


def read_head(wire):
    status = int(wire.line().split(" ")[1])
    headers = {}
    while line := wire.line():
        name, value = line.split(":", 1)
        headers[name.lower()] = value.strip()
    return Answer(status, headers)


def read_answer(wire, method="POST"):
    answer = read_head(wire)
    if method == "HEAD" or answer.status in (101, 204):
        return answer
    if answer.headers.get("transfer-encoding") == "chunked":
        while size := int(wire.line(), 16):
            answer.pieces.append((time.monotonic(), wire.take(size)))
            wire.line()
        wire.line()
    else:
        answer.pieces.append((time.monotonic(), wire.take(int(answer.headers["content-length"]))))
    return answer


def head_bytes(method, target, headers):
    return (f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()


def request(wire, port, method, target, headers, body=b"", expect_100=False):
    """One request and its answer. target may be a whole URL of this server."""
    parts = urlsplit(target)
    target = parts.path + ("?" + parts.query if parts.query else "")
    headers = {"Host": f"127.0.0.1:{port}", **headers}
    if body or method == "POST":
        headers["Content-Length"] = len(body)
    if expect_100:
        wire.send(head_bytes(method, target, {**headers, "Expect": "100-continue"}))
        assert read_head(wire).status == 100
        wire.send(body)
    else:
        wire.send(head_bytes(method, target, headers) + body)
    sent = time.monotonic()
    answer = read_answer(wire, method)
    answer.sent = sent
    return answer


TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """answer is that of the handshake; events are the JSON of text frames; pings are answered and counted."""

    def __init__(self, port, target, headers):
        self.wire = Wire(port)
        self.pings = 0
        key = base64.b64encode(os.urandom(16)).decode()
        self.wire.send(head_bytes("GET", target, {
            "Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": 13,
            "Sec-WebSocket-Key": key, **headers}))
        self.answer = read_answer(self.wire, "GET")

    def send_frame(self, opcode, payload=b"", fin=True, masked=True, bits=0):
        n = len(payload)
        head = bytes([fin << 7 | bits << 4 | opcode])
        mask = masked << 7
        if n < 126:
            head += bytes([mask | n])
        elif n < 65536:
            head += struct.pack(">BH", mask | 126, n)
        else:
            head += struct.pack(">BQ", mask | 127, n)
        if masked:
            head += b"\0\0\0\0"  # a mask that changes nothing
        self.wire.send(head + payload)

    def send_text(self, text):
        self.send_frame(TEXT, text.encode())

    def send(self, event):
        self.send_text(json.dumps(event))

    def frame(self, deadline=None):
        """The next frame of the server, which must be whole and not masked: opcode, payload."""
        first, n = self.wire.take(2, deadline)
        assert first & 0x70 == 0 and first & 0x80 and n < 128, f"a frame that begins {first:02x} {n:02x}"
        if n == 126:
            n = int.from_bytes(self.wire.take(2), "big")
        elif n == 127:
            n = int.from_bytes(self.wire.take(8), "big")
        payload = self.wire.take(n)
        if first & 15 == PING:
            self.pings += 1
            self.send_frame(PONG, payload)
        return first & 15, payload

    def event(self, seconds=90):
        """The next event; Closed with the code as its argument when the server closes."""
        deadline = time.monotonic() + seconds
        while True:
            opcode, payload = self.frame(deadline)
            if opcode == TEXT:
                return json.loads(payload)
            if opcode == CLOSE:
                raise Closed(int.from_bytes(payload[:2], "big") if payload else 1005)

    def close_code(self, seconds=10):
        """Read on until the server closes: its code (None: it broke off without one)."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                opcode, payload = self.frame(deadline)
            except Closed:
                return None
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big") if payload else 1005

    def close(self):
        self.wire.close()
