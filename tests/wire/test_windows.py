"""Speech in windows, which is the default (docs/SPEED.md): it says as much as whole passes do, and its first sentence is
the same after each start of the server. Where the machine is too slow for windows, the first test compares the same; a
server that has said nothing does not know yet that it is."""
import base64
import time

import raw
from conftest import REALTIME_MODEL, make_voice, start_server, stop_server

TEXTS = ["The old man opened the window and looked down at the empty street.",
         "She put three green apples and a loaf of bread into the wicker basket.",
         "Nobody in the village could remember a winter as long and as cold as the one that was coming to its end.",
         "Yes.",
         "When the music stopped for the second time, every child in the garden sat down at once."]


def spoken(server, voice, texts):
    """The audio of each text; all are said in one session."""
    ws = raw.WebSocket(server.port, f"/api-ws/v1/realtime?model={REALTIME_MODEL}",
                       {"Authorization": f"Bearer {server.key}"})
    ws.send({"type": "session.update", "session": {"voice": voice, "mode": "commit"}})
    out = []
    for text in texts:
        ws.send({"type": "input_text_buffer.append", "text": text})
        ws.send({"type": "input_text_buffer.commit"})
        audio = b""
        while (event := ws.event(60))["type"] != "response.done":
            assert event["type"] != "error", event
            if event["type"] == "response.audio.delta":
                audio += base64.b64decode(event["delta"])
        out.append(audio)
    ws.close()
    return out


def wait_for(server, word):
    """Until the server's log has it."""
    until = time.monotonic() + 100
    while word not in (server.data / "log").read_text():
        assert time.monotonic() < until, f"no {word} in the log"
        time.sleep(0.2)


def test_windows_say_as_much_as_whole_passes(another_server, recordings):
    found = []
    for windows in ("yes", "no"):
        server = another_server("--windows", windows)
        voice = make_voice(server, recordings, REALTIME_MODEL)
        found.append([len(audio) / 48000 for audio in spoken(server, voice, TEXTS)])
    for text, with_windows, without in zip(TEXTS, *found):
        assert abs(with_windows - without) < 0.1 * without + 0.1, (text, with_windows, without)


def test_a_voice_says_the_same_first_after_each_start(tmp_path, recordings):
    server = start_server(tmp_path / "data", "--log-level", "debug")
    voice = make_voice(server, recordings, REALTIME_MODEL)
    heard = []
    for start in range(2):
        if start:
            assert stop_server(server) == 0
            server = start_server(tmp_path / "data", "--log-level", "debug", key=server.key)
        wait_for(server, "voice-prepared")
        heard += spoken(server, voice, TEXTS[:1])
    stop_server(server)
    assert heard[0] == heard[1]
