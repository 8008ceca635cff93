/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOST = 1024 }; /* characters of a line; more are cut off */

static _Atomic int least_level = TB_LOG_INFO;

/* line as it is printed; out: twice as much room. */
static void guard(const char *line, char *out)
{
    const char *quote = strstr(line, "=\""), *end = line + strlen(line);
    bool cut = quote && (end[-1] != '"' || end == quote + 2);

    end -= quote && !cut;
    for (const char *p = line; *p; p++) {
        if (quote && p > quote + 1 && p < end && (*p == '"' || *p == '\\'))
            *out++ = '\\';
        *out++ = (unsigned char)*p < ' ' ? ' ' : *p;
    }
    strcpy(out, cut ? "\"" : "");
}

void tb_log_set_level(enum tb_log_level least)
{
    atomic_store(&least_level, (int)least);
}

void tb_log(enum tb_log_level level, const char *event, const char *fields, ...)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    char line[MOST], guarded[2 * MOST + 2], when[32];
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
    guard(line, guarded);
    fprintf(stderr, "%s\n", guarded);
}
