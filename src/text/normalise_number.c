/* normalise_number.c - everything that begins with a digit, a sign or a currency: see normalise_priv.h.
 *
 * At a digit the longer patterns come first: dates, times, telephone numbers,
 * fractions, ranges; then a plain number with what follows it (ordinal sign,
 * percent, unit, currency, "million"). */
#include <string.h>
#include <strings.h>

#include <unicode/uchar.h>

#include "text/normalise_priv.h"
#include "text/utf8.h"

enum { DIGITS_MOST = 15 }; /* more are said one by one */

/* A number as written. */
struct figure {
    char whole[DIGITS_MOST + 1]; /* digits without grouping; empty when there are too many */
    struct tb_str fraction;      /* digits behind the decimal sign */
    long long value;             /* of whole */
    size_t start, end;           /* its bytes in the text */
    bool grouped;
};

/* Does the mark at `at`, behind n digits, group three more? Where a point groups, a plain space does too, unless it
 * could as well stand in a telephone number. */
static bool is_group(const struct tb_norm *s, size_t at, size_t n, char mark)
{
    if (n == 0 || n > 3 || tb_norm_digits_at(s, at + 1) != 3)
        return false;
    if (mark == s->lang->group && mark != ' ')
        return true;
    return mark == ' ' && s->lang->group != ',' && (n < 3 || tb_norm_starts_with(s, at + 1, "000"));
}

/* Read a figure at `at`, which is a digit or a decimal sign before one. */
static bool read_figure(const struct tb_norm *s, size_t at, struct figure *f)
{
    char decimal = s->lang->decimal, mark;
    size_t n = tb_norm_digits_at(s, at), len = 0, fraction;

    *f = (struct figure){ .start = at };
    if (n == 0 && !(tb_norm_peek(s, at) == decimal && tb_norm_is_digit(tb_norm_peek(s, at + 1))))
        return false;
    for (size_t i = 0; i < n; i++, len++)
        if (len < DIGITS_MOST)
            f->whole[len] = s->in.p[at + i];
    at += n;
    mark = tb_norm_peek(s, at);
    while (f->whole[0] != '0' && tb_norm_peek(s, at) == mark &&
           is_group(s, at, f->grouped && mark == ' ' ? 1 : n, mark)) {
        for (size_t i = 0; i < 3; i++, len++)
            if (len < DIGITS_MOST)
                f->whole[len] = s->in.p[at + 1 + i];
        at += 4;
        f->grouped = true;
    }
    /* A point works as decimal sign in every language when it cannot group. */
    if (tb_norm_peek(s, at) == decimal || (tb_norm_peek(s, at) == '.' && !f->grouped)) {
        fraction = tb_norm_digits_at(s, at + 1);
        if (fraction && !(tb_norm_peek(s, at + 1 + fraction) == '.' && tb_norm_digits_at(s, at + 2 + fraction))) {
            f->fraction = (struct tb_str){ s->in.p + at + 1, fraction };
            at += 1 + fraction;
        }
    }
    f->end = at;
    if (len > DIGITS_MOST)
        f->whole[0] = 0;
    for (const char *p = f->whole; *p; p++)
        f->value = f->value * 10 + (*p - '0');
    return f->end > f->start;
}

static void say_figure(struct tb_norm *s, const struct figure *f, enum tb_number_form form)
{
    struct tb_str all = { s->in.p + f->start, f->end - f->start - (f->fraction.n ? f->fraction.n + 1 : 0) };

    if (s->lang->decimals && f->fraction.n && f->whole[0]) {
        s->lang->decimals(s, f->value, f->fraction);
        return;
    }
    if (!f->whole[0] && all.n) /* too long */
        tb_norm_digits(s, all);
    else if (f->whole[0] == '0' && f->whole[1] && !f->fraction.n)
        tb_norm_digits(s, all);
    else
        tb_norm_number(s, f->value, f->fraction.n ? TB_CARDINAL : form);
    if (!f->fraction.n)
        return;
    tb_norm_sayz(s, s->lang->point);
    if (s->lang->decimal == ',' && !s->lang->single_decimals && f->fraction.n <= 2 &&
        f->fraction.p[0] != '0') /* "tres coma catorce" */
        tb_norm_number(s, tb_norm_small_number(s, (size_t)(f->fraction.p - s->in.p), f->fraction.n), TB_CARDINAL);
    else
        tb_norm_digits(s, f->fraction);
}

static struct tb_str counted(const struct figure *f, const char *one, const char *many)
{
    return tb_norm_counted(f->whole[0] ? f->value : 0, f->fraction.n > 0, one, many);
}

/* Dates and times -------------------------------------------------------------------------------------------------- */

static bool is_date(int year, int month, int day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && year >= 0;
}

/* 2024-05-12, 12/05/2024, 12.05.2024, 12/05/24 */
static bool read_date(struct tb_norm *s)
{
    size_t a = tb_norm_digits_at(s, s->at), b, c, at = s->at;
    char between = tb_norm_peek(s, at + a);
    int x, y, z;

    if (a == 0 || a > 4 || a == 3 || !between || !strchr("/-.", between))
        return false;
    b = tb_norm_digits_at(s, at + a + 1);
    if (b == 0 || b > 2 || tb_norm_peek(s, at + a + 1 + b) != between)
        return false;
    c = tb_norm_digits_at(s, at + a + b + 2);
    if (!tb_norm_is_edge(s, at + a + b + c + 2) || (between != '/' && a != 4 && c != 4))
        return false;
    x = tb_norm_small_number(s, at, a);
    y = tb_norm_small_number(s, at + a + 1, b);
    z = tb_norm_small_number(s, at + a + b + 2, c);
    if (a == 4 && c >= 1 && c <= 2 && is_date(x, y, z)) {
        s->lang->date(s, x, y, z);
    } else if (a <= 2 && (c == 4 || c == 2)) {
        bool month_first = (s->lang->month_first && between == '/' && x <= 12) || y > 12;
        int year = c == 2 ? (z < 70 ? 2000 : 1900) + z : z;

        if (!is_date(year, month_first ? x : y, month_first ? y : x))
            return false;
        s->lang->date(s, year, month_first ? x : y, month_first ? y : x);
    } else {
        return false;
    }
    s->at = at + a + b + c + 2;
    return true;
}

/* Behind a time: am, a.m., p. m., in any case. Moves *at past it. A full stop that may end the sentence stays. */
static int read_half(const struct tb_norm *s, size_t *at)
{
    static const char *const forms[] = { "a. m.", "p. m.", "a.m.", "p.m.", "a.m", "p.m", "am", "pm" };
    size_t start = tb_norm_skip_space(s, *at);

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t n = strlen(forms[i]);

        if (s->in.n - start < n || strncasecmp(s->in.p + start, forms[i], n) || !tb_norm_is_edge(s, start + n))
            continue;
        *at = start + n;
        if (forms[i][n - 1] == '.' && tb_norm_skip_space(s, *at) == s->in.n)
            (*at)--;
        return forms[i][0];
    }
    return 0;
}

/* 3:45, 15:30:10, 3:45 pm, 3pm */
static bool read_time(struct tb_norm *s)
{
    size_t h = tb_norm_digits_at(s, s->at), end = s->at + h;
    int hour = tb_norm_small_number(s, s->at, h), minute = 0, second = -1, half;

    if (h == 0 || h > 2 || hour > 24)
        return false;
    if (tb_norm_peek(s, end) == ':' && tb_norm_digits_at(s, end + 1) == 2) {
        minute = tb_norm_small_number(s, end + 1, 2);
        end += 3;
        if (tb_norm_peek(s, end) == ':' && tb_norm_digits_at(s, end + 1) == 2) {
            second = tb_norm_small_number(s, end + 1, 2);
            end += 3;
        }
        half = read_half(s, &end);
    } else if (!(half = read_half(s, &end)) || hour == 0 || hour > 12) {
        return false;
    }
    if (!half && tb_norm_peek(s, tb_norm_skip_space(s, end)) == 'h' &&
        tb_norm_is_edge(s, tb_norm_skip_space(s, end) + 1))
        end = tb_norm_skip_space(s, end) + 1; /* 15:30 h */
    if (s->lang->clock) {
        size_t from = tb_norm_skip_space(s, end), n = tb_norm_word_at(s, from);

        if (tb_norm_in_list(s->lang->clock, (struct tb_str){ s->in.p + from, n }, false))
            end = from + n;
    }
    if (minute > 59 || second > 59 || tb_norm_is_digit(tb_norm_peek(s, end)) || tb_norm_peek(s, end) == ':')
        return false;
    s->lang->time(s, hour, minute, second, half);
    s->at = end;
    return true;
}

/* Enough groups, and a sign that no other number has: a plus, a bracket, hyphens, a zero in front, 3 digits and a
 * long group. */
static bool is_telephone(const struct tb_norm *s, size_t digits, size_t groups, size_t hyphens)
{
    char first = tb_norm_peek(s, s->at);

    if (digits < 7)
        return false;
    if (first == '+' || first == '(' || (hyphens >= 2 && groups >= 3))
        return true;
    return groups >= 2 &&
        ((first == '0' && digits >= 9) || (groups == 2 && digits >= 9 && tb_norm_digits_at(s, s->at) == 3));
}

/* +34 912 345 678, (555) 123-4567, 555-123-4567, 8 (800) 555-35-35, 06 12 34 56 78, 0170 1234567 */
static bool read_telephone(struct tb_norm *s)
{
    size_t at = s->at, digits = 0, groups = 0, hyphens = 0, end = at;
    bool plus = tb_norm_peek(s, at) == '+', brackets = false;

    at += plus;
    for (;;) {
        bool open = tb_norm_peek(s, at) == '(';
        size_t n = tb_norm_digits_at(s, at + open);

        if (n == 0 || n > (plus ? 11 : 8))
            break;
        at += n + open;
        if (open && tb_norm_peek(s, at++) != ')')
            return false;
        digits += n;
        if (digits > 15) /* the longest that exists; and no walk to the end of all digits */
            return false;
        groups++;
        brackets |= open;
        end = at;
        hyphens += tb_norm_peek(s, at) == '-';
        if (tb_norm_peek(s, at) == ' ' || tb_norm_peek(s, at) == '-' ||
            (tb_norm_peek(s, at) == '.' && s->lang->phone_group && tb_norm_digits_at(s, at + 1) == 2))
            at++;
        else if (!open)
            break;
    }
    if (!tb_norm_is_edge(s, end) || !(is_telephone(s, digits, groups, hyphens) || (brackets && digits >= 7)))
        return false;
    if (plus)
        tb_norm_sayz(s, tb_norm_symbol(s->lang->symbols, '+'));
    for (at = s->at; at < end; at++) {
        size_t n = tb_norm_digits_at(s, at);

        if (n) {
            tb_norm_group(s, (struct tb_str){ s->in.p + at, n });
            at += n - 1;
        } else if (at > s->at && at + 1 < end && s->in.p[at] != '(' && tb_norm_is_digit(s->in.p[at - 1])) {
            tb_norm_mark(s, TB_STR(","));
        }
    }
    s->at = end;
    return true;
}

/* 1/2, 3/4, 2 1/2 */
static bool read_fraction(struct tb_norm *s)
{
    struct figure whole = { .end = s->at };
    size_t a = tb_norm_digits_at(s, s->at), at = s->at, b;
    long top, bottom;

    if (a && a <= 3 && tb_norm_peek(s, at + a) == ' ' && read_figure(s, at, &whole)) {
        size_t next = at + a + 1;

        a = tb_norm_digits_at(s, next);
        at = next;
    } else {
        whole.end = 0;
    }
    b = tb_norm_digits_at(s, at + a + 1);
    if (!a || a > 2 || tb_norm_peek(s, at + a) != '/' || !b || b > 3 || !tb_norm_is_edge(s, at + a + 1 + b) ||
        tb_norm_peek(s, at + a + 1 + b) == '/')
        return false;
    top = tb_norm_small_number(s, at, a);
    bottom = tb_norm_small_number(s, at + a + 1, b);
    if (top < 1 || top >= bottom || !(bottom <= 10 || bottom == 16 || bottom == 32 || bottom == 64 || bottom == 100))
        return false;
    if (whole.end) {
        tb_norm_number(s, whole.value, TB_CARDINAL);
        tb_norm_sayz(s, tb_norm_symbol(s->lang->symbols, '&'));
    }
    s->lang->fraction(s, top, bottom, whole.end > 0);
    s->at = at + a + 1 + b;
    return true;
}

/* Numbers with what follows ---------------------------------------------------------------------------------------- */

/* Units and codes end where no letter follows. */
static const struct tb_unit *unit_at(const struct tb_norm *s, size_t at, size_t *end)
{
    const struct tb_unit *best = NULL;
    size_t longest = 0;

    for (const struct tb_unit *u = s->lang->units; u->sign; u++) {
        size_t n = strlen(u->sign);

        if (n > longest && tb_norm_starts_with(s, at, u->sign) && tb_norm_is_edge(s, at + n)) {
            best = u;
            longest = n;
        }
    }
    *end = at + longest;
    return best;
}

static const struct tb_currency *currency_at(const struct tb_norm *s, size_t at, size_t *end)
{
    for (const struct tb_currency *c = s->lang->currencies; c->sign; c++) {
        size_t n = strlen(c->sign);

        size_t first = 0;
        bool word = u_isalpha((UChar32)tb_utf8_next(tb_str_of(c->sign), &first));

        if (tb_norm_starts_with(s, at, c->sign) && (!word || tb_norm_is_edge(s, at + n))) {
            *end = at + n;
            return c;
        }
    }
    return NULL;
}

/* "million", or after a currency "m", "bn", "k". NULL: none; else what to say, and *end moves past it. */
static struct tb_str big_at(const struct tb_norm *s, size_t at, bool money, size_t *end)
{
    static const struct {
        const char *sign;
        int word; /* of lang->big */
    } short_forms[] = { { "bn", 2 }, { "m", 0 }, { "M", 0 }, { "b", 2 }, { "B", 2 }, { "k", 4 }, { "K", 4 } };
    size_t from = tb_norm_skip_space(s, at), n = 0;
    const char *word = s->lang->big;

    while (tb_norm_is_letter(tb_norm_peek(s, from + n)))
        n++;
    if (from > at && tb_norm_in_list(s->lang->big, (struct tb_str){ s->in.p + from, n }, false)) {
        *end = from + n;
        if (tb_norm_starts_with(s, *end, ". ")) /* "Mio. " */
            ++*end;
        return (struct tb_str){ s->in.p + from, n };
    }
    for (size_t i = 0; money && from == at && i < sizeof short_forms / sizeof *short_forms; i++)
        if (strlen(short_forms[i].sign) == n && tb_norm_starts_with(s, from, short_forms[i].sign)) {
            for (int skip = short_forms[i].word; skip > 0; skip--)
                word = strchr(word + 1, ' ');
            *end = from + n;
            return (struct tb_str){ word + 1, strcspn(word + 1, " ") };
        }
    return (struct tb_str){ "", 0 };
}

static const struct tb_unit *unit_of(const struct tb_norm *s, struct tb_str sign)
{
    for (const struct tb_unit *u = s->lang->units; u->sign; u++)
        if (tb_str_eq(sign, u->sign))
            return u;
    return NULL;
}

/* "of euros" behind millions; in French "d'euros". */
static void say_of_currency(struct tb_norm *s, const struct tb_currency *c)
{
    struct tb_str many = tb_norm_counted(0, false, c->one, c->many);
    bool elided = s->lang->elides && strchr("aeiou", many.p[0]);

    tb_norm_sayz(s, elided ? "d'" : s->lang->of_big);
    if (elided)
        s->rc = s->rc ? s->rc : tb_bytes_add(s->out, many.p, many.n);
    else
        tb_norm_say(s, many);
}

static void say_money(struct tb_norm *s, const struct figure *f, const struct tb_currency *c, struct tb_str big)
{
    enum tb_number_form form = c->feminine ? TB_FEMININE : TB_MASCULINE;
    const struct tb_unit *unit;
    int cents = f->fraction.n == 2 ? tb_norm_small_number(s, (size_t)(f->fraction.p - s->in.p), 2) : 0;

    if (big.n && (unit = unit_of(s, big))) { /* "5 Mio. €" */
        say_figure(s, f, unit->feminine ? TB_FEMININE : TB_MASCULINE);
        tb_norm_say(s, counted(f, unit->one, unit->many));
        say_of_currency(s, c);
        return;
    }
    if (big.n || (f->fraction.n && f->fraction.n != 2) || (f->fraction.n == 2 && !c->cents)) {
        say_figure(s, f, form);
        tb_norm_say(s, big);
        if (big.n > 3) /* "mil" takes none */
            say_of_currency(s, c);
        else
            tb_norm_say(s, big.n ? tb_norm_counted(0, false, c->one, c->many) : counted(f, c->one, c->many));
        return;
    }
    if (f->value || !cents) {
        if (f->whole[0])
            tb_norm_number(s, f->value, form);
        else
            tb_norm_digits(s, (struct tb_str){ s->in.p + f->start, f->end - f->start });
        tb_norm_say(s, tb_norm_counted(f->whole[0] ? f->value : 0, false, c->one, c->many));
        if (cents)
            tb_norm_sayz(s, s->lang->cents_and);
    }
    if (cents) {
        bool few = strchr(c->cents, '|') != NULL; /* where it exists a cent is feminine: "копейка" */

        tb_norm_number(s, cents, few ? TB_FEMININE : TB_MASCULINE);
        tb_norm_say(s, tb_norm_counted(cents, false, c->cent, c->cents));
    }
}

/* The word behind a number, for agreement. */
static struct tb_str next_word(const struct tb_norm *s, size_t at)
{
    size_t n = 0;

    at = tb_norm_skip_space(s, at);
    while (tb_norm_is_letter(tb_norm_peek(s, at + n)))
        n++;
    return (struct tb_str){ s->in.p + at, n };
}

static bool is_year(const struct tb_norm *s, const struct figure *f)
{
    return s->lang->years && f->end - f->start == 4 && !f->fraction.n && f->value >= 1100 && f->value < 2100;
}

/* 1990s, 80s: only where years are read in pairs. */
static bool read_decade(struct tb_norm *s, const struct figure *f)
{
    size_t n = f->end - f->start, last;

    if (!s->lang->years || (n != 2 && n != 4) || f->value % 10 || tb_norm_peek(s, f->end) != 's' ||
        !tb_norm_is_edge(s, f->end + 1))
        return false;
    tb_norm_number(s, f->value, n == 4 ? TB_YEAR : TB_CARDINAL);
    last = s->out->size;
    if (last && s->out->data[last - 1] == 'y') { /* fifty: fifties */
        s->out->size--;
        s->rc = s->rc ? s->rc : tb_bytes_addz(s->out, "ies");
    } else {
        s->rc = s->rc ? s->rc : tb_bytes_addz(s->out, "s");
    }
    s->at = f->end + 1;
    return true;
}

/* Percent, currency or unit behind the figure; false when there is none. */
static bool read_measure(struct tb_norm *s, const struct figure *f, const struct tb_currency *money)
{
    size_t end = f->end;
    struct tb_str big = big_at(s, f->end, money != NULL, &end);
    size_t after = tb_norm_skip_space(s, end), sign_end = 0;
    const struct tb_unit *unit;

    if (money) {
        say_money(s, f, money, big);
        s->at = end;
        return true;
    }
    if ((money = currency_at(s, after, &sign_end))) {
        say_money(s, f, money, big);
        s->at = sign_end;
        return true;
    }
    if (big.n && !unit_of(s, big))
        return false;
    after = tb_norm_skip_space(s, f->end);
    if (tb_norm_peek(s, after) == '%' && s->lang->percent) {
        say_figure(s, f, TB_CARDINAL);
        tb_norm_sayz(s, s->lang->percent);
        s->at = after + 1;
        return true;
    }
    unit = unit_at(s, after, &sign_end);
    if (!unit || (after > f->end && sign_end - after == 1 && tb_norm_peek(s, after) == 'a'))
        return false;
    say_figure(s, f, unit->feminine ? TB_FEMININE : TB_MASCULINE);
    tb_norm_say(s, counted(f, unit->one, unit->many));
    s->at = sign_end;
    return true;
}

static void say_plain(struct tb_norm *s, const struct figure *f)
{
    if (is_year(s, f))
        tb_norm_number(s, f->value, TB_YEAR);
    else
        say_figure(s, f, s->lang->agree(f->value, next_word(s, f->end)));
}

/* 10-20, 1990–95, with or without a unit behind: the first figure and the word for "to". The second comes next. */
static bool read_range(struct tb_norm *s, const struct figure *f)
{
    size_t at = f->end;
    struct figure second;

    if (tb_norm_starts_with(s, at, "–"))
        at += 3;
    else if (tb_norm_peek(s, at) == '-')
        at++;
    else
        return false;
    if (!tb_norm_is_digit(tb_norm_peek(s, at)) || !read_figure(s, at, &second) ||
        (f->start > 0 && !tb_norm_is_edge(s, f->start - 1)) ||
        tb_norm_peek(s, second.end) == '-')
        return false;
    say_plain(s, f);
    tb_norm_sayz(s, s->lang->range);
    s->at = at;
    return true;
}

/* 3:1 and 16:9 */
static bool read_ratio(struct tb_norm *s, const struct figure *f)
{
    struct figure second;

    if (tb_norm_peek(s, f->end) != ':' || !tb_norm_is_digit(tb_norm_peek(s, f->end + 1)) || f->fraction.n ||
        !read_figure(s, f->end + 1, &second) || tb_norm_peek(s, second.end) == ':')
        return false;
    say_plain(s, f);
    tb_norm_sayz(s, s->lang->ratio ? s->lang->ratio : s->lang->range);
    s->at = f->end + 1;
    return true;
}

/* 1.2.3: parts with the word for a dot between. */
static bool read_version(struct tb_norm *s)
{
    size_t at = s->at, parts = 0;

    for (;; at++) {
        size_t n = tb_norm_digits_at(s, at);

        if (n == 0 || n > 4)
            return false;
        at += n;
        parts++;
        if (tb_norm_peek(s, at) != '.' || !tb_norm_is_digit(tb_norm_peek(s, at + 1)))
            break;
    }
    if (parts < 3)
        return false;
    for (size_t i = s->at; i < at; i++) {
        size_t n = tb_norm_digits_at(s, i);

        tb_norm_number(s, tb_norm_small_number(s, i, n), TB_CARDINAL);
        i += n;
        if (i < at)
            tb_norm_sayz(s, s->lang->dot);
    }
    s->at = at;
    return true;
}

/* A sign or currency before the figure. Moves *at to the figure. */
static bool read_front(struct tb_norm *s, size_t *at, bool *minus, const struct tb_currency **money)
{
    bool free_left = *at == 0 || !(tb_norm_is_letter(s->in.p[*at - 1]) || tb_norm_is_digit(s->in.p[*at - 1]));
    size_t end;

    *minus = false;
    *money = NULL;
    if (tb_norm_peek(s, *at) == '-' && free_left) {
        *minus = true;
        ++*at;
    }
    if (free_left && (*money = currency_at(s, *at, &end))) {
        *at = tb_norm_skip_space(s, end);
        if (tb_norm_peek(s, *at) == '-') {
            *minus = true;
            ++*at;
        }
    }
    return tb_norm_is_digit(tb_norm_peek(s, *at)) ||
           (tb_norm_peek(s, *at) == s->lang->decimal && tb_norm_is_digit(tb_norm_peek(s, *at + 1)) && free_left);
}

bool tb_norm_read_number(struct tb_norm *s)
{
    size_t at = s->at;
    const struct tb_currency *money;
    struct figure f;
    bool minus;

    if ((tb_norm_peek(s, at) == '+' || tb_norm_peek(s, at) == '(') && read_telephone(s))
        return true;
    if (!read_front(s, &at, &minus, &money) || !read_figure(s, at, &f))
        return false;
    if (!minus && !money && (read_date(s) || read_telephone(s) || read_time(s) || read_fraction(s)))
        return true;
    if (!minus && !money && !f.grouped && read_version(s))
        return true;
    if (minus)
        tb_norm_sayz(s, s->lang->minus);
    if (!minus && !money && read_decade(s, &f))
        return true;
    if (read_measure(s, &f, money))
        return true;
    s->at = f.end;
    if (!f.fraction.n && f.whole[0] && s->lang->ordinal(s, (long)f.value, &s->at))
        return true;
    if (read_range(s, &f) || read_ratio(s, &f))
        return true;
    say_plain(s, &f);
    return true;
}
