/* normalise_zh_number.c - numbers in Chinese text, with all that belongs to them: dates, times, money, percent, units,
 * fractions, ratios, ranges, telephone numbers. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/normalise_zh.h"
#include "text/utf8.h"

enum { SPELLED = 12 /* digits; from there on they are said one by one */ };

static const char *const digit_words[10] = { "零", "一", "二", "三", "四", "五", "六", "七", "八", "九" };

/* Behind the sign; the longest match counts. */
static const struct {
    const char *sign, *name;
} units[] = {
    { "km/h", "公里每小时" }, { "m/s", "米每秒" }, { "km²", "平方公里" }, { "m²", "平方米" }, { "cm²", "平方厘米" },
    { "m³", "立方米" },       { "cm³", "立方厘米" }, { "km", "公里" },    { "dm", "分米" },   { "cm", "厘米" },
    { "mm", "毫米" },         { "μm", "微米" },    { "nm", "纳米" },      { "m", "米" },      { "kg", "公斤" },
    { "mg", "毫克" },         { "g", "克" },       { "t", "吨" },         { "ml", "毫升" },   { "mL", "毫升" },
    { "L", "升" },            { "l", "升" },       { "℃", "摄氏度" },     { "°C", "摄氏度" }, { "℉", "华氏度" },
    { "°F", "华氏度" },       { "°", "度" },       { "kHz", "千赫" },     { "MHz", "兆赫" },  { "GHz", "吉赫" },
    { "Hz", "赫兹" },         { "kWh", "千瓦时" }, { "kW", "千瓦" },      { "W", "瓦" },      { "V", "伏" },
    { "mAh", "毫安时" },      { "dB", "分贝" },    { "kcal", "千卡" },    { "ha", "公顷" },   { "px", "像素" },
    { "ms", "毫秒" },         { "s", "秒" },       { "min", "分钟" },     { "h", "小时" },    { "USD", "美元" },
    { "US$", "美元" },        { "RMB", "元" },     { "CNY", "元" },       { "EUR", "欧元" },  { "€", "欧元" },
    { "£", "英镑" },          { "JPY", "日元" },   { "HKD", "港元" },     { "GBP", "英镑" },
};

static const struct {
    const char *sign, *name;
} currencies[] = {
    { "US$", "美元" }, { "HK$", "港元" }, { "$", "美元" }, { "¥", "元" }, { "￥", "元" }, { "€", "欧元" }, { "£", "英镑" },
    { "₩", "韩元" },   { "₽", "卢布" },   { "₹", "卢比" },
};

static void say(struct tb_norm *s, const char *words)
{
    tb_norm_mark(s, tb_str_of(words));
}

static bool starts_with_any(const struct tb_norm *s, size_t at, const char *words)
{
    for (const char *p = words; *p; p += strcspn(p, " "), p += *p == ' ') {
        size_t n = strcspn(p, " ");

        if (at <= s->in.n && s->in.n - at >= n && memcmp(s->in.p + at, p, n) == 0)
            return true;
    }
    return false;
}

/* Words of numbers ------------------------------------------------------------------------------------------------- */

/* Below 10 000. `first`: nothing was said before, so that 15 is 十五, not 一十五, and 2000 is 两千. */
static void say_section(struct tb_norm *s, int value, bool first)
{
    static const struct {
        int size;
        const char *name;
    } places[] = { { 1000, "千" }, { 100, "百" }, { 10, "十" }, { 1, "" } };
    bool begun = false, gap = false;

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int digit = value / places[i].size;

        value %= places[i].size;
        if (digit == 0) {
            gap = begun;
            continue;
        }
        if (gap)
            say(s, "零");
        gap = false;
        if (!(first && !begun && digit == 1 && places[i].size == 10))
            say(s, first && !begun && digit == 2 && places[i].size == 1000 ? "两" : digit_words[digit]);
        say(s, places[i].name);
        begun = true;
    }
}

void tb_norm_zh_number(struct tb_norm *s, long long value)
{
    static const struct {
        long long size;
        const char *name;
    } steps[] = { { 1000000000000, "万亿" }, { 100000000, "亿" }, { 10000, "万" }, { 1, "" } };
    bool begun = false, gap = false;

    if (value == 0)
        say(s, digit_words[0]);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int section = (int)(value / steps[i].size % 10000);

        if (i == 0)
            section = (int)(value / steps[i].size);
        if (section == 0) {
            gap = begun;
            continue;
        }
        if (begun && (gap || section < 1000))
            say(s, digit_words[0]);
        gap = false;
        if (!begun && section == 2 && steps[i].size > 1)
            say(s, "两");
        else
            say_section(s, section, !begun);
        say(s, steps[i].name);
        begun = true;
    }
}

/* phone: 1 is 幺, which nobody mishears as 七. */
static void say_digits(struct tb_norm *s, struct tb_str digits, bool phone)
{
    for (size_t i = 0; i < digits.n; i++)
        if (tb_norm_is_digit(digits.p[i]))
            say(s, phone && digits.p[i] == '1' ? "幺" : digit_words[digits.p[i] - '0']);
}

/* Parsing ---------------------------------------------------------------------------------------------------------- */

/* The digits at `at`; many without groups are said one by one. False: there are none. */
static bool parse(const struct tb_norm *s, size_t at, struct tb_norm_han_number *out)
{
    bool found = tb_norm_han_number(s, at, out), grouped = out->digits.n > out->count;

    out->spelled |= !grouped && out->count >= SPELLED;
    return found;
}

static void say_number(struct tb_norm *s, const struct tb_norm_han_number *n)
{
    if (n->spelled)
        say_digits(s, n->digits, false);
    else
        tb_norm_zh_number(s, n->value);
    if (n->decimals.n) {
        say(s, "点");
        say_digits(s, n->decimals, false);
    }
}

/* Is this 2 said 两, as before what is counted? */
static bool is_counted(const struct tb_norm *s, const struct tb_norm_han_number *n)
{
    size_t before = s->at;

    if (n->value != 2 || n->digits.n != 1 || n->decimals.n)
        return false;
    if (before > 0 && starts_with_any(s, before - (before >= 3 ? 3 : 0), "第 周 期 初 月"))
        return false;
    if (tb_norm_starts_with(s, n->end, "年级") || tb_norm_starts_with(s, n->end, "号") ||
        tb_norm_starts_with(s, n->end, "年代"))
        return false;
    return starts_with_any(s, n->end,
                           "个 只 条 张 件 本 位 名 天 周 块 元 斤 家 部 辆 台 杯 瓶 碗 间 层 倍 口 场 份 套 颗 棵 支 把 双 对 "
                           "遍 下 点 头 匹 首 幅 座 句 篇 页 人 批 片 种 岁 米 公里 公斤 公顷 小时 秒 分 盒 袋 包 千 万 亿 组 群 行 "
                           "列 排 串 堆 滴 顿 副 根 架 扇 艘 枚 盏 朵 项 年 美元 欧元 英镑 国 者 性 边 次 代 步 段 道 吨 克 升 平方");
}

/* Readers ---------------------------------------------------------------------------------------------------------- */

/* "2024-05-12", "2024/5/12", "2024.5.12", "2024/5". */
static bool read_date(struct tb_norm *s)
{
    size_t at = s->at, n;
    char sign = tb_norm_peek(s, at + 4);
    int month, day = 0;

    if (tb_norm_digits_at(s, at) != 4 || (sign != '-' && sign != '/' && sign != '.') ||
        (n = tb_norm_digits_at(s, at + 5)) < 1 || n > 2)
        return false;
    month = atoi(s->in.p + at + 5);
    size_t end = at + 5 + n;
    if (tb_norm_peek(s, end) == sign && (n = tb_norm_digits_at(s, end + 1)) >= 1 && n <= 2) {
        day = atoi(s->in.p + end + 1);
        end += 1 + n;
        if (day < 1 || day > 31)
            return false;
    } else if (sign == '.' || (sign == '-' && n != 2) || s->in.p[at] > '2') {
        return false;
    }
    if (month < 1 || month > 12 || tb_norm_peek(s, end) == sign)
        return false;
    say_digits(s, (struct tb_str){ s->in.p + at, 4 }, false);
    say(s, "年");
    tb_norm_zh_number(s, month);
    say(s, "月");
    if (day) {
        tb_norm_zh_number(s, day);
        say(s, "日");
    }
    s->at = end;
    return true;
}

/* "am", "p.m." behind a time; moves *at past it. 0, 'a' or 'p'. */
static char half_of_day(const struct tb_norm *s, size_t *at)
{
    static const char *const forms[] = { "am", "a.m.", "pm", "p.m." };
    size_t start = *at + (tb_norm_peek(s, *at) == ' ');

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t n = strlen(forms[i]);

        if (s->in.n - start >= n && strncasecmp(s->in.p + start, forms[i], n) == 0) {
            *at = start + n;
            return forms[i][0];
        }
    }
    return 0;
}

static void say_hour(struct tb_norm *s, int hour)
{
    if (hour == 2)
        say(s, "两");
    else
        tb_norm_zh_number(s, hour);
    say(s, "点");
}

/* "8:05", "15:30:20", "3:45 pm". */
static bool read_time(struct tb_norm *s)
{
    size_t n = tb_norm_digits_at(s, s->at), end = s->at + n;
    int hour, minute, second = -1;

    if (n < 1 || n > 2 || tb_norm_peek(s, end) != ':' || tb_norm_digits_at(s, end + 1) != 2)
        return false;
    hour = atoi(s->in.p + s->at);
    minute = atoi(s->in.p + end + 1);
    end += 3;
    if (tb_norm_peek(s, end) == ':' && tb_norm_digits_at(s, end + 1) == 2) {
        second = atoi(s->in.p + end + 1);
        end += 3;
    }
    if (hour > 24 || minute > 59 || second > 59)
        return false;
    char half = half_of_day(s, &end);
    if (half)
        say(s, half == 'a' ? "上午" : "下午");
    say_hour(s, hour);
    if (minute || second > 0) {
        if (minute < 10)
            say(s, digit_words[0]);
        if (minute)
            tb_norm_zh_number(s, minute);
        say(s, "分");
    }
    if (second >= 0) {
        tb_norm_zh_number(s, second);
        say(s, "秒");
    }
    s->at = end;
    return true;
}

/* Groups of digits with hyphens or spaces, or eleven that begin as mobile numbers do. */
static bool read_phone(struct tb_norm *s)
{
    size_t at = s->at + (tb_norm_peek(s, s->at) == '+'), n = tb_norm_digits_at(s, at), groups = 1, total = n,
        end = at + n;
    bool plus = at > s->at, hyphen = false;

    if (n == 0 || (plus && n > 13))
        return false;
    while ((tb_norm_peek(s, end) == '-' || (tb_norm_peek(s, end) == ' ' && (plus || n == 3))) &&
           tb_norm_digits_at(s, end + 1) >= 3) {
        hyphen |= s->in.p[end] == '-';
        total += tb_norm_digits_at(s, end + 1);
        end += 1 + tb_norm_digits_at(s, end + 1);
        groups++;
    }
    bool mobile = groups == 1 && n == 11 && s->in.p[at] == '1' && s->in.p[at + 1] >= '3';
    bool spaced = groups == 3 && n == 3 && total == 11 && s->in.p[at] == '1';
    bool area = groups == 2 && hyphen && s->in.p[at] == '0' && n >= 3 && n <= 4 && total >= 10;
    bool service = groups == 3 && hyphen && n == 3 && total >= 10;
    if (!(plus && total >= 8) && !mobile && !area && !service && !spaced)
        return false;
    if (plus)
        say(s, "加");
    for (size_t i = at; i < end; i++) {
        if (!tb_norm_is_digit(s->in.p[i]) || (mobile && (i == at + 3 || i == at + 7)))
            tb_norm_mark(s, TB_STR(","));
        say_digits(s, (struct tb_str){ s->in.p + i, 1 }, true);
    }
    s->at = end;
    return true;
}

/* "1.2.3", an address or a version. */
static bool read_dotted(struct tb_norm *s)
{
    size_t end = s->at, parts = 0, n;

    while ((n = tb_norm_digits_at(s, end)) && ++parts) {
        end += n;
        if (tb_norm_peek(s, end) != '.' || !tb_norm_digits_at(s, end + 1))
            break;
        end++;
    }
    if (parts < 3)
        return false;
    while (s->at < end) {
        n = tb_norm_digits_at(s, s->at);
        say_digits(s, (struct tb_str){ s->in.p + s->at, n }, false);
        s->at += n;
        if (s->at < end) {
            say(s, "点");
            s->at++;
        }
    }
    return true;
}

/* "1/2" is 二分之一, "3:1" is 三比一. */
static bool read_pair(struct tb_norm *s)
{
    struct tb_norm_han_number a, b;

    if (!parse(s, s->at, &a) || a.spelled)
        return false;
    char sign = tb_norm_peek(s, a.end);
    if ((sign != '/' && sign != ':') || !parse(s, a.end + 1, &b) || b.spelled || tb_norm_peek(s, b.end) == sign)
        return false;
    if (sign == '/' && (b.value == 0 || a.decimals.n || b.decimals.n || a.digits.n > 3 || b.digits.n > 4))
        return false;
    say_number(s, sign == '/' ? &b : &a);
    say(s, sign == '/' ? "分之" : "比");
    say_number(s, sign == '/' ? &a : &b);
    s->at = b.end;
    return true;
}

/* Four digits before 年, alone or as the first of a range, are said one by one. */
static bool is_year(const struct tb_norm *s, const struct tb_norm_han_number *n)
{
    size_t end = n->end;

    if (n->digits.n != 4 || n->decimals.n || n->value < 1000 || n->value > 2199)
        return false;
    if (starts_with_any(s, end, "- ~ – — 至 到")) {
        tb_utf8_next(s->in, &end);
        if (tb_norm_digits_at(s, end) != 4)
            return false;
        end += 4;
    }
    return tb_norm_starts_with(s, end, "年") && !(n->value % 100 == 0 && starts_with_any(s, end + 3, "前 来 间 历 的历"));
}

/* The unit behind a number, if any; moves *at past it. */
static const char *unit_at(const struct tb_norm *s, size_t *at)
{
    size_t start = *at + (tb_norm_peek(s, *at) == ' ');

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].sign);
        char next = tb_norm_peek(s, start + n);
        bool letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');

        if (tb_norm_starts_with(s, start, units[i].sign) && !(letter && (unsigned char)units[i].sign[n - 1] < 0x80)) {
            *at = start + n;
            return units[i].name;
        }
    }
    return NULL;
}

/* "10-20", "5~8": 到, and the second number is read as the next one. */
static void read_range(struct tb_norm *s)
{
    size_t at = s->at;

    if (!starts_with_any(s, at, "- ~ – —"))
        return;
    tb_utf8_next(s->in, &at);
    if (tb_norm_is_digit(tb_norm_peek(s, at))) {
        say(s, "到");
        s->at = at;
    }
}

static void say_magnitude(struct tb_norm *s)
{
    while (starts_with_any(s, s->at, "十 百 千 万 亿")) {
        size_t start = s->at;

        tb_utf8_next(s->in, &s->at);
        tb_norm_mark(s, (struct tb_str){ s->in.p + start, s->at - start });
    }
}

/* A plain number; currency: its name, said behind. */
static bool read_amount(struct tb_norm *s, bool minus, const char *currency)
{
    struct tb_norm_han_number n;
    const char *unit;
    size_t end;

    if (!parse(s, s->at, &n))
        return false;
    if (minus && n.end < s->in.n && starts_with_any(s, n.end + (s->in.p[n.end] == ' '), "℃ °C 摄氏度 度"))
        say(s, "零下");
    else if (minus)
        say(s, "负");
    if (starts_with_any(s, n.end, "% ‰")) {
        bool percent = s->in.p[n.end] == '%';

        say(s, percent ? "百分之" : "千分之");
        say_number(s, &n);
        s->at = n.end + (percent ? 1 : 3);
        read_range(s);
        return true;
    }
    while (currency && n.decimals.n && n.decimals.p[n.decimals.n - 1] == '0')
        n.decimals.n--; /* 3.50 is three and a half */
    end = n.end;
    unit = currency ? NULL : unit_at(s, &end);
    if (is_year(s, &n))
        say_digits(s, n.digits, false);
    else if (is_counted(s, &n) || (n.value == 2 && n.digits.n == 1 && !n.decimals.n && (unit || currency)))
        say(s, "两");
    else
        say_number(s, &n);
    s->at = end;
    if (unit)
        say(s, unit);
    if (currency) {
        say_magnitude(s);
        say(s, currency);
    }
    read_range(s);
    return true;
}

/* What stands before a number: a sign or a currency. */
static bool read_signed(struct tb_norm *s)
{
    size_t start = s->at;
    char before = start > 0 ? s->in.p[start - 1] : ' ';
    bool joined = tb_norm_is_digit(before) || (before > 0 && tb_norm_is_letter(before)); /* 3-5, A-5; but 气温-5℃ */
    bool minus = tb_norm_peek(s, start) == '-' && !joined;
    const char *currency = NULL;

    s->at += minus;
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies && !currency; i++)
        if (tb_norm_starts_with(s, s->at, currencies[i].sign)) {
            currency = currencies[i].name;
            s->at += strlen(currencies[i].sign);
            s->at += tb_norm_peek(s, s->at) == ' ';
        }
    if ((minus || currency) && read_amount(s, minus, currency))
        return true;
    s->at = start;
    return false;
}

bool tb_norm_zh_read_number(struct tb_norm *s)
{
    if (tb_norm_peek(s, s->at) == '+' && read_phone(s))
        return true;
    if (!tb_norm_is_digit(tb_norm_peek(s, s->at)))
        return read_signed(s);
    return read_date(s) || read_phone(s) || read_time(s) || read_dotted(s) || read_pair(s) ||
           read_amount(s, false, NULL);
}
