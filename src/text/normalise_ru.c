/* normalise_ru.c - Russian: see normalise_priv.h. Numbers have genders; nouns have a form for one, for two to four and
 * fractions, and for the rest; days and years are ordinals, mostly in the genitive. */
#include <string.h>

#include "text/normalise_priv.h"
#include "text/utf8.h"

static const char *const months[12] = { "января", "февраля", "марта",    "апреля",  "мая",    "июня",
                                        "июля",   "августа", "сентября", "октября", "ноября", "декабря" };

static const struct tb_symbol more_letters[] = {
    { 0x410, "а" }, { 0x411, "бэ" }, { 0x412, "вэ" }, { 0x413, "гэ" }, { 0x414, "дэ" }, { 0x415, "е" }, { 0x401, "ё" },
    { 0x416, "жэ" }, { 0x417, "зэ" }, { 0x418, "и" }, { 0x419, "и краткое" }, { 0x41A, "ка" }, { 0x41B, "эль" },
    { 0x41C, "эм" }, { 0x41D, "эн" }, { 0x41E, "о" }, { 0x41F, "пэ" }, { 0x420, "эр" }, { 0x421, "эс" },
    { 0x422, "тэ" }, { 0x423, "у" }, { 0x424, "эф" }, { 0x425, "ха" }, { 0x426, "цэ" }, { 0x427, "че" },
    { 0x428, "ша" }, { 0x429, "ща" }, { 0x42A, "твёрдый знак" }, { 0x42B, "ы" }, { 0x42C, "мягкий знак" },
    { 0x42D, "э" }, { 0x42E, "ю" }, { 0x42F, "я" }, { 0, NULL },
};

/* ICU writes е for ё, which espeak then stresses wrongly. */
static const char *const respell[][2] = { { "четверт", "четвёрт" }, { NULL, NULL } };

static const struct tb_unit units[] = {
    { "%", "процент", "процента|процентов", false },
    { "км/ч", "километр в час", "километра в час|километров в час", false },
    { "м/с", "метр в секунду", "метра в секунду|метров в секунду", false },
    { "км²", "квадратный километр", "квадратных километра|квадратных километров", false },
    { "м²", "квадратный метр", "квадратных метра|квадратных метров", false },
    { "кв. м", "квадратный метр", "квадратных метра|квадратных метров", false },
    { "м³", "кубический метр", "кубических метра|кубических метров", false },
    { "км", "километр", "километра|километров", false },
    { "м", "метр", "метра|метров", false },
    { "см", "сантиметр", "сантиметра|сантиметров", false },
    { "мм", "миллиметр", "миллиметра|миллиметров", false },
    { "кг", "килограмм", "килограмма|килограммов", false },
    { "г", "грамм", "грамма|граммов", false },
    { "мг", "миллиграмм", "миллиграмма|миллиграммов", false },
    { "т", "тонна", "тонны|тонн", true },
    { "л", "литр", "литра|литров", false },
    { "мл", "миллилитр", "миллилитра|миллилитров", false },
    { "га", "гектар", "гектара|гектаров", false },
    { "°C", "градус Цельсия", "градуса Цельсия|градусов Цельсия", false },
    { "°С", "градус Цельсия", "градуса Цельсия|градусов Цельсия", false },
    { "°", "градус", "градуса|градусов", false },
    { "ч", "час", "часа|часов", false },
    { "ч.", "час", "часа|часов", false },
    { "мин", "минута", "минуты|минут", true },
    { "мин.", "минута", "минуты|минут", true },
    { "сек", "секунда", "секунды|секунд", true },
    { "сек.", "секунда", "секунды|секунд", true },
    { "мс", "миллисекунда", "миллисекунды|миллисекунд", true },
    { "Гц", "герц", "герца|герц", false },
    { "кГц", "килогерц", "килогерца|килогерц", false },
    { "МГц", "мегагерц", "мегагерца|мегагерц", false },
    { "ГГц", "гигагерц", "гигагерца|гигагерц", false },
    { "КБ", "килобайт", "килобайта|килобайт", false },
    { "МБ", "мегабайт", "мегабайта|мегабайт", false },
    { "ГБ", "гигабайт", "гигабайта|гигабайт", false },
    { "ТБ", "терабайт", "терабайта|терабайт", false },
    { "Вт", "ватт", "ватта|ватт", false },
    { "кВт", "киловатт", "киловатта|киловатт", false },
    { "В", "вольт", "вольта|вольт", false },
    { "дБ", "децибел", "децибела|децибел", false },
    { "ккал", "килокалория", "килокалории|килокалорий", true },
    { "шт.", "штука", "штуки|штук", true },
    { "чел.", "человек", "человека|человек", false },
    { "тыс", "тысяча", "тысячи|тысяч", true },
    { "тыс.", "тысяча", "тысячи|тысяч", true },
    { "млн", "миллион", "миллиона|миллионов", false },
    { "млн.", "миллион", "миллиона|миллионов", false },
    { "млрд", "миллиард", "миллиарда|миллиардов", false },
    { "млрд.", "миллиард", "миллиарда|миллиардов", false },
    { NULL, NULL, NULL, false },
};

static const struct tb_currency currencies[] = {
    { "₽", "рубль", "рубля|рублей", "копейка", "копейки|копеек", false },
    { "руб.", "рубль", "рубля|рублей", "копейка", "копейки|копеек", false },
    { "руб", "рубль", "рубля|рублей", "копейка", "копейки|копеек", false },
    { "RUB", "рубль", "рубля|рублей", "копейка", "копейки|копеек", false },
    { "$", "доллар", "доллара|долларов", "цент", "цента|центов", false },
    { "USD", "доллар", "доллара|долларов", "цент", "цента|центов", false },
    { "долл.", "доллар", "доллара|долларов", "цент", "цента|центов", false },
    { "€", "евро", "евро|евро", "цент", "цента|центов", false },
    { "EUR", "евро", "евро|евро", "цент", "цента|центов", false },
    { "£", "фунт", "фунта|фунтов", "пенс", "пенса|пенсов", false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

static const struct tb_abbreviation abbreviations[] = {
    { "т. е", "то есть", TB_ABBR_DOT },
    { "т.е", "то есть", TB_ABBR_DOT },
    { "т. к", "так как", TB_ABBR_DOT },
    { "т.к", "так как", TB_ABBR_DOT },
    { "и т. д", "и так далее", TB_ABBR_DOT | TB_ABBR_END },
    { "и т.д", "и так далее", TB_ABBR_DOT | TB_ABBR_END },
    { "и т. п", "и тому подобное", TB_ABBR_DOT | TB_ABBR_END },
    { "и т.п", "и тому подобное", TB_ABBR_DOT | TB_ABBR_END },
    { "т. д", "так далее", TB_ABBR_DOT | TB_ABBR_END },
    { "т.д", "так далее", TB_ABBR_DOT | TB_ABBR_END },
    { "т. п", "тому подобное", TB_ABBR_DOT | TB_ABBR_END },
    { "т.п", "тому подобное", TB_ABBR_DOT | TB_ABBR_END },
    { "т. н", "так называемый", TB_ABBR_DOT },
    { "и др", "и другие", TB_ABBR_DOT | TB_ABBR_END },
    { "и пр", "и прочее", TB_ABBR_DOT | TB_ABBR_END },
    { "до н. э", "до нашей эры", TB_ABBR_DOT | TB_ABBR_END },
    { "н. э", "нашей эры", TB_ABBR_DOT | TB_ABBR_END },
    { "напр", "например", TB_ABBR_DOT },
    { "см", "смотри", TB_ABBR_DOT },
    { "ср", "сравни", TB_ABBR_DOT },
    { "стр", "страница", TB_ABBR_DOT },
    { "рис", "рисунок", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "гл", "глава", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "ст", "статья", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "п", "пункт", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "тел", "телефон", TB_ABBR_DOT },
    { "ул", "улица", TB_ABBR_DOT },
    { "пр", "проспект", TB_ABBR_DOT | TB_ABBR_NAME },
    { "д", "дом", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "кв", "квартира", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "г", "город", TB_ABBR_DOT | TB_ABBR_NAME },
    { "обл", "область", TB_ABBR_DOT | TB_ABBR_END },
    { "им", "имени", TB_ABBR_DOT | TB_ABBR_NAME },
    { "проф", "профессор", TB_ABBR_DOT },
    { "акад", "академик", TB_ABBR_DOT | TB_ABBR_NAME },
    { "доц", "доцент", TB_ABBR_DOT },
    { "гр", "гражданин", TB_ABBR_DOT | TB_ABBR_NAME },
    { "руб", "рублей", TB_ABBR_DOT },
    { "коп", "копеек", TB_ABBR_DOT },
    { "млн", "миллионов", 0 },
    { "млрд", "миллиардов", 0 },
    { "тыс", "тысяч", TB_ABBR_DOT },
    { "макс", "максимум", TB_ABBR_DOT },
    { "мин", "минимум", TB_ABBR_DOT },
    { NULL, NULL, 0 },
};

static const struct tb_symbol symbols[] = {
    { '&', "и" },             { '+', "плюс" },           { '=', "равно" },        { '@', "собака" },
    { '%', "процентов" },     { '#', "решётка" },        { '<', "меньше" },       { '>', "больше" },
    { 0xD7, "умножить на" },  { 0xF7, "разделить на" },  { 0xB1, "плюс минус" },  { 0xB0, "градусов" },
    { 0xA7, "параграф" },     { 0xBD, "одна вторая" },   { 0xBC, "одна четвёртая" }, { 0xBE, "три четверти" },
    { 0xB2, "в квадрате" },   { 0xB3, "в кубе" },        { '~', "примерно" },     { 0x2248, "примерно" },
    { 0x2264, "не больше" },  { 0x2265, "не меньше" },   { 0x2260, "не равно" },  { 0x221A, "корень из" },
    { 0x3C0, "пи" },          { '$', "долларов" },       { 0x20AC, "евро" },      { 0xA3, "фунтов" },
    { 0x20BD, "рублей" },     { 0x2116, "номер" },       { 0, NULL },
};

static bool is_vowel(uint32_t c)
{
    static const uint32_t vowels[] = { 0x410, 0x415, 0x401, 0x418, 0x41E, 0x423, 0x42B, 0x42D, 0x42E, 0x42F };

    for (size_t i = 0; i < sizeof vowels / sizeof *vowels; i++)
        if (vowels[i] == c)
            return true;
    return false;
}

/* Latin capitals are spelled. Of three letters a word begins with a vowel or one consonant; none has a heap of them. */
static bool is_readable(struct tb_str w)
{
    static const char words[] = " НЕ ДА НО ОН МЫ ТЫ ВЫ НА ПО ЗА ОТ ИЗ ДО ВСЕ ВСЁ ЧТО КТО ГДЕ ";
    size_t letters = tb_utf8_count(w), run = 0, vowels = 0, i = 0;

    if (tb_norm_in_list(words, w, false))
        return true;
    for (size_t at = 0; at < w.n; i++) {
        uint32_t c = tb_utf8_next(w, &at);

        run = is_vowel(c) ? 0 : run + 1;
        vowels += is_vowel(c);
        if (c < 0x400 || run > 3 || (run == 2 && i == 1 && letters <= 3))
            return false;
    }
    return letters > 2 && vowels > 0;
}

/* ICU begins with "one thousand": years do without the one. */
static void say_year(struct tb_norm *s, long year, enum tb_number_form form)
{
    if (year >= 1001 && year < 2000) {
        tb_norm_sayz(s, "тысяча");
        year -= 1000;
    } else if (year > 2000 && year < 2100) {
        tb_norm_sayz(s, "две тысячи");
        year -= 2000;
    }
    tb_norm_number(s, year, form);
}

static void say_date(struct tb_norm *s, int year, int month, int day)
{
    tb_norm_number(s, day, TB_ORDINAL_OBLIQUE);
    tb_norm_sayz(s, months[month - 1]);
    if (year) {
        say_year(s, year, TB_ORDINAL_OBLIQUE);
        tb_norm_sayz(s, "года");
    }
}

static void say_count(struct tb_norm *s, long value, enum tb_number_form form, const char *one, const char *many)
{
    tb_norm_number(s, value, form);
    tb_norm_say(s, tb_norm_counted(value, false, one, many));
}

static void say_time(struct tb_norm *s, int hour, int minute, int second, int half)
{
    if (minute == 0 && second < 0) {
        say_count(s, hour, TB_MASCULINE, "час", "часа|часов");
    } else {
        tb_norm_number(s, hour, TB_MASCULINE);
        if (minute < 10)
            tb_norm_sayz(s, "ноль");
        tb_norm_number(s, minute, TB_FEMININE);
    }
    if (second >= 0)
        say_count(s, second, TB_FEMININE, "секунда", "секунды|секунд");
    if (half)
        tb_norm_sayz(s, half == 'a' ? "утра" : hour >= 6 && hour != 12 ? "вечера" : "дня");
}

/* The genitive plural of an ordinal from the singular that was said last: "пятого": "пятых". */
static void make_plural(struct tb_norm *s)
{
    static const char *const ends[][2] = { { "ого", "ых" }, { "его", "их" } };

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(ends[i][0]);

        if (s->out->size > n && memcmp(s->out->data + s->out->size - n, ends[i][0], n) == 0) {
            s->out->size -= n;
            tb_norm_glue(s, ends[i][1]);
        }
    }
}

static void say_fraction(struct tb_norm *s, long top, long bottom, bool after_whole)
{
    (void)after_whole;
    tb_norm_number(s, top, TB_FEMININE);
    if (top > 1 && bottom == 4) {
        tb_norm_sayz(s, "четверти");
    } else if (top > 1 && bottom == 3) {
        tb_norm_sayz(s, "трети");
    } else {
        tb_norm_number(s, bottom, top == 1 ? TB_ORDINAL_FEMININE : TB_ORDINAL_OBLIQUE);
        if (top > 1)
            make_plural(s);
    }
}

/* 3,14: "three wholes fourteen hundredths" */
static void say_decimals(struct tb_norm *s, long long whole, struct tb_str digits)
{
    static const char *const parts[][2] = { { "десятая", "десятых" }, { "сотая", "сотых" },
                                           { "тысячная", "тысячных" } };
    long top = 0;

    tb_norm_number(s, whole, digits.n <= 3 ? TB_FEMININE : TB_CARDINAL);
    if (digits.n > 3) {
        tb_norm_sayz(s, s->lang->point);
        tb_norm_digits(s, digits);
        return;
    }
    tb_norm_sayz(s, whole % 10 == 1 && whole % 100 != 11 ? "целая" : "целых");
    for (size_t i = 0; i < digits.n; i++)
        top = top * 10 + (digits.p[i] - '0');
    tb_norm_number(s, top, TB_FEMININE);
    tb_norm_sayz(s, parts[digits.n - 1][top % 10 == 1 && top % 100 != 11 ? 0 : 1]);
}

static const struct {
    const char *end;
    enum tb_number_form form;
} ordinals[] = { { "й", TB_ORDINAL },          { "ый", TB_ORDINAL },          { "ий", TB_ORDINAL },
                 { "ой", TB_ORDINAL },         { "я", TB_ORDINAL_FEMININE },  { "ая", TB_ORDINAL_FEMININE },
                 { "е", TB_ORDINAL_NEUTER },   { "ое", TB_ORDINAL_NEUTER },   { "го", TB_ORDINAL_OBLIQUE },
                 { "ого", TB_ORDINAL_OBLIQUE }, { "м", TB_ORDINAL_LOCATIVE }, { "ом", TB_ORDINAL_LOCATIVE },
                 { "х", TB_ORDINAL_OBLIQUE },  { "ых", TB_ORDINAL_OBLIQUE } };

/* 5-й, 1-я, 20-х */
static bool read_ordinal(struct tb_norm *s, long value, size_t *at)
{
    if (tb_norm_peek(s, *at) != '-')
        return false;
    for (size_t i = 0; i < sizeof ordinals / sizeof *ordinals; i++) {
        size_t end = *at + 1 + strlen(ordinals[i].end);

        if (!tb_norm_starts_with(s, *at + 1, ordinals[i].end) || !tb_norm_is_edge(s, end))
            continue;
        tb_norm_number(s, value, ordinals[i].form);
        if (strcmp(ordinals[i].end, "х") == 0 || strcmp(ordinals[i].end, "ых") == 0)
            make_plural(s);
        *at = end;
        return true;
    }
    return false;
}

static struct tb_str word_at(const struct tb_norm *s, size_t at)
{
    return (struct tb_str){ s->in.p + at, tb_norm_word_at(s, at) };
}

static bool is_month(struct tb_str word)
{
    for (int i = 0; i < 12; i++)
        if (tb_str_eq(word, months[i]))
            return true;
    return false;
}

/* "12 мая": on the twelfth; but "today is the twelfth". */
static bool read_day(struct tb_norm *s, size_t n)
{
    static const char named[] = " Сегодня сегодня Завтра завтра Это это ";
    struct tb_str before = tb_norm_word_before(s);
    int day = tb_norm_small_number(s, s->at, n);

    if (n > 2 || day < 1 || day > 31 || tb_norm_peek(s, s->at + n) != ' ' || !is_month(word_at(s, s->at + n + 1)))
        return false;
    tb_norm_number(s, day, tb_norm_in_list(named, before, false) ? TB_ORDINAL_NEUTER : TB_ORDINAL_OBLIQUE);
    s->at += n;
    return true;
}

/* "в 1999 году", "1999 г.", "12 мая 2024" */
static bool read_year(struct tb_norm *s, size_t n)
{
    static const struct {
        const char *word;
        enum tb_number_form form;
    } years[] = { { "год", TB_ORDINAL }, { "года", TB_ORDINAL_OBLIQUE }, { "году", TB_ORDINAL_LOCATIVE } };
    struct tb_str before = tb_norm_word_before(s), word = word_at(s, s->at + n + 1);
    bool inside = tb_norm_in_list(" в В во ", before, false);
    long year = tb_norm_small_number(s, s->at, n);

    if (n != 4 || year < 1000 || year > 2100)
        return false;
    if (tb_norm_peek(s, s->at + n) == ' ' && tb_str_eq(word, "г")) {
        say_year(s, year, inside ? TB_ORDINAL_LOCATIVE : TB_ORDINAL_OBLIQUE);
        tb_norm_sayz(s, inside ? "году" : "года");
        s->at += n + 1 + word.n;
        if (tb_norm_peek(s, s->at) == '.' && s->at + 1 < s->in.n)
            s->at++;
        return true;
    }
    for (size_t i = 0; tb_norm_peek(s, s->at + n) == ' ' && i < sizeof years / sizeof *years; i++)
        if (tb_str_eq(word, years[i].word)) {
            say_year(s, year, years[i].form);
            s->at += n;
            return true;
        }
    if (!is_month(before) || !tb_norm_is_edge(s, s->at + n))
        return false;
    say_year(s, year, TB_ORDINAL_OBLIQUE);
    tb_norm_sayz(s, "года");
    s->at += n;
    return true;
}

/* "XX век", "в XIX веке" */
static bool read_century(struct tb_norm *s)
{
    size_t n = 0;
    long value;
    struct tb_str word;

    while (tb_norm_peek(s, s->at + n) && strchr("IVX", tb_norm_peek(s, s->at + n)))
        n++;
    value = tb_norm_roman((struct tb_str){ s->in.p + s->at, n });
    if (!value || tb_norm_peek(s, s->at + n) != ' ')
        return false;
    word = word_at(s, s->at + n + 1);
    if (!tb_norm_in_list(" век века веке ", word, false))
        return false;
    tb_norm_number(s, value,
                   tb_str_eq(word, "веке")   ? TB_ORDINAL_LOCATIVE
                   : tb_str_eq(word, "века") ? TB_ORDINAL_OBLIQUE
                                             : TB_ORDINAL);
    s->at += n;
    return true;
}

/* "А. С. Пушкин" */
static bool read_initial(struct tb_norm *s)
{
    size_t end, after;

    if (!tb_norm_is_upper(s->in, s->at, &end) || end - s->at != 2 || tb_norm_peek(s, end) != '.')
        return false;
    if (s->at > 0 && !tb_norm_is_edge(s, s->at - 1))
        return false;
    if (!tb_norm_is_upper(s->in, tb_norm_skip_space(s, end + 1), &after))
        return false;
    tb_norm_spell(s, (struct tb_str){ s->in.p + s->at, end - s->at });
    s->at = end + 1;
    return true;
}

static bool read_own(struct tb_norm *s)
{
    size_t n = tb_norm_digits_at(s, s->at);

    if (s->at > 0 && tb_norm_is_digit(s->in.p[s->at - 1]))
        return false;
    return n ? read_day(s, n) || read_year(s, n) : read_century(s) || read_initial(s);
}

static void say_roman(struct tb_norm *s, long value, bool ruler)
{
    bool feminine = tb_norm_in_list(" Екатерина Елизавета Мария ", tb_norm_word_before(s), false);

    tb_norm_number(s, value, !ruler ? TB_CARDINAL : feminine ? TB_ORDINAL_FEMININE : TB_ORDINAL);
}

/* Behind one a noun in -а or -я is feminine; behind two one in -ы or -и is ("две книги", "два стола"). */
static enum tb_number_form agree(long long value, struct tb_str next)
{
    static const char neuter[] = " слово место окно дело письмо число лицо яблоко облако ";
    static const char masculine[] = " дедушка дядя папа мужчина ";
    long long last = value % 10, teen = value % 100 / 10;

    if (teen == 1 || last < 1 || last > 2 || next.n < 4 || tb_norm_in_list(masculine, next, false))
        return TB_CARDINAL;
    if (last == 2)
        return tb_str_ends_with(next, "ы") || tb_str_ends_with(next, "и") ? TB_FEMININE : TB_CARDINAL;
    if (tb_norm_in_list(neuter, next, false))
        return TB_NEUTER;
    return tb_str_ends_with(next, "а") || tb_str_ends_with(next, "я") ? TB_FEMININE : TB_CARDINAL;
}

const struct tb_norm_language tb_norm_russian = {
    .locale = "ru_RU",
    .group = ' ',
    .decimal = ',',
    .forms = { [TB_CARDINAL] = "%spellout-numbering",
               [TB_MASCULINE] = "%spellout-cardinal-masculine",
               [TB_FEMININE] = "%spellout-cardinal-feminine",
               [TB_NEUTER] = "%spellout-cardinal-neuter",
               [TB_ORDINAL] = "%spellout-ordinal-masculine",
               [TB_ORDINAL_FEMININE] = "%spellout-ordinal-feminine",
               [TB_ORDINAL_NEUTER] = "%spellout-ordinal-neuter",
               [TB_ORDINAL_OBLIQUE] = "%spellout-ordinal-masculine-genitive",
               [TB_ORDINAL_LOCATIVE] = "%spellout-ordinal-masculine-locative" },
    .units = units,
    .currencies = currencies,
    .abbreviations = abbreviations,
    .symbols = symbols,
    .months = months,
    .more_letters = more_letters,
    .minus = "минус",
    .point = "запятая",
    .clock = " ч ",
    .range = "—",
    .ratio = "на",
    .respell = respell,
    .dot = "точка",
    .at = "собака",
    .slash = "слэш",
    .dash = "дефис",
    .underscore = "подчёркивание",
    .number_sign = "номер",
    .hashtag = "хештег",
    .cents_and = "",
    .big = " миллионов миллион миллиардов миллиард тысяч тысячи миллиона млн млрд тыс ",
    .of_big = "",
    .sections = " глава главы часть том раздел акт сцена этап тип уровень статья приложение книга класс ",
    .rulers = " Пётр Николай Александр Павел Иван Екатерина Елизавета Людовик Карл Генрих Наполеон Фридрих Вильгельм "
              "Георг Эдуард Филипп Франциск Пий Иоанн Бенедикт Мария ",
    .own = read_own,
    .decimals = say_decimals,
    .is_readable = is_readable,
    .date = say_date,
    .time = say_time,
    .fraction = say_fraction,
    .ordinal = read_ordinal,
    .roman = say_roman,
    .agree = agree,
    .small_capitals = true,
    .phone_group = 3,
};
