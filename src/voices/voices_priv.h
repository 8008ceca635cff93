/* voices_priv.h - inside src/voices: what a struct tb_voices is made of. */
#ifndef TB_VOICES_VOICES_PRIV_H
#define TB_VOICES_VOICES_PRIV_H

#include <pthread.h>

#include "base/limits.h"
#include "voices/address.h"
#include "voices/cache.h"
#include "voices/preparer.h"
#include "voices/voices.h"

struct tb_voices {
    struct tb_voices_config config; /* max_voices is set, helper_dir a copy */
    char *helper_dir;
    char places[TB_MAX_PLACES][TB_PLACE];
    const char *allowed[TB_MAX_PLACES + 1]; /* into places, NULL-ended */
    struct tb_print_cache *cache;
    struct tb_preparer *preparer; /* NULL: no voice is prepared */
    pthread_mutex_t renewing; /* held while a print is made anew: who asked for the same one then finds it */
};

enum { TB_ENROL_TURN_US = 0 }; /* so long after its beginning an enrolment is due: docs/ARCHITECTURE.md has who waits */

#endif
