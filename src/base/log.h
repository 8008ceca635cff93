/* log.h - one event per line on stderr, `key=value`, with a UTC time.
 *
 * A value with spaces stands in quotes, last in its line: detail="...". In it, " and \ get a \ in front, and control
 * characters become spaces, so no value ends itself or its line. Never logged: text to be spoken, keys, audio.
 * Thread-safe. */
#ifndef TB_BASE_LOG_H
#define TB_BASE_LOG_H

enum tb_log_level { TB_LOG_DEBUG, TB_LOG_INFO, TB_LOG_WARN, TB_LOG_ERROR, TB_LOG_NONE };

void tb_log_set_level(enum tb_log_level least);
/* tb_log(TB_LOG_INFO, "voice-created", "account=%lld ms=%d", id, ms); fields may be "" */
void tb_log(enum tb_log_level level, const char *event, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

#endif
