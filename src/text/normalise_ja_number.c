/* normalise_ja_number.c - numbers in Japanese text, with their counters: money, dates, times, percent, telephone
 * numbers. A number is built as kana in a small buffer, whose end a counter may change. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/normalise_ja.h"
#include "text/utf8.h"

enum { WORD_MOST = 400 /* bytes of a number's kana: 16 digits make some 200 */ };

struct word {
    char kana[WORD_MOST];
    size_t n;
};

static const char *const ones[10] = { "ゼロ", "イチ", "ニ", "サン", "ヨン", "ゴ", "ロク", "ナナ", "ハチ", "キュー" };
static const char *const spelled[10] = { "ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュー" };

static void add(struct word *w, const char *kana)
{
    size_t n = strlen(kana);

    if (w->n + n < WORD_MOST) {
        memcpy(w->kana + w->n, kana, n + 1);
        w->n += n;
    }
}

static bool ends(const struct word *w, const char *end)
{
    size_t n = strlen(end);

    return w->n >= n && memcmp(w->kana + w->n - n, end, n) == 0;
}

static bool swap(struct word *w, const char *end, const char *for_it)
{
    if (!ends(w, end))
        return false;
    w->n -= strlen(end);
    add(w, for_it);
    return true;
}

/* The end of a number closes up before k, s, t, h, p: イチ+コ is イッコ. `which`: the digits that do, 10 and 100 as 't'
 * and 'h'. */
static void close_up(struct word *w, const char *which)
{
    (void)((strchr(which, '1') && swap(w, "イチ", "イッ")) || (strchr(which, '6') && swap(w, "ロク", "ロッ")) ||
           (strchr(which, '8') && swap(w, "ハチ", "ハッ")) || (strchr(which, 't') && swap(w, "ジュー", "ジュッ")) ||
           (strchr(which, 'h') && (swap(w, "ヒャク", "ヒャッ") || swap(w, "ビャク", "ビャッ") || swap(w, "ピャク", "ピャッ"))));
}

/* Numbers ---------------------------------------------------------------------------------------------------------- */

/* Below 10 000. */
static void add_section(struct word *w, int value)
{
    static const char *const hundreds[10] = { "",         "ヒャク",     "ニヒャク",   "サンビャク", "ヨンヒャク",
                                              "ゴヒャク", "ロッピャク", "ナナヒャク", "ハッピャク", "キューヒャク" };
    static const char *const thousands[10] = { "",       "セン",     "ニセン",   "サンゼン", "ヨンセン",
                                               "ゴセン", "ロクセン", "ナナセン", "ハッセン", "キューセン" };

    add(w, thousands[value / 1000]);
    add(w, hundreds[value / 100 % 10]);
    if (value / 10 % 10 > 1)
        add(w, ones[value / 10 % 10]);
    if (value / 10 % 10 > 0)
        add(w, "ジュー");
    if (value % 10)
        add(w, ones[value % 10]);
}

static void add_number(struct word *w, long long value)
{
    static const struct {
        long long size;
        const char *name;
    } steps[] = { { 1000000000000, "チョー" }, { 100000000, "オク" }, { 10000, "マン" }, { 1, "" } };

    if (value == 0)
        add(w, ones[0]);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int section = (int)(value / steps[i].size % 10000);

        if (section == 0)
            continue;
        if (section == 1000 && steps[i].size > 1)
            add(w, "イッ");
        add_section(w, section);
        if (i == 0)
            close_up(w, "18t");
        add(w, steps[i].name);
    }
}

/* Counters --------------------------------------------------------------------------------------------------------- */

struct counter {
    const char *sign, *kana;
    const char *closing; /* digits that close up before it */
    const char *soft;    /* what it is behind 3, thousand and ten thousand; NULL: the same */
    const char *hard;    /* what it is behind a number that closed up; NULL: the same */
    const char *short_;  /* of 4, 7, 9: which are ヨ, シチ, ク */
};

/* Longer ones before their beginnings. */
static const struct counter counters[] = {
    { "時間", "ジカン", "", NULL, NULL, "479" },     { "分間", "フンカン", "168th", "プンカン", "プンカン", "" },
    { "週間", "シューカン", "18t", NULL, NULL, "" }, { "か月", "カゲツ", "168th", NULL, NULL, "" },
    { "ヶ月", "カゲツ", "168th", NULL, NULL, "" },   { "カ月", "カゲツ", "168th", NULL, NULL, "" },
    { "ヵ月", "カゲツ", "168th", NULL, NULL, "" },   { "ヶ国", "カコク", "168th", NULL, NULL, "" },
    { "か国", "カコク", "168th", NULL, NULL, "" },   { "か所", "カショ", "168th", NULL, NULL, "" },
    { "年間", "ネンカン", "", NULL, NULL, "4" },     { "年", "ネン", "", NULL, NULL, "4" },
    { "時", "ジ", "", NULL, NULL, "479" },           { "分", "フン", "168th", "プン", "プン", "" },
    { "秒", "ビョー", "", NULL, NULL, "" },          { "円", "エン", "", NULL, NULL, "4" },
    { "人", "ニン", "", NULL, NULL, "4" },           { "名", "メー", "", NULL, NULL, "" },
    { "本", "ホン", "168th", "ボン", "ポン", "" },   { "匹", "ヒキ", "168th", "ビキ", "ピキ", "" },
    { "杯", "ハイ", "168th", "バイ", "パイ", "" },   { "泊", "ハク", "168th", "パク", "パク", "" },
    { "個", "コ", "168th", NULL, NULL, "" },         { "回", "カイ", "168th", NULL, NULL, "" },
    { "階", "カイ", "168th", "ガイ", NULL, "" },     { "巻", "カン", "168th", NULL, NULL, "" },
    { "件", "ケン", "168th", NULL, NULL, "" },       { "軒", "ケン", "168th", "ゲン", NULL, "" },
    { "曲", "キョク", "168th", NULL, NULL, "" },     { "口", "クチ", "168th", NULL, NULL, "" },
    { "歳", "サイ", "18t", NULL, NULL, "" },         { "才", "サイ", "18t", NULL, NULL, "" },
    { "冊", "サツ", "18t", NULL, NULL, "" },         { "世紀", "セーキ", "18t", NULL, NULL, "" },
    { "章", "ショー", "18t", NULL, NULL, "" },       { "足", "ソク", "18t", "ゾク", NULL, "" },
    { "隻", "セキ", "18t", NULL, NULL, "" },         { "席", "セキ", "18t", NULL, NULL, "" },
    { "頭", "トー", "18t", NULL, NULL, "" },         { "点", "テン", "18t", NULL, NULL, "" },
    { "丁目", "チョーメ", "18t", NULL, NULL, "" },   { "通", "ツー", "18t", NULL, NULL, "" },
    { "台", "ダイ", "", NULL, NULL, "" },            { "枚", "マイ", "", NULL, NULL, "" },
    { "番", "バン", "", NULL, NULL, "" },            { "号", "ゴー", "", NULL, NULL, "" },
    { "度", "ド", "", NULL, NULL, "" },              { "位", "イ", "", NULL, NULL, "" },
    { "倍", "バイ", "", NULL, NULL, "" },            { "代", "ダイ", "", NULL, NULL, "" },
    { "部", "ブ", "", NULL, NULL, "" },              { "課", "カ", "168th", NULL, NULL, "" },
    { "ページ", "ページ", "8t", NULL, NULL, "" },    { "パーセント", "パーセント", "18t", NULL, NULL, "" },
    { "%", "パーセント", "18t", NULL, NULL, "" },    { "センチ", "センチ", "18t", NULL, NULL, "" },
    { "キロ", "キロ", "168th", NULL, NULL, "" },     { "トン", "トン", "18t", NULL, NULL, "" },
    { "ドル", "ドル", "", NULL, NULL, "" },          { "km/h", "キロ", "168th", NULL, NULL, "" },
    { "km", "キロ", "168th", NULL, NULL, "" },       { "cm", "センチ", "18t", NULL, NULL, "" },
    { "mm", "ミリ", "", NULL, NULL, "" },            { "m²", "ヘーホーメートル", "168th", NULL, NULL, "" },
    { "m", "メートル", "", NULL, NULL, "" },         { "kg", "キロ", "168th", NULL, NULL, "" },
    { "mg", "ミリグラム", "", NULL, NULL, "" },      { "g", "グラム", "", NULL, NULL, "" },
    { "t", "トン", "18t", NULL, NULL, "" },          { "ml", "ミリリットル", "", NULL, NULL, "" },
    { "mL", "ミリリットル", "", NULL, NULL, "" },    { "L", "リットル", "", NULL, NULL, "" },
    { "℃", "ド", "", NULL, NULL, "" },               { "°C", "ド", "", NULL, NULL, "" },
    { "°", "ド", "", NULL, NULL, "" },               { "kHz", "キロヘルツ", "168th", NULL, NULL, "" },
    { "MHz", "メガヘルツ", "", NULL, NULL, "" },     { "GHz", "ギガヘルツ", "", NULL, NULL, "" },
    { "Hz", "ヘルツ", "", NULL, NULL, "" },          { "€", "ユーロ", "", NULL, NULL, "" },
    { "MB", "メガバイト", "", NULL, NULL, "" },      { "GB", "ギガバイト", "", NULL, NULL, "" },
    { "TB", "テラバイト", "", NULL, NULL, "" },      { "KB", "キロバイト", "168th", NULL, NULL, "" },
};

/* Readings that are not made of their parts. */
static const struct {
    const char *sign;
    int from;
    const char *const kana[10];
} irregular[] = {
    { "つ", 1, { "ヒトツ", "フタツ", "ミッツ", "ヨッツ", "イツツ", "ムッツ", "ナナツ", "ヤッツ", "ココノツ", NULL } },
    { "人", 1, { "ヒトリ", "フタリ", NULL } },
    { "日", 1, { "ツイタチ", "フツカ", "ミッカ", "ヨッカ", "イツカ", "ムイカ", "ナノカ", "ヨーカ", "ココノカ", "トーカ" } },
    { "日", 14, { "ジューヨッカ", NULL } },
    { "日", 20, { "ハツカ", NULL } },
    { "日", 24, { "ニジューヨッカ", NULL } },
    { "月", 1, { "イチガツ", "ニガツ", "サンガツ", "シガツ", "ゴガツ", "ロクガツ", "シチガツ", "ハチガツ", "クガツ", "ジューガツ" } },
    { "月", 11, { "ジューイチガツ", "ジューニガツ", NULL } },
    { "歳", 20, { "ハタチ", NULL } },
};

static bool add_irregular(const struct tb_norm *s, struct word *w, long long value, size_t *at)
{
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        for (int k = 0; tb_norm_starts_with(s, *at, irregular[i].sign) && k < 10 && irregular[i].kana[k]; k++)
            if (value == irregular[i].from + k &&
                !(tb_norm_starts_with(s, *at, "人間") || tb_norm_starts_with(s, *at, "日本"))) {
                add(w, irregular[i].kana[k]);
                *at += strlen(irregular[i].sign);
                return true;
            }
    return false;
}

static void add_counter(struct word *w, const struct counter *c)
{
    if (strchr(c->short_, '4'))
        swap(w, "ヨン", "ヨ");
    if (strchr(c->short_, '7'))
        swap(w, "ナナ", "シチ");
    if (strchr(c->short_, '9'))
        swap(w, "キュー", "ク");
    close_up(w, c->closing);
    bool closed = ends(w, "ッ"), three = ends(w, "サン") || ends(w, "セン") || ends(w, "マン") || ends(w, "ゼン");
    bool four = ends(w, "ヨン") && c->soft && strcmp(c->soft, c->hard ? c->hard : "") == 0; /* 4分 is ヨンプン */
    add(w, closed && c->hard ? c->hard : (three || four) && c->soft ? c->soft : c->kana);
}

static const struct counter *counter_at(const struct tb_norm *s, size_t at)
{
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        size_t n = strlen(counters[i].sign);
        char next = tb_norm_peek(s, at + n);
        bool latin = (unsigned char)counters[i].sign[n - 1] < 0x80 && counters[i].sign[0] != '%';

        if (tb_norm_starts_with(s, at, counters[i].sign) && !(latin && (next | 0x20) >= 'a' && (next | 0x20) <= 'z'))
            return &counters[i];
    }
    return NULL;
}

/* Numbers in digits ------------------------------------------------------------------------------------------------ */

static void say(struct tb_norm *s, const struct word *w)
{
    tb_norm_ja_say(s, w->kana);
}

static void add_digits(struct word *w, struct tb_str digits)
{
    for (size_t i = 0; i < digits.n; i++)
        if (tb_norm_is_digit(digits.p[i]))
            add(w, spelled[digits.p[i] - '0']);
}

static void add_value(struct word *w, const struct tb_norm_han_number *n)
{
    if (n->spelled)
        add_digits(w, n->digits);
    else if (n->value == 0 && n->decimals.n)
        add(w, "レー");
    else
        add_number(w, n->value);
    if (n->decimals.n) {
        close_up(w, "18t");
        add(w, "テン");
        add_digits(w, n->decimals);
    }
}

/* Powers of ten that are written behind digits: 5万, 1億2千万. */
static void add_magnitudes(const struct tb_norm *s, struct word *w, size_t *at)
{
    static const char *const names[][2] = {
        { "兆", "チョー" }, { "億", "オク" }, { "万", "マン" }, { "千", "セン" }, { "百", "ヒャク" },
    };
    bool more = true;

    while (more) {
        more = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (tb_norm_starts_with(s, *at, names[i][0])) {
                struct tb_norm_han_number n;

                add(w, names[i][1]);
                *at += strlen(names[i][0]);
                if (tb_norm_han_number(s, *at, &n) && !n.spelled) {
                    add_value(w, &n);
                    *at = n.end;
                }
                more = true;
            }
    }
}

/* Readers ---------------------------------------------------------------------------------------------------------- */

/* As read_amount, for a counter that is not written. */
static void add_counted(struct word *w, long long value, const char *sign)
{
    const struct tb_norm written = { .in = tb_str_of(sign) };
    const struct counter *c = counter_at(&written, 0);
    size_t at = 0;

    if (add_irregular(&written, w, value, &at))
        return;
    add_number(w, value);
    if (c)
        add_counter(w, c);
    else
        add(w, "ニチ"); /* of the signs that dates have, only 日 has no row */
}

static void say_counted(struct tb_norm *s, long long value, const char *sign)
{
    struct word w = { .n = 0 };

    add_counted(&w, value, sign);
    say(s, &w);
}

/* "2024-05-12", "2024/5/12". */
static bool read_date(struct tb_norm *s)
{
    size_t at = s->at, n, m;
    char sign = tb_norm_peek(s, at + 4);

    if (tb_norm_digits_at(s, at) != 4 || (sign != '-' && sign != '/') ||
        (n = tb_norm_digits_at(s, at + 5)) < 1 || n > 2 ||
        tb_norm_peek(s, at + 5 + n) != sign || (m = tb_norm_digits_at(s, at + 6 + n)) < 1 || m > 2)
        return false;
    int month = atoi(s->in.p + at + 5), day = atoi(s->in.p + at + 6 + n);
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    say_counted(s, atoi(s->in.p + at), "年");
    say_counted(s, month, "月");
    say_counted(s, day, "日");
    s->at = at + 6 + n + m;
    return true;
}

/* "8:05", "15:30:20", "3:45 PM". */
static bool read_time(struct tb_norm *s)
{
    size_t n = tb_norm_digits_at(s, s->at), end = s->at + n;
    int second = -1;

    if (n < 1 || n > 2 || tb_norm_peek(s, end) != ':' || tb_norm_digits_at(s, end + 1) != 2)
        return false;
    int hour = atoi(s->in.p + s->at), minute = atoi(s->in.p + end + 1);
    end += 3;
    if (tb_norm_peek(s, end) == ':' && tb_norm_digits_at(s, end + 1) == 2) {
        second = atoi(s->in.p + end + 1);
        end += 3;
    }
    if (hour > 24 || minute > 59 || second > 59)
        return false;
    size_t half = end + (tb_norm_peek(s, end) == ' ');
    if (s->in.n >= half + 2 &&
        (strncasecmp(s->in.p + half, "am", 2) == 0 || strncasecmp(s->in.p + half, "pm", 2) == 0)) {
        tb_norm_ja_say(s, (s->in.p[half] | 0x20) == 'a' ? "ゴゼン" : "ゴゴ");
        end = half + 2;
    }
    say_counted(s, hour, "時");
    if (minute || second >= 0)
        say_counted(s, minute, "分");
    if (second >= 0)
        say_counted(s, second, "秒");
    s->at = end;
    return true;
}

/* Groups of digits with hyphens, 0 in front or three of them; or eleven digits that begin with 0. */
static bool read_phone(struct tb_norm *s)
{
    size_t n = tb_norm_digits_at(s, s->at), groups = 1, end = s->at + n, total = n;

    while (n && tb_norm_peek(s, end) == '-' && tb_norm_digits_at(s, end + 1) >= 2) {
        total += tb_norm_digits_at(s, end + 1);
        end += 1 + tb_norm_digits_at(s, end + 1);
        groups++;
    }
    if (n == 0 || total < 9 || !(groups == 3 || (s->in.p[s->at] == '0' && total <= 11)))
        return false;
    struct word w = { .n = 0 };
    for (; s->at < end; s->at++) {
        if (tb_norm_is_digit(s->in.p[s->at])) {
            add(&w, spelled[s->in.p[s->at] - '0']);
            continue;
        }
        say(s, &w);
        tb_norm_mark(s, TB_STR(","));
        w.n = 0;
    }
    say(s, &w);
    return true;
}

/* "1/2" is ニブンノイチ, "3:1" サンタイイチ, "1.2.3" with テン between. */
static bool read_pair(struct tb_norm *s)
{
    struct tb_norm_han_number a, b;
    struct word w = { .n = 0 };

    if (!tb_norm_han_number(s, s->at, &a) || a.spelled)
        return false;
    char sign = tb_norm_peek(s, a.end);
    if ((sign != '/' && sign != ':' && !(sign == '.' && a.decimals.n)) || !tb_norm_han_number(s, a.end + 1, &b) ||
        (sign == '/' && (b.value == 0 || a.digits.n > 3)))
        return false;
    add_value(&w, sign == '/' ? &b : &a);
    add(&w, sign == '/' ? "ブンノ" : sign == ':' ? "タイ" : "テン");
    add_value(&w, sign == '/' ? &a : &b);
    say(s, &w);
    s->at = b.end;
    return true;
}

/* "10~20", "3-5": カラ, and the second number is read as the next one. */
static void read_range(struct tb_norm *s)
{
    size_t at = s->at;

    if (!tb_norm_starts_with(s, at, "~") && !tb_norm_starts_with(s, at, "-") && !tb_norm_starts_with(s, at, "–") &&
        !tb_norm_starts_with(s, at, "〜"))
        return;
    tb_utf8_next(s->in, &at);
    if (tb_norm_is_digit(tb_norm_peek(s, at))) {
        tb_norm_ja_say(s, "カラ");
        s->at = at;
    }
}

/* Say the number at s->at, which was parsed, with what it counts. */
static void say_amount(struct tb_norm *s, const struct tb_norm_han_number *n, bool minus, const char *currency)
{
    struct word w = { .n = 0 };
    const struct counter *c;
    size_t end = n->end + (tb_norm_peek(s, n->end) == ' ' ? 1 : 0);
    /* 1日 is the first only behind a month: by itself it is a day long. */
    bool a_day = n->value == 1 && tb_norm_starts_with(s, end, "日") &&
        !(s->at >= 3 && tb_norm_starts_with(s, s->at - 3, "月"));

    if (minus)
        add(&w, "マイナス");
    if (n->decimals.n || n->spelled || a_day || !add_irregular(s, &w, n->value, &end)) {
        add_value(&w, n);
        end = n->end;
        add_magnitudes(s, &w, &end);
        size_t behind = end + (tb_norm_peek(s, end) == ' ');
        if (!currency && tb_norm_starts_with(s, behind, "日") && !tb_norm_starts_with(s, behind, "日本")) {
            add(&w, "ニチ");
            end = behind + strlen("日");
        } else if (!currency && (c = counter_at(s, behind))) {
            add_counter(&w, c);
            end = behind + strlen(c->sign);
        }
    }
    if (currency && strcmp(currency, "エン") == 0)
        swap(&w, "ヨン", "ヨ");
    if (currency)
        add(&w, currency);
    say(s, &w);
    s->at = end;
    read_range(s);
}

static bool read_amount(struct tb_norm *s, bool minus, const char *currency)
{
    struct tb_norm_han_number n;

    if (!tb_norm_han_number(s, s->at, &n))
        return false;
    say_amount(s, &n, minus, currency);
    return true;
}

/* The value of 三百二十一, from s->at; characters in *count, 0 when it is not well formed. */
static long long parse_kanji(const struct tb_norm *s, size_t *end, size_t *count)
{
    static const char digits[] = "〇一二三四五六七八九", powers[] = "十百千万億"; /* three bytes each */
    static const long long sizes[] = { 10, 100, 1000, 10000, 100000000 };
    long long total = 0, section = 0, digit = 0, plain = 0; /* plain: 二〇二四 */
    bool power = false, zero = false, twice = false;

    *end = s->at;
    *count = 0;
    while (s->in.n - *end >= 3) {
        char one[4] = { s->in.p[*end], s->in.p[*end + 1], s->in.p[*end + 2], 0 };
        const char *as_digit = strstr(digits, one), *as_power = strstr(powers, one);

        if (!as_digit && !as_power)
            break;
        if (*count >= TB_NORM_HAN_DIGITS || (as_digit && digit > 0 && power))
            return *count = 0;
        twice |= as_digit && digit > 0;
        if (as_digit) {
            digit = (as_digit - digits) / 3;
            plain = 10 * plain + digit;
            zero |= digit == 0;
        } else if ((as_power - powers) / 3 < 3) {
            section += (digit ? digit : 1) * sizes[(as_power - powers) / 3];
            digit = 0;
        } else if (section + digit == 0) {
            return *count = 0; /* 万一 */
        } else {
            total += (section + digit) * sizes[(as_power - powers) / 3];
            section = digit = 0;
        }
        power |= as_power != NULL;
        *end += 3;
        ++*count;
    }
    if (power ? zero || twice : (*count == 2 && !zero))
        *count = 0;
    return power ? total + section + digit : plain;
}

/* Kanji numbers where MeCab would not join their parts: 三百円 is サンビャクエン. Single ones are most often parts of words,
 * but for those before some counters. */
static bool read_kanji_number(struct tb_norm *s)
{
    static const char *const singly[] = { "本", "匹", "杯", "冊", "歳", "階", "個", "円", "時", "回", "人", "日" };
    struct tb_norm_han_number n = { .digits = { "", 0 } };
    size_t count, next, before = s->at;
    bool counted = false;

    n.value = parse_kanji(s, &n.end, &count);
    next = n.end;
    if (count == 0 ||
        (before > 0 && tb_is_han(tb_utf8_previous(s->in, &before)) && !tb_norm_starts_with(s, before, "第") &&
         !tb_norm_starts_with(s, before, "月") && !tb_norm_starts_with(s, before, "年") &&
         !tb_norm_starts_with(s, before, "約") && !tb_norm_starts_with(s, before, "時")))
        return false;
    for (size_t i = 0; i < sizeof singly / sizeof *singly; i++)
        counted |= tb_norm_starts_with(s, next, singly[i]);
    if (count == 1 && !(counted && n.value <= 10 && !tb_norm_starts_with(s, n.end, "日本")))
        return false;
    if (next < s->in.n && tb_is_han(tb_utf8_next(s->in, &next)) && !counter_at(s, n.end) &&
        !tb_norm_starts_with(s, n.end, "日") && !tb_norm_starts_with(s, n.end, "月"))
        return false; /* 八百屋, 五十嵐 */
    say_amount(s, &n, false, NULL);
    return true;
}

static bool read_signed(struct tb_norm *s)
{
    static const char *const currencies[][2] = {
        { "¥", "エン" }, { "￥", "エン" }, { "$", "ドル" }, { "€", "ユーロ" }, { "£", "ポンド" },
    };
    size_t start = s->at;
    char before = start > 0 ? s->in.p[start - 1] : ' ';
    bool joined = tb_norm_is_digit(before) || (before > 0 && tb_norm_is_letter(before)); /* 3-5, A-5; but 気温-5℃ */
    bool minus = tb_norm_peek(s, start) == '-' && !joined;
    const char *currency = NULL;

    s->at += minus;
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies && !currency; i++)
        if (tb_norm_starts_with(s, s->at, currencies[i][0])) {
            currency = currencies[i][1];
            s->at += strlen(currencies[i][0]);
        }
    if ((minus || currency) && read_amount(s, minus, currency))
        return true;
    s->at = start;
    return false;
}

void tb_norm_ja_digit(struct tb_norm *s, char digit)
{
    tb_norm_ja_say(s, spelled[digit - '0']);
}

bool tb_norm_ja_read_number(struct tb_norm *s)
{
    if (!tb_norm_is_digit(tb_norm_peek(s, s->at)))
        return read_kanji_number(s) || read_signed(s);
    return read_date(s) || read_phone(s) || read_time(s) || read_pair(s) || read_amount(s, false, NULL);
}
