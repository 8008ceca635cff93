"""The program itself: against a server, on a data folder alone, and called wrongly."""
import http.server
import json
import re
import threading

import pytest

from conftest import HTTP_MODEL, MODEL_OPTIONS, REALTIME_MODEL, ROOT, timbre, wait_until


def here(tmp_path, *arguments, **more):
    """A command without a server."""
    options = MODEL_OPTIONS if arguments[0] in ("clone", "say") else []
    return timbre(arguments[0], "--data", tmp_path / "data", *options, *arguments[1:],
                  env={"TIMBRE_URL": "", "DASHSCOPE_API_KEY": ""}, **more)


def there(server, *arguments, **more):
    return timbre(*arguments, env={"TIMBRE_URL": server.url + "/", "DASHSCOPE_API_KEY": server.key}, **more)


def test_clone_say_list_delete_on_a_server(server, recordings, tmp_path):
    voice = there(server, "clone", recordings.path("clip.m4a"), "--name", "cli", "--language", "en").stdout.strip()
    assert voice.startswith("qwen-tts-vc-cli-voice-")
    assert any(v["voice"] == voice and v["target_model"] == HTTP_MODEL
               for v in json.loads(there(server, "voices", "--json").stdout))
    assert re.search(voice + r"  .*  likeness 0\.", there(server, "voices").stdout)
    said = there(server, "say", "--voice", voice, "-o", tmp_path / "a.wav", "Good", "evening.")
    assert said.returncode == 0, said.stderr
    assert (tmp_path / "a.wav").read_bytes()[:4] == b"RIFF"
    assert there(server, "delete", voice).returncode == 0
    gone = there(server, "delete", voice)
    assert gone.returncode == 1 and "BadRequest.VoiceNotFound" in gone.stderr


def test_clone_say_list_delete_without_a_server(recordings, tmp_path):
    made = here(tmp_path, "clone", recordings.path("clip.wav"), "--name", "local", "--json")
    assert made.returncode == 0, made.stderr
    voice = json.loads(made.stdout)["voice"]
    assert re.match(voice + r"  .*  likeness 0\.\d\d(  advice: [a-z,]+)?\n$", here(tmp_path, "voices").stdout)
    for form, magic in [("wav", b"RIFF"), ("opus", b"OggS"), ("pcm", b"")]:
        said = here(tmp_path, "say", "-v", voice, "-f", form, "-o", tmp_path / form, "-", input="Good evening.")
        assert said.returncode == 0, said.stderr
        assert (tmp_path / form).read_bytes().startswith(magic)
    wav = (tmp_path / "wav").read_bytes()
    assert int.from_bytes(wav[40:44], "little") == len(wav) - 44
    assert here(tmp_path, "delete", voice).returncode == 0
    assert here(tmp_path, "voices").stdout == ""


def test_only_the_engine_that_is_needed_is_loaded(recordings, tmp_path):
    (tmp_path / "empty").mkdir()
    bound = ["--bind", f"{HTTP_MODEL}:qwen3", "--qwen3-model", tmp_path / "empty"]
    clone = ["clone", recordings.path("clip.wav"), "--name", "local", *bound]
    made = here(tmp_path, *clone, "--target-model", REALTIME_MODEL)
    assert made.returncode == 0, made.stderr
    said = here(tmp_path, "say", *bound, "-v", made.stdout.strip(), "-o", tmp_path / "a.wav", "Hi.")
    assert said.returncode == 0, said.stderr
    other = here(tmp_path, *clone)
    assert other.returncode == 1 and "config.json" in other.stderr


def test_keys_open_and_close_the_door(server):
    key = timbre("keys", "add", "--label", "door", "--data", server.data).stdout.strip()
    assert server.voices(key=key, action="list").status_code == 200
    listed = json.loads(timbre("keys", "list", "--json", "--data", server.data).stdout)
    assert any(k["label"] == "door" and not k["revoked"] for k in listed)
    assert timbre("keys", "revoke", key, "--data", server.data).returncode == 0
    assert wait_until(lambda: server.voices(key=key, action="list").status_code == 401, seconds=3)


def test_the_first_key_is_made_and_shown_once(another_server):
    server = another_server(key=None)
    log = (server.data / "log").read_text()
    key = re.search(r"export DASHSCOPE_API_KEY=(sk-[0-9a-f]{48})\n", log)[1]
    assert server.voices(key=key, action="list").status_code == 200


def test_a_key_of_the_environment_is_taken(another_server):
    server = another_server(key="sk-of-my-own-choice")
    assert server.voices(action="list").status_code == 200
    assert "sk-of-my-own-choice" not in (server.data / "log").read_text()


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["say"], ["say", "--voice"], ["clone", "x.wav"], ["keys"], ["serve", "--max-text", "many"],
    ["voices", "extra"], ["doctor", "--nonsense"], ["say", "-v", "v", "-f", "flac", "text"],
])
def test_a_wrong_call_exits_2(arguments):
    run = timbre(*arguments)
    assert run.returncode == 2 and run.stderr and not run.stdout


@pytest.mark.parametrize("command", ["serve", "clone", "say", "voices", "delete", "keys", "usage", "doctor"])
def test_help_has_an_example(command):
    run = timbre(command, "--help")
    assert run.returncode == 0 and "example" in run.stdout and f"usage: timbre {command}" in run.stdout


def test_help_and_documentation_name_the_same_defaults():
    rows = (line.split("|") for line in (ROOT / "docs/CONFIG.md").read_text().splitlines() if line.startswith("| "))
    documented = {row[1].strip(): row[3].strip() for row in rows if len(row) > 4}
    named = re.findall(r"^  --([a-z-]+) .*\((\d+|yes|no)[):]", timbre("serve", "--help").stdout, re.MULTILINE)
    assert len(named) > 8
    assert {key: value for key, value in named} == {key: documented[key.replace("-", "_")] for key, _ in named}


def test_failures_exit_1_and_say_why(tmp_path):
    run = here(tmp_path, "clone", tmp_path / "none.wav", "--name", "x")
    assert run.returncode == 1 and "none.wav" in run.stderr
    for words in ([""], [" "], ["-"]):
        run = here(tmp_path, "say", "--voice", "x", *words, input="")
        assert run.returncode == 1 and "the text is empty" in run.stderr
    broken = timbre("doctor", "--json", "--model", tmp_path, "--data", tmp_path / "data")
    assert broken.returncode == 1
    assert any(r["check"] == "model" and r["state"] == "wrong" and "kokoro.safetensors" in r["text"]
               for r in json.loads(broken.stdout))


class NoVoice(http.server.BaseHTTPRequestHandler):
    """A server that takes everything and makes nothing."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "13")
        self.end_headers()
        self.wfile.write(b'{"output":{}}')

    def log_message(self, *_):
        pass


def test_clone_without_a_voice_in_the_answer_fails(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with http.server.HTTPServer(("127.0.0.1", 0), NoVoice) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {"TIMBRE_URL": f"http://127.0.0.1:{server.server_port}", "DASHSCOPE_API_KEY": "sk-12345678"}
        run = timbre("clone", tmp_path / "a.wav", "--name", "x", env=env)
        assert run.returncode == 1 and "without a voice" in run.stderr and not run.stdout
        run = timbre("clone", tmp_path / "a.wav", "--name", "x", "--text", "\udcff", env=env)
        assert run.returncode == 1 and "not UTF-8" in run.stderr
        server.shutdown()


def test_a_config_file_is_read_and_its_mistakes_are_named(tmp_path):
    (tmp_path / "conf").write_text("# a comment\nlisten = 127.0.0.1:0\nidle = 5\n")
    run = timbre("serve", "--config", tmp_path / "conf", "--data", tmp_path / "data")
    assert run.returncode == 2 and f"{tmp_path}/conf, line 3: no such key 'idle'" in run.stderr
