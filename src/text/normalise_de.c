/* normalise_de.c - German: see normalise_priv.h. A full stop behind a number orders it: "am 3. Mai". */
#include <string.h>

#include "text/normalise_priv.h"
#include "text/utf8.h"

static const char *const months[12] = { "Januar", "Februar", "März",      "April",   "Mai",      "Juni",
                                        "Juli",   "August",  "September", "Oktober", "November", "Dezember" };

static const char *const letters[26] = { "a", "be", "ce", "de", "e", "ef", "ge", "ha", "i", "jot", "ka", "el", "em",
                                         "en", "o", "pe", "ku", "er", "es", "te", "u", "vau", "we", "ix", "Ypsilon",
                                         "Zett" };

static const struct tb_unit units[] = {
    { "km/h", "Kilometer pro Stunde", "Kilometer pro Stunde", false },
    { "m/s", "Meter pro Sekunde", "Meter pro Sekunde", false },
    { "km²", "Quadratkilometer", "Quadratkilometer", false },
    { "m²", "Quadratmeter", "Quadratmeter", false },
    { "qm", "Quadratmeter", "Quadratmeter", false },
    { "m³", "Kubikmeter", "Kubikmeter", false },
    { "km", "Kilometer", "Kilometer", false },
    { "cm", "Zentimeter", "Zentimeter", false },
    { "mm", "Millimeter", "Millimeter", false },
    { "m", "Meter", "Meter", false },
    { "kg", "Kilogramm", "Kilogramm", false },
    { "mg", "Milligramm", "Milligramm", false },
    { "g", "Gramm", "Gramm", false },
    { "t", "Tonne", "Tonnen", true },
    { "ml", "Milliliter", "Milliliter", false },
    { "l", "Liter", "Liter", false },
    { "L", "Liter", "Liter", false },
    { "°C", "Grad Celsius", "Grad Celsius", false },
    { "ºC", "Grad Celsius", "Grad Celsius", false },
    { "°", "Grad", "Grad", false },
    { "ha", "Hektar", "Hektar", false },
    { "Hz", "Hertz", "Hertz", false },
    { "kHz", "Kilohertz", "Kilohertz", false },
    { "MHz", "Megahertz", "Megahertz", false },
    { "GHz", "Gigahertz", "Gigahertz", false },
    { "KB", "Kilobyte", "Kilobyte", false },
    { "MB", "Megabyte", "Megabyte", false },
    { "GB", "Gigabyte", "Gigabyte", false },
    { "TB", "Terabyte", "Terabyte", false },
    { "ms", "Millisekunde", "Millisekunden", true },
    { "s", "Sekunde", "Sekunden", true },
    { "Sek.", "Sekunde", "Sekunden", true },
    { "min", "Minute", "Minuten", true },
    { "Min.", "Minute", "Minuten", true },
    { "h", "Stunde", "Stunden", true },
    { "Std.", "Stunde", "Stunden", true },
    { "V", "Volt", "Volt", false },
    { "W", "Watt", "Watt", false },
    { "kW", "Kilowatt", "Kilowatt", false },
    { "kWh", "Kilowattstunde", "Kilowattstunden", true },
    { "PS", "P S", "P S", false },
    { "dB", "Dezibel", "Dezibel", false },
    { "kcal", "Kilokalorie", "Kilokalorien", true },
    { "Tsd.", "Tausend", "Tausend", false },
    { "Mio", "Million", "Millionen", true },
    { "Mio.", "Million", "Millionen", true },
    { "Mrd", "Milliarde", "Milliarden", true },
    { "Mrd.", "Milliarde", "Milliarden", true },
    { NULL, NULL, NULL, false },
};

static const struct tb_currency currencies[] = {
    { "US$", "Dollar", "Dollar", "Cent", "Cent", false },
    { "$", "Dollar", "Dollar", "Cent", "Cent", false },
    { "USD", "Dollar", "Dollar", "Cent", "Cent", false },
    { "€", "Euro", "Euro", "Cent", "Cent", false },
    { "EUR", "Euro", "Euro", "Cent", "Cent", false },
    { "£", "Pfund", "Pfund", "Penny", "Pence", false },
    { "CHF", "Franken", "Franken", "Rappen", "Rappen", false },
    { "¥", "Yen", "Yen", NULL, NULL, false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

static const struct tb_abbreviation abbreviations[] = {
    { "z. B", "zum Beispiel", TB_ABBR_DOT },
    { "z.B", "zum Beispiel", TB_ABBR_DOT },
    { "Z. B", "zum Beispiel", TB_ABBR_DOT },
    { "Z.B", "zum Beispiel", TB_ABBR_DOT },
    { "d. h", "das heißt", TB_ABBR_DOT },
    { "d.h", "das heißt", TB_ABBR_DOT },
    { "u. a", "unter anderem", TB_ABBR_DOT },
    { "u.a", "unter anderem", TB_ABBR_DOT },
    { "u. U", "unter Umständen", TB_ABBR_DOT },
    { "i. d. R", "in der Regel", TB_ABBR_DOT },
    { "o. ä", "oder ähnliches", TB_ABBR_DOT | TB_ABBR_END },
    { "v. a", "vor allem", TB_ABBR_DOT },
    { "v. Chr", "vor Christus", TB_ABBR_DOT | TB_ABBR_END },
    { "n. Chr", "nach Christus", TB_ABBR_DOT | TB_ABBR_END },
    { "usw", "und so weiter", TB_ABBR_END },
    { "etc", "et cetera", TB_ABBR_END },
    { "bzw", "beziehungsweise", 0 },
    { "ca", "circa", TB_ABBR_DOT },
    { "Nr", "Nummer", 0 },
    { "Str", "Straße", TB_ABBR_DOT | TB_ABBR_END },
    { "Dr", "Doktor", 0 },
    { "Prof", "Professor", TB_ABBR_DOT },
    { "Hr", "Herr", TB_ABBR_DOT },
    { "Hrn", "Herrn", TB_ABBR_DOT },
    { "Fr", "Frau", TB_ABBR_DOT | TB_ABBR_NAME },
    { "Dipl.-Ing", "Diplomingenieur", TB_ABBR_DOT },
    { "St", "Sankt", TB_ABBR_NAME },
    { "Tel", "Telefon", TB_ABBR_DOT },
    { "S", "Seite", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "Abb", "Abbildung", TB_ABBR_DOT },
    { "Kap", "Kapitel", TB_ABBR_DOT },
    { "Bd", "Band", TB_ABBR_DOT },
    { "Art", "Artikel", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "Abs", "Absatz", TB_ABBR_DOT },
    { "inkl", "inklusive", TB_ABBR_DOT },
    { "zzgl", "zuzüglich", TB_ABBR_DOT },
    { "evtl", "eventuell", TB_ABBR_DOT },
    { "ggf", "gegebenenfalls", TB_ABBR_DOT },
    { "vgl", "vergleiche", TB_ABBR_DOT },
    { "sog", "sogenannte", TB_ABBR_DOT },
    { "geb", "geboren", TB_ABBR_DOT },
    { "gest", "gestorben", TB_ABBR_DOT },
    { "Jh", "Jahrhundert", TB_ABBR_DOT | TB_ABBR_END },
    { "max", "maximal", TB_ABBR_DOT },
    { "min", "mindestens", TB_ABBR_DOT },
    { "Mio", "Millionen", TB_ABBR_DOT },
    { "Mrd", "Milliarden", TB_ABBR_DOT },
    { "Std", "Stunden", TB_ABBR_DOT },
    { "Jan", "Januar", TB_ABBR_DOT },
    { "Feb", "Februar", TB_ABBR_DOT },
    { "Aug", "August", TB_ABBR_DOT },
    { "Sept", "September", TB_ABBR_DOT },
    { "Okt", "Oktober", TB_ABBR_DOT },
    { "Nov", "November", TB_ABBR_DOT },
    { "Dez", "Dezember", TB_ABBR_DOT },
    { "GmbH", "ge em be ha", 0 },
    { "vs", "versus", 0 },
    { NULL, NULL, 0 },
};

static const struct tb_symbol symbols[] = {
    { '&', "und" },         { '+', "plus" },            { '=', "gleich" },       { '@', "at" },
    { '%', "Prozent" },     { '#', "Raute" },           { '<', "kleiner als" },  { '>', "größer als" },
    { 0xD7, "mal" },        { 0xF7, "geteilt durch" },  { 0xB1, "plus minus" },  { 0xB0, "Grad" },
    { 0xA7, "Paragraf" },   { 0xBD, "ein halb" },       { 0xBC, "ein viertel" }, { 0xBE, "drei viertel" },
    { 0xB2, "hoch zwei" },  { 0xB3, "hoch drei" },      { '~', "ungefähr" },     { 0x2248, "ungefähr" },
    { 0x2264, "höchstens" }, { 0x2265, "mindestens" },  { 0x2260, "ungleich" },  { 0x221A, "Wurzel aus" },
    { 0x3C0, "pi" },        { '$', "Dollar" },          { 0x20AC, "Euro" },      { 0xA3, "Pfund" },
    { 0x2116, "Nummer" },   { 0, NULL },
};

/* Short capitals are spelled (USA, CDU, EU) unless they are words. */
static bool is_readable(struct tb_str w)
{
    static const char short_words[] = " UNO JA ES ER SIE ICH DU WIR IHR IN AN AM IM ZU SO WO DA DER DIE DAS UND IST "
                                      "WAR NUR GUT NEU ALT ALLE NIE TAG VOR VON BIS FÜR MIT AUF AUS WAS WER WIE HIER ";

    return w.n < 4 ? tb_norm_in_list(short_words, w, false) : tb_norm_is_syllabic(w, 3);
}

/* How the word before declines an ordinal: "der dritte", "am dritten", "dritter". */
static enum tb_number_form ordinal_form(const struct tb_norm *s)
{
    static const char oblique[] = " am vom zum im dem den des beim ab seit bis einem einen ihrem seinem ihren seinen "
                                  "jedem jeden diesem diesen ";
    static const char plain[] = " der die das diese dieser dieses jede eine ihre seine meine ";
    struct tb_str before = tb_norm_word_before(s);

    if (tb_norm_in_list(oblique, before, true))
        return TB_ORDINAL_OBLIQUE;
    return tb_norm_in_list(plain, before, true) ? TB_ORDINAL : TB_ORDINAL_NEUTER;
}

static void say_date(struct tb_norm *s, int year, int month, int day)
{
    tb_norm_number(s, day, ordinal_form(s));
    tb_norm_sayz(s, months[month - 1]);
    if (year)
        tb_norm_number(s, year, year >= 1100 ? TB_YEAR : TB_CARDINAL);
}

static void say_time(struct tb_norm *s, int hour, int minute, int second, int half)
{
    tb_norm_number(s, hour, TB_MASCULINE);
    tb_norm_sayz(s, "Uhr");
    if (minute)
        tb_norm_number(s, minute, TB_CARDINAL);
    if (second >= 0) {
        tb_norm_sayz(s, "und");
        tb_norm_number(s, second, TB_FEMININE);
        tb_norm_sayz(s, second == 1 ? "Sekunde" : "Sekunden");
    }
    if (half)
        tb_norm_sayz(s, half == 'a' ? "morgens" : hour >= 6 && hour != 12 ? "abends" : "nachmittags");
}

static void say_fraction(struct tb_norm *s, long top, long bottom, bool after_whole)
{
    (void)after_whole;
    tb_norm_number(s, top, TB_MASCULINE);
    if (bottom == 2) {
        tb_norm_sayz(s, "halb");
        return;
    }
    tb_norm_number(s, bottom, TB_ORDINAL);
    tb_norm_glue(s, "l");
}

/* 80er, 1990er */
static bool read_ordinal(struct tb_norm *s, long value, size_t *at)
{
    if (!tb_norm_starts_with(s, *at, "er") || !tb_norm_is_edge(s, *at + 2))
        return false;
    tb_norm_number(s, value, value >= 1100 && value < 2000 ? TB_YEAR : TB_CARDINAL);
    tb_norm_glue(s, "er");
    *at += 2;
    return true;
}

static bool is_month_at(const struct tb_norm *s, size_t at)
{
    struct tb_str word = { s->in.p + at, tb_norm_word_at(s, at) };

    for (int i = 0; i < 12; i++)
        if (tb_str_eq(word, months[i]))
            return true;
    return tb_norm_in_list(" Jan Feb Apr Aug Sept Okt Nov Dez Jahrhundert Jahrhunderts Jh ", word, false);
}

/* "3. Mai", "das 20. Jahrhundert", "am 3. Tag": a month behind, a small letter behind, or an article before. */
static bool read_ordered(struct tb_norm *s, size_t n)
{
    size_t at = s->at + n, next;
    bool orders;

    if (n > 3 || tb_norm_peek(s, at) != '.' || tb_norm_peek(s, at + 1) != ' ' || !tb_norm_word_at(s, at + 2))
        return false;
    orders = is_month_at(s, at + 2) || !tb_norm_is_upper(s->in, at + 2, &next) || ordinal_form(s) != TB_ORDINAL_NEUTER;
    if (!orders)
        return false;
    tb_norm_number(s, tb_norm_small_number(s, s->at, n), ordinal_form(s));
    s->at = at + 1;
    return true;
}

/* "am 12.5.", "am 1.12. um" */
static bool read_day_and_month(struct tb_norm *s, size_t n)
{
    size_t at = s->at + n + 1, more = tb_norm_digits_at(s, at);
    int day = tb_norm_small_number(s, s->at, n), month = tb_norm_small_number(s, at, more);

    if (n > 2 || more < 1 || more > 2 || tb_norm_peek(s, at - 1) != '.' || tb_norm_peek(s, at + more) != '.' ||
        tb_norm_is_digit(tb_norm_peek(s, at + more + 1)) || day < 1 || day > 31 || month < 1 || month > 12)
        return false;
    say_date(s, 0, month, day);
    s->at = at + more + (at + more + 1 < s->in.n);
    return true;
}

/* 15.30 Uhr */
static bool read_clock(struct tb_norm *s, size_t n)
{
    size_t at = s->at + n + 1;
    int hour = tb_norm_small_number(s, s->at, n), minute = tb_norm_small_number(s, at, 2);

    if (n > 2 || hour > 24 || tb_norm_peek(s, at - 1) != '.' || tb_norm_digits_at(s, at) != 2 || minute > 59 ||
        !tb_norm_starts_with(s, at + 2, " Uhr"))
        return false;
    say_time(s, hour, minute, -1, 0);
    s->at = at + 6;
    return true;
}

/* "Ludwig XIV. war": the full stop orders, and stays only where the sentence may end. */
static bool read_ruler(struct tb_norm *s)
{
    size_t n = 0, next;
    long value;

    while (tb_norm_peek(s, s->at + n) && strchr("IVX", tb_norm_peek(s, s->at + n)))
        n++;
    if (!n || tb_norm_peek(s, s->at + n) != '.' || !tb_norm_in_list(s->lang->rulers, tb_norm_word_before(s), false) ||
        !(value = tb_norm_roman((struct tb_str){ s->in.p + s->at, n })))
        return false;
    s->lang->roman(s, value, true);
    s->at += n;
    if (tb_norm_peek(s, s->at + 1) == ' ' && !tb_norm_is_upper(s->in, s->at + 2, &next))
        s->at++;
    return true;
}

static bool read_own(struct tb_norm *s)
{
    size_t n = tb_norm_digits_at(s, s->at);

    if (s->at > 0 && (tb_norm_is_digit(s->in.p[s->at - 1]) || s->in.p[s->at - 1] == '.'))
        return false;
    return n ? read_ordered(s, n) || read_day_and_month(s, n) || read_clock(s, n) : read_ruler(s);
}

static void say_roman(struct tb_norm *s, long value, bool ruler)
{
    struct tb_str before = tb_norm_word_before(s);

    if (ruler)
        tb_norm_sayz(s, tb_norm_in_list(" Elisabeth Katharina Maria Margarethe ", before, false) ? "die" : "der");
    tb_norm_number(s, value, ruler ? TB_ORDINAL : TB_CARDINAL);
}

/* Only "one" changes: "ein Jahr", "eine Stunde". */
static enum tb_number_form agree(long long value, struct tb_str next)
{
    static const char feminine[] = " Person Frau Stadt Nacht Hand Mutter Tochter Schwester Zahl Art Firma Million ";
    size_t at = 0, after;

    if (value != 1 || next.n < 3 || !tb_norm_is_upper(next, at, &after))
        return TB_CARDINAL;
    if (tb_str_ends_with(next, "e") || tb_str_ends_with(next, "ung") || tb_str_ends_with(next, "heit") ||
        tb_str_ends_with(next, "keit") || tb_str_ends_with(next, "schaft") || tb_str_ends_with(next, "ion") ||
        tb_norm_in_list(feminine, next, false))
        return TB_FEMININE;
    return TB_MASCULINE;
}

const struct tb_norm_language tb_norm_german = {
    .locale = "de_DE",
    .group = '.',
    .decimal = ',',
    .forms = { [TB_CARDINAL] = "%spellout-numbering",
               [TB_MASCULINE] = "%spellout-cardinal-masculine",
               [TB_FEMININE] = "%spellout-cardinal-feminine",
               [TB_ORDINAL] = "%spellout-ordinal",
               [TB_ORDINAL_NEUTER] = "%spellout-ordinal-r",
               [TB_ORDINAL_OBLIQUE] = "%spellout-ordinal-n",
               [TB_YEAR] = "%spellout-numbering-year" },
    .units = units,
    .currencies = currencies,
    .abbreviations = abbreviations,
    .symbols = symbols,
    .months = months,
    .letters = letters,
    .minus = "minus",
    .point = "Komma",
    .percent = "Prozent",
    .range = "bis",
    .ratio = "zu",
    .dot = "Punkt",
    .at = "ät",
    .slash = "Schrägstrich",
    .dash = "Bindestrich",
    .underscore = "Unterstrich",
    .number_sign = "Nummer",
    .hashtag = "Hashtag",
    .cents_and = "und",
    .clock = " Uhr h ",
    .big = " Millionen Million Milliarden Milliarde Tausend Mio Mrd Billionen ",
    .of_big = "",
    .sections = " Kapitel Teil Band Abschnitt Titel Akt Szene Weltkrieg Krieg Phase Typ Stufe Artikel Anhang Buch "
                "Klasse ",
    .rulers = " Ludwig Heinrich Karl Friedrich Wilhelm Otto Franz Philipp Napoleon Pius Paul Johannes Benedikt "
              "Alexander Katharina Nikolaus Leo Elisabeth Eduard Georg Jakob Peter Gregor Innozenz Maria Margarethe "
              "Leopold Maximilian Ferdinand Rudolf Konrad August Christian Gustav ",
    .own = read_own,
    .is_readable = is_readable,
    .date = say_date,
    .time = say_time,
    .fraction = say_fraction,
    .ordinal = read_ordinal,
    .roman = say_roman,
    .agree = agree,
    .small_capitals = true,
    .years = true,
    .single_decimals = true,
};
