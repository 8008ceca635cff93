/* test_g2p.c - the phoneme process, well and badly behaved, and whole sentences through the real one.
 *
 * Bad behaviour is played by shell scripts. The sentences need build/timbre-phonemes and the converted lexicon; where
 * these are missing that part is skipped, and says so. */
#include "text/g2p/g2p.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "text/g2p/espeak.h"
#include "text/g2p/symbols.h"
#include "text/utf8.h"

static const char model_dir[] = "var/models/kokoro", helper_dir[] = "build";

static char folder[] = "/tmp/timbre-g2p-XXXXXX", program[64];

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(program);
    return rmdir(folder);
}

/* Open a client of a shell script. */
static struct tb_espeak *open_script(const char *body)
{
    struct tb_espeak *e;
    FILE *f;

    snprintf(program, sizeof program, "%s/phonemes", folder);
    unlink(program);
    f = fopen(program, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s\n", body);
    assert_int_equal(fchmod(fileno(f), 0755), 0);
    fclose(f);
    assert_int_equal(tb_espeak_open(program, &e, NULL), TB_OK);
    return e;
}

static void a_bad_process_is_an_error(void **state)
{
    static const char *const bodies[] = {
        "exit 1",                                            /* dies at once */
        "while read l; do echo nonsense; done",              /* no "=" */
        "while read l; do echo '!no such voice'; done",      /* refuses */
        "while read l; do printf '=a\\377b\\n'; done",       /* no UTF-8 */
        "while read l; do printf '=a\\n=b\\n'; done",        /* out of step */
        "while read l; do yes == | tr -d '\\n'; done",       /* never ends its line */
        "read l; printf '=half'",                            /* dies in mid-line */
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct tb_espeak *e = open_script(bodies[i]);
        struct tb_bytes ipa = { 0 };
        struct tb_error err = { 0 };

        if (tb_espeak_ipa(e, "en-us", TB_STR("hello"), &ipa, &err) != TB_EIO)
            fail_msg("accepted: %s", bodies[i]);
        assert_true(err.text[0]);
        tb_bytes_free(&ipa);
        tb_espeak_close(e);
    }
}

static void a_silent_process_is_given_up(void **state)
{
    struct tb_espeak *e = open_script("exec sleep 60");
    int64_t start_us = tb_mono_us();
    struct tb_bytes ipa = { 0 };

    (void)state;
    assert_int_equal(tb_espeak_ipa(e, "es", TB_STR("hola"), &ipa, NULL), TB_EIO);
    assert_in_range((tb_mono_us() - start_us) / 1000, TB_PHONEME_TIMEOUT_MS - 100, TB_PHONEME_TIMEOUT_MS * 3);
    tb_espeak_close(e);
}

static void a_process_that_died_is_started_anew(void **state)
{
    struct tb_espeak *e = open_script("read l; echo \"=$l\"");
    struct tb_bytes ipa = { 0 };

    (void)state;
    for (int i = 0; i < 3; i++) {
        ipa.size = 0;
        assert_int_equal(tb_espeak_ipa(e, "es", TB_STR("dos\nlíneas\t(y) más"), &ipa, NULL), TB_OK);
        assert_string_equal((char *)ipa.data, "es\tdos líneas  más"); /* control characters and marks in brackets go */
    }
    tb_bytes_free(&ipa);
    tb_espeak_close(e);
}

static void a_long_text_and_a_missing_program_are_refused(void **state)
{
    struct tb_espeak *e = open_script("exit 0");
    struct tb_bytes ipa = { 0 };
    struct tb_error err = { 0 };
    char *text = calloc(1, TB_MAX_PHONEME_REQUEST);

    (void)state;
    memset(text, 'x', TB_MAX_PHONEME_REQUEST);
    assert_int_equal(tb_espeak_ipa(e, "es", (struct tb_str){ text, TB_MAX_PHONEME_REQUEST }, &ipa, &err), TB_ETOOBIG);
    tb_espeak_close(e);
    free(text);
    assert_int_equal(tb_espeak_open("/nonexistent/timbre-phonemes", &e, &err), TB_EIO);
    assert_non_null(strstr(err.text, "/nonexistent/timbre-phonemes"));
    assert_null(e);
}

static struct tb_g2p *open_g2p(void)
{
    struct tb_g2p *g = NULL;
    char lexicon[128], chinese[128], helper[128];
    struct tb_error err;

    snprintf(lexicon, sizeof lexicon, "%s/lexicon-en.bin", model_dir);
    snprintf(helper, sizeof helper, "%s/timbre-phonemes", helper_dir);
    snprintf(chinese, sizeof chinese, "%s/lexicon-zh.bin", model_dir);
    if (access(lexicon, R_OK) || access(chinese, R_OK) || access(helper, X_OK)) {
        printf("SKIPPED: sentences need %s, %s and %s\n", lexicon, chinese, helper);
        return NULL;
    }
    if (tb_g2p_open(model_dir, helper_dir, &g, &err))
        fail_msg("%s", err.text);
    return g;
}

static const struct {
    enum tb_lang lang;
    const char *text, *phonemes;
} sentences[] = {
    { TB_LANG_EN, "Hello, world!", "həlˈO, wˈɜɹld!" },
    { TB_LANG_EN, "The apple and the table.", "ði ˈæpᵊl ænd ðə tˈAbᵊl." },
    { TB_LANG_EN, "I read the book yesterday, and I will read it again.",
      "ˌI ɹˈɛd ðə bˈʊk jˈɛstəɹdˌA, ænd ˌI wɪl ɹˈid ɪt əɡˈɛn." },
    { TB_LANG_EN, "Use the record to record it.", "jˈuz ðə ɹˈɛkəɹd tə ɹəkˈɔɹd ɪt." },
    { TB_LANG_EN, "She used to live here.", "ʃˌi jˈust tə lˈɪv hˈɪɹ." },
    { TB_LANG_EN, "Dr. Smith paid $3.50 in 1999.",
      "dˈɑktəɹ smˈɪθ pˈAd θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts ɪn nˌIntˈin nˈIndi nˈIn." },
    { TB_LANG_EN, "The FBI and NASA use GPUs.", "ði ˌɛfbˌiˈI ænd nˈæsə jˈuz ʤˌipˌijˈuz." },
    { TB_LANG_EN, "That is well-known.", "ðˈæt ɪz wˌɛlnˈOn." },
    { TB_LANG_EN, "He said \"stop\" — and left…", "hˌi sˈɛd “stˈɑp” — ænd lˈɛft…" },
    { TB_LANG_EN, "Tell the US it is 5 PM.", "tˈɛl ðə jˌuˈɛs ɪt ɪz fˈIv pˌiˈɛm." },
    { TB_LANG_EN, "Zbigniew likes flumphing.", "zˈibˈɪɡnju lˈIks flˈʌmfɪŋ." },
    { TB_LANG_EN, "He lives in New York; their lives were changed.",
      "hˌi lˈɪvz ɪn nˈu jˈɔɹk; ðɛɹ lˈIvz wɜɹ ʧˈAnʤd." },
    { TB_LANG_EN, "The wind was too strong to wind the sail.",
      "ðə wˈɪnd wʌz tˈu stɹˈɔŋ tə wˈInd ðə sˈAl." },
    { TB_LANG_EN, "I object to that object in my house.",
      "ˌI əbʤˈɛkt tə ðˈæt ˈɑbʤəkt ɪn mI hˈWs." },
    { TB_LANG_EN, "Please close the door, we are close to the end.",
      "plˈiz klˈOz ðə dˈɔɹ, wi ɑɹ klˈOs tə ði ˈɛnd." },
    { TB_LANG_EN, "It's an estimate of the cost, so estimate the rest.",
      "ˌɪts ɐn ˈɛstəmət ʌv ðə kˈɔst, sˌO ˈɛstəmˌAt ðə ɹˈɛst." },
    { TB_LANG_EN, "An hour ago, an honest man gave a unique umbrella to a European.",
      "ɐn ˈWəɹ əɡˈO, ɐn ˈɑnəst mˈæn ɡˈAv ɐ jˌunˈik ˌʌmbɹˈɛlə tə ɐ jˌʊɹəpˈiən." },
    { TB_LANG_EN, "Come in, sit down, and turn it on.",
      "kˈʌm ˈɪn, sˈɪt dˌWn, ænd tˈɜɹn ɪt ˌɔn." },
    { TB_LANG_EN, "The cats' toys and the dog's bones are under James's bed.",
      "ðə kˈæts tˈYz ænd ðə dˈɔɡz bˈOnz ɑɹ ˈʌndəɹ ʤˈAmzᵻz bˈɛd." },
    { TB_LANG_EN, "A not-a-number is re-drawn by state-of-the-art software.",
      "ɐ nˌɑtɐnˈʌmbəɹ ɪz ɹˌidɹˈɔn bI stˈAtʌvðəˌɑɹt sˈɔftwˌɛɹ." },
    { TB_LANG_EN, "Scientists live near the live concert.",
      "sˈIəntɪsts lˈɪv nˌɪɹ ðə lˈIv kˈɑnsəɹt." },
    { TB_LANG_FR, "Je voudrais un café et l'addition, s'il vous plaît.",
      "ʒə vudʁˈɛz œ̃ kafˈe e ladisjˈɔ̃, sil vu plˈɛ." },
    { TB_LANG_FR, "Le week-end, j'utilise Google.", "lə wˈiːkˈɛnd, ʒytilˈiz ɡˈuːɡəl." },
    { TB_LANG_FR, "Il coûte 3,50 €.", "il kˈut tʁwˈaz øʁˈoz e sɛ̃kˈɑ̃t sɑ̃tˈim." },
    { TB_LANG_IT, "Gli gnocchi della nonna sono squisiti.", "ʎɪ ɲˈokːɪ dˌella nˈɔnna sˌono skwizˈitɪ." },
    { TB_LANG_IT, "NON lo so.", "non lo sˈɔ." },
    { TB_LANG_IT, "Il software costa 20 euro.", "il sˈɔftwer kˈɔsta vˈɛntɪ ˈɛʊro." },
    { TB_LANG_PT, "Não sei o que você está fazendo.", "nˌɐ̃ʊ̃ sˈA ʊ ki vosˌe estˌa fˌazˈAŋdʊ." },
    { TB_LANG_PT, "Bom dia, amanhã tem pão.", "bˈoŋ ʤˈiɐ, ˌɐmɐ̃ɲˈɐ̃ tAŋ pˈɐ̃ʊ̃." },
    { TB_LANG_DE, "Ich möchte zwei Brötchen und Äpfel.", "ɪç mˈœçtə ʦvˈI bʁˈøːtçən ʊnt ˈɛpfəl." },
    { TB_LANG_DE, "Deutschland ist schön, nicht?", "dˈYʧlant ɪst ʃˈøːn, nˈɪçt?" },
    { TB_LANG_DE, "Das Meeting ist am 3. Mai.", "das mˈeːtɪŋ ɪst am dʁˈɪtən mˈI." },
    { TB_LANG_RU, "Здравствуйте, как вас зовут?", "zdrˈɑvstvujtʲi, kˈɑk vˈɑs zʌvˈut?" },
    { TB_LANG_RU, "Съешь ещё этих мягких булок.", "sjjˈeʃ jɪʃʲˈɔ ˈɛtʲix mʲˈɑxkʲix bˈulʌk." },
    { TB_LANG_RU, "Google и Windows в 2024 году.", "ɡˈuɡᵊl ˈi wˈɪndOz v dvʲˈe tˈɨsʲʌʧɪ dvˈɑdʦʌtʲ ʧitvʲˈɔrtʌm ɡˈodu." },
    { TB_LANG_KO, "안녕하세요, 오늘 날씨가 좋습니다.", "ˈannjʌŋhasejo, ˈonɯl nˈalɕiɡa ʥˈosɯmnida." },
    { TB_LANG_KO, "사과 5개를 샀어요.", "sˈaɡwa dˈasʌtkɛɾɯl sˈasʌjo." },
    { TB_LANG_KO, "Google은 3시에 시작해요.", "ɡˈuɡᵊl ˈɯn sˈeɕie ɕˈiʥakʰɛjo." },
    { TB_LANG_ES, "Hola, ¿cómo estás?", "ˈola, kˈomo estˈas?" },
    { TB_LANG_ES, "El niño bebe agua en la calle.", "el nˈiɲo βˈeβe ˈaɣwa en la kˈaʎe." },
    { TB_LANG_ES, "La reina vive en EE. UU. desde 1999.",
      "la rˈAna βˈiβe en estˈaðos unˈiðos ðˌesðe mˈil nˌoβeθjˈɛntos noβˈɛnta i nwˈeβe." },
    { TB_LANG_ES, "Cuesta 3,50 €.", "kwˈesta tɾˈes ˈeʊɾos kon θinkwˈɛnta θˈentimos." },
    { TB_LANG_ES, "«Muy bien», dijo.", "“mˈuj βjˈen”, dˈixo." },
    { TB_LANG_EN, "My name is 王小明, and (你好) that is all.",
      "mˌI nˈAm ɪz wa↗ŋɕjau↓mi↗ŋ, ænd (ni↗xau↓) ðˈæt ɪz ˈɔl." },
    { TB_LANG_ZH, "你好，世界！", "ni↗xau↓, ʂɨ↘ʨje↘!" },
    { TB_LANG_ZH, "“你好，”他说：“请坐！”", "“ni↗xau↓,” tʰa→ ʂwo→: “ʨʰi↓ŋ ʦwo↘!”" },
    { TB_LANG_ZH, "一个人一不小心跑了一百一十米。", "i↗kɤ↘ ɻə↗n i↗pu↘ɕjau↓ɕi→n pʰau↓ lɤ i↘pai↓i→ʂɨ↗ mi↓." },
    { TB_LANG_ZH, "他会 speak English，而且说得很好。", "tʰa→ xwei↘ spˈik ˈɪŋɡlɪʃ, ɚ↗ʨʰje↓ ʂwo→ tɤ xə↗n xau↓." },
    { TB_LANG_ZH, "月亮和元旦，绿色的旅行。", "ɥe↘ljaŋ xɤ↗ ɥɛ↗nta↘n, ly↘sɤ↘ tɤ ly↓ɕi↗ŋ." },
};
enum { SENTENCES = sizeof sentences / sizeof *sentences };

static void sentences_are_said_as_the_model_learned(void **state)
{
    struct tb_g2p *g = open_g2p();
    int wrong = 0;

    (void)state;
    for (size_t i = 0; g && i < SENTENCES; i++) {
        struct tb_bytes out = { 0 };

        assert_int_equal(tb_g2p_phonemes(g, tb_str_of(sentences[i].text), sentences[i].lang, &out, NULL), TB_OK);
        tb_bytes_addz(&out, "");
        if (!tb_str_eq(tb_bytes_str(&out), sentences[i].phonemes)) {
            print_error("%s: %s, wanted %s\n", sentences[i].text, out.data ? (char *)out.data : "",
                        sentences[i].phonemes);
            wrong++;
        }
        tb_bytes_free(&out);
    }
    tb_g2p_close(g);
    assert_int_equal(wrong, 0);
}

static void only_symbols_of_the_model_come_out(void **state)
{
    static const char *const texts[] = { "Zbigniew Brzeziński ate 你好 crème brûlée in Łódź, Đà Nẵng & Reykjavík!",
                                         "Привет καλημέρα שלום مرحبا नमस्ते 안녕 こんにちは",
                                         "!!! ... ??? ---", "😀", "\xFF\xFE", "¡¿%$#@~^&*(){}[]<>",
                                         "xkcd qwrt Ng'ombe o'Brien's \"rock'n'roll\" a/b_c\\d|e" };
    static const enum tb_lang langs[] = { TB_LANG_EN, TB_LANG_ES, TB_LANG_FR, TB_LANG_IT, TB_LANG_PT,
                                          TB_LANG_DE, TB_LANG_RU, TB_LANG_KO, TB_LANG_ZH };
    struct tb_g2p *g = open_g2p();

    (void)state;
    for (size_t i = 0; g && i < sizeof texts / sizeof *texts; i++)
        for (size_t j = 0; j < sizeof langs / sizeof *langs; j++) {
            struct tb_bytes out = { 0 };

            assert_int_equal(tb_g2p_phonemes(g, tb_str_of(texts[i]), langs[j], &out, NULL), TB_OK);
            for (size_t at = 0; at < out.size;) {
                uint32_t c = tb_utf8_next(tb_bytes_str(&out), &at);

                if (!tb_symbol_token(c))
                    fail_msg("%s in %s: U+%04X", texts[i], tb_lang_code(langs[j]), (unsigned)c);
            }
            tb_bytes_free(&out);
        }
    if (g) {
        struct tb_bytes out = { 0 };

        assert_int_equal(tb_g2p_phonemes(g, TB_STR("hello"), TB_LANG_AUTO, &out, NULL), TB_ELANGUAGE);
        assert_int_equal(tb_g2p_phonemes(g, TB_STR("... !"), TB_LANG_EN, &out, NULL), TB_OK);
        assert_int_equal(out.size, 0);
    }
    tb_g2p_close(g);
}

static void *say_all(void *ctx)
{
    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < SENTENCES; i++) {
            struct tb_bytes out = { 0 };

            if (tb_g2p_phonemes(ctx, tb_str_of(sentences[i].text), sentences[i].lang, &out, NULL) ||
                !tb_str_eq(tb_bytes_str(&out), sentences[i].phonemes))
                return ctx; /* any pointer: it went wrong */
            tb_bytes_free(&out);
        }
    return NULL;
}

static void threads_may_share_it(void **state)
{
    struct tb_g2p *g = open_g2p();
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; g && i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, say_all, g), 0);
    for (size_t i = 0; g && i < 4; i++) {
        void *wrong;

        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    tb_g2p_close(g);
}

/* A model folder with all but the Japanese dictionary. */
static void without_its_dictionary_only_japanese_is_refused(void **state)
{
    static const char *const files[] = { "lexicon-en.bin", "lexicon-zh.bin" };
    struct tb_g2p *whole = open_g2p(), *g;
    char here[1024], from[2048], to[128];
    struct tb_bytes out = { 0 };
    struct tb_error err = { 0 };

    (void)state;
    if (!whole)
        skip();
    tb_g2p_close(whole);
    assert_non_null(getcwd(here, sizeof here));
    for (size_t i = 0; i < 2; i++) {
        snprintf(from, sizeof from, "%s/%s/%s", here, model_dir, files[i]);
        snprintf(to, sizeof to, "%s/%s", folder, files[i]);
        assert_int_equal(symlink(from, to), 0);
    }
    assert_int_equal(tb_g2p_open(folder, helper_dir, &g, NULL), TB_OK);
    assert_int_equal(tb_g2p_phonemes(g, TB_STR("今日は"), TB_LANG_JA, &out, &err), TB_ELANGUAGE);
    assert_non_null(strstr(err.text, "open-jtalk-mecab-naist-jdic"));
    assert_int_equal(tb_g2p_phonemes(g, TB_STR("今天"), TB_LANG_ZH, &out, &err), TB_OK);
    assert_true(out.size > 0);
    tb_bytes_free(&out);
    tb_g2p_close(g);
    for (size_t i = 0; i < 2; i++) {
        snprintf(to, sizeof to, "%s/%s", folder, files[i]);
        unlink(to);
    }
}

static void missing_parts_are_named(void **state)
{
    struct tb_g2p *g;
    struct tb_error err = { 0 };

    (void)state;
    assert_int_equal(tb_g2p_open("/nonexistent", helper_dir, &g, &err), TB_EIO);
    assert_non_null(strstr(err.text, "/nonexistent/lexicon-en.bin"));
    assert_null(g);
    assert_true(tb_g2p_speaks(TB_LANG_EN) && tb_g2p_speaks(TB_LANG_ES));
    assert_false(tb_g2p_speaks(TB_LANG_COUNT) || tb_g2p_speaks(TB_LANG_AUTO));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_process_is_an_error),
        cmocka_unit_test(a_silent_process_is_given_up),
        cmocka_unit_test(a_process_that_died_is_started_anew),
        cmocka_unit_test(a_long_text_and_a_missing_program_are_refused),
        cmocka_unit_test(sentences_are_said_as_the_model_learned),
        cmocka_unit_test(only_symbols_of_the_model_come_out),
        cmocka_unit_test(threads_may_share_it),
        cmocka_unit_test(without_its_dictionary_only_japanese_is_refused),
        cmocka_unit_test(missing_parts_are_named),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
