/* normalise_en.c - English (American): see normalise_priv.h. */
#include <string.h>

#include "text/normalise_priv.h"

static const char *const months[12] = { "January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December" };

static const struct tb_unit units[] = {
    { "km/h", "kilometer per hour", "kilometers per hour", false },
    { "mph", "mile per hour", "miles per hour", false },
    { "m/s", "meter per second", "meters per second", false },
    { "km²", "square kilometer", "square kilometers", false },
    { "m²", "square meter", "square meters", false },
    { "m³", "cubic meter", "cubic meters", false },
    { "ft²", "square foot", "square feet", false },
    { "km", "kilometer", "kilometers", false },
    { "cm", "centimeter", "centimeters", false },
    { "mm", "millimeter", "millimeters", false },
    { "m", "meter", "meters", false },
    { "mi", "mile", "miles", false },
    { "ft", "foot", "feet", false },
    { "yd", "yard", "yards", false },
    { "kg", "kilogram", "kilograms", false },
    { "mg", "milligram", "milligrams", false },
    { "g", "gram", "grams", false },
    { "lb", "pound", "pounds", false },
    { "lbs", "pound", "pounds", false },
    { "oz", "ounce", "ounces", false },
    { "ml", "milliliter", "milliliters", false },
    { "mL", "milliliter", "milliliters", false },
    { "l", "liter", "liters", false },
    { "L", "liter", "liters", false },
    { "°C", "degree Celsius", "degrees Celsius", false },
    { "ºC", "degree Celsius", "degrees Celsius", false },
    { "°F", "degree Fahrenheit", "degrees Fahrenheit", false },
    { "°", "degree", "degrees", false },
    { "Hz", "hertz", "hertz", false },
    { "kHz", "kilohertz", "kilohertz", false },
    { "MHz", "megahertz", "megahertz", false },
    { "GHz", "gigahertz", "gigahertz", false },
    { "kB", "kilobyte", "kilobytes", false },
    { "KB", "kilobyte", "kilobytes", false },
    { "MB", "megabyte", "megabytes", false },
    { "GB", "gigabyte", "gigabytes", false },
    { "TB", "terabyte", "terabytes", false },
    { "Mbps", "megabit per second", "megabits per second", false },
    { "ms", "millisecond", "milliseconds", false },
    { "s", "second", "seconds", false },
    { "sec", "second", "seconds", false },
    { "min", "minute", "minutes", false },
    { "h", "hour", "hours", false },
    { "hr", "hour", "hours", false },
    { "hrs", "hour", "hours", false },
    { "V", "volt", "volts", false },
    { "W", "watt", "watts", false },
    { "kW", "kilowatt", "kilowatts", false },
    { "kWh", "kilowatt hour", "kilowatt hours", false },
    { "dB", "decibel", "decibels", false },
    { "kcal", "kilocalorie", "kilocalories", false },
    { "k", "thousand", "thousand", false },
    { "x", "times", "times", false },
    { NULL, NULL, NULL, false },
};

static const struct tb_currency currencies[] = {
    { "US$", "dollar", "dollars", "cent", "cents", false },
    { "$", "dollar", "dollars", "cent", "cents", false },
    { "USD", "US dollar", "US dollars", "cent", "cents", false },
    { "£", "pound", "pounds", "penny", "pence", false },
    { "GBP", "pound", "pounds", "penny", "pence", false },
    { "€", "euro", "euros", "cent", "cents", false },
    { "EUR", "euro", "euros", "cent", "cents", false },
    { "¥", "yen", "yen", NULL, NULL, false },
    { "JPY", "yen", "yen", NULL, NULL, false },
    { "₹", "rupee", "rupees", "paisa", "paise", false },
    { "₿", "bitcoin", "bitcoins", NULL, NULL, false },
    { "¢", "cent", "cents", NULL, NULL, false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

static const struct tb_abbreviation abbreviations[] = {
    { "Mr", "Mister", 0 },
    { "Mrs", "Missus", 0 },
    { "Ms", "Miz", 0 },
    { "Dr", "Doctor", TB_ABBR_NAME },
    { "Dr", "Drive", TB_ABBR_DOT | TB_ABBR_END },
    { "St", "Saint", TB_ABBR_NAME },
    { "St", "Street", TB_ABBR_DOT | TB_ABBR_END },
    { "Prof", "Professor", TB_ABBR_DOT },
    { "Gen", "General", TB_ABBR_NAME | TB_ABBR_DOT },
    { "Col", "Colonel", TB_ABBR_NAME | TB_ABBR_DOT },
    { "Sgt", "Sergeant", TB_ABBR_DOT },
    { "Lt", "Lieutenant", TB_ABBR_DOT },
    { "Capt", "Captain", TB_ABBR_DOT },
    { "Cmdr", "Commander", TB_ABBR_DOT },
    { "Rev", "Reverend", TB_ABBR_DOT | TB_ABBR_NAME },
    { "Hon", "Honorable", TB_ABBR_DOT | TB_ABBR_NAME },
    { "Gov", "Governor", TB_ABBR_DOT | TB_ABBR_NAME },
    { "Sen", "Senator", TB_ABBR_DOT | TB_ABBR_NAME },
    { "Rep", "Representative", TB_ABBR_DOT | TB_ABBR_NAME },
    { "Pres", "President", TB_ABBR_DOT | TB_ABBR_NAME },
    { "Jr", "Junior", TB_ABBR_END },
    { "Sr", "Senior", TB_ABBR_END },
    { "Inc", "Incorporated", TB_ABBR_DOT | TB_ABBR_END },
    { "Ltd", "Limited", TB_ABBR_END },
    { "Co", "Company", TB_ABBR_DOT | TB_ABBR_END },
    { "Corp", "Corporation", TB_ABBR_DOT | TB_ABBR_END },
    { "Bros", "Brothers", TB_ABBR_DOT | TB_ABBR_END },
    { "Ave", "Avenue", TB_ABBR_DOT | TB_ABBR_END },
    { "Blvd", "Boulevard", TB_ABBR_END },
    { "Rd", "Road", TB_ABBR_DOT | TB_ABBR_END },
    { "Mt", "Mount", TB_ABBR_NAME },
    { "Ft", "Fort", TB_ABBR_NAME | TB_ABBR_DOT },
    { "No", "number", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "no", "number", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "Nos", "numbers", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "p", "page", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "pp", "pages", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "vol", "volume", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "Vol", "Volume", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "fig", "figure", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "Fig", "Figure", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "ch", "chapter", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "Ch", "Chapter", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "sec", "section", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "ext", "extension", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "etc", "etc", TB_ABBR_END },
    { "e.g", "for example", TB_ABBR_DOT },
    { "i.e", "that is", TB_ABBR_DOT },
    { "eg", "for example", TB_ABBR_DOT },
    { "ie", "that is", TB_ABBR_DOT },
    { "vs", "versus", 0 },
    { "approx", "approximately", TB_ABBR_DOT },
    { "dept", "department", TB_ABBR_DOT | TB_ABBR_END },
    { "Dept", "Department", TB_ABBR_DOT | TB_ABBR_END },
    { "est", "established", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "max", "maximum", TB_ABBR_DOT | TB_ABBR_END },
    { "misc", "miscellaneous", TB_ABBR_DOT },
    { "a.m", "A-M", TB_ABBR_DOT | TB_ABBR_END },
    { "p.m", "P-M", TB_ABBR_DOT | TB_ABBR_END },
    { "Ph.D", "P-H-D", TB_ABBR_END },
    { "PhD", "P-H-D", 0 },
    { "w/o", "without", 0 },
    { "w/", "with", 0 },
    { "Jan", "January", TB_ABBR_DOT },
    { "Feb", "February", TB_ABBR_DOT },
    { "Mar", "March", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "Apr", "April", TB_ABBR_DOT },
    { "Aug", "August", TB_ABBR_DOT },
    { "Sept", "September", TB_ABBR_DOT },
    { "Sep", "September", TB_ABBR_DOT },
    { "Oct", "October", TB_ABBR_DOT },
    { "Nov", "November", TB_ABBR_DOT },
    { "Dec", "December", TB_ABBR_DOT },
    { "Mon", "Monday", TB_ABBR_DOT },
    { "Tue", "Tuesday", TB_ABBR_DOT },
    { "Tues", "Tuesday", TB_ABBR_DOT },
    { "Wed", "Wednesday", TB_ABBR_DOT },
    { "Thu", "Thursday", TB_ABBR_DOT },
    { "Thurs", "Thursday", TB_ABBR_DOT },
    { "Fri", "Friday", TB_ABBR_DOT },
    { NULL, NULL, 0 },
};

static const struct tb_symbol symbols[] = {
    { '&', "and" },           { '+', "plus" },          { '=', "equals" },      { '@', "at" },
    { '%', "percent" },       { '#', "hash" },          { '<', "less than" },   { '>', "greater than" },
    { 0xD7, "times" },        { 0xF7, "divided by" },   { 0xB1, "plus or minus" }, { 0xB0, "degrees" },
    { 0xA7, "section" },      { 0xBD, "one half" },     { 0xBC, "one quarter" }, { 0xBE, "three quarters" },
    { 0xB2, "squared" },      { 0xB3, "cubed" },        { '~', "about" },       { 0x2248, "about" },
    { 0x2264, "at most" },    { 0x2265, "at least" },   { 0x2260, "is not equal to" }, { 0x221A, "square root of" },
    { 0x3C0, "pi" },          { '$', "dollars" },       { 0x20AC, "euros" },    { 0xA3, "pounds" },
    { 0x2116, "number" },     { 0, NULL },
};

static bool is_readable(struct tb_str word)
{
    size_t vowels = 0, run = 0, longest = 0;

    for (size_t i = 0; i < word.n; i++) {
        bool vowel = strchr("AEIOUY", word.p[i]) != NULL;

        vowels += vowel;
        run = vowel ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return vowels > 0 && longest < 4;
}

static void say_date(struct tb_norm *s, int year, int month, int day)
{
    tb_norm_sayz(s, months[month - 1]);
    tb_norm_number(s, day, TB_ORDINAL);
    if (year) {
        tb_norm_mark(s, TB_STR(","));
        tb_norm_number(s, year, year >= 1100 ? TB_YEAR : TB_CARDINAL);
    }
}

static void say_time(struct tb_norm *s, int hour, int minute, int second, int half)
{
    tb_norm_number(s, hour, TB_CARDINAL);
    if (minute == 0 && second < 0) {
        if (!half)
            tb_norm_sayz(s, hour == 0 || hour > 12 ? "hundred" : "o'clock");
    } else {
        if (minute < 10)
            tb_norm_sayz(s, minute ? "oh" : "oh oh");
        if (minute)
            tb_norm_number(s, minute, TB_CARDINAL);
        if (second >= 0) {
            tb_norm_sayz(s, "and");
            tb_norm_number(s, second, TB_CARDINAL);
            tb_norm_sayz(s, second == 1 ? "second" : "seconds");
        }
    }
    if (half)
        tb_norm_sayz(s, half == 'a' ? "A-M" : "P-M");
}

static void say_fraction(struct tb_norm *s, long top, long bottom, bool after_whole)
{
    if (after_whole && top == 1)
        tb_norm_sayz(s, bottom == 8 ? "an" : "a"); /* two and a half */
    else
        tb_norm_number(s, top, TB_CARDINAL);
    if (bottom == 2)
        tb_norm_sayz(s, "half");
    else if (bottom == 4)
        tb_norm_sayz(s, top == 1 ? "quarter" : "quarters");
    else {
        tb_norm_number(s, bottom, TB_ORDINAL);
        if (top > 1)
            tb_norm_glue(s, "s");
    }
}

static bool read_ordinal(struct tb_norm *s, long value, size_t *at)
{
    const char *suffix = value % 100 / 10 == 1 ? "th"
                         : value % 10 == 1     ? "st"
                         : value % 10 == 2     ? "nd"
                         : value % 10 == 3     ? "rd"
                                               : "th";

    if (!tb_norm_starts_with(s, *at, suffix) || tb_norm_is_letter(tb_norm_peek(s, *at + 2)))
        return false;
    tb_norm_number(s, value, TB_ORDINAL);
    *at += 2;
    return true;
}

static void say_roman(struct tb_norm *s, long value, bool ruler)
{
    if (ruler)
        tb_norm_sayz(s, "the");
    tb_norm_number(s, value, ruler ? TB_ORDINAL : TB_CARDINAL);
}

static enum tb_number_form agree(long long value, struct tb_str next)
{
    (void)value;
    (void)next;
    return TB_CARDINAL;
}

const struct tb_norm_language tb_norm_english = {
    .locale = "en_US",
    .group = ',',
    .decimal = '.',
    .forms = { [TB_CARDINAL] = "%spellout-cardinal", [TB_ORDINAL] = "%spellout-ordinal",
               [TB_YEAR] = "%spellout-numbering-year" },
    .units = units,
    .currencies = currencies,
    .abbreviations = abbreviations,
    .symbols = symbols,
    .months = months,
    .minus = "minus",
    .point = "point",
    .percent = "percent",
    .range = "to",
    .dot = "dot",
    .at = "at",
    .slash = "slash",
    .dash = "dash",
    .underscore = "underscore",
    .number_sign = "number",
    .hashtag = "hashtag",
    .cents_and = "and",
    .big = " million millions billion billions thousand trillion ",
    .of_big = "",
    .sections = " chapter part section volume vol book act scene war phase type level title article appendix figure "
                "table unit stage class grade bowl step round game episode season mark version ",
    .rulers = " Louis Henry Elizabeth Charles George Edward William Richard James Philip Philippe Napoleon Pius Paul "
              "Benedict Alexander Catherine Nicholas Frederick Francis Leo Gregory Innocent Mary Peter Ivan Otto "
              "Clement Ramses Ptolemy Ferdinand Felipe Alfonso Juan Carlos Christian Gustav Harald Haakon Wilhelm "
              "Margaret ",
    .is_readable = is_readable,
    .date = say_date,
    .time = say_time,
    .fraction = say_fraction,
    .ordinal = read_ordinal,
    .roman = say_roman,
    .agree = agree,
    .years = true,
    .month_first = true,
};
