/* normalise_es.c - Spanish: see normalise_priv.h. Numbers agree with what they count: "un año", "una hora". */
#include <string.h>

#include "text/normalise_priv.h"

static const char *const months[12] = { "enero", "febrero", "marzo",      "abril",   "mayo",      "junio",
                                        "julio", "agosto",  "septiembre", "octubre", "noviembre", "diciembre" };

static const char *const letters[26] = { "a", "be",  "ce",  "de",  "e",  "efe", "ge",  "hache",     "i",
                                         "jota", "ka", "ele", "eme", "ene", "o", "pe", "cu",        "erre",
                                         "ese", "te", "u",   "uve", "uve doble", "equis", "ye", "zeta" };

static const struct tb_unit units[] = {
    { "km/h", "kilómetro por hora", "kilómetros por hora", false },
    { "m/s", "metro por segundo", "metros por segundo", false },
    { "km²", "kilómetro cuadrado", "kilómetros cuadrados", false },
    { "m²", "metro cuadrado", "metros cuadrados", false },
    { "m³", "metro cúbico", "metros cúbicos", false },
    { "km", "kilómetro", "kilómetros", false },
    { "cm", "centímetro", "centímetros", false },
    { "mm", "milímetro", "milímetros", false },
    { "m", "metro", "metros", false },
    { "kg", "kilogramo", "kilogramos", false },
    { "mg", "miligramo", "miligramos", false },
    { "g", "gramo", "gramos", false },
    { "t", "tonelada", "toneladas", true },
    { "lb", "libra", "libras", true },
    { "ml", "mililitro", "mililitros", false },
    { "l", "litro", "litros", false },
    { "L", "litro", "litros", false },
    { "°C", "grado centígrado", "grados centígrados", false },
    { "ºC", "grado centígrado", "grados centígrados", false },
    { "°F", "grado Fahrenheit", "grados Fahrenheit", false },
    { "°", "grado", "grados", false },
    { "ha", "hectárea", "hectáreas", true },
    { "Hz", "hercio", "hercios", false },
    { "kHz", "kilohercio", "kilohercios", false },
    { "MHz", "megahercio", "megahercios", false },
    { "GHz", "gigahercio", "gigahercios", false },
    { "KB", "kilobyte", "kilobytes", false },
    { "kB", "kilobyte", "kilobytes", false },
    { "MB", "megabyte", "megabytes", false },
    { "GB", "gigabyte", "gigabytes", false },
    { "TB", "terabyte", "terabytes", false },
    { "ms", "milisegundo", "milisegundos", false },
    { "s", "segundo", "segundos", false },
    { "seg", "segundo", "segundos", false },
    { "min", "minuto", "minutos", false },
    { "h", "hora", "horas", true },
    { "V", "voltio", "voltios", false },
    { "W", "vatio", "vatios", false },
    { "kW", "kilovatio", "kilovatios", false },
    { "kWh", "kilovatio hora", "kilovatios hora", false },
    { "dB", "decibelio", "decibelios", false },
    { "kcal", "kilocaloría", "kilocalorías", true },
    { NULL, NULL, NULL, false },
};

static const struct tb_currency currencies[] = {
    { "US$", "dólar", "dólares", "centavo", "centavos", false },
    { "$", "dólar", "dólares", "centavo", "centavos", false },
    { "USD", "dólar", "dólares", "centavo", "centavos", false },
    { "€", "euro", "euros", "céntimo", "céntimos", false },
    { "EUR", "euro", "euros", "céntimo", "céntimos", false },
    { "£", "libra", "libras", "penique", "peniques", true },
    { "¥", "yen", "yenes", NULL, NULL, false },
    { "MXN", "peso mexicano", "pesos mexicanos", "centavo", "centavos", false },
    { "₿", "bitcoin", "bitcoins", NULL, NULL, false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

static const struct tb_abbreviation abbreviations[] = {
    { "Sr", "señor", 0 },
    { "Sra", "señora", 0 },
    { "Srta", "señorita", 0 },
    { "Sres", "señores", 0 },
    { "Dr", "doctor", 0 },
    { "Dra", "doctora", 0 },
    { "D", "don", TB_ABBR_NAME | TB_ABBR_DOT },
    { "Dña", "doña", TB_ABBR_DOT },
    { "Ud", "usted", TB_ABBR_END },
    { "Uds", "ustedes", TB_ABBR_END },
    { "Vd", "usted", TB_ABBR_END },
    { "Vds", "ustedes", TB_ABBR_END },
    { "Prof", "profesor", TB_ABBR_DOT },
    { "Profa", "profesora", TB_ABBR_DOT },
    { "Ing", "ingeniero", TB_ABBR_DOT | TB_ABBR_NAME },
    { "Lic", "licenciado", TB_ABBR_DOT },
    { "Gral", "general", TB_ABBR_DOT },
    { "Sto", "santo", TB_ABBR_NAME | TB_ABBR_DOT },
    { "Sta", "santa", TB_ABBR_NAME | TB_ABBR_DOT },
    { "EE. UU", "Estados Unidos", TB_ABBR_END },
    { "EE.UU", "Estados Unidos", TB_ABBR_END },
    { "EEUU", "Estados Unidos", 0 },
    { "JJ. OO", "Juegos Olímpicos", TB_ABBR_END },
    { "RR. HH", "recursos humanos", TB_ABBR_END },
    { "p. ej", "por ejemplo", TB_ABBR_DOT },
    { "p.ej", "por ejemplo", TB_ABBR_DOT },
    { "etc", "etcétera", TB_ABBR_END },
    { "pág", "página", TB_ABBR_DOT },
    { "págs", "páginas", TB_ABBR_DOT },
    { "núm", "número", TB_ABBR_DOT },
    { "n.º", "número", 0 },
    { "N.º", "número", 0 },
    { "nº", "número", 0 },
    { "Nº", "número", 0 },
    { "tel", "teléfono", TB_ABBR_DOT },
    { "Tel", "teléfono", TB_ABBR_DOT },
    { "av", "avenida", TB_ABBR_DOT },
    { "Av", "avenida", TB_ABBR_DOT },
    { "Avda", "avenida", TB_ABBR_DOT },
    { "avda", "avenida", TB_ABBR_DOT },
    { "c/", "calle", 0 },
    { "C/", "calle", 0 },
    { "aprox", "aproximadamente", TB_ABBR_END },
    { "a. C", "antes de Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "d. C", "después de Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "a.C", "antes de Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "d.C", "después de Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "S. A", "ese a", TB_ABBR_DOT | TB_ABBR_END },
    { "S.A", "ese a", TB_ABBR_DOT | TB_ABBR_END },
    { "vs", "versus", 0 },
    { "cap", "capítulo", TB_ABBR_DOT },
    { "art", "artículo", TB_ABBR_DOT },
    { "fig", "figura", TB_ABBR_DOT },
    { "vol", "volumen", TB_ABBR_DOT },
    { "izq", "izquierda", TB_ABBR_DOT | TB_ABBR_END },
    { "dcha", "derecha", TB_ABBR_DOT | TB_ABBR_END },
    { "máx", "máximo", TB_ABBR_DOT | TB_ABBR_END },
    { "mín", "mínimo", TB_ABBR_DOT | TB_ABBR_END },
    { "Cía", "compañía", TB_ABBR_END },
    { "dpto", "departamento", TB_ABBR_DOT },
    { "a. m", "de la mañana", TB_ABBR_DOT | TB_ABBR_END },
    { "p. m", "de la tarde", TB_ABBR_DOT | TB_ABBR_END },
    { NULL, NULL, 0 },
};

static const struct tb_symbol symbols[] = {
    { '&', "y" },           { '+', "más" },            { '=', "igual a" },      { '@', "arroba" },
    { '%', "por ciento" },  { '#', "almohadilla" },    { '<', "menor que" },    { '>', "mayor que" },
    { 0xD7, "por" },        { 0xF7, "entre" },         { 0xB1, "más menos" },   { 0xB0, "grados" },
    { 0xA7, "sección" },    { 0xBD, "un medio" },      { 0xBC, "un cuarto" },   { 0xBE, "tres cuartos" },
    { 0xB2, "al cuadrado" }, { 0xB3, "al cubo" },      { '~', "unos" },         { 0x2248, "unos" },
    { 0x2264, "como máximo" }, { 0x2265, "como mínimo" }, { 0x2260, "distinto de" }, { 0x221A, "raíz de" },
    { 0x3C0, "pi" },        { '$', "dólares" },        { 0x20AC, "euros" },     { 0xA3, "libras" },
    { 0x2116, "número" },   { 0, NULL },
};

static bool is_vowel(char c)
{
    return strchr("AEIOU", c) != NULL;
}

/* Syllables of Spanish: no heap of consonants, at most an l or r behind one at the head, a plain end. */
static bool is_readable(struct tb_str w)
{
    size_t run = 0;

    for (size_t i = 0; i < w.n; i++) {
        run = is_vowel(w.p[i]) ? 0 : run + 1;
        if (run > 2)
            return false;
    }
    if (w.n > 1 && !is_vowel(w.p[0]) && !is_vowel(w.p[1]) && w.p[1] != 'L' && w.p[1] != 'R')
        return false;
    if (w.n > 1 && !is_vowel(w.p[w.n - 1]) && (!is_vowel(w.p[w.n - 2]) || !strchr("NSRLDZY", w.p[w.n - 1])))
        return false;
    return w.n > 2; /* two letters are mostly spelled: TV, UE */
}

static void say_date(struct tb_norm *s, int year, int month, int day)
{
    tb_norm_number(s, day, TB_CARDINAL);
    tb_norm_sayz(s, "de");
    tb_norm_sayz(s, months[month - 1]);
    if (year) {
        tb_norm_sayz(s, "de");
        tb_norm_number(s, year, TB_CARDINAL);
    }
}

static const char *part_of_day(int hour, int half)
{
    if (half == 'a')
        return hour == 12 ? "de la noche" : "de la mañana";
    return hour >= 8 && hour != 12 ? "de la noche" : "de la tarde";
}

static void say_time(struct tb_norm *s, int hour, int minute, int second, int half)
{
    tb_norm_number(s, hour, TB_FEMININE);
    if (minute) {
        tb_norm_sayz(s, hour <= 12 ? "y" : "");
        tb_norm_number(s, minute, TB_CARDINAL);
    } else if (!half) {
        tb_norm_sayz(s, hour == 1 ? "hora" : "horas");
    }
    if (second >= 0) {
        tb_norm_sayz(s, "y");
        tb_norm_number(s, second, TB_MASCULINE);
        tb_norm_sayz(s, second == 1 ? "segundo" : "segundos");
    }
    if (half)
        tb_norm_sayz(s, part_of_day(hour, half));
}

static void say_fraction(struct tb_norm *s, long top, long bottom, bool after_whole)
{
    static const char *const parts[] = { "medio", "tercio", "cuarto", "quinto", "sexto", "séptimo", "octavo", "noveno",
                                        "décimo" };

    if (after_whole && top == 1 && bottom == 2) { /* dos y medio */
        tb_norm_sayz(s, "medio");
        return;
    }
    tb_norm_number(s, top, TB_MASCULINE);
    if (bottom <= 10) {
        tb_norm_sayz(s, parts[bottom - 2]);
    } else if (bottom == 100) {
        tb_norm_sayz(s, "centésimo");
    } else {
        tb_norm_number(s, bottom, TB_CARDINAL);
        tb_norm_glue(s, "avo");
    }
    if (top > 1)
        tb_norm_glue(s, "s");
}

/* 1.º, 1º, 2ª, 1er, 3er, 1.er, 2do, 1ra */
static bool read_ordinal(struct tb_norm *s, long value, size_t *at)
{
    static const struct {
        const char *sign;
        enum tb_number_form form;
        bool short_form;
    } signs[] = { { "º", TB_ORDINAL, false }, { "ª", TB_ORDINAL_FEMININE, false }, { "er", TB_ORDINAL, true },
                  { "ero", TB_ORDINAL, false }, { "era", TB_ORDINAL_FEMININE, false }, { "ro", TB_ORDINAL, false },
                  { "ra", TB_ORDINAL_FEMININE, false }, { "do", TB_ORDINAL, false },
                  { "da", TB_ORDINAL_FEMININE, false }, { "to", TB_ORDINAL, false },
                  { "ta", TB_ORDINAL_FEMININE, false }, { "mo", TB_ORDINAL, false } };
    size_t from = *at + (tb_norm_peek(s, *at) == '.' ? 1 : 0);

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t end = from + strlen(signs[i].sign);

        if (!tb_norm_starts_with(s, from, signs[i].sign) || tb_norm_is_letter(tb_norm_peek(s, end)))
            continue;
        tb_norm_number(s, value, signs[i].form);
        if (signs[i].short_form && s->out->size && s->out->data[s->out->size - 1] == 'o')
            s->out->size--; /* primer, tercer */
        *at = end;
        return true;
    }
    return false;
}

/* Rulers up to the tenth are ordered, then counted. */
static void say_roman(struct tb_norm *s, long value, bool ruler)
{
    static const char queen[] = "Isabel ";
    size_t n = sizeof queen - 1;
    bool feminine = s->at >= n && memcmp(s->in.p + s->at - n, queen, n) == 0;

    tb_norm_number(s, value, ruler && value <= 10 ? (feminine ? TB_ORDINAL_FEMININE : TB_ORDINAL) : TB_CARDINAL);
}

/* Only numbers with "uno" or hundreds change. The next word's end tells its gender well enough. */
static enum tb_number_form agree(long long value, struct tb_str next)
{
    static const char verbs_and_masculine[] = " días problemas sistemas programas idiomas temas mapas planetas poemas "
                                              "kilogramas es más atrás mas ";
    bool one = value % 10 == 1 && value % 100 != 11, hundreds = value % 1000 >= 200;

    if ((!one && !hundreds) || next.n < 3)
        return TB_CARDINAL;
    if (tb_norm_in_list(verbs_and_masculine, next, true))
        return tb_norm_in_list(" es más atrás mas ", next, true) ? TB_CARDINAL : TB_MASCULINE;
    if (tb_str_ends_with(next, "as") || (value == 1 && tb_str_ends_with(next, "a")) ||
        tb_str_ends_with(next, "ciones"))
        return TB_FEMININE;
    if (tb_str_ends_with(next, "s") || tb_norm_in_list(" millón mil ", next, true) ||
        (value == 1 && tb_str_ends_with(next, "o")))
        return TB_MASCULINE;
    return TB_CARDINAL;
}

const struct tb_norm_language tb_norm_spanish = {
    .locale = "es_ES",
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
    .minus = "menos",
    .point = "coma",
    .percent = "por ciento",
    .range = "a",
    .dot = "punto",
    .at = "arroba",
    .slash = "barra",
    .dash = "guion",
    .underscore = "guion bajo",
    .number_sign = "número",
    .hashtag = "almohadilla",
    .cents_and = "con",
    .big = " millones millón billones billón mil ",
    .of_big = "de",
    .sections = " siglo siglos capítulo capítulos parte tomo volumen sección título acto guerra fase tipo nivel "
                "artículo anexo libro grado clase mundial ",
    .rulers = " Felipe Alfonso Fernando Carlos Luis Enrique Juan Pablo Pío Benedicto Isabel Jorge Eduardo Guillermo "
              "Napoleón Alejandro Catalina Nicolás Federico Francisco León Gregorio Inocencio Pedro Iván Jaime Sancho "
              "Ramiro Francisco Clemente Ramsés ",
    .is_readable = is_readable,
    .date = say_date,
    .time = say_time,
    .fraction = say_fraction,
    .ordinal = read_ordinal,
    .roman = say_roman,
    .agree = agree,
    .years = false,
    .month_first = false,
};
