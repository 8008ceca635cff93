/* pool.h - the one pool of threads that shares a computation among the cores.
 *
 * A job is cut into parts numbered 0..parts-1, in the same way for any number of
 * threads, so results do not depend on it. The caller takes part. One job runs at
 * a time: a second caller that finds the pool taken does its whole job alone,
 * which is never wrong, only slower.
 *
 * Waiting threads spin for at most 20 us and then sleep on a futex: pure spinning
 * triples latency on a loaded machine. */
#ifndef TB_BASE_POOL_H
#define TB_BASE_POOL_H

#include "base/error.h"

struct tb_pool;

/* threads counts the caller: 1 starts none. 0 means one per core that this process may use. */
enum tb_code tb_pool_open(int threads, struct tb_pool **out, struct tb_error *err);
void tb_pool_close(struct tb_pool *pool);
int tb_pool_threads(const struct tb_pool *pool);

/* Run fn(ctx, part) for each part and return when all are done. pool may be NULL: runs in the caller alone.
 * fn must not call tb_pool_run on the same pool. */
void tb_pool_run(struct tb_pool *pool, void (*fn)(void *ctx, int part), void *ctx, int parts);

#endif
