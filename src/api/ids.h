/* ids.h - ids of requests, events, sessions, responses and items: random, never reused, opaque to clients. */
#ifndef TB_API_IDS_H
#define TB_API_IDS_H

enum { TB_REQUEST_ID = 37, TB_EVENT_ID = 32 };

/* 8-4-4-4-12 lowercase hex digits, a random UUID (version 4). */
void tb_request_id(char out[TB_REQUEST_ID]);
/* prefix ("event_", "sess_", "resp_", "item_"; at most 9 characters) and 21 of A-Z a-z 0-9. */
void tb_event_id(char out[TB_EVENT_ID], const char *prefix);

#endif
