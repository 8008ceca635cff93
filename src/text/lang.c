/* lang.c - see lang.h.
 *
 * Detection counts letters by script first. Kana makes Japanese, even among many
 * Han ideographs, and so do forms of these that only Japan writes; each of the
 * other scripts has one language. Within the Latin script frequent words,
 * telling letters and pieces of words add points. */
#include "text/lang.h"

#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

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
    [TB_LANG_EN] = " the of and a to in is it you that he was for on are with as his they be at one have this from or "
                   "had by not but what all were we when your can said there an which she do how their if will up "
                   "other about out many then them these so some her would make like him into time has look two more "
                   "go see no way could people my i am than been who its now did get come may i'm it's don't hello hi "
                   "thanks thank please good morning evening yes welcome ",
    [TB_LANG_DE] = " der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an "
                   "werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war "
                   "haben nur oder aber vor zur bis mehr durch man sein wurde ich du wir ihr mir dich was wo wer kann "
                   "hallo danke bitte guten morgen ja nein heute gut schön ",
    [TB_LANG_IT] = " di e il la che è un a per in una sono mi ho lo ha le si ti i con cosa se io come da ci no questo "
                   "qui hai sei del bene tu sì me più al mio perché lei solo te era gli tutto della così mia ne questa "
                   "fare quando ora fatto essere quello nel dove ciao grazie buongiorno buona oggi molto dei alla "
                   "anche delle stai non ",
    [TB_LANG_PT] = " de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das "
                   "tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era "
                   "depois sem mesmo aos ter seus quem nas me esse eles estão você tinha foram olá obrigado obrigada "
                   "bom boa hoje bem meu minha ",
    [TB_LANG_ES] = " de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha "
                   "me si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta "
                   "desde está mi porque qué sólo han yo hay vez puede todos así nos ni parte tiene él uno donde bien "
                   "tiempo mismo ese ahora hola gracias buenos buenas días hoy usted cómo estás adiós señor ",
    [TB_LANG_FR] = " de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la "
                   "mais comme ou si leur y dont je tu nous vous elle ils avec son sa ses être avoir fait tout bien "
                   "cette aux c'est n'est j'ai d'un d'une qu'il l'on très où même été bonjour merci bonsoir oui non "
                   "aujourd'hui mon ma mes suis ça va ",
};

static const struct {
    const char *letters; /* any of these speaks for */
    enum tb_lang lang;
    int points;
} letters[] = {
    { "ñ¿¡", TB_LANG_ES, 6 },   { "áíóúé", TB_LANG_ES, 1 }, { "ãõ", TB_LANG_PT, 6 },
    { "áâêôçéíóú", TB_LANG_PT, 1 },
    { "ß", TB_LANG_DE, 6 },     { "äöü", TB_LANG_DE, 4 },   { "œëîûù", TB_LANG_FR, 3 },   { "çêèéàâô", TB_LANG_FR, 1 },
    { "ìò", TB_LANG_IT, 5 },    { "èàù", TB_LANG_IT, 1 },
};

/* More words of every day. */
static const char *const more_words[TB_LANG_COUNT] = {
    [TB_LANG_EN] = " where why every never always again very here after before only over under much many long little "
                   "old new home house day year week today tomorrow night time man woman boy girl child children "
                   "school money water food work works book car door window street train friend mother father brother "
                   "sister us him let's can't won't didn't isn't that's you're we're they're should must might shall "
                   "need want know think tell say said take give make made come came went goes put keep turn open "
                   "close call ask help play read write speak left right good bad great small big sorry maybe nothing "
                   "something everything nobody everyone next last first because while until too still just also both "
                   "each really great sure okay love life world ",
    [TB_LANG_DE] = " wir uns euch ihnen ihm ihn mein meine dein deine sein seine unser unsere kein keine diese dieser "
                   "dieses jeder jede alle alles nichts etwas niemand jemand immer nie wieder schon jetzt dann hier "
                   "dort da sehr viel viele wenig ganz doch mal weil wenn ob als warum wann welche haus tag jahr woche "
                   "nacht abend mann frau kind kinder schule geld wasser arbeit buch auto tür fenster straße zug "
                   "freund mutter vater bruder schwester will muss soll darf mag möchte könnte hätte wäre geht gehen "
                   "kommt kommen macht machen sagt sagen gibt geben weiß wissen sehen spielt spielen arbeitet hatte "
                   "waren bin bist sind habe hast fertig groß klein neu alt gerne tschüss auf wiedersehen "
                   "entschuldigung zwei drei vier fünf leben welt liebe ",
    [TB_LANG_IT] = " gli uno dello degli dalla dal dai nella nei nelle sul sulla sui agli ai alle suo sua suoi sue mio "
                   "miei mie tuo tua nostro nostra loro noi voi lui qualcosa niente nessuno qualcuno sempre mai ancora "
                   "già adesso poi prima dopo oggi domani ieri molto poco troppo tanto quanto quanti quale chi ogni "
                   "tutti tutte casa giorno anno notte sera mattina uomo donna bambino bambini bambina scuola soldi "
                   "acqua lavoro libro macchina porta finestra strada treno amico madre padre fratello sorella hanno "
                   "abbiamo avete siamo siete stato stata può puoi posso vuole voglio devo deve vorrei potrebbe fa va "
                   "vado viene dice bello bella grande piccolo nuovo vecchio arrivederci prego scusi signora signore "
                   "due tre vita mondo amore così però allora senza fra tra l' d' un' c' dell' all' nell' dall' sull' "
                   "quest' ",
    [TB_LANG_PT] = " um eu você vocês nós eles elas ele meus minhas nosso nossa este esta isto aquele aquela aqui ali "
                   "lá hoje amanhã ontem sempre nunca ainda agora antes muito muita pouco tudo todo toda todos todas "
                   "nada ninguém alguém algo cada qual quanto quanta onde porque por quê então casa dia ano noite "
                   "manhã tarde homem mulher menino menina criança crianças escola dinheiro água trabalho livro carro "
                   "porta janela rua trem amigo mãe pai irmão irmã são tenho temos têm vou vai vamos fui pode posso "
                   "quer quero deve fazer fez diz disse vem sai novo nova velho grande pequeno dois duas três desculpe "
                   "tchau logo até oi senhor senhora vida mundo amor pra pro dela dele deles num numa ao à às ",
    [TB_LANG_ES] = " unos unas ella ellas ellos nosotros usted ustedes mis tus nuestro nuestra estos estas eso aquel "
                   "aquí allí ahí mañana ayer siempre nunca todavía antes después mucho mucha poco nada nadie alguien "
                   "algo cada cual cuánto cuándo dónde quién entonces casa día año noche tarde hombre mujer niño niña "
                   "niños escuela dinero agua trabajo libro coche puerta ventana calle tren amigo madre padre hermano "
                   "hermana soy eres somos estoy estamos tengo tienes tenemos voy vas va vamos fue fueron puedo puedes "
                   "quiero quiere debe debo hacer hizo dice dijo viene sale nuevo nueva viejo grande pequeño tres "
                   "perdón adiós luego vida mundo amor del otra otro vez le les nos favor ",
    [TB_LANG_FR] = " à mes tes ta ton notre votre nos vos leurs lui eux moi toi cet ces cela ceci celui ici là "
                   "aujourd'hui demain hier toujours jamais encore déjà maintenant avant après beaucoup peu trop tant "
                   "rien personne quelqu'un quelque chose chaque quel quelle quels quelles combien quand pourquoi "
                   "comment donc alors maison jour année nuit soir matin homme femme enfant enfants école argent eau "
                   "travail livre voiture porte fenêtre rue train ami mère père frère soeur ai as avons avez ont "
                   "sommes êtes sont était étaient peut peux veux veut dois doit faut fait font va vais vont vient dit "
                   "dire nouveau nouvelle vieux grand petit deux trois quatre salut bientôt revoir pardon vie monde "
                   "amour sans sous chez entre vers depuis pendant jusqu'à l' d' j' n' qu' s' m' t' c' ",
};

/* Pieces of words; a space is the word's border. They weigh less than words. */
static const struct {
    const char *piece;
    enum tb_lang lang;
    int points;
} pieces[] = {
    { "th", TB_LANG_EN, 2 },    { " wh", TB_LANG_EN, 2 },   { "gh", TB_LANG_EN, 2 },    { "ee", TB_LANG_EN, 1 },
    { "oo", TB_LANG_EN, 1 },    { "sh", TB_LANG_EN, 1 },    { "ing ", TB_LANG_EN, 2 },  { "ed ", TB_LANG_EN, 1 },
    { "ly ", TB_LANG_EN, 1 },   { "ck", TB_LANG_EN, 1 },    { "tion ", TB_LANG_EN, 1 }, { "ness ", TB_LANG_EN, 1 },
    { "sch", TB_LANG_DE, 3 },   { "cht", TB_LANG_DE, 2 },   { "tz", TB_LANG_DE, 2 },    { "pf", TB_LANG_DE, 1 },
    { "ung ", TB_LANG_DE, 2 },  { "keit ", TB_LANG_DE, 2 }, { "lich", TB_LANG_DE, 2 },  { "ei", TB_LANG_DE, 1 },
    { "en ", TB_LANG_DE, 1 },   { "ier", TB_LANG_DE, 1 },   { "ck", TB_LANG_DE, 1 },    { "tion ", TB_LANG_DE, 1 },
    { "eau", TB_LANG_FR, 3 },   { "eux ", TB_LANG_FR, 2 },  { "ez ", TB_LANG_FR, 2 },   { "oi", TB_LANG_FR, 1 },
    { "ou", TB_LANG_FR, 1 },    { "ment ", TB_LANG_FR, 2 }, { "aient ", TB_LANG_FR, 2 }, { "tion ", TB_LANG_FR, 1 },
    { "elle ", TB_LANG_FR, 1 }, { "ée ", TB_LANG_FR, 2 },   { "ère", TB_LANG_FR, 2 },   { "que ", TB_LANG_FR, 1 },
    { "ait ", TB_LANG_FR, 1 },  { "gli", TB_LANG_IT, 2 },   { "cch", TB_LANG_IT, 2 },   { "zz", TB_LANG_IT, 2 },
    { "zion", TB_LANG_IT, 3 },  { "ità ", TB_LANG_IT, 2 },  { "tt", TB_LANG_IT, 1 },    { "cc", TB_LANG_IT, 1 },
    { "ggi", TB_LANG_IT, 2 },   { "ch", TB_LANG_IT, 1 },    { "i ", TB_LANG_IT, 1 },    { "o ", TB_LANG_IT, 1 },
    { "are ", TB_LANG_IT, 1 },  { "mente ", TB_LANG_IT, 1 }, { "lh", TB_LANG_PT, 2 },   { "nh", TB_LANG_PT, 2 },
    { "ção ", TB_LANG_PT, 3 },  { "ções ", TB_LANG_PT, 3 }, { "dade ", TB_LANG_PT, 2 }, { "ou ", TB_LANG_PT, 2 },
    { "eir", TB_LANG_PT, 1 },   { "em ", TB_LANG_PT, 1 },   { "o ", TB_LANG_PT, 1 },    { "mente ", TB_LANG_PT, 1 },
    { "ción ", TB_LANG_ES, 3 }, { "dad ", TB_LANG_ES, 2 },  { "ll", TB_LANG_ES, 1 },    { "ue", TB_LANG_ES, 1 },
    { "ie", TB_LANG_ES, 1 },    { "ron ", TB_LANG_ES, 2 },  { "iendo ", TB_LANG_ES, 2 }, { "o ", TB_LANG_ES, 1 },
    { "os ", TB_LANG_ES, 1 },   { "mente ", TB_LANG_ES, 1 }, { "os ", TB_LANG_PT, 1 },
};

/* Forms of ideographs, and 々, that only Japanese writes: they tell 東京駅 from Chinese where no kana does. */
static const char japanese_only[] = "々駅気円発対図売読広応戦楽歩毎渋桜沢浜込働畑峠辻枠匂実県産価単厳営児両労勧収団囲変壊塩帰従徳恵悪払択"
                                    "拝拡挙掲摂斎暁栄桟検権様歓歳歴殻済渉渓焼犠獣砕粋経継続総緑縁縄繊聴脳臓荘蔵薬覚観訳譲豊賛転辺"
                                    "遅鉄銭鋭録錬関闘陥険隠隷雑霊頼顔顕駆験髄鶏麺黒黙齢";

static bool is_japanese_only(uint32_t c)
{
    char utf8[5] = { 0 };

    return tb_utf8_put(utf8, c) == 3 && strstr(japanese_only, utf8);
}

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

/* The next letter or sign, in lower case and one with its marks ("e\u0301" is "é"): what nobody sees (joiners, soft
 * hyphens, bidi marks) does not part a word. At the text's end, or when only such is left: a space. */
static uint32_t next_seen(struct tb_str text, size_t *at)
{
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
    uint32_t c = ' ';

    while (*at < text.n && u_isIDIgnorable((UChar32)(c = tb_utf8_next(text, at))))
        c = ' ';
    for (size_t next = *at; next < text.n; *at = next) {
        uint32_t mark = tb_utf8_next(text, &next);
        bool is_mark = u_charType((UChar32)mark) == U_NON_SPACING_MARK;
        UChar32 joined = is_mark && U_SUCCESS(status) ? unorm2_composePair(nfc, (UChar32)c, (UChar32)mark) : -1;

        if (!is_mark && !u_isIDIgnorable((UChar32)mark))
            break;
        c = joined >= 0 ? (uint32_t)joined : c;
    }
    return lower(c);
}

static bool is_latin(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0x24F && c != 0xF7);
}

/* `word` is " word " in lower case. */
static void judge_word(const char *word, size_t n, int score[TB_LANG_COUNT])
{
    for (int i = 0; i < TB_LANG_COUNT; i++)
        if ((words[i] && strstr(words[i], word)) || (more_words[i] && strstr(more_words[i], word)))
            score[i] += 3;
    if (n < 6) /* of four letters or more */
        return;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        if (strstr(word, pieces[i].piece))
            score[pieces[i].lang] += pieces[i].points;
}

/* A word, and the parts of one with an apostrophe: "l'", "ombrello". */
static void judge_parts(char *word, size_t n, int score[TB_LANG_COUNT])
{
    const char *mark = memchr(word, '\'', n);
    char part[64] = " ";
    size_t first = mark ? (size_t)(mark + 1 - word) : 0;

    judge_word(word, n, score);
    if (!mark || first + 2 >= sizeof part || first + 1 == n)
        return;
    memcpy(part, word, first);
    memcpy(part + first, " ", 2);
    judge_word(part, first + 1, score);
    word[first - 1] = ' ';
    judge_word(word + first - 1, n - first + 1, score);
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
        uint32_t c = at < text.n ? next_seen(text, &at) : (at++, ' ');
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
            judge_parts(word, n + 1, score);
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
    bool japanese = false;

    for (size_t at = 0; at < text.n;) {
        uint32_t c = next_seen(text, &at);

        han += tb_is_han(c);
        japanese |= is_japanese_only(c);
        kana += (c >= 0x3041 && c <= 0x30FA) || (c >= 0xFF66 && c <= 0xFF9D);
        hangul += (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0x1100 && c <= 0x11FF) || (c >= 0x3131 && c <= 0x318E);
        cyrillic += c >= 0x400 && c <= 0x4FF;
        latin += is_latin(c);
    }
    /* An ideograph or a Hangul syllable is worth about three letters of an alphabet. Latin names inside Cyrillic are
     * common, the reverse is not. */
    size_t cjk = 3 * han + 2 * kana;
    hangul *= 3;
    cyrillic *= 3;
    most = cjk > hangul ? cjk : hangul;
    most = most > cyrillic ? most : cyrillic;
    most = most > latin ? most : latin;
    if (most == 0)
        return otherwise;
    if (most == cjk)
        return kana > 0 || japanese ? TB_LANG_JA : TB_LANG_ZH;
    if (most == hangul)
        return TB_LANG_KO;
    return most == cyrillic ? TB_LANG_RU : detect_latin(text, otherwise);
}
