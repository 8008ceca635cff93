/* lang.c - see lang.h.
 *
 * Detection counts letters by script first. Kana makes Japanese, even among many
 * Han ideographs; each of the other scripts has one language. Within the Latin
 * script frequent words, telling letters and word ends add points. */
#include "text/lang.h"

#include <string.h>

#include "text/utf8.h"

static const struct {
    const char *code, *name;
} languages[TB_LANG_COUNT] = {
    [TB_LANG_AUTO] = { "auto", "Auto" },     [TB_LANG_ZH] = { "zh", "Chinese" },  [TB_LANG_EN] = { "en", "English" },
    [TB_LANG_DE] = { "de", "German" },       [TB_LANG_IT] = { "it", "Italian" },  [TB_LANG_PT] = { "pt", "Portuguese" },
    [TB_LANG_ES] = { "es", "Spanish" },      [TB_LANG_JA] = { "ja", "Japanese" }, [TB_LANG_KO] = { "ko", "Korean" },
    [TB_LANG_FR] = { "fr", "French" },       [TB_LANG_RU] = { "ru", "Russian" },
};

/* The most frequent words of each language in Latin script, and greetings, between spaces. A word of several
 * languages stands in each: it speaks for all of them alike. */
static const char *const words[TB_LANG_COUNT] = {
    [TB_LANG_EN] = " the of and a to in is it you that he was for on are with as his they be at one have this from or had by "
                   "not but what all were we when your can said there an which she do how their if will up other about out "
                   "many then them these so some her would make like him into time has look two more go see no way could "
                   "people my i am than been who its now did get come may i'm it's don't hello hi thanks thank please good "
                   "morning evening yes welcome ",
    [TB_LANG_DE] = " der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus "
                   "er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber "
                   "vor zur bis mehr durch man sein wurde ich du wir ihr mir dich was wo wer kann hallo danke bitte guten "
                   "morgen ja nein heute gut schön ",
    [TB_LANG_IT] = " di e il la che è un a per in una sono mi ho lo ha le si ti i con cosa se io come da ci no questo qui "
                   "hai sei del bene tu sì me più al mio perché lei solo te era gli tutto della così mia ne questa fare "
                   "quando ora fatto essere quello nel dove ciao grazie buongiorno buona oggi molto dei alla anche delle "
                   "stai non ",
    [TB_LANG_PT] = " de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à "
                   "seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem "
                   "mesmo aos ter seus quem nas me esse eles estão você tinha foram olá obrigado obrigada bom boa hoje bem "
                   "meu minha ",
    [TB_LANG_ES] = " de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si "
                   "sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está "
                   "mi porque qué sólo han yo hay vez puede todos así nos ni parte tiene él uno donde bien tiempo mismo "
                   "ese ahora hola gracias buenos buenas días hoy usted cómo estás adiós señor ",
    [TB_LANG_FR] = " de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la mais "
                   "comme ou si leur y dont je tu nous vous elle ils avec son sa ses être avoir fait tout bien cette aux "
                   "c'est n'est j'ai d'un d'une qu'il l'on très où même été bonjour merci bonsoir oui non aujourd'hui mon "
                   "ma mes suis ça va ",
};

static const struct {
    const char *letters; /* any of these speaks for */
    enum tb_lang lang;
    int points;
} letters[] = {
    { "ñ¿¡", TB_LANG_ES, 6 },   { "áíóúé", TB_LANG_ES, 1 }, { "ãõ", TB_LANG_PT, 6 },      { "áâêôçéíóú", TB_LANG_PT, 1 },
    { "ß", TB_LANG_DE, 6 },     { "äöü", TB_LANG_DE, 4 },   { "œëîûù", TB_LANG_FR, 3 },   { "çêèéàâô", TB_LANG_FR, 1 },
    { "ìò", TB_LANG_IT, 5 },    { "èàù", TB_LANG_IT, 1 },
};

static const struct {
    const char *end; /* of a word of six letters or more */
    enum tb_lang lang;
} ends[] = {
    { "ing", TB_LANG_EN },   { "tion", TB_LANG_EN },  { "ness", TB_LANG_EN },  { "ción", TB_LANG_ES },  { "dad", TB_LANG_ES },
    { "mente", TB_LANG_ES }, { "ção", TB_LANG_PT },   { "ções", TB_LANG_PT },  { "dade", TB_LANG_PT },  { "mente", TB_LANG_PT },
    { "zione", TB_LANG_IT }, { "mente", TB_LANG_IT }, { "ità", TB_LANG_IT },   { "ung", TB_LANG_DE },   { "keit", TB_LANG_DE },
    { "lich", TB_LANG_DE },  { "chen", TB_LANG_DE },  { "tion", TB_LANG_FR },  { "ment", TB_LANG_FR },  { "eux", TB_LANG_FR },
    { "aient", TB_LANG_FR }, { "ando", TB_LANG_ES },  { "iendo", TB_LANG_ES }, { "ieren", TB_LANG_DE }, { "are", TB_LANG_IT },
};

const char *tb_lang_code(enum tb_lang lang)
{
    return (unsigned)lang < TB_LANG_COUNT ? languages[lang].code : languages[TB_LANG_AUTO].code;
}

const char *tb_lang_name(enum tb_lang lang)
{
    return (unsigned)lang < TB_LANG_COUNT ? languages[lang].name : languages[TB_LANG_AUTO].name;
}

bool tb_lang_from_code(struct tb_str code, enum tb_lang *out)
{
    for (int i = TB_LANG_AUTO + 1; i < TB_LANG_COUNT; i++)
        if (tb_str_eq(code, languages[i].code)) {
            *out = (enum tb_lang)i;
            return true;
        }
    return false;
}

bool tb_lang_from_name(struct tb_str name, enum tb_lang *out)
{
    for (int i = TB_LANG_AUTO; i < TB_LANG_COUNT; i++)
        if (tb_str_eq_nocase(name, languages[i].name)) {
            *out = (enum tb_lang)i;
            return true;
        }
    return tb_lang_from_code(name, out);
}

/* Lower case of ASCII and Latin-1; all others as they are. */
static uint32_t lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7))
        return c + 32;
    return c == 0x2019 ? '\'' : c;
}

static bool is_latin(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0x24F && c != 0xF7);
}

/* `word` is " word " in lower case. */
static void judge_word(const char *word, size_t n, int score[TB_LANG_COUNT])
{
    size_t len = n - 2;

    for (int i = 0; i < TB_LANG_COUNT; i++)
        if (words[i] && strstr(words[i], word))
            score[i] += 3;
    if (len < 6)
        return;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i].end);

        if (memcmp(word + 1 + len - end, ends[i].end, end) == 0)
            score[ends[i].lang] += 1;
    }
}

static void judge_letter(const char *utf8, int score[TB_LANG_COUNT])
{
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (strstr(letters[i].letters, utf8))
            score[letters[i].lang] += letters[i].points;
}

static enum tb_lang detect_latin(struct tb_str text, enum tb_lang otherwise)
{
    int score[TB_LANG_COUNT] = { 0 };
    char word[48] = " "; /* longer words are cut: none of ours is */
    size_t n = 1;
    enum tb_lang best = TB_LANG_AUTO;

    for (size_t at = 0; at <= text.n;) {
        uint32_t c = at < text.n ? lower(tb_utf8_next(text, &at)) : (at++, ' ');
        char utf8[5] = { 0 };
        size_t len = tb_utf8_put(utf8, c);

        if (c > 0x7F)
            judge_letter(utf8, score);
        if (is_latin(c) || c == '\'') {
            if (n + len + 2 < sizeof word) {
                memcpy(word + n, utf8, len);
                n += len;
            }
            continue;
        }
        memcpy(word + n, " ", 2);
        if (n > 1)
            judge_word(word, n + 1, score);
        n = 1;
    }
    for (int i = TB_LANG_AUTO + 1; i < TB_LANG_COUNT; i++)
        if (score[i] > score[best])
            best = (enum tb_lang)i;
    if (best == TB_LANG_AUTO) /* nothing known: Latin letters still speak against another script */
        return otherwise != TB_LANG_AUTO && words[otherwise] ? otherwise : TB_LANG_EN;
    return words[otherwise] && score[otherwise] == score[best] ? otherwise : best;
}

enum tb_lang tb_lang_detect(struct tb_str text, enum tb_lang otherwise)
{
    size_t han = 0, kana = 0, hangul = 0, cyrillic = 0, latin = 0, most;

    for (size_t at = 0; at < text.n;) {
        uint32_t c = lower(tb_utf8_next(text, &at));

        han += tb_is_han(c);
        kana += (c >= 0x3041 && c <= 0x30FA) || (c >= 0xFF66 && c <= 0xFF9D);
        hangul += (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0x1100 && c <= 0x11FF) || (c >= 0x3131 && c <= 0x318E);
        cyrillic += c >= 0x400 && c <= 0x4FF;
        latin += is_latin(c);
    }
    /* An ideograph or a Hangul syllable is worth about three letters of an alphabet. */
    size_t cjk = 3 * han + 2 * kana;
    hangul *= 3;
    most = cjk > hangul ? cjk : hangul;
    most = most > cyrillic ? most : cyrillic;
    most = most > latin ? most : latin;
    if (most == 0)
        return otherwise;
    if (most == cjk)
        return kana > 0 ? TB_LANG_JA : TB_LANG_ZH;
    if (most == hangul)
        return TB_LANG_KO;
    return most == cyrillic ? TB_LANG_RU : detect_latin(text, otherwise);
}
