/* The official Java SDK against a server, with the SDK's own environment variables for the base URLs and the key and
 * nothing else changed. Each step prints one line of JSON, {"step":NAME, ...}; test_client_java.py reads them. A step
 * that throws prints the class of the exception and, of an ApiException, what the SDK made of the server's answer.
 *
 * Arguments: the audio of a speaker as a data URL, in a file; a voice for the HTTP model; one for the realtime model. */
import com.alibaba.dashscope.aigc.multimodalconversation.MultiModalConversation;
import com.alibaba.dashscope.aigc.multimodalconversation.MultiModalConversationParam;
import com.alibaba.dashscope.aigc.multimodalconversation.MultiModalConversationResult;
import com.alibaba.dashscope.audio.qwen_tts_realtime.QwenTtsRealtime;
import com.alibaba.dashscope.audio.qwen_tts_realtime.QwenTtsRealtimeAudioFormat;
import com.alibaba.dashscope.audio.qwen_tts_realtime.QwenTtsRealtimeCallback;
import com.alibaba.dashscope.audio.qwen_tts_realtime.QwenTtsRealtimeConfig;
import com.alibaba.dashscope.audio.qwen_tts_realtime.QwenTtsRealtimeParam;
import com.alibaba.dashscope.audio.ttsv2.enrollment.VoiceEnrollmentService;
import com.alibaba.dashscope.exception.ApiException;
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

public class Clients {
    static final String HTTP_MODEL = "qwen3-tts-vc-2026-01-22";
    static final String REALTIME_MODEL = "qwen3-tts-vc-realtime-2026-01-15";
    static final String TEXT = "Good evening. Here is the news.";
    static final int CONNECTS = 50;
    static final Gson GSON = new Gson();

    interface Step {
        void run(JsonObject out) throws Exception;
    }

    static synchronized void step(String name, Step step) {
        JsonObject out = new JsonObject();
        out.addProperty("step", name);
        try {
            step.run(out);
        } catch (Throwable e) {
            out.addProperty("exception", e.getClass().getSimpleName());
            out.addProperty("message", String.valueOf(e.getMessage()));
            if (e instanceof ApiException && ((ApiException) e).getStatus() != null) {
                out.addProperty("status", ((ApiException) e).getStatus().getStatusCode());
                out.addProperty("code", ((ApiException) e).getStatus().getCode());
                out.addProperty("request_id", ((ApiException) e).getStatus().getRequestId());
            }
        }
        System.out.println(GSON.toJson(out));
    }

    /* Cloning: the SDK has no class for it, and the vendor's Java sample uses HttpURLConnection ---------------------*/

    static void customization(JsonObject out, String key, Map<String, Object> input) throws Exception {
        URL url = new URL(System.getenv("DASHSCOPE_HTTP_BASE_URL") + "/services/audio/tts/customization");
        HttpURLConnection con = (HttpURLConnection) url.openConnection();
        con.setRequestMethod("POST");
        con.setRequestProperty("Authorization", "Bearer " + key);
        con.setRequestProperty("Content-Type", "application/json");
        con.setDoOutput(true);
        String body = GSON.toJson(Map.of("model", "qwen-voice-enrollment", "input", input));
        try (OutputStream os = con.getOutputStream()) {
            os.write(body.getBytes(StandardCharsets.UTF_8));
        }
        int status = con.getResponseCode();
        InputStream in = status >= 200 && status < 300 ? con.getInputStream() : con.getErrorStream();
        out.addProperty("status", status);
        out.add("body", GSON.fromJson(new String(in.readAllBytes(), StandardCharsets.UTF_8), JsonObject.class));
    }

    static void cloning(String audio) {
        String key = System.getenv("DASHSCOPE_API_KEY");
        String[] voice = new String[1];

        step("create", out -> {
            customization(out, key, Map.of("action", "create", "target_model", HTTP_MODEL, "preferred_name", "java",
                    "audio", Map.of("data", audio)));
            voice[0] = out.getAsJsonObject("body").getAsJsonObject("output").get("voice").getAsString();
        });
        step("list", out -> customization(out, key, Map.of("action", "list", "page_size", 10, "page_index", 0)));
        step("delete", out -> customization(out, key, Map.of("action", "delete", "voice", voice[0])));
        step("delete again", out -> customization(out, key, Map.of("action", "delete", "voice", voice[0])));
        step("list, bad key", out -> customization(out, "sk-wrong", Map.of("action", "list")));
        step("enrolment class", out -> new VoiceEnrollmentService(key, "voice-enrollment").listVoice(null));
    }

    /* Synthesis over HTTP -------------------------------------------------------------------------------------------*/

    static MultiModalConversationParam param(String key, String model, String voice, String text) {
        return MultiModalConversationParam.builder().apiKey(key).model(model).text(text).languageType("English")
                .parameter("voice", voice).build();
    }

    static void describe(JsonObject out, MultiModalConversationResult result) throws Exception {
        out.addProperty("characters", result.getUsage().getCharacters());
        out.addProperty("request_id", result.getRequestId());
        out.addProperty("finish_reason", result.getOutput().getFinishReason());
        out.addProperty("data", result.getOutput().getAudio().getData());
        out.addProperty("id", result.getOutput().getAudio().getId());
        out.addProperty("expires_at", result.getOutput().getAudio().getExpiresAt());
        try (InputStream in = new URL(result.getOutput().getAudio().getUrl()).openStream()) {
            out.addProperty("wav", Base64.getEncoder().encodeToString(in.readAllBytes()));
        }
    }

    static void synthesis(String voice, String foreign) {
        String key = System.getenv("DASHSCOPE_API_KEY");
        MultiModalConversation client = new MultiModalConversation();

        step("call", out -> describe(out, client.call(param(key, HTTP_MODEL, voice, TEXT))));
        step("streamCall", out -> {
            ByteArrayOutputStream pcm = new ByteArrayOutputStream();
            List<String> reasons = new ArrayList<>();
            MultiModalConversationResult[] last = new MultiModalConversationResult[1];
            client.streamCall(param(key, HTTP_MODEL, voice, TEXT)).blockingForEach(r -> {
                pcm.write(Base64.getDecoder().decode(r.getOutput().getAudio().getData()));
                reasons.add(r.getOutput().getFinishReason());
                last[0] = r;
            });
            out.addProperty("pcm", pcm.size());
            out.add("reasons", GSON.toJsonTree(reasons));
            describe(out, last[0]);
        });
        Map<String, MultiModalConversationParam> wrong = Map.of(
                "bad key", param("sk-wrong", HTTP_MODEL, voice, TEXT),
                "unknown voice", param(key, HTTP_MODEL, "Cherry", TEXT),
                "voice of another model", param(key, HTTP_MODEL, foreign, TEXT),
                "long text", param(key, HTTP_MODEL, voice, "a".repeat(601)));
        wrong.forEach((what, given) -> {
            step("call, " + what, out -> client.call(given));
            step("streamCall, " + what, out -> client.streamCall(given).blockingForEach(r -> { }));
        });
    }

    /* Realtime ------------------------------------------------------------------------------------------------------*/

    static class Listener extends QwenTtsRealtimeCallback {
        final List<String> types = new ArrayList<>();
        final List<JsonObject> errors = new ArrayList<>();
        final ByteArrayOutputStream pcm = new ByteArrayOutputStream();
        final CountDownLatch created = new CountDownLatch(1), updated = new CountDownLatch(1),
                responded = new CountDownLatch(1), finished = new CountDownLatch(1), closed = new CountDownLatch(1);
        int closeCode = -1;

        @Override
        public synchronized void onEvent(JsonObject event) {
            String type = event.get("type").getAsString();
            types.add(type);
            switch (type) {
                case "response.audio.delta":
                    pcm.writeBytes(Base64.getDecoder().decode(event.get("delta").getAsString()));
                    break;
                case "error": errors.add(event.getAsJsonObject("error")); updated.countDown(); break;
                case "session.created": created.countDown(); break;
                case "session.updated": updated.countDown(); break;
                case "response.done": responded.countDown(); break;
                case "session.finished": finished.countDown(); break;
                default: break;
            }
        }

        @Override
        public synchronized void onClose(int code, String reason) {
            closeCode = code;
            closed.countDown();
        }

        synchronized void describe(JsonObject out) {
            out.add("types", GSON.toJsonTree(types));
            out.add("errors", GSON.toJsonTree(errors));
            out.addProperty("pcm", pcm.size());
            out.addProperty("close", closeCode);
        }
    }

    static QwenTtsRealtime realtime(String key, String model, Listener listener) {
        return new QwenTtsRealtime(QwenTtsRealtimeParam.builder().apikey(key).model(model).build(), listener);
    }

    static QwenTtsRealtimeConfig config(String voice, String mode) {
        return QwenTtsRealtimeConfig.builder().voice(voice).mode(mode).languageType("English")
                .responseFormat(QwenTtsRealtimeAudioFormat.PCM_24000HZ_MONO_16BIT).build();
    }

    static void expect(CountDownLatch latch, String what) throws Exception {
        if (!latch.await(120, TimeUnit.SECONDS))
            throw new IllegalStateException("no " + what);
    }

    static void session(JsonObject out, String voice, String mode) throws Exception {
        Listener listener = new Listener();
        QwenTtsRealtime client = realtime(System.getenv("DASHSCOPE_API_KEY"), REALTIME_MODEL, listener);
        client.connect();
        client.updateSession(config(voice, mode));
        expect(listener.updated, "session.updated");
        if (listener.errors.isEmpty()) {
            client.appendText(TEXT);
            if (mode.equals("commit")) {
                client.commit();
                expect(listener.responded, "response.done");
                out.addProperty("first_audio_delay_ms", client.getFirstAudioDelay());
                out.addProperty("response_id", client.getResponseId());
            }
        }
        client.finish();
        expect(listener.finished, "session.finished");
        expect(listener.closed, "close");
        out.addProperty("session_id", client.getSessionId());
        listener.describe(out);
    }

    /* The SDK keeps one pool of connections for HTTP and WebSockets, and it sets up what it waits for only after it
     * has started the handshake: on a connection that is open already, an answer without any pause comes too soon for
     * it and connect() hangs. Every round therefore leaves a fresh idle connection in the pool and then connects. */
    static void connects(JsonObject out, String voice) throws Exception {
        String key = System.getenv("DASHSCOPE_API_KEY");
        MultiModalConversation http = new MultiModalConversation();
        int good = 0;

        for (int i = 0; i < CONNECTS; i++) {
            Listener listener = new Listener();
            QwenTtsRealtime client = realtime(key, REALTIME_MODEL, listener);
            try {
                http.call(param(key, HTTP_MODEL, "Cherry", TEXT));
            } catch (ApiException refused) {
                out.addProperty("http", refused.getStatus().getStatusCode());
            }
            Thread connecting = new Thread(() -> {
                try {
                    client.connect();
                } catch (Exception e) {
                    Thread.currentThread().interrupt();
                }
            });
            connecting.setDaemon(true);
            connecting.start();
            connecting.join(10000);
            if (connecting.isAlive() || !listener.created.await(10, TimeUnit.SECONDS))
                break;
            good++;
            client.close();
        }
        out.addProperty("good", good);
    }

    /* In this version connect() waits 60 seconds for a socket that the server has refused, and says nothing of why. */
    static void badKey(JsonObject out) throws Exception {
        Listener listener = new Listener();
        Thread connecting = new Thread(() -> {
            try {
                realtime("sk-wrong", REALTIME_MODEL, listener).connect();
            } catch (Exception e) {
                Thread.currentThread().interrupt();
            }
        });
        connecting.setDaemon(true);
        connecting.start();
        connecting.join(2000);
        out.addProperty("still_waiting", connecting.isAlive());
        listener.describe(out);
    }

    public static void main(String[] args) throws Exception {
        String audio = new String(Files.readAllBytes(Paths.get(args[0])), StandardCharsets.US_ASCII);

        cloning(audio);
        synthesis(args[1], args[2]);
        step("realtime commit", out -> session(out, args[2], "commit"));
        step("realtime server_commit", out -> session(out, args[2], "server_commit"));
        step("realtime, unknown voice", out -> session(out, "Cherry", "commit"));
        step("realtime, voice of another model", out -> session(out, args[1], "commit"));
        step("connects", out -> connects(out, args[2]));
        step("realtime, bad key", out -> badKey(out));
        System.exit(0); /* the SDK leaves threads behind that would wait for a minute */
    }
}
