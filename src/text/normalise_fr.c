/* normalise_fr.c - French: see normalise_priv.h. */
#include <string.h>

#include "text/normalise_priv.h"

static const char *const months[12] = { "janvier", "février", "mars",      "avril",   "mai",      "juin",
                                        "juillet", "août",    "septembre", "octobre", "novembre", "décembre" };

static const char *const letters[26] = { "a",   "bé", "cé",  "dé", "e",   "effe", "gé",        "ache", "i",
                                         "ji",  "ka", "elle", "emme", "enne", "o", "pé",       "cu",   "erre",
                                         "esse", "té", "u",  "vé", "double vé", "ixe", "i grec", "zède" };

static const struct tb_unit units[] = {
    { "km/h", "kilomètre à l'heure", "kilomètres à l'heure", false },
    { "m/s", "mètre par seconde", "mètres par seconde", false },
    { "km²", "kilomètre carré", "kilomètres carrés", false },
    { "m²", "mètre carré", "mètres carrés", false },
    { "m³", "mètre cube", "mètres cubes", false },
    { "km", "kilomètre", "kilomètres", false },
    { "cm", "centimètre", "centimètres", false },
    { "mm", "millimètre", "millimètres", false },
    { "m", "mètre", "mètres", false },
    { "kg", "kilo", "kilos", false },
    { "mg", "milligramme", "milligrammes", false },
    { "g", "gramme", "grammes", false },
    { "t", "tonne", "tonnes", true },
    { "ml", "millilitre", "millilitres", false },
    { "cl", "centilitre", "centilitres", false },
    { "l", "litre", "litres", false },
    { "L", "litre", "litres", false },
    { "°C", "degré Celsius", "degrés Celsius", false },
    { "ºC", "degré Celsius", "degrés Celsius", false },
    { "°", "degré", "degrés", false },
    { "ha", "hectare", "hectares", false },
    { "Hz", "hertz", "hertz", false },
    { "kHz", "kilohertz", "kilohertz", false },
    { "MHz", "mégahertz", "mégahertz", false },
    { "GHz", "gigahertz", "gigahertz", false },
    { "Ko", "kilooctet", "kilooctets", false },
    { "Mo", "mégaoctet", "mégaoctets", false },
    { "Go", "gigaoctet", "gigaoctets", false },
    { "To", "téraoctet", "téraoctets", false },
    { "MB", "mégaoctet", "mégaoctets", false },
    { "GB", "gigaoctet", "gigaoctets", false },
    { "ms", "milliseconde", "millisecondes", true },
    { "s", "seconde", "secondes", true },
    { "min", "minute", "minutes", true },
    { "mn", "minute", "minutes", true },
    { "h", "heure", "heures", true },
    { "V", "volt", "volts", false },
    { "W", "watt", "watts", false },
    { "kW", "kilowatt", "kilowatts", false },
    { "kWh", "kilowattheure", "kilowattheures", false },
    { "dB", "décibel", "décibels", false },
    { "kcal", "kilocalorie", "kilocalories", true },
    { "M", "million", "millions", false },
    { "M€", "million d'euros", "millions d'euros", false },
    { "Md€", "milliard d'euros", "milliards d'euros", false },
    { "Md", "milliard", "milliards", false },
    { "Mds", "milliard", "milliards", false },
    { NULL, NULL, NULL, false },
};

static const struct tb_currency currencies[] = {
    { "US$", "dollar", "dollars", "cent", "cents", false },
    { "$", "dollar", "dollars", "cent", "cents", false },
    { "USD", "dollar", "dollars", "cent", "cents", false },
    { "€", "euro", "euros", "centime", "centimes", false },
    { "EUR", "euro", "euros", "centime", "centimes", false },
    { "£", "livre", "livres", "penny", "pence", true },
    { "CHF", "franc suisse", "francs suisses", "centime", "centimes", false },
    { "¥", "yen", "yens", NULL, NULL, false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

static const struct tb_abbreviation abbreviations[] = {
    { "M", "monsieur", TB_ABBR_NAME | TB_ABBR_DOT },
    { "MM", "messieurs", TB_ABBR_NAME | TB_ABBR_DOT },
    { "Mr", "monsieur", 0 },
    { "Mme", "madame", 0 },
    { "Mmes", "mesdames", 0 },
    { "Mlle", "mademoiselle", 0 },
    { "Dr", "docteur", 0 },
    { "Pr", "professeur", TB_ABBR_NAME },
    { "Me", "maître", TB_ABBR_NAME | TB_ABBR_DOT },
    { "St", "saint", TB_ABBR_NAME },
    { "Ste", "sainte", TB_ABBR_NAME },
    { "etc", "et cetera", TB_ABBR_END },
    { "p. ex", "par exemple", TB_ABBR_DOT },
    { "p.ex", "par exemple", TB_ABBR_DOT },
    { "c.-à-d", "c'est-à-dire", TB_ABBR_DOT },
    { "càd", "c'est-à-dire", 0 },
    { "cf", "confer", 0 },
    { "n°", "numéro", 0 },
    { "N°", "numéro", 0 },
    { "nº", "numéro", 0 },
    { "no", "numéro", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "p", "page", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "pp", "pages", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "vol", "volume", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "chap", "chapitre", TB_ABBR_DOT },
    { "art", "article", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "fig", "figure", TB_ABBR_NUMBER | TB_ABBR_DOT },
    { "tél", "téléphone", TB_ABBR_DOT },
    { "Tél", "téléphone", TB_ABBR_DOT },
    { "av", "avenue", TB_ABBR_DOT | TB_ABBR_NAME },
    { "av. J.-C", "avant Jésus-Christ", TB_ABBR_DOT | TB_ABBR_END },
    { "apr. J.-C", "après Jésus-Christ", TB_ABBR_DOT | TB_ABBR_END },
    { "bd", "boulevard", TB_ABBR_DOT | TB_ABBR_NAME },
    { "env", "environ", TB_ABBR_DOT },
    { "max", "maximum", TB_ABBR_DOT | TB_ABBR_END },
    { "min", "minimum", TB_ABBR_DOT | TB_ABBR_END },
    { "s.v.p", "s'il vous plaît", TB_ABBR_DOT | TB_ABBR_END },
    { "SVP", "s'il vous plaît", 0 },
    { "RDV", "rendez-vous", 0 },
    { "janv", "janvier", TB_ABBR_DOT },
    { "févr", "février", TB_ABBR_DOT },
    { "juil", "juillet", TB_ABBR_DOT },
    { "sept", "septembre", TB_ABBR_DOT },
    { "oct", "octobre", TB_ABBR_DOT },
    { "nov", "novembre", TB_ABBR_DOT },
    { "déc", "décembre", TB_ABBR_DOT },
    { "vs", "versus", 0 },
    { NULL, NULL, 0 },
};

static const struct tb_symbol symbols[] = {
    { '&', "et" },             { '+', "plus" },          { '=', "égale" },        { '@', "arobase" },
    { '%', "pour cent" },      { '#', "dièse" },         { '<', "inférieur à" },  { '>', "supérieur à" },
    { 0xD7, "fois" },          { 0xF7, "divisé par" },   { 0xB1, "plus ou moins" }, { 0xB0, "degrés" },
    { 0xA7, "paragraphe" },    { 0xBD, "un demi" },      { 0xBC, "un quart" },    { 0xBE, "trois quarts" },
    { 0xB2, "au carré" },      { 0xB3, "au cube" },      { '~', "environ" },      { 0x2248, "environ" },
    { 0x2264, "au plus" },     { 0x2265, "au moins" },   { 0x2260, "différent de" }, { 0x221A, "racine de" },
    { 0x3C0, "pi" },           { '$', "dollars" },       { 0x20AC, "euros" },     { 0xA3, "livres" },
    { 0x2116, "numéro" },      { 0, NULL },
};

static bool is_readable(struct tb_str w)
{
    static const char spelled[] = " USA UE EU IA OMS ADN ARN UV RER INSEE EDF TGV IBM SUV CIA UMP ";

    return !tb_norm_in_list(spelled, w, false) && w.n > 2 && tb_norm_is_syllabic(w, 2);
}

static void say_date(struct tb_norm *s, int year, int month, int day)
{
    tb_norm_number(s, day, day == 1 ? TB_ORDINAL : TB_CARDINAL);
    tb_norm_sayz(s, months[month - 1]);
    if (year)
        tb_norm_number(s, year, TB_CARDINAL);
}

static void say_time(struct tb_norm *s, int hour, int minute, int second, int half)
{
    tb_norm_number(s, hour, TB_FEMININE);
    tb_norm_sayz(s, hour <= 1 ? "heure" : "heures");
    if (minute)
        tb_norm_number(s, minute, TB_CARDINAL);
    if (second >= 0) {
        tb_norm_sayz(s, "et");
        tb_norm_number(s, second, TB_FEMININE);
        tb_norm_sayz(s, second <= 1 ? "seconde" : "secondes");
    }
    if (half)
        tb_norm_sayz(s, half == 'a' ? "du matin" : hour >= 6 && hour != 12 ? "du soir" : "de l'après-midi");
}

static void say_fraction(struct tb_norm *s, long top, long bottom, bool after_whole)
{
    static const char *const parts[] = { "demi", "tiers", "quart" };

    if (after_whole && top == 1 && bottom == 2) {
        tb_norm_sayz(s, "demi");
        return;
    }
    tb_norm_number(s, top, TB_MASCULINE);
    if (bottom <= 4)
        tb_norm_sayz(s, parts[bottom - 2]);
    else
        tb_norm_number(s, bottom, TB_ORDINAL);
    if (top > 1 && bottom != 3)
        tb_norm_glue(s, "s");
}

static const struct {
    const char *sign;
    enum tb_number_form form;
} ordinals[] = { { "ères", TB_ORDINAL_FEMININE }, { "ère", TB_ORDINAL_FEMININE }, { "ème", TB_ORDINAL },
                 { "èmes", TB_ORDINAL }, { "eme", TB_ORDINAL }, { "ième", TB_ORDINAL }, { "er", TB_ORDINAL },
                 { "ers", TB_ORDINAL }, { "re", TB_ORDINAL_FEMININE }, { "nde", TB_ORDINAL_FEMININE },
                 { "nd", TB_ORDINAL }, { "e", TB_ORDINAL }, { "es", TB_ORDINAL } };

/* 1er, 1re, 2e, 2ème, 2nde. Moves *at past the letters. */
static bool read_ordinal(struct tb_norm *s, long value, size_t *at)
{
    for (size_t i = 0; i < sizeof ordinals / sizeof *ordinals; i++) {
        size_t end = *at + strlen(ordinals[i].sign);

        if (!tb_norm_starts_with(s, *at, ordinals[i].sign) || !tb_norm_is_edge(s, end))
            continue;
        if (ordinals[i].sign[0] == 'n' && value == 2)
            tb_norm_sayz(s, ordinals[i].sign[2] ? "seconde" : "second");
        else
            tb_norm_number(s, value, ordinals[i].form);
        if (ordinals[i].sign[end - *at - 1] == 's')
            tb_norm_glue(s, "s");
        *at = end;
        return true;
    }
    return false;
}

/* 15h30, 8 h 05, 20h */
static bool read_hour(struct tb_norm *s)
{
    size_t n = tb_norm_digits_at(s, s->at), at = tb_norm_skip_space(s, s->at + n), more;
    int hour = tb_norm_small_number(s, s->at, n), minute = 0;

    if (n < 1 || n > 2 || hour > 24 || tb_norm_peek(s, at) != 'h')
        return false;
    at = tb_norm_peek(s, at + 1) == ' ' && tb_norm_digits_at(s, at + 2) == 2 ? at + 2 : at + 1;
    more = tb_norm_digits_at(s, at);
    minute = tb_norm_small_number(s, at, more);
    if ((more && more != 2) || minute > 59 || !tb_norm_is_edge(s, at + more))
        return false;
    say_time(s, hour, minute, -1, 0);
    s->at = at + more;
    return true;
}

/* XXe siècle, Ier */
static bool read_roman_ordinal(struct tb_norm *s)
{
    size_t n = 0;
    long value;

    while (tb_norm_peek(s, s->at + n) && strchr("IVX", tb_norm_peek(s, s->at + n)))
        n++;
    value = tb_norm_roman((struct tb_str){ s->in.p + s->at, n });
    if (!value || (s->at > 0 && !tb_norm_is_edge(s, s->at - 1)))
        return false;
    n += s->at;
    if (!read_ordinal(s, value, &n))
        return false;
    s->at = n;
    return true;
}

static bool read_own(struct tb_norm *s)
{
    if (s->at > 0 && tb_norm_is_digit(s->in.p[s->at - 1]))
        return false;
    return tb_norm_is_digit(tb_norm_peek(s, s->at)) ? read_hour(s) : read_roman_ordinal(s);
}

static void say_roman(struct tb_norm *s, long value, bool ruler)
{
    tb_norm_number(s, value, ruler && value == 1 ? TB_ORDINAL : TB_CARDINAL);
}

/* Only numbers that end in one change. The end of the next word tells its gender roughly: "-e" is mostly feminine. */
static enum tb_number_form agree(long long value, struct tb_str next)
{
    static const char masculine[] = " siècle siècles livre livres mètre mètres kilomètre kilomètres litre litres "
                                    "gramme grammes titre titres groupe groupes membre membres verre verres arbre "
                                    "arbres homme hommes problème problèmes centime centimes ";
    static const char feminine[] = " fois maison maisons leçon leçons main mains nuit nuits voix ";

    if (value % 10 != 1 || value % 100 == 11 || next.n < 3 || tb_norm_in_list(masculine, next, true))
        return TB_CARDINAL;
    return tb_str_ends_with(next, "e") || tb_str_ends_with(next, "es") || tb_str_ends_with(next, "tion") ||
                   tb_str_ends_with(next, "tions") || tb_norm_in_list(feminine, next, true)
               ? TB_FEMININE
               : TB_CARDINAL;
}

const struct tb_norm_language tb_norm_french = {
    .locale = "fr_FR",
    .group = ' ',
    .decimal = ',',
    .forms = { [TB_CARDINAL] = "%spellout-numbering",
               [TB_MASCULINE] = "%spellout-cardinal-masculine",
               [TB_FEMININE] = "%spellout-cardinal-feminine",
               [TB_ORDINAL] = "%spellout-ordinal-masculine",
               [TB_ORDINAL_FEMININE] = "%spellout-ordinal-feminine" },
    .units = units,
    .currencies = currencies,
    .abbreviations = abbreviations,
    .symbols = symbols,
    .months = months,
    .letters = letters,
    .minus = "moins",
    .point = "virgule",
    .percent = "pour cent",
    .range = "à",
    .dot = "point",
    .at = "arobase",
    .slash = "barre oblique",
    .dash = "tiret",
    .underscore = "tiret bas",
    .number_sign = "numéro",
    .hashtag = "hashtag",
    .cents_and = "et",
    .big = " millions million milliards milliard mille billions M Md Mds ",
    .of_big = "de",
    .sections = " chapitre tome partie volume acte scène titre article annexe livre phase niveau type classe guerre ",
    .rulers = " Louis Henri Charles François Philippe Napoléon Pie Paul Jean Benoît Alexandre Catherine Nicolas "
              "Frédéric Léon Élisabeth Elizabeth Guillaume Édouard Georges Jacques Clovis Robert Ramsès ",
    .own = read_own,
    .is_readable = is_readable,
    .date = say_date,
    .time = say_time,
    .fraction = say_fraction,
    .ordinal = read_ordinal,
    .roman = say_roman,
    .agree = agree,
    .small_capitals = true,
    .elides = true,
    .phone_group = 3,
};
