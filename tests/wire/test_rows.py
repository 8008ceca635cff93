"""Every row of tests/wire/rows/ against the real server. docs/API.md lists the rows; scripts/check-rows compares."""
import http.server
import threading

import pytest

import rows
from conftest import start_server, stop_server

ROWS = [(name, row) for name, row in rows.load() if "by" not in row]  # `by`: other tests show it


@pytest.fixture(scope="session")
def files(recordings):
    """A web server: the recording, a file that is too big, and nothing else."""
    class Handler(http.server.BaseHTTPRequestHandler):
        contents = {"/clip.wav": recordings.path("clip.wav").read_bytes(), "/11mb": b"\0" * 11_000_000}

        def do_GET(self):
            content = self.contents.get(self.path)
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            try:
                self.wfile.write(content or b"")
            except ConnectionError:
                pass  # it had enough

        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


class World:
    """See rows.Replay."""

    def __init__(self, server, recordings, files, voices, folder):
        self.recordings, self.files, self.voices, self.folder = recordings, files, voices, folder
        self.running, self.owned = {"main": server}, 0

    def server(self, name):
        if name not in self.running:
            self.running[name] = start_server(self.folder / name, *rows.SHARED["servers"][name])
        return self.running[name]

    def own_server(self):
        self.owned += 1
        return start_server(self.folder / f"own{self.owned}", *rows.SHARED["servers"]["main"])


class Background(threading.Thread):
    """A row that mostly waits, replayed while the others are."""

    def __init__(self, row, world):
        super().__init__(daemon=True)
        self.row, self.world, self.failure = row, world, None
        self.start()

    def run(self):
        try:
            rows.Replay(self.row, self.world).run()
        except Exception as e:  # whatever it is, the test of the row shows it
            self.failure = e


@pytest.fixture(scope="session")
def world(server, recordings, files, http_voice, realtime_voice, tmp_path_factory):
    made = World(server, recordings, files, {"http_voice": http_voice, "realtime_voice": realtime_voice},
                 tmp_path_factory.mktemp("worlds"))
    made.background = {name: Background(row, made) for name, row in ROWS if row.get("background")}
    yield made
    for name, running in made.running.items():
        if name != "main":
            assert stop_server(running) == 0


@pytest.mark.parametrize("name, row", ROWS, ids=[name for name, _ in ROWS])
def test_row(world, name, row):
    if row.get("background"):
        thread = world.background[name]
        thread.join(60)
        assert not thread.is_alive()
        if thread.failure:
            raise thread.failure
        return
    for each in row.get("each", [None]):
        for attempt in range(row.get("attempts", 1) - 1):  # a bound on time, on a machine that others use too
            try:
                rows.Replay(row, world, each).run()
                break
            except AssertionError:
                pass
        else:
            rows.Replay(row, world, each).run()
