"""A browser client from npm: npm/client.mjs runs once in node, and each test looks at its part of the run.

The client opens a path of its page's own origin, with no key and no model: default_model and any_key serve it."""
import json
import shutil
import subprocess

import pytest

from conftest import HTTP_MODEL, REALTIME_MODEL, ROOT, make_voice, proves, start_server, stop_server

MODULES = ROOT / "build/npm"
SCRIPT = ROOT / "tests/wire/npm/client.mjs"


@pytest.fixture(scope="module")
def steps(server, recordings, tmp_path_factory):
    """The lines that the script printed, by the name of the step."""
    if not shutil.which("node"):
        pytest.skip("NO NODE ON THIS MACHINE: THE NPM CLIENT IS NOT TESTED (scripts/setup --test installs it)")
    assert (MODULES / "node_modules/@amaster.ai/tts-client").is_dir(), "no client: run scripts/setup --test"
    open_server = start_server(tmp_path_factory.mktemp("open") / "data", "--any-key", "yes",
                               "--default-model", REALTIME_MODEL)
    try:
        voices = [make_voice(open_server, recordings, model) for model in (REALTIME_MODEL, HTTP_MODEL)]
        run = subprocess.run(["node", SCRIPT, MODULES, open_server.url, server.url, *voices],
                             capture_output=True, text=True, timeout=300)
    finally:
        stop_server(open_server)
    assert run.returncode == 0, run.stderr
    return {line["step"]: line for line in map(json.loads, run.stdout.splitlines())}


@proves("npm", "realtime server_commit")
def test_speak_twice_on_one_connection(steps):
    line = steps["speak"]
    assert "exception" not in line and not line["errors"], line
    assert line["ready"] == 1 and line["connected"]
    assert line["dones"] == 2, "one for each commit: the client stops playing at the first"
    for sizes in (line["first"], line["second"]):
        assert all(n and n % 2 == 0 for n in sizes), "half a sample in a delta"
    assert sum(line["first"]) > 48000 and sum(line["second"]) > 12000


@proves("npm", "realtime server_commit")
def test_playback_gets_every_sample_once(steps):
    line = steps["play"]
    assert "exception" not in line and not line["errors"], line
    assert line["samples"] == line["bytes"] // 2 > 6000
    assert line["starts"] == 1 and line["gapless"]
    assert 0.05 < line["loudest"] <= 1


@proves("npm", "realtime server_commit")
def test_the_speak_controller(steps):
    assert steps["controller"].get("states") == ["idle", "connecting", "speaking", "idle"], steps["controller"]


@proves("npm", "errors")
@pytest.mark.parametrize("wrong", ["own default voice", "voice of another model"])
def test_a_voice_that_is_not_there_rejects_connect(steps, wrong):
    line = steps[wrong]
    assert line["exception"].startswith("The requested voice '") and line["errors"] == [line["exception"]], line
    assert "is not supported." in line["exception"]


@proves("npm", "errors")
def test_a_server_with_keys_refuses_it(steps):
    assert steps["without a key"]["exception"] == "WebSocket connection error"
