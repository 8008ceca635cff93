/* normalise_it.c - Italian: see normalise_priv.h. */
#include <string.h>

#include "text/normalise_priv.h"

static const char *const months[12] = { "gennaio", "febbraio", "marzo",     "aprile",  "maggio",   "giugno",
                                        "luglio",  "agosto",   "settembre", "ottobre", "novembre", "dicembre" };

static const char *const letters[26] = { "a",  "bi", "ci",   "di", "e",    "effe",     "gi",  "acca",    "i",
                                         "i lunga", "cappa", "elle", "emme", "enne", "o", "pi", "cu", "erre",
                                         "esse", "ti", "u",  "vu", "doppia vu", "ics", "ipsilon", "zeta" };

static const struct tb_unit units[] = {
    { "km/h", "chilometro orario", "chilometri orari", false },
    { "m/s", "metro al secondo", "metri al secondo", false },
    { "km²", "chilometro quadrato", "chilometri quadrati", false },
    { "m²", "metro quadrato", "metri quadrati", false },
    { "mq", "metro quadrato", "metri quadrati", false },
    { "m³", "metro cubo", "metri cubi", false },
    { "km", "chilometro", "chilometri", false },
    { "cm", "centimetro", "centimetri", false },
    { "mm", "millimetro", "millimetri", false },
    { "m", "metro", "metri", false },
    { "kg", "chilo", "chili", false },
    { "mg", "milligrammo", "milligrammi", false },
    { "g", "grammo", "grammi", false },
    { "t", "tonnellata", "tonnellate", true },
    { "ml", "millilitro", "millilitri", false },
    { "l", "litro", "litri", false },
    { "L", "litro", "litri", false },
    { "°C", "grado Celsius", "gradi Celsius", false },
    { "ºC", "grado Celsius", "gradi Celsius", false },
    { "ha", "ettaro", "ettari", false },
    { "Hz", "hertz", "hertz", false },
    { "kHz", "chilohertz", "chilohertz", false },
    { "MHz", "megahertz", "megahertz", false },
    { "GHz", "gigahertz", "gigahertz", false },
    { "KB", "chilobyte", "chilobyte", false },
    { "MB", "megabyte", "megabyte", false },
    { "GB", "gigabyte", "gigabyte", false },
    { "TB", "terabyte", "terabyte", false },
    { "ms", "millisecondo", "millisecondi", false },
    { "s", "secondo", "secondi", false },
    { "min", "minuto", "minuti", false },
    { "h", "ora", "ore", true },
    { "V", "volt", "volt", false },
    { "W", "watt", "watt", false },
    { "kW", "chilowatt", "chilowatt", false },
    { "kWh", "chilowattora", "chilowattora", false },
    { "dB", "decibel", "decibel", false },
    { "kcal", "chilocaloria", "chilocalorie", true },
    { "mln", "milione", "milioni", false },
    { "mld", "miliardo", "miliardi", false },
    { NULL, NULL, NULL, false },
};

static const struct tb_currency currencies[] = {
    { "US$", "dollaro", "dollari", "centesimo", "centesimi", false },
    { "$", "dollaro", "dollari", "centesimo", "centesimi", false },
    { "USD", "dollaro", "dollari", "centesimo", "centesimi", false },
    { "€", "euro", "euro", "centesimo", "centesimi", false },
    { "EUR", "euro", "euro", "centesimo", "centesimi", false },
    { "£", "sterlina", "sterline", "penny", "pence", true },
    { "CHF", "franco svizzero", "franchi svizzeri", "centesimo", "centesimi", false },
    { "¥", "yen", "yen", NULL, NULL, false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

static const struct tb_abbreviation abbreviations[] = {
    { "Sig", "signor", TB_ABBR_DOT },
    { "sig", "signor", TB_ABBR_DOT },
    { "Sig.ra", "signora", 0 },
    { "sig.ra", "signora", 0 },
    { "Sig.na", "signorina", 0 },
    { "Sigg", "signori", TB_ABBR_DOT },
    { "Dott", "dottor", TB_ABBR_DOT },
    { "dott", "dottor", TB_ABBR_DOT },
    { "Dott.ssa", "dottoressa", 0 },
    { "dott.ssa", "dottoressa", 0 },
    { "Dr", "dottor", 0 },
    { "Prof", "professor", TB_ABBR_DOT },
    { "prof", "professor", TB_ABBR_DOT },
    { "Prof.ssa", "professoressa", 0 },
    { "Ing", "ingegner", TB_ABBR_DOT },
    { "ing", "ingegner", TB_ABBR_DOT },
    { "Avv", "avvocato", TB_ABBR_DOT },
    { "avv", "avvocato", TB_ABBR_DOT },
    { "Arch", "architetto", TB_ABBR_DOT },
    { "On", "onorevole", TB_ABBR_DOT | TB_ABBR_NAME },
    { "S", "san", TB_ABBR_DOT | TB_ABBR_NAME },
    { "ecc", "eccetera", TB_ABBR_END },
    { "etc", "eccetera", TB_ABBR_END },
    { "es", "esempio", TB_ABBR_DOT },
    { "p. es", "per esempio", TB_ABBR_DOT },
    { "p.es", "per esempio", TB_ABBR_DOT },
    { "cfr", "confronta", 0 },
    { "n", "numero", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "n°", "numero", 0 },
    { "N°", "numero", 0 },
    { "nº", "numero", 0 },
    { "pag", "pagina", TB_ABBR_DOT },
    { "pagg", "pagine", TB_ABBR_DOT },
    { "p", "pagina", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "vol", "volume", TB_ABBR_DOT },
    { "cap", "capitolo", TB_ABBR_DOT },
    { "art", "articolo", TB_ABBR_DOT },
    { "fig", "figura", TB_ABBR_DOT },
    { "tel", "telefono", TB_ABBR_DOT },
    { "Tel", "telefono", TB_ABBR_DOT },
    { "ca", "circa", TB_ABBR_DOT | TB_ABBR_END },
    { "v", "via", TB_ABBR_DOT | TB_ABBR_NAME },
    { "a.C", "avanti Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "d.C", "dopo Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "S.p.A", "esse pi a", TB_ABBR_END },
    { "SpA", "esse pi a", 0 },
    { "S.r.l", "esse erre elle", TB_ABBR_END },
    { "Srl", "esse erre elle", 0 },
    { "max", "massimo", TB_ABBR_DOT | TB_ABBR_END },
    { "min", "minimo", TB_ABBR_DOT | TB_ABBR_END },
    { "gen", "gennaio", TB_ABBR_DOT },
    { "feb", "febbraio", TB_ABBR_DOT },
    { "sett", "settembre", TB_ABBR_DOT },
    { "ott", "ottobre", TB_ABBR_DOT },
    { "dic", "dicembre", TB_ABBR_DOT },
    { NULL, NULL, 0 },
};

static const struct tb_symbol symbols[] = {
    { '&', "e" },             { '+', "più" },            { '=', "uguale a" },     { '@', "chiocciola" },
    { '%', "per cento" },     { '#', "cancelletto" },    { '<', "minore di" },    { '>', "maggiore di" },
    { 0xD7, "per" },          { 0xF7, "diviso" },        { 0xB1, "più o meno" },  { 0xB0, "gradi" },
    { 0xA7, "paragrafo" },    { 0xBD, "mezzo" },         { 0xBC, "un quarto" },   { 0xBE, "tre quarti" },
    { 0xB2, "al quadrato" },  { 0xB3, "al cubo" },       { '~', "circa" },        { 0x2248, "circa" },
    { 0x2264, "al massimo" }, { 0x2265, "almeno" },      { 0x2260, "diverso da" }, { 0x221A, "radice di" },
    { 0x3C0, "pi greco" },    { '$', "dollari" },        { 0x20AC, "euro" },      { 0xA3, "sterline" },
    { 0x2116, "numero" },     { 0, NULL },
};

static bool is_readable(struct tb_str w)
{
    static const char spelled[] = " UE EU IA OMS CIA CGIL ";

    return !tb_norm_in_list(spelled, w, false) && w.n > 2 && tb_norm_is_syllabic(w, 2) &&
        strchr("AEIOUNLRST", w.p[w.n - 1]);
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
    if (hour == 1 && !minute)
        tb_norm_sayz(s, "l'una");
    else
        tb_norm_number(s, hour, hour == 1 ? TB_FEMININE : TB_CARDINAL);
    if (minute) {
        tb_norm_sayz(s, "e");
        tb_norm_number(s, minute, TB_CARDINAL);
    }
    if (second >= 0) {
        tb_norm_sayz(s, "e");
        tb_norm_number(s, second, TB_MASCULINE);
        tb_norm_sayz(s, second == 1 ? "secondo" : "secondi");
    }
    if (half)
        tb_norm_sayz(s, half == 'a' ? "di mattina" : hour >= 6 && hour != 12 ? "di sera" : "del pomeriggio");
}

static void say_fraction(struct tb_norm *s, long top, long bottom, bool after_whole)
{
    if (bottom == 2) {
        tb_norm_sayz(s, after_whole ? "mezzo" : "un mezzo");
        return;
    }
    tb_norm_number(s, top, TB_MASCULINE);
    tb_norm_number(s, bottom, TB_ORDINAL);
    if (top > 1 && s->out->size && s->out->data[s->out->size - 1] == 'o')
        s->out->data[s->out->size - 1] = 'i';
}

/* 1º, 2ª, and 3° before a word; else the ring means degrees. */
static bool read_ordinal(struct tb_norm *s, long value, size_t *at)
{
    if (tb_norm_starts_with(s, *at, "º") || tb_norm_starts_with(s, *at, "ª")) {
        tb_norm_number(s, value, tb_norm_starts_with(s, *at, "ª") ? TB_ORDINAL_FEMININE : TB_ORDINAL);
    } else if (tb_norm_starts_with(s, *at, "°")) {
        bool word = tb_norm_peek(s, *at + 2) == ' ' && tb_norm_word_at(s, *at + 3) > 3;

        tb_norm_number(s, value, word ? TB_ORDINAL : TB_CARDINAL);
        tb_norm_sayz(s, word ? "" : value == 1 ? "grado" : "gradi");
    } else {
        return false;
    }
    *at += 2;
    return true;
}

/* "XX secolo": a Roman numeral before the word that it orders. */
static bool read_own(struct tb_norm *s)
{
    size_t n = 0;
    long value;

    while (tb_norm_peek(s, s->at + n) && strchr("IVX", tb_norm_peek(s, s->at + n)))
        n++;
    if (!n || (s->at > 0 && !tb_norm_is_edge(s, s->at - 1)))
        return false;
    value = tb_norm_roman((struct tb_str){ s->in.p + s->at, n });
    if (!value || !tb_norm_starts_with(s, s->at + n, " secolo"))
        return false;
    tb_norm_number(s, value, TB_ORDINAL);
    s->at += n;
    return true;
}

static void say_roman(struct tb_norm *s, long value, bool ruler)
{
    struct tb_str before = tb_norm_word_before(s);
    bool feminine = tb_norm_in_list(" Elisabetta Caterina Maria Isabella Margherita ", before, false);

    tb_norm_number(s, value, !ruler ? TB_CARDINAL : feminine ? TB_ORDINAL_FEMININE : TB_ORDINAL);
}

/* Only "one" changes. */
static enum tb_number_form agree(long long value, struct tb_str next)
{
    if (value == 1 && tb_norm_in_list(" milione miliardo ", next, true))
        return TB_MASCULINE;
    if (value != 1 || next.n < 3)
        return TB_CARDINAL;
    if (tb_str_ends_with(next, "a") || tb_str_ends_with(next, "ione"))
        return TB_FEMININE;
    return tb_str_ends_with(next, "o") || tb_str_ends_with(next, "e") ? TB_MASCULINE : TB_CARDINAL;
}

const struct tb_norm_language tb_norm_italian = {
    .locale = "it_IT",
    .group = '.',
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
    .minus = "meno",
    .point = "virgola",
    .percent = "per cento",
    .range = "a",
    .dot = "punto",
    .at = "chiocciola",
    .slash = "barra",
    .dash = "trattino",
    .underscore = "trattino basso",
    .number_sign = "numero",
    .hashtag = "hashtag",
    .cents_and = "e",
    .big = " milioni milione miliardi miliardo mila mln mld ",
    .of_big = "di",
    .sections = " secolo capitolo capitoli parte tomo volume sezione titolo atto scena guerra fase tipo livello "
                "articolo allegato libro grado classe mondiale ",
    .rulers = " Luigi Enrico Carlo Francesco Filippo Napoleone Pio Paolo Giovanni Benedetto Alessandro Caterina Nicola "
              "Federico Leone Elisabetta Guglielmo Edoardo Giorgio Giacomo Vittorio Emanuele Umberto Gregorio "
              "Innocenzo Clemente Maria Isabella Margherita Ferdinando Amedeo ",
    .own = read_own,
    .is_readable = is_readable,
    .date = say_date,
    .time = say_time,
    .fraction = say_fraction,
    .ordinal = read_ordinal,
    .roman = say_roman,
    .agree = agree,
    .small_capitals = true,
};
