/* decode-sandbox.h - give up everything that decoding does not need. */
#ifndef TB_HELPERS_DECODE_SANDBOX_H
#define TB_HELPERS_DECODE_SANDBOX_H

#include <stdbool.h>

/* What took hold. A kernel or a container may lack the last two; the caller decides what to say about it. */
struct sandbox {
    bool limits;  /* memory, processor time, no files written or opened, no core */
    int landlock; /* ABI version of the rule set that forbids all files and TCP ports; 0: not there */
    bool seccomp; /* only memory, reading and writing of open files, and ending */
};

/* For the rest of the process's life. Nothing can be opened afterwards. */
struct sandbox sandbox_enter(void);

/* Try what must not work: open a file, make a socket, fork, run a program. The name of the first that did work, or
 * NULL. Only without seccomp can there be one. */
const char *sandbox_leak(void);

#endif
