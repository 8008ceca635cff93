"""HTTP itself: keep-alive, large bodies, odd requests, stopping."""
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import time

import pytest
import requests
import websocket

from conftest import HTTP_MODEL, REALTIME_MODEL, VOICES_PATH, stop_server, wait_until


def connection(server):
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)


def listing(server):
    return json.dumps({"model": "qwen-voice-enrollment", "input": {"action": "list"}}), {
        "Authorization": f"bearer {server.key}", "content-type": "application/json; charset=utf-8"}


def test_two_requests_on_one_connection(server):
    c = connection(server)
    body, headers = listing(server)
    for _ in range(2):
        c.request("POST", VOICES_PATH, body, headers)
        answer = c.getresponse()
        assert answer.status == 200
        answer.read()
    assert c.sock is not None
    c.close()


def test_chunked_request_bodies_are_read(server):
    c = connection(server)
    body, headers = listing(server)
    c.request("POST", VOICES_PATH + "/", iter([body[:10].encode(), body[10:].encode()]), headers, encode_chunked=True)
    assert c.getresponse().status == 200
    c.close()


def test_curl_with_a_large_body_expects_100(server, recordings, tmp_path):
    body = {"model": "qwen-voice-enrollment", "input": {
        "action": "create", "target_model": HTTP_MODEL, "preferred_name": "large",
        "audio": {"data": recordings.data_url("large.wav", "-ar", "96000", "-ac", "2")}}}
    (tmp_path / "body").write_text(json.dumps(body))
    assert (tmp_path / "body").stat().st_size > 1.5e6
    run = subprocess.run(["curl", "-sv", server.url + VOICES_PATH, "-H", f"Authorization: Bearer {server.key}",
                          "-H", "Content-Type: application/json", "-d", f"@{tmp_path}/body"],
                         capture_output=True, text=True, timeout=120)
    assert "< HTTP/1.1 100 Continue" in run.stderr
    assert json.loads(run.stdout)["output"]["voice"].startswith("qwen-tts-vc-large-voice-"), run.stdout


def test_a_20_mb_body_is_refused_in_json(server):
    answer = requests.post(server.url + VOICES_PATH, data=b"x" * 20_000_000, timeout=60,
                           headers={"Authorization": f"Bearer {server.key}"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "BadRequest.TooLarge"
    assert answer.json()["request_id"]


def test_a_large_body_without_a_key_is_refused_before_it_is_sent(server):
    """Nobody without a key can fill the server's memory. Nor does a client that sends all the same miss the answer."""
    for key, path, status, code in [(None, VOICES_PATH, 401, "InvalidApiKey"), ("sk-wrong", VOICES_PATH, 401,
                                    "InvalidApiKey"), (server.key, "/nowhere", 404, "NotFound")]:
        for headers in ({"Content-Length": "11000000"}, {"Transfer-Encoding": "chunked"},
                        {"Content-Length": "10", "Expect": "100-continue"}):
            c = connection(server)
            c.putrequest("POST", path)
            for name, value in {**headers, **({"Authorization": f"Bearer {key}"} if key else {})}.items():
                c.putheader(name, value)
            c.endheaders()
            answer = c.getresponse()
            assert (answer.status, json.load(answer)["code"]) == (status, code)
            assert answer.getheader("connection") == "close"
            c.close()
    sent = requests.post(server.url + VOICES_PATH, data=b"x" * 11_000_000, timeout=60,
                         headers={"Authorization": "Bearer sk-wrong"})
    assert (sent.status_code, sent.json()["code"]) == (401, "InvalidApiKey")


def test_wrong_method_and_path(server):
    headers = {"Authorization": f"Bearer {server.key}"}
    wrong = requests.get(server.url + VOICES_PATH, headers=headers, timeout=10)
    assert (wrong.status_code, wrong.json()["message"]) == (400, "Request method 'GET' is not supported.")
    nowhere = requests.post(server.url + "/nowhere", headers=headers, timeout=10)
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "NotFound")
    head = requests.head(server.url + VOICES_PATH, headers=headers, timeout=10)
    assert (head.status_code, head.content) == (400, b"")


def test_malformed_http_is_refused_in_json(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
        answer = b"".join(iter(lambda: s.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["code"] == "InvalidParameter"


def test_the_log_names_requests_and_no_secrets(server):
    key = server.new_key()
    request_id = server.voices(key=key, action="list").json()["request_id"]
    assert wait_until(lambda: request_id in (server.data / "log").read_text())
    assert key not in (server.data / "log").read_text()


def test_sigterm_closes_realtime_with_1012_and_exits_0(another_server):
    server = another_server()
    ws = websocket.create_connection(f"{server.ws_url}?model={REALTIME_MODEL}",
                                     header=[f"Authorization: Bearer {server.key}"], timeout=10)
    assert json.loads(ws.recv())["type"] == "session.created"
    os.kill(server.process.pid, signal.SIGTERM)
    opcode, payload = ws.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE and int.from_bytes(payload[:2], "big") == 1012
    ws.close()
    assert stop_server(server) == 0


def cost(process):
    """Resident MB and processor seconds of a process."""
    with open(f"/proc/{process.pid}/status") as status, open(f"/proc/{process.pid}/stat") as stat:
        resident = int(status.read().split("VmRSS:")[1].split()[0]) / 1024
        ticks = sum(int(n) for n in stat.read().rsplit(")", 1)[1].split()[11:13])
    return resident, ticks / os.sysconf("SC_CLK_TCK")


def test_two_thousand_idle_sessions_cost_little(another_server):
    count = 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 100:
        pytest.skip(f"this shell may open {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 100), hard))
    server = another_server("--idle-ms", "600000")
    request = (f"GET /api-ws/v1/realtime?model={REALTIME_MODEL} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
               f"Authorization: Bearer {server.key}\r\n\r\n").encode()
    before, _ = cost(server.process)
    sockets = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(count)]
    for s in sockets:
        s.sendall(request)
    for s in sockets:
        got = b""
        while b"session.created" not in got:
            got += s.recv(4096)
    resident, used = cost(server.process)
    time.sleep(2)
    _, later = cost(server.process)
    for s in sockets:
        s.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resident - before < 60, f"{count} sessions take {resident - before:.0f} MB"
    assert later - used < 0.1, f"{count} idle sessions take {later - used:.2f} s of processor time in 2 s"
