// The browser client @amaster.ai/tts-client against a server. What a page has and node has not is given to it here:
// a WebSocket that resolves relative addresses against the page's, and an AudioContext that keeps what it plays.
// Prints {"step":NAME, ...} a line; test_client_npm.py reads them.
//
// Arguments: the folder of node_modules; the page's origin; the origin of a server that wants a key; a voice.
import { createRequire } from "node:module";

const [modules, origin, keyedOrigin, voice] = process.argv.slice(2);
const require = createRequire(modules + "/");
const WS = require("ws");
let page = origin;
let dones = 0; // response.audio.done events on all sockets
const played = [];

globalThis.window = globalThis;
globalThis.WebSocket = class extends WS {
  constructor(address) {
    super(new URL(address, page.replace(/^http/, "ws") + "/a/page.html"));
    this.addEventListener("message", (event) => (dones += JSON.parse(event.data).type === "response.audio.done"));
  }
};
globalThis.AudioBuffer = class {
  constructor({ length, sampleRate }) {
    this.samples = new Float32Array(length);
    this.duration = length / sampleRate;
  }
  getChannelData() {
    return this.samples;
  }
};
globalThis.AudioContext = class {
  state = "running";
  currentTime = 0;
  destination = {};
  createBufferSource() {
    return {
      connect() {},
      disconnect() {},
      stop() {},
      start(when) {
        played.push({ when, samples: this.buffer.samples });
        setTimeout(() => this.onended?.(), 1);
      },
    };
  }
  async close() {}
};

const { createTTSClient, createTTSSpeakController } = require("@amaster.ai/tts-client");

async function until(condition, what) {
  for (let i = 0; i < 12000; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("no " + what);
}

async function step(name, run) {
  const out = { step: name };
  try {
    await run(out);
  } catch (error) {
    out.exception = error.message;
  }
  console.log(JSON.stringify(out));
}

function client(config) {
  const seen = { chunks: [], errors: [], ready: 0, starts: 0, ends: 0 };
  const tts = createTTSClient({})({
    voice,
    onReady: () => seen.ready++,
    onAudioStart: () => seen.starts++,
    onAudioEnd: () => seen.ends++,
    onAudioChunk: (chunks) => (seen.chunks = chunks),
    onError: (error) => seen.errors.push(error.message),
    ...config,
  });
  return { tts, seen };
}

async function spoken(tts, seen, say) {
  seen.chunks = [];
  await say();
  await until(() => tts.isResponseDone(), "response.audio.done");
  await new Promise((resolve) => setTimeout(resolve, 300)); // a second audio.done or a late delta would come now
  return seen.chunks.map((chunk) => Buffer.from(chunk, "base64").length);
}

await step("speak", async (out) => {
  const { tts, seen } = client({ autoPlay: false });
  await tts.connect();
  out.ready = seen.ready;
  out.first = await spoken(tts, seen, () => tts.speak("Good evening. Here is the **news**."));
  out.second = await spoken(tts, seen, () => tts.speak("Good night."));
  out.dones = dones;
  out.connected = tts.isConnected();
  out.errors = seen.errors;
  tts.close();
});

await step("play", async (out) => {
  const { tts, seen } = client({ autoPlay: true });
  await tts.connect();
  const sizes = await spoken(tts, seen, async () => {
    tts.startStream();
    for (const piece of ["Good", " evening", "."]) tts.appendText(piece);
    tts.commitText();
  });
  await until(() => seen.ends === 1, "end of playback");
  out.bytes = sizes.reduce((a, b) => a + b, 0);
  out.samples = played.reduce((n, p) => n + p.samples.length, 0);
  out.loudest = Math.max(...played.map((p) => Math.max(...p.samples.map(Math.abs))));
  out.gapless = played.every((p, i) => i === 0 ||
    Math.abs(p.when - played[i - 1].when - played[i - 1].samples.length / 24000) < 1e-6);
  out.starts = seen.starts;
  out.errors = seen.errors;
  tts.close();
});

await step("controller", async (out) => {
  const controller = createTTSSpeakController(createTTSClient({}));
  const states = [];
  controller.subscribe((snapshot) => states.at(-1) !== snapshot.status && states.push(snapshot.status));
  await controller.speak({ id: "a", text: "Good night.", voice });
  await until(() => states.at(-1) === "idle" && states.includes("speaking"), "end of speech");
  out.states = states;
  controller.release();
});

for (const [name, other] of [["own default voice", undefined], ["voice of another model", process.argv[6]]])
  await step(name, async (out) => {
    const { tts, seen } = client({ voice: other });
    try {
      await tts.connect();
    } finally {
      out.errors = seen.errors;
      tts.close();
    }
  });

await step("without a key", async (out) => {
  page = keyedOrigin;
  const { tts } = client({});
  await tts.connect();
});
process.exit(0);
