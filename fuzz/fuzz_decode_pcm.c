/* WAV and MP3: helpers/timbre-decode.c. */
#include "audio/decode_reply.h"
#include "decode_target.h"
