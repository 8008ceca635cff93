/* options.h - the command line of one command: its own options, and the settings of config.h as options.
 *
 * Every key of config.h can be given as an option with '-' for '_' (--max-text 2000); --config FILE is read before all
 * of them, wherever it stands. */
#ifndef TB_MAIN_OPTIONS_H
#define TB_MAIN_OPTIONS_H

#include "main/command.h"
#include "main/config.h"

/* An option of a command: with text it takes a value, with flag it takes none. letter 0: no short form. */
struct tb_option {
    const char *name;
    char letter;
    const char **text;
    bool *flag;
};

/* Fill *config and what `own` points to (`count` entries). Operands are moved to argv[*first ...].
 * Returns -1 to go on, else the exit code: help was printed, or the call was wrong. */
int tb_options_parse(const struct tb_command *self, int argc, char **argv, const struct tb_option *own, int count,
                     struct tb_config *config, int *first);

#endif
