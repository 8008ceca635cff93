/* M4A and AAC: helpers/timbre-decode-aac.c. */
#include "audio/decode_reply.h"
#include "decode_target.h"
