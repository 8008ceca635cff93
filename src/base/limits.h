/* limits.h - every cap on what the outside can make us hold, each with its reason. */
#ifndef TB_BASE_LIMITS_H
#define TB_BASE_LIMITS_H

enum {
    TB_MAX_BODY = 12 * 1024 * 1024,         /* HTTP body: TB_MAX_AUDIO_BASE64 and all that may stand around it */
    TB_MAX_AUDIO_BASE64 = 10 * 1024 * 1024, /* base64 text of audio.data: the number the vendor names */
    TB_MAX_AUDIO_FILE = 10 * 1024 * 1024,   /* bytes of a fetched audio file: documented 10 MB */
    TB_MAX_DATA_URL_HEAD = 1024,            /* characters of a data URL before its comma: a media type and parameters */
    TB_MAX_URL = 8192,                      /* bytes of an audio URL: signed ones of object stores reach 2000 */
    TB_MAX_REDIRECTS = 5,                   /* of one fetch: a link shortener, a store and some spare */
    TB_MAX_PLACES = 16,                     /* stores inside that recordings may be fetched from */
    TB_FETCH_CONNECT_MS = 5000,             /* to one server, TLS included */
    TB_FETCH_TOTAL_MS = 20000,              /* one fetch with all its redirects: 10 MB at 4 Mbit/s */
    TB_MAX_AUDIO_SECONDS = 60,              /* documented maximum of an enrolment recording */
    TB_MAX_AUDIO_RATE = 768000,             /* Hz; four times what studios use: above it a header lies */
    TB_MAX_AUDIO_CHANNELS = 8,              /* 7.1; more is no recording of one voice */
    TB_MAX_DECODED_SAMPLES = 10485760,      /* mono samples of one decoded file: 61 s at 170 kHz, 40 MiB as float */
    TB_DECODE_WALL_MS = 15000,              /* the decoder process: 60 s of MP3 takes about 0.1 s */
    TB_DECODE_CPU_SECONDS = 10,             /* processor time of the decoder process */
    TB_DECODE_MEMORY = 512 * 1024 * 1024,   /* address space of the decoder process: 190 MB are its libraries */
    TB_MIN_AUDIO_RATE = 24000,              /* Hz; documented minimum */
    TB_MIN_SPEECH_MS = 3000,                /* clear speech an enrolment needs: documented 3 s */
    TB_MAX_HEADERS = 16 * 1024,             /* HTTP request line and headers */
    TB_MAX_BODIES = 512 * 1024 * 1024,      /* bytes of all bodies being received: 40 of the largest; more get 503 */
    TB_MAX_STRANGERS_BODY = 64 * 1024,      /* bytes of a body read before the key is looked at; TB_MAX_CONNECTIONS
                                               times that is half of TB_MAX_BODIES */
    TB_MAX_PIPELINED = 64 * 1024,           /* bytes read ahead while an answer runs; then reading pauses */
    TB_MAX_UNSENT = 16 * 1024 * 1024,       /* bytes waiting for one client, whatever they are: then it is dropped */
    TB_HEAD_MS = 10 * 1000,                 /* a request's head must be whole this long after its first byte */
    TB_BODY_MS = 30 * 1000,                 /* without a byte of the body */
    TB_BODY_TOTAL_MS = 300 * 1000,          /* a whole body: the largest at 40 kB/s; a drip of bytes ends here */
    TB_KEEP_ALIVE_MS = 75 * 1000,           /* between requests; longer than the 60 s of common proxies */
    TB_STALL_MS = 60 * 1000,                /* a client that takes no byte of what waits for it */
    TB_LINGER_MS = 2 * 1000,                /* after the last answer, for what the client still sends */
    TB_DISCARD_MS = 15 * 1000,              /* the same for a refused body: a client that cannot read while it sends */
    TB_MAX_FRAME = 1024 * 1024,             /* WebSocket message; over it the connection closes with 1009 */
    TB_MAX_APPEND = 20000,                  /* code points in one input_text_buffer.append */
    TB_MAX_PENDING_TEXT = 100000,           /* code points a realtime session may have waiting */
    TB_MAX_HTTP_TEXT = 600,                 /* code points of HTTP synthesis: documented */
    TB_MAX_SEGMENT = 200,                   /* code points of one synthesis segment (docs/TEXT.md) */
    TB_MAX_NAME = 16,                       /* preferred_name: documented */
    TB_MAX_VOICE_ID = 64,                   /* qwen-tts-vc-<16>-voice-<17>-<4> is 54 characters */
    TB_MAX_TRANSCRIPT = 4000,               /* code points of create's text: 60 s of the fastest speech is under 2000 */
    TB_MIN_KEY = 8,                         /* characters of an API key: fewer could be guessed */
    TB_MAX_KEY = 256,                       /* characters of an API key: what an operator may bring along */
    TB_MAX_VOICES = 1000,                   /* voices of one account: documented */
    TB_MAX_PAGE = 1000000,                  /* page_index and page_size: documented */
    TB_MAX_CONNECTIONS = 4096,              /* open sockets; each idle one costs about 10 kB */
    TB_MAX_SESSIONS = 256,                  /* syntheses at once, over HTTP and in realtime sessions */
    TB_LOAD_PERCENT = 85,                   /* of computing time that is promised to listeners: docs/SPEED.md */
    TB_MAX_WORK_QUEUE = 64,                 /* enrolments waiting for a worker, a second each; more get 503 */
    TB_MAX_QUICK_QUEUE = TB_MAX_CONNECTIONS, /* other requests: milliseconds each, one of a connection at a time */
    TB_MAX_OUTBOX = 1024 * 1024,            /* bytes waiting for one slow client before synthesis for it pauses: 22 s */
    TB_MAX_UNTAKEN = 8 * 1024 * 1024,       /* bytes of all events that wait for a realtime client: then it has to go */
    TB_MAX_PRINT = 1024 * 1024,             /* bytes of a voice print */
    TB_MAX_CACHED_PRINTS = 64,              /* voice prints kept in memory: some 30 kB each, TB_MAX_PRINT at worst */
    TB_MAX_PASTS = 16,                      /* voices whose past the kokoro engine knows: 2.2 MB each */
    TB_MAX_PREPARING = 16,                  /* voices that wait to be prepared: as many as are then known */
    TB_MAX_HTTP_AUDIO = 128 * 1024 * 1024,  /* file of one HTTP synthesis: 23 min of 48 kHz, far over 600 characters */
    TB_MAX_SYNTHESIS_MS = 300 * 1000,       /* HTTP synthesis: the documented limit, and what SDKs wait for */
    TB_MAX_INBOX = 2 * 1024 * 1024,         /* realtime: bytes of events that wait while a voice is looked up */
    TB_MAX_RESPONSES = 256,                 /* realtime: commits of one session that wait for their turn */
    TB_MAX_INSTRUCTIONS = 16 * 1024,        /* bytes of session.instructions, kept only to be echoed */
    TB_MAX_JSON_DEPTH = 32,                 /* nesting that a request may have; the protocol's deepest is 4 */
    TB_MAX_JSON_VALUES = 10000,             /* in one request; the protocol's largest has 40, 12 MB hold 4 million */
    TB_MAX_NORMALISE_IN = 32 * 1024,        /* bytes of one text to normalise: far over TB_MAX_SEGMENT code points */
    TB_MAX_NORMALISE_OUT = 64 * 1024,       /* bytes of words made of it: digits grow about tenfold */
    TB_MAX_COMBINING = 4,                   /* combining marks on one letter; no language uses more */
    TB_MAX_PHONEME_REQUEST = 8 * 1024,      /* bytes of text in one line to timbre-phonemes (its own cap is 16 KiB) */
    TB_MAX_PHONEME_REPLY = 64 * 1024,       /* bytes of one line from timbre-phonemes */
    TB_MAX_LEXICON = 64 * 1024 * 1024,      /* bytes of a lexicon file; ours has about 6 MB */
    TB_MAX_CHAIN = 20000,                   /* sounds and silences of a transcript: 4000 Han characters have half */
    TB_MAX_ALIGN_CELLS = 64 * 1024 * 1024,  /* bytes, one for each frame and sound compared: 60 s by TB_MAX_CHAIN */
    TB_PHONEME_TIMEOUT_MS = 2000,           /* timbre-phonemes answers in 0.1 ms; after this it is taken for dead */
    TB_MAX_TENSOR_HEADER = 16 * 1024 * 1024, /* of a safetensors file: 100 bytes for each tensor, rounded up well */
    TB_MAX_SHARDS = 64,                     /* weight files of one model; the largest speech models have 2 */
    TB_MAX_PREFIXES = 64 * 1024 * 1024,     /* bytes of how prompts begin, for all voices: 0.24 MB a row, 2 MB a voice
                                               by x-vector, 10 with a text of 10 s */
    TB_MAX_REFERENCE_FRAMES = 1000,         /* codec frames of a recording to clone in context: 80 s; the longest
                                               that is taken, TB_MAX_AUDIO_SECONDS, has 750 */
    TB_MAX_INDEX = 8 * 1024 * 1024,         /* bytes of model.safetensors.index.json: 100 a tensor */
    TB_MAX_MODEL_CONFIG = 1024 * 1024,      /* bytes of a model's config.json and its like: ours have under 20 kB */
    TB_MAX_VOCAB = 16 * 1024 * 1024,        /* bytes of vocab.json or merges.txt: those of Qwen have 3 MB */
    TB_MAX_VOCAB_TOKENS = 1 << 20,          /* entries of a vocabulary, and merges: Qwen has 151 936 */
    TB_MAX_BPE_TEXT = 32 * 1024,            /* bytes of one text to tokenise: TB_MAX_TRANSCRIPT code points, twice */
    TB_MAX_TENSORS = 100000,                /* in one file: the largest open speech models have some thousands */
    TB_AUDIO_URL_SECONDS = 24 * 3600        /* life of an audio URL: documented */
};

#endif
