/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int least_level = TB_LOG_INFO;

void tb_log_set_level(enum tb_log_level least)
{
    atomic_store(&least_level, (int)least);
}

void tb_log(enum tb_log_level level, const char *event, const char *fields, ...)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    char line[1024], when[32];
    struct timespec now;
    struct tm tm;
    va_list ap;
    int n;

    if ((int)level < atomic_load(&least_level) || level >= TB_LOG_NONE)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    n = snprintf(line, sizeof line, "time=%s.%03ldZ level=%s event=%s ", when, now.tv_nsec / 1000000, names[level],
                 event);
    va_start(ap, fields);
    vsnprintf(line + n, sizeof line - (size_t)n, fields, ap);
    va_end(ap);
    for (char *p = line; *p; p++)
        if (*p == '\n' || *p == '\r') /* one event, one line, whatever a value holds */
            *p = ' ';
    fprintf(stderr, "%s\n", line);
}
