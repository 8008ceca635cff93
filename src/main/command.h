/* command.h - the commands of the `timbre` program, one file per group. */
#ifndef TB_MAIN_COMMAND_H
#define TB_MAIN_COMMAND_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

enum { TB_EXIT_OK = 0, TB_EXIT_FAILED = 1, TB_EXIT_USAGE = 2 };

struct tb_command {
    const char *name, *summary;
    const char *help; /* printed by --help: usage, options, examples */
    int (*run)(const struct tb_command *self, int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct tb_command tb_command_serve, tb_command_clone, tb_command_say, tb_command_voices,
    tb_command_delete, tb_command_keys, tb_command_usage, tb_command_doctor;

/* Print "timbre NAME: text" to stderr, and for usage errors where to find help; returns the exit code. */
int tb_command_failed(const struct tb_command *self, const struct tb_error *err);
int tb_command_usage_error(const struct tb_command *self, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int tb_command_print_help(const struct tb_command *self);
/* To stdout, for --json; releases value. Returns TB_EXIT_OK. */
int tb_command_print_json(json_t *value);
/* stderr is a terminal: progress may be drawn. */
bool tb_command_on_terminal(void);

#endif
