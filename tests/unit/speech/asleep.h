/* asleep.h - wait until nothing moves but by time or by the test.
 *
 * A test that lets other threads go on and then looks at what they did has to know that they are through, on any
 * machine and under any load. They are when every other thread sleeps at one moment: who is woken is no longer asleep
 * when the call that wakes him returns. */
#ifndef ASLEEP_H
#define ASLEEP_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Does the thread sleep? *switches += how often it was taken from a core so far. A thread that has ended sleeps. */
static inline bool thread_asleep(const char *tid, uint64_t *switches)
{
    char path[64], line[128], state = 'S';
    FILE *f;

    snprintf(path, sizeof path, "/proc/self/task/%.20s/status", tid);
    f = fopen(path, "r");
    if (!f)
        return true;
    while (fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');

        sscanf(line, "State: %c", &state);
        if (colon && strstr(line, "ctxt_switches"))
            *switches += strtoull(colon + 1, NULL, 10);
    }
    fclose(f);
    return state == 'S';
}

static inline bool others_asleep(uint64_t *switches)
{
    DIR *dir = opendir("/proc/self/task");
    pid_t self = gettid();
    bool all = dir != NULL;
    const struct dirent *e;

    *switches = 0;
    while (all && (e = readdir(dir)))
        if (e->d_name[0] != '.' && atoi(e->d_name) != self)
            all = thread_asleep(e->d_name, switches);
    if (dir)
        closedir(dir);
    return all;
}

/* Two looks, between which no thread ran: then all slept after the first and before the second. */
static inline void settle(void)
{
    const struct timespec nap = { 0, 200 * 1000 };
    uint64_t before, after;

    while (!others_asleep(&before) || !others_asleep(&after) || before != after)
        nanosleep(&nap, NULL);
}

#endif
