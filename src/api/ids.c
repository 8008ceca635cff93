/* ids.c - see ids.h. */
#include "api/ids.h"

#include <stdint.h>
#include <stdio.h>

#include <openssl/rand.h>

void tb_request_id(char out[TB_REQUEST_ID])
{
    uint8_t b[16];

    RAND_bytes(b, sizeof b);
    b[6] = (uint8_t)(0x40 | (b[6] & 0x0f));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    snprintf(out, TB_REQUEST_ID, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void tb_event_id(char out[TB_EVENT_ID], const char *prefix)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t random[21];
    char tail[22] = "";

    RAND_bytes(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        tail[i] = letters[random[i] % 62]; /* a little more A..H than Z: of no matter for 120 bits */
    snprintf(out, TB_EVENT_ID, "%.9s%s", prefix, tail);
}
