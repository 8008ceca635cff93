/* progress.h - a bar on the terminal for work that takes longer than half a second. Nothing is drawn, and no thread
 * runs, when stderr is not a terminal. */
#ifndef TB_MAIN_PROGRESS_H
#define TB_MAIN_PROGRESS_H

struct tb_progress;

/* NULL when stderr is no terminal or there is no memory; all calls take NULL. */
struct tb_progress *tb_progress_open(const char *doing);
/* What is done now, and how much of it: 0..1, or -1 when nobody knows. doing: a literal. Any thread. */
void tb_progress_set(struct tb_progress *p, const char *doing, double part);
/* Wipe the line and release. */
void tb_progress_close(struct tb_progress *p);

#endif
