/* main.c - the `timbre` program: picks the command. Exit codes: 0 done, 1 failed, 2 called wrongly. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "main/command.h"
#include "tensor/cpu.h"

static const struct tb_command *const commands[] = {
    &tb_command_serve,  &tb_command_clone, &tb_command_say,   &tb_command_voices,
    &tb_command_delete, &tb_command_keys,  &tb_command_usage, &tb_command_doctor,
};

static void print_overview(FILE *to)
{
    fputs("timbre - clone a voice and let it speak, on your own machine\n\nusage: timbre COMMAND [OPTIONS]\n\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`timbre COMMAND --help` shows options and examples. clone, say, voices and delete talk to the server\n"
          "named in TIMBRE_URL with the key in DASHSCOPE_API_KEY or, without TIMBRE_URL, work on the local data\n"
          "folder. `timbre doctor` is the first thing to run when something does not work.\n", to);
}

int tb_command_failed(const struct tb_command *self, const struct tb_error *err)
{
    fprintf(stderr, "timbre %s: %s\n", self->name, err->text[0] ? err->text : tb_code_name(err->code));
    return TB_EXIT_FAILED;
}

int tb_command_usage_error(const struct tb_command *self, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "timbre %s: ", self->name);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n`timbre %s --help` shows how it is used.\n", self->name);
    return TB_EXIT_USAGE;
}

int tb_command_print_help(const struct tb_command *self)
{
    fputs(self->help, stdout);
    return TB_EXIT_OK;
}

int tb_command_print_json(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(value);
    return TB_EXIT_OK;
}

bool tb_command_on_terminal(void)
{
    return isatty(STDERR_FILENO);
}

int main(int argc, char **argv)
{
    struct tb_error err;
    const char *name = argc > 1 ? argv[1] : "";

    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_overview(stdout);
        return TB_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(name, commands[i]->name))
            continue;
        signal(SIGPIPE, SIG_IGN);
        tb_log_set_level(TB_LOG_WARN);
        if (tb_tensor_init(getenv("TB_CPU"), &err)) {
            fprintf(stderr, "timbre: TB_CPU: %s\n", err.text);
            return TB_EXIT_USAGE;
        }
        return commands[i]->run(commands[i], argc - 1, argv + 1);
    }
    if (name[0])
        fprintf(stderr, "timbre: no command '%s'\n\n", name);
    print_overview(stderr);
    return TB_EXIT_USAGE;
}
