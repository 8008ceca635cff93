"""Speech in windows, which is the default (docs/SPEED.md): it says as much as whole passes do, from the first sentence
of a voice, which is spoken whole, to those that follow. Where the machine is too slow for windows, this compares the
same; that windows come is tested in tests/unit/engine-kokoro."""
import base64

import raw
from conftest import REALTIME_MODEL, make_voice

TEXTS = ["The old man opened the window and looked down at the empty street.",
         "She put three green apples and a loaf of bread into the wicker basket.",
         "Nobody in the village could remember a winter as long and as cold as the one that was coming to its end.",
         "Yes.",
         "When the music stopped for the second time, every child in the garden sat down at once."]


def seconds(server, voice):
    """Of the audio of each text; all are said in one session."""
    ws = raw.WebSocket(server.port, f"/api-ws/v1/realtime?model={REALTIME_MODEL}",
                       {"Authorization": f"Bearer {server.key}"})
    ws.send({"type": "session.update", "session": {"voice": voice, "mode": "commit"}})
    out = []
    for text in TEXTS:
        ws.send({"type": "input_text_buffer.append", "text": text})
        ws.send({"type": "input_text_buffer.commit"})
        size = 0
        while (event := ws.event(60))["type"] != "response.done":
            assert event["type"] != "error", event
            if event["type"] == "response.audio.delta":
                size += len(base64.b64decode(event["delta"]))
        out.append(size / 48000)
    ws.close()
    return out


def test_windows_say_as_much_as_whole_passes(another_server, recordings):
    found = []
    for windows in ("yes", "no"):
        server = another_server("--windows", windows)
        found.append(seconds(server, make_voice(server, recordings, REALTIME_MODEL)))
    for text, with_windows, without in zip(TEXTS, *found):
        assert abs(with_windows - without) < 0.1 * without + 0.1, (text, with_windows, without)
