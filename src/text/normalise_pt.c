/* normalise_pt.c - Portuguese (Brazilian): see normalise_priv.h. Numbers agree with what they count: "duas casas". */
#include <string.h>

#include "text/normalise_priv.h"

static const char *const months[12] = { "janeiro", "fevereiro", "março",    "abril",   "maio",     "junho",
                                        "julho",   "agosto",    "setembro", "outubro", "novembro", "dezembro" };

static const char *const letters[26] = { "á",  "bê", "cê",  "dê", "é",   "efe",      "gê",  "agá",     "i",
                                         "jota", "cá", "ele", "eme", "ene", "ó", "pê", "quê", "erre",
                                         "esse", "tê", "u", "vê", "dáblio", "xis", "ípsilon", "zê" };

static const struct tb_unit units[] = {
    { "km/h", "quilômetro por hora", "quilômetros por hora", false },
    { "m/s", "metro por segundo", "metros por segundo", false },
    { "km²", "quilômetro quadrado", "quilômetros quadrados", false },
    { "m²", "metro quadrado", "metros quadrados", false },
    { "m³", "metro cúbico", "metros cúbicos", false },
    { "km", "quilômetro", "quilômetros", false },
    { "cm", "centímetro", "centímetros", false },
    { "mm", "milímetro", "milímetros", false },
    { "m", "metro", "metros", false },
    { "kg", "quilo", "quilos", false },
    { "mg", "miligrama", "miligramas", false },
    { "g", "grama", "gramas", false },
    { "t", "tonelada", "toneladas", true },
    { "ml", "mililitro", "mililitros", false },
    { "l", "litro", "litros", false },
    { "L", "litro", "litros", false },
    { "°C", "grau Celsius", "graus Celsius", false },
    { "ºC", "grau Celsius", "graus Celsius", false },
    { "°", "grau", "graus", false },
    { "ha", "hectare", "hectares", false },
    { "Hz", "hertz", "hertz", false },
    { "kHz", "quilohertz", "quilohertz", false },
    { "MHz", "megahertz", "megahertz", false },
    { "GHz", "gigahertz", "gigahertz", false },
    { "KB", "quilobyte", "quilobytes", false },
    { "MB", "megabyte", "megabytes", false },
    { "GB", "gigabyte", "gigabytes", false },
    { "TB", "terabyte", "terabytes", false },
    { "ms", "milissegundo", "milissegundos", false },
    { "s", "segundo", "segundos", false },
    { "min", "minuto", "minutos", false },
    { "h", "hora", "horas", true },
    { "V", "volt", "volts", false },
    { "W", "watt", "watts", false },
    { "kW", "quilowatt", "quilowatts", false },
    { "kWh", "quilowatt-hora", "quilowatts-hora", false },
    { "dB", "decibel", "decibéis", false },
    { "kcal", "quilocaloria", "quilocalorias", true },
    { "mi", "milhão", "milhões", false },
    { "bi", "bilhão", "bilhões", false },
    { NULL, NULL, NULL, false },
};

static const struct tb_currency currencies[] = {
    { "R$", "real", "reais", "centavo", "centavos", false },
    { "BRL", "real", "reais", "centavo", "centavos", false },
    { "US$", "dólar", "dólares", "centavo", "centavos", false },
    { "$", "dólar", "dólares", "centavo", "centavos", false },
    { "USD", "dólar", "dólares", "centavo", "centavos", false },
    { "€", "euro", "euros", "centavo", "centavos", false },
    { "EUR", "euro", "euros", "centavo", "centavos", false },
    { "£", "libra", "libras", "pêni", "pence", true },
    { "¥", "iene", "ienes", NULL, NULL, false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

static const struct tb_abbreviation abbreviations[] = {
    { "Sr", "senhor", 0 },
    { "Sra", "senhora", 0 },
    { "Srta", "senhorita", 0 },
    { "Srs", "senhores", 0 },
    { "Dr", "doutor", 0 },
    { "Dra", "doutora", 0 },
    { "D", "dom", TB_ABBR_NAME | TB_ABBR_DOT },
    { "Prof", "professor", TB_ABBR_DOT },
    { "Profa", "professora", TB_ABBR_DOT },
    { "Prof.ª", "professora", 0 },
    { "Eng", "engenheiro", TB_ABBR_DOT },
    { "Exmo", "excelentíssimo", TB_ABBR_DOT },
    { "Sto", "santo", TB_ABBR_NAME | TB_ABBR_DOT },
    { "Sta", "santa", TB_ABBR_NAME | TB_ABBR_DOT },
    { "V. Exa", "vossa excelência", TB_ABBR_DOT },
    { "vc", "você", 0 },
    { "p. ex", "por exemplo", TB_ABBR_DOT },
    { "p.ex", "por exemplo", TB_ABBR_DOT },
    { "etc", "etcétera", TB_ABBR_END },
    { "pág", "página", TB_ABBR_DOT },
    { "págs", "páginas", TB_ABBR_DOT },
    { "p", "página", TB_ABBR_DOT | TB_ABBR_NUMBER },
    { "n.º", "número", 0 },
    { "N.º", "número", 0 },
    { "nº", "número", 0 },
    { "Nº", "número", 0 },
    { "n°", "número", 0 },
    { "núm", "número", TB_ABBR_DOT },
    { "tel", "telefone", TB_ABBR_DOT },
    { "Tel", "telefone", TB_ABBR_DOT },
    { "av", "avenida", TB_ABBR_DOT },
    { "Av", "avenida", TB_ABBR_DOT },
    { "R", "rua", TB_ABBR_DOT | TB_ABBR_NAME },
    { "apto", "apartamento", 0 },
    { "aprox", "aproximadamente", TB_ABBR_END },
    { "a.C", "antes de Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "d.C", "depois de Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "a. C", "antes de Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "d. C", "depois de Cristo", TB_ABBR_DOT | TB_ABBR_END },
    { "S.A", "esse á", TB_ABBR_DOT | TB_ABBR_END },
    { "S/A", "esse á", 0 },
    { "Ltda", "limitada", TB_ABBR_END },
    { "Cia", "companhia", TB_ABBR_DOT | TB_ABBR_END },
    { "vs", "versus", 0 },
    { "cap", "capítulo", TB_ABBR_DOT },
    { "art", "artigo", TB_ABBR_DOT },
    { "fig", "figura", TB_ABBR_DOT },
    { "vol", "volume", TB_ABBR_DOT },
    { "máx", "máximo", TB_ABBR_DOT | TB_ABBR_END },
    { "mín", "mínimo", TB_ABBR_DOT | TB_ABBR_END },
    { "jan", "janeiro", TB_ABBR_DOT },
    { "fev", "fevereiro", TB_ABBR_DOT },
    { "ago", "agosto", TB_ABBR_DOT },
    { "set", "setembro", TB_ABBR_DOT },
    { "out", "outubro", TB_ABBR_DOT },
    { "dez", "dezembro", TB_ABBR_DOT },
    { NULL, NULL, 0 },
};

static const struct tb_symbol symbols[] = {
    { '&', "e" },             { '+', "mais" },           { '=', "igual a" },      { '@', "arroba" },
    { '%', "por cento" },     { '#', "jogo da velha" },  { '<', "menor que" },    { '>', "maior que" },
    { 0xD7, "vezes" },        { 0xF7, "dividido por" },  { 0xB1, "mais ou menos" }, { 0xB0, "graus" },
    { 0xA7, "parágrafo" },    { 0xBD, "meio" },          { 0xBC, "um quarto" },   { 0xBE, "três quartos" },
    { 0xB2, "ao quadrado" },  { 0xB3, "ao cubo" },       { '~', "cerca de" },     { 0x2248, "cerca de" },
    { 0x2264, "no máximo" },  { 0x2265, "no mínimo" },   { 0x2260, "diferente de" }, { 0x221A, "raiz de" },
    { 0x3C0, "pi" },          { '$', "dólares" },        { 0x20AC, "euros" },     { 0xA3, "libras" },
    { 0x2116, "número" },     { 0, NULL },
};

static bool is_readable(struct tb_str w)
{
    static const char spelled[] = " EUA USA UE IA CIA USP INSS IPVA ";

    return !tb_norm_in_list(spelled, w, false) && w.n > 2 && tb_norm_is_syllabic(w, 2) &&
        strchr("AEIOUNMLRSZ", w.p[w.n - 1]);
}

static void say_date(struct tb_norm *s, int year, int month, int day)
{
    tb_norm_number(s, day, day == 1 ? TB_ORDINAL : TB_CARDINAL);
    tb_norm_sayz(s, "de");
    tb_norm_sayz(s, months[month - 1]);
    if (year) {
        tb_norm_sayz(s, "de");
        tb_norm_number(s, year, TB_CARDINAL);
    }
}

static void say_time(struct tb_norm *s, int hour, int minute, int second, int half)
{
    tb_norm_number(s, hour, TB_FEMININE);
    if (minute) {
        tb_norm_sayz(s, "e");
        tb_norm_number(s, minute, TB_CARDINAL);
    } else if (!half) {
        tb_norm_sayz(s, hour <= 1 ? "hora" : "horas");
    }
    if (second >= 0) {
        tb_norm_sayz(s, "e");
        tb_norm_number(s, second, TB_MASCULINE);
        tb_norm_sayz(s, second == 1 ? "segundo" : "segundos");
    }
    if (half)
        tb_norm_sayz(s, half == 'a' ? "da manhã" : hour >= 6 && hour != 12 ? "da noite" : "da tarde");
}

static void say_fraction(struct tb_norm *s, long top, long bottom, bool after_whole)
{
    static const char *const parts[] = { "meio", "terço", "quarto", "quinto", "sexto", "sétimo", "oitavo", "nono",
                                        "décimo" };

    if (after_whole && top == 1 && bottom == 2) {
        tb_norm_sayz(s, "meio");
        return;
    }
    tb_norm_number(s, top, TB_MASCULINE);
    if (bottom <= 10) {
        tb_norm_sayz(s, parts[bottom - 2]);
    } else if (bottom == 100) {
        tb_norm_sayz(s, "centésimo");
    } else {
        tb_norm_number(s, bottom, TB_CARDINAL);
        tb_norm_sayz(s, "avo");
    }
    if (top > 1)
        tb_norm_glue(s, "s");
}

/* 1º, 1.º, 2ª, 3o, 4a */
static bool read_ordinal(struct tb_norm *s, long value, size_t *at)
{
    static const char *const signs[] = { "º", "ª", "o", "a" };
    size_t from = *at + (tb_norm_peek(s, *at) == '.' ? 1 : 0);

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t end = from + strlen(signs[i]);

        if (!tb_norm_starts_with(s, from, signs[i]) || !tb_norm_is_edge(s, end))
            continue;
        tb_norm_number(s, value, i % 2 ? TB_ORDINAL_FEMININE : TB_ORDINAL);
        *at = end;
        return true;
    }
    return false;
}

/* 15h30, 8h, 9h05min */
static bool read_own(struct tb_norm *s)
{
    size_t n = tb_norm_digits_at(s, s->at), at = s->at + n, more;
    int hour = tb_norm_small_number(s, s->at, n), minute;

    if (n < 1 || n > 2 || hour > 24 || tb_norm_peek(s, at) != 'h' ||
        (s->at > 0 && tb_norm_is_digit(s->in.p[s->at - 1])))
        return false;
    more = tb_norm_digits_at(s, ++at);
    minute = tb_norm_small_number(s, at, more);
    at += more;
    if (more && tb_norm_starts_with(s, at, "min"))
        at += 3;
    if ((more && more != 2) || minute > 59 || !tb_norm_is_edge(s, at))
        return false;
    say_time(s, hour, minute, -1, 0);
    s->at = at;
    return true;
}

/* Centuries and rulers up to the tenth are ordered, then counted. */
static void say_roman(struct tb_norm *s, long value, bool ruler)
{
    struct tb_str before = tb_norm_word_before(s);
    bool feminine = tb_norm_in_list(" Isabel Elizabeth Maria Catarina Margarida ", before, false);
    bool ordered = (ruler || tb_norm_in_list(" século séculos ", before, true)) && value <= 10;

    tb_norm_number(s, value, !ordered ? TB_CARDINAL : feminine ? TB_ORDINAL_FEMININE : TB_ORDINAL);
}

/* One, two and the hundreds change. */
static enum tb_number_form agree(long long value, struct tb_str next)
{
    static const char masculine[] = " dias problemas sistemas programas idiomas temas mapas planetas poemas dia "
                                    "problema sistema programa idioma tema mapa planeta poema quilogramas gramas mas ";
    long long last = value % 10, teen = value % 100 / 10;

    if (!((last >= 1 && last <= 2 && teen != 1) || value % 1000 >= 200) || next.n < 3 ||
        tb_norm_in_list(masculine, next, true))
        return TB_CARDINAL;
    if (tb_str_ends_with(next, "as") || tb_str_ends_with(next, "ções") || tb_str_ends_with(next, "dades") ||
        (value == 1 &&
         (tb_str_ends_with(next, "a") || tb_str_ends_with(next, "ção") || tb_str_ends_with(next, "dade"))) ||
        tb_norm_in_list(" vezes vez mulheres mães noites noite ", next, true))
        return TB_FEMININE;
    return TB_CARDINAL;
}

const struct tb_norm_language tb_norm_portuguese = {
    .locale = "pt_BR",
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
    .point = "vírgula",
    .percent = "por cento",
    .range = "a",
    .dot = "ponto",
    .at = "arroba",
    .slash = "barra",
    .dash = "hífen",
    .underscore = "sublinhado",
    .number_sign = "número",
    .hashtag = "hashtag",
    .cents_and = "e",
    .big = " milhões milhão bilhões bilhão mil mi bi trilhões ",
    .of_big = "de",
    .sections = " século séculos capítulo capítulos parte tomo volume seção título ato cena guerra fase tipo nível "
                "artigo anexo livro grau classe mundial ",
    .rulers = " Luís Henrique Carlos Francisco Filipe Napoleão Pio Paulo João Bento Alexandre Catarina Nicolau "
              "Frederico Leão Isabel Elizabeth Guilherme Eduardo Jorge Jaime Pedro Manuel Afonso Maria Sancho Dinis "
              "Gregório Inocêncio ",
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
