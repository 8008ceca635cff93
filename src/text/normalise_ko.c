/* normalise_ko.c - Korean: see normalise_priv.h. Numbers are Sino-Korean, but before the counters of things, people,
 * hours and ages Korea's own; particles follow numbers and signs at once. */
#include <string.h>

#include "text/normalise_priv.h"

static const char *const letters[26] = { "에이", "비", "씨",     "디",   "이",   "에프", "지", "에이치", "아이",
                                         "제이", "케이", "엘",   "엠",   "엔",   "오",   "피", "큐",     "알",
                                         "에스", "티",   "유",   "브이", "더블유", "엑스", "와이", "지" };

static const struct tb_unit units[] = {
    { "km/h", "킬로미터 퍼 아워", "킬로미터 퍼 아워", false },
    { "m/s", "미터 퍼 세컨드", "미터 퍼 세컨드", false },
    { "km²", "제곱킬로미터", "제곱킬로미터", false },
    { "m²", "제곱미터", "제곱미터", false },
    { "㎡", "제곱미터", "제곱미터", false },
    { "m³", "세제곱미터", "세제곱미터", false },
    { "km", "킬로미터", "킬로미터", false },
    { "㎞", "킬로미터", "킬로미터", false },
    { "cm", "센티미터", "센티미터", false },
    { "mm", "밀리미터", "밀리미터", false },
    { "m", "미터", "미터", false },
    { "kg", "킬로그램", "킬로그램", false },
    { "㎏", "킬로그램", "킬로그램", false },
    { "mg", "밀리그램", "밀리그램", false },
    { "g", "그램", "그램", false },
    { "t", "톤", "톤", false },
    { "ml", "밀리리터", "밀리리터", false },
    { "mL", "밀리리터", "밀리리터", false },
    { "l", "리터", "리터", false },
    { "L", "리터", "리터", false },
    { "℃", "도", "도", false },
    { "°C", "도", "도", false },
    { "ºC", "도", "도", false },
    { "°", "도", "도", false },
    { "ha", "헥타르", "헥타르", false },
    { "Hz", "헤르츠", "헤르츠", false },
    { "kHz", "킬로헤르츠", "킬로헤르츠", false },
    { "MHz", "메가헤르츠", "메가헤르츠", false },
    { "GHz", "기가헤르츠", "기가헤르츠", false },
    { "KB", "킬로바이트", "킬로바이트", false },
    { "MB", "메가바이트", "메가바이트", false },
    { "GB", "기가바이트", "기가바이트", false },
    { "TB", "테라바이트", "테라바이트", false },
    { "V", "볼트", "볼트", false },
    { "W", "와트", "와트", false },
    { "kW", "킬로와트", "킬로와트", false },
    { "kWh", "킬로와트시", "킬로와트시", false },
    { "dB", "데시벨", "데시벨", false },
    { "kcal", "킬로칼로리", "킬로칼로리", false },
    { "%p", "퍼센트포인트", "퍼센트포인트", false },
    { NULL, NULL, NULL, false },
};

static const struct tb_currency currencies[] = {
    { "₩", "원", "원", NULL, NULL, false },    { "KRW", "원", "원", NULL, NULL, false },
    { "$", "달러", "달러", "센트", "센트", false }, { "USD", "달러", "달러", "센트", "센트", false },
    { "€", "유로", "유로", "센트", "센트", false }, { "EUR", "유로", "유로", "센트", "센트", false },
    { "£", "파운드", "파운드", "펜스", "펜스", false }, { "¥", "엔", "엔", NULL, NULL, false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

static const struct tb_abbreviation abbreviations[] = {
    { "㈜", "주식회사 ", 0 }, { "(주)", "주식회사 ", 0 },   { "vs", "대", 0 },
    { "No", "넘버", TB_ABBR_DOT | TB_ABBR_NUMBER }, { "Dr", "닥터", TB_ABBR_DOT }, { "Mr", "미스터", TB_ABBR_DOT },
    { "Ms", "미즈", TB_ABBR_DOT }, { "Tel", "전화", TB_ABBR_DOT }, { "TEL", "전화", 0 },
    { "etc", "등등", TB_ABBR_END }, { "e.g", "예를 들어", TB_ABBR_DOT }, { NULL, NULL, 0 },
};

static const struct tb_symbol symbols[] = {
    { '&', "와 " },        { '+', "더하기 " },      { '=', "는" },          { '@', "골뱅이" },
    { '%', "퍼센트" },      { '#', "샵" },          { '<', "작다" },        { '>', "크다" },
    { 0xD7, "곱하기" },     { 0xF7, "나누기" },     { 0xB1, "플러스 마이너스" }, { 0xB0, "도" },
    { 0xBD, "이분의 일" },  { 0xBC, "사분의 일" },  { 0xBE, "사분의 삼" },  { 0xB2, "제곱" },
    { 0xB3, "세제곱" },     { '~', "에서 " },        { 0x301C, "에서 " },     { 0x2248, "약" },
    { 0x2264, "이하" },     { 0x2265, "이상" },     { 0x2260, "같지 않다" }, { 0x221A, "루트" },
    { 0x3C0, "파이" },      { '$', "달러" },        { 0x20A9, "원" },       { 0x20AC, "유로" },
    { 0xA3, "파운드" },     { 0x2103, "도" },       { 0x2116, "넘버" },     { 0, NULL },
};

static bool is_readable(struct tb_str w)
{
    return tb_norm_in_list(" NATO NASA UNESCO UNICEF OPEC FIFA AIDS ", w, false) ||
        (w.n > 4 && tb_norm_is_syllabic(w, 2));
}

/* The months of the six and the ten drop their last sound. */
static void say_month(struct tb_norm *s, long month)
{
    if (month == 6 || month == 10)
        tb_norm_sayz(s, month == 6 ? "유" : "시");
    else
        tb_norm_number(s, month, TB_CARDINAL);
    tb_norm_glue(s, "월");
}

static void say_date(struct tb_norm *s, int year, int month, int day)
{
    if (year) {
        tb_norm_number(s, year, TB_CARDINAL);
        tb_norm_glue(s, "년 ");
    }
    say_month(s, month);
    tb_norm_glue(s, " ");
    tb_norm_number(s, day, TB_CARDINAL);
    tb_norm_glue(s, "일");
}

static void say_time(struct tb_norm *s, int hour, int minute, int second, int half)
{
    if (half)
        tb_norm_sayz(s, half == 'a' ? "오전 " : "오후 ");
    tb_norm_number(s, hour, hour >= 1 && hour <= 12 ? TB_COUNTING : TB_CARDINAL);
    tb_norm_glue(s, "시");
    if (minute) {
        tb_norm_glue(s, " ");
        tb_norm_number(s, minute, TB_CARDINAL);
        tb_norm_glue(s, "분");
    }
    if (second >= 0) {
        tb_norm_glue(s, " ");
        tb_norm_number(s, second, TB_CARDINAL);
        tb_norm_glue(s, "초");
    }
}

static void say_fraction(struct tb_norm *s, long top, long bottom, bool after_whole)
{
    (void)after_whole;
    tb_norm_number(s, bottom, TB_CARDINAL);
    tb_norm_glue(s, "분의 ");
    tb_norm_number(s, top, TB_CARDINAL);
}

static bool read_ordinal(struct tb_norm *s, long value, size_t *at)
{
    (void)s, (void)value, (void)at;
    return false;
}

/* 6월, 10월, 1번째 */
static bool read_own(struct tb_norm *s)
{
    size_t n = tb_norm_digits_at(s, s->at);
    int month = tb_norm_small_number(s, s->at, n);

    if (n == 1 && month == 1 && tb_norm_starts_with(s, s->at + 1, "번째") &&
        (s->at == 0 || tb_norm_is_edge(s, s->at - 1))) {
        tb_norm_sayz(s, "첫 ");
        s->at++;
        return true;
    }
    if (n < 1 || n > 2 || (month != 6 && month != 10) || !tb_norm_starts_with(s, s->at + n, "월") ||
        (s->at > 0 && tb_norm_is_digit(s->in.p[s->at - 1])))
        return false;
    say_month(s, month);
    s->at += n + strlen("월");
    return true;
}

static void say_roman(struct tb_norm *s, long value, bool ruler)
{
    tb_norm_number(s, value, TB_CARDINAL);
    if (ruler)
        tb_norm_glue(s, "세");
}

/* Native numerals before native counters, which a particle may follow. */
static enum tb_number_form agree(long long value, struct tb_str next)
{
    static const char *const counters[] = { "개",   "명",   "살", "시간", "시",   "번째", "번",   "마리", "권", "장",   "잔",
                                            "병",   "그루", "송이", "켤레", "벌", "가지", "군데", "사람", "달", "채",   "통",
                                            "곡",   "대",   "분 ", "척",  "쌍",   "줄",   "그릇", "조각", "갈래" };
    static const char *const others[] = { "개월", "개국", "개년", "번지", "번호", "번가", "대학", "대한", "장관", "권역",
                                          "시민", "시내", "명품", "병원", "통신", "통화", "벌금", "채널", "달러", "대로", "대의", "대에" };

    if (value < 1 || value > 99)
        return TB_CARDINAL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (next.n >= strlen(others[i]) && memcmp(next.p, others[i], strlen(others[i])) == 0)
            return TB_CARDINAL;
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        size_t n = strlen(counters[i]);

        if (next.n >= n && memcmp(next.p, counters[i], n) == 0)
            return (strcmp(counters[i], "시") == 0 && value > 12) || (strcmp(counters[i], "대") == 0 && value % 10 == 0)
                       ? TB_CARDINAL /* 15시, 20대 */
                       : TB_COUNTING;
    }
    return TB_CARDINAL;
}

static const char *const months[12] = { "일월", "이월", "삼월", "사월", "오월", "유월", "칠월", "팔월", "구월", "시월", "십일월", "십이월" };

const struct tb_norm_language tb_norm_korean = {
    .locale = "ko_KR",
    .group = ',',
    .decimal = '.',
    .forms = { [TB_CARDINAL] = "%spellout-cardinal-sinokorean",
               [TB_COUNTING] = "%spellout-cardinal-native-attributive" },
    .units = units,
    .currencies = currencies,
    .abbreviations = abbreviations,
    .symbols = symbols,
    .months = months,
    .letters = letters,
    .minus = "마이너스 ",
    .point = "점",
    .percent = "퍼센트",
    .range = "에서 ",
    .ratio = "대 ",
    .dot = "점",
    .at = "골뱅이",
    .slash = "슬래시",
    .dash = "하이픈",
    .underscore = "밑줄",
    .number_sign = "넘버 ",
    .hashtag = "해시태그 ",
    .cents_and = "",
    .zero = "공",
    .big = " 백만 백만 십억 십억 천 ",
    .of_big = "",
    .sections = " ",
    .rulers = " ",
    .own = read_own,
    .is_readable = is_readable,
    .date = say_date,
    .time = say_time,
    .fraction = say_fraction,
    .ordinal = read_ordinal,
    .roman = say_roman,
    .agree = agree,
    .single_decimals = true,
    .tight = true,
};
