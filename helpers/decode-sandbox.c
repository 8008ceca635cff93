/* decode-sandbox.c - see decode-sandbox.h. Three walls, each of which stands without the others:
 *
 *   rlimits   always there; they end a decoder that eats memory or time, and forbid opening and writing files
 *   Landlock  no path of the file system and, on newer kernels, no TCP port or abstract socket
 *   seccomp   a list of 16 system calls, and no memory that can be run; all others fail with EPERM. They do not kill:
 *             libraries ask harmless things (the number of processors) and go on without an answer
 *
 * Under a sanitizer the memory limit is left out, since its shadow memory is terabytes of address space, and
 * sigaltstack is allowed, which it calls before the end. */
#include "decode-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static bool limit(int what, rlim_t soft, rlim_t hard)
{
    struct rlimit r = { soft, hard };

    return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

static bool limit_all(void)
{
    bool ok = true;

    if (!SANITIZED)
        ok = limit(RLIMIT_AS, TB_DECODE_MEMORY, TB_DECODE_MEMORY) && ok;
    ok = limit(RLIMIT_CPU, TB_DECODE_CPU_SECONDS, TB_DECODE_CPU_SECONDS + 1) && ok;
    ok = limit(RLIMIT_FSIZE, 0, 0) && ok;
    ok = limit(RLIMIT_NOFILE, 0, 0) && ok;
    ok = limit(RLIMIT_CORE, 0, 0) && ok;
    return limit(RLIMIT_NPROC, 0, 0) && ok;
}

/* The kernel's struct landlock_ruleset_attr as of ABI 6; older kernels take its first words only. */
struct ruleset {
    uint64_t files, ports, scopes;
};

/* A rule set that handles all rights and grants none. The rights grew with the ABI: 13 bits in 1, then moving (2),
 * truncating (3), ioctl (5); TCP bind and connect (4); abstract sockets and signals (6). */
static int forbid_files_and_ports(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* ask for the version */);
    struct ruleset rules = { .files = (1u << 13) - 1 };
    size_t size = sizeof rules.files;
    long fd;

    if (abi < 1)
        return 0;
    rules.files |= abi >= 2 ? 1u << 13 : 0;
    rules.files |= abi >= 3 ? 1u << 14 : 0;
    rules.files |= abi >= 5 ? 1u << 15 : 0;
    if (abi >= 4) {
        rules.ports = 3;
        size += sizeof rules.ports;
    }
    if (abi >= 6) {
        rules.scopes = 3;
        size += sizeof rules.scopes;
    }
    fd = syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (fd < 0)
        return 0;
    if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        abi = 0;
    close((int)fd);
    return (int)abi;
}

static bool allow_few_calls(void)
{
    static const int calls[] = { SCMP_SYS(read),         SCMP_SYS(write),         SCMP_SYS(close),
                                 SCMP_SYS(munmap),       SCMP_SYS(mremap),        SCMP_SYS(brk),
                                 SCMP_SYS(madvise),      SCMP_SYS(futex),         SCMP_SYS(exit),
                                 SCMP_SYS(exit_group),   SCMP_SYS(rt_sigreturn),  SCMP_SYS(rt_sigprocmask),
                                 SCMP_SYS(getrandom),    SCMP_SYS(clock_gettime) };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failed = filter ? 0 : -ENOMEM;

    for (size_t i = 0; !failed && i < sizeof calls / sizeof *calls; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    if (!failed && SANITIZED)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack), 0);
    /* Memory, but none that can be run. */
    if (!failed)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!failed)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!failed)
        failed = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return failed == 0;
}

struct sandbox sandbox_enter(void)
{
    struct sandbox s = { 0 };

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    s.landlock = forbid_files_and_ports();
    s.limits = limit_all();
    s.seccomp = allow_few_calls();
    return s;
}

const char *sandbox_leak(void)
{
    char *argv[] = { "x", NULL }, *envp[] = { NULL };
    pid_t pid;

    if (open("/etc/passwd", O_RDONLY) >= 0)
        return "open";
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
        return "socket";
    pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid > 0) {
        waitpid(pid, NULL, 0);
        return "fork";
    }
    execve("/no such program", argv, envp);
    return errno == ENOENT ? "exec" : NULL; /* else it was refused before anybody looked */
}
