/* test_ja.c - Japanese: kana to symbols, a missing dictionary, sentences.
 *
 * The sentences need the dictionary that set-up links; where it is missing that part is skipped, and says so. */
#include "text/g2p/ja.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "text/g2p/ja_kana.h"
#include "text/g2p/symbols.h"
#include "text/normalise.h"
#include "text/utf8.h"

static const char dictionary[] = "var/models/kokoro/naist-jdic";

static void kana_become_symbols(void **state)
{
    static const char *const cases[][2] = {
        { "アイウエオ", "aiɯeo" },     { "カキクケコ", "kakʲikɯkeko" },     { "ガギグゲゴ", "ɡaɡʲiɡɯɡeɡo" },
        { "サシスセソ", "saɕisɨseso" }, { "ザジズゼゾ", "ʣaʥizɨʣeʣo" },    { "タチツテト", "taʨiʦɨteto" },
        { "ダヂヅデド", "daʥizɨdedo" }, { "ナニヌネノ", "naɲinɯneno" },     { "ハヒフヘホ", "haçiɸɯheho" },
        { "バビブベボ", "babʲibɯbebo" }, { "パピプペポ", "papʲipɯpepo" },   { "マミムメモ", "mamʲimɯmemo" },
        { "ヤユヨワヲ", "jajɯjoβao" },  { "ラリルレロ", "ɾaɾʲiɾɯɾeɾo" },   { "キャキュキョ", "kʲakʲɨkʲo" },
        { "シャシュショシェ", "ɕaɕɨɕoɕe" }, { "チャチュチョ", "ʨaʨɨʨo" }, { "ニャニュニョ", "ɲaɲɨɲo" },
        { "ヒャリュミョ", "çaɾʲɨmʲo" }, { "ファフィフェフォフュ", "ɸaɸʲiɸeɸoɸʲɨ" }, { "ティディトゥドゥ", "tʲidʲitɯdɯ" },
        { "ツァツィ", "ʦaʦʲi" },      { "ウィウェウォ", "βiβeβo" },        { "クァグヮ", "kᵝaɡᵝa" },
        { "ヴァヴィヴヴュ", "vavʲivɯbʲɨ" }, { "デュテュ", "dʲɨtʲɨ" },      { "イェ", "je" },
        { "トーキョー", "toːkʲoː" },   { "ガッコー", "ɡaʔkoː" },            { "ひらがな", "çiɾaɡana" },
        { "シンブン", "ɕimbɯɴ" },      { "テンキ", "teŋkʲi" },             { "コンニチハ", "koɲɲiʨiha" },
        { "カンジ", "kaɲʥi" },         { "ホンダ", "honda" },              { "ゼンゼン", "ʣeɴʣeɴ" },
        { "ホン", "hoɴ" },             { "センエン", "seɴeɴ" },            { "コンヤ", "koɴja" },
        { "", "" },                    { "ッ", "ʔ" },                      { "ャ", "ja" },
        { "カaー漢", "kaː" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_bytes out = { 0 };

        assert_int_equal(tb_ja_symbols(tb_str_of(cases[i][0]), &out), TB_OK);
        if (!tb_str_eq(tb_bytes_str(&out), cases[i][1]))
            fail_msg("%s: %s, wanted %s", cases[i][0], out.data ? (char *)out.data : "", cases[i][1]);
        for (size_t at = 0; at < out.size;)
            assert_true(tb_symbol_token(tb_utf8_next(tb_bytes_str(&out), &at)));
        tb_bytes_free(&out);
    }
}

/* Any kana in any order are said without harm; a word longer than any is cut. */
static void random_kana_are_symbols(void **state)
{
    unsigned seed = 3;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct tb_bytes text = { 0 }, out = { 0 };

        for (int i = 0; i < round % 300; i++) {
            seed = seed * 1103515245u + 12345u;
            tb_utf8_add(&text, 0x3041 + (seed >> 16) % 0xBE);
        }
        assert_int_equal(tb_ja_symbols(tb_bytes_str(&text), &out), TB_OK);
        for (size_t at = 0; at < out.size;)
            assert_true(tb_symbol_token(tb_utf8_next(tb_bytes_str(&out), &at)));
        tb_bytes_free(&text);
        tb_bytes_free(&out);
    }
}

static void a_missing_dictionary_is_named(void **state)
{
    char folder[] = "/tmp/timbre-ja-XXXXXX", path[64];
    struct tb_error err = { 0 };
    struct tb_ja *j;
    FILE *f;

    (void)state;
    assert_int_equal(tb_ja_open("/nonexistent", &j, &err), TB_EIO);
    assert_null(j);
    assert_non_null(strstr(err.text, "open-jtalk-mecab-naist-jdic"));
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sys.dic", folder);
    assert_non_null(f = fopen(path, "w"));
    fputs("no dictionary", f);
    fclose(f);
    assert_int_equal(tb_ja_open(folder, &j, &err), TB_EIO);
    assert_null(j);
    unlink(path);
    rmdir(folder);
}

static enum tb_code say_letters(void *ctx, struct tb_str text, struct tb_bytes *out, struct tb_error *err)
{
    (void)ctx, (void)err;
    return tb_bytes_addf(out, "<%.*s>", (int)text.n, text.p);
}

static const struct tb_foreign foreign = { say_letters, NULL };

static const struct {
    const char *text, *phonemes;
} sentences[] = {
    { "今日は東京都に行きました。",
      "kʲoː βa toːkʲoːto ɲi ikʲi maɕita." },
    { "私は学校へ行って、本を3冊読んだ。",
      "βataɕi βa ɡaʔkoː e iʔte, hoɴ o saɴsaʦɨ jonda." },
    { "コーヒーを2杯ください！",
      "koːçiː o ɲihai kɯdasai!" },
    { "2024年5月12日午後3時45分",
      "ɲiseɲɲiʥɨːjoneɴ ɡoɡaʦɨ ʥɨːɲiɲiʨi ɡoɡo saɲʥi joɲʥɨːɡoɸɯɴ" },
    { "新聞「朝日」が言った。",
      "ɕimbɯɴ “asaçi” ɡa iʔta." },
    { "千円は高くないと思います。",
      "seɴeɴ βa takakɯnai to omoimasɨ." },
    { "AIとPythonを使う。",
      "<AI> to <Python> o ʦɨkaɯ." },
    { "フィギュアスケートのチケット",
      "ɸʲiɡʲɨa sɨkeːto no ʨikeʔto" },
    { "ラーメンを食べたい。",
      "ɾaːmeɴ o tabetai." },
    { "ジュースとウィスキー、ティーパーティー",
      "ʥɨːsɨ to βisɨkʲiː, tʲiːpaːtʲiː" },
    { "きょうは、いい天気ですね。",
      "kʲoː βa, ii teŋkʲi desɨ ne." },
    { "東京タワーは333メートルです。",
      "toːkʲoː taβaː βa sambʲakɯsaɲʥɨːsaɴ meːtoɾɯ desɨ." },
    { "こんにちは、世界！",
      "koɲɲiʨiβa, sekai!" },
    { "日本語を話します。",
      "ɲihoŋɡo o hanaɕimasɨ." },
    { "さっき、あっと言った。",
      "saʔkʲi, aʔto iʔta." },
    { "部屋へ入る",
      "heja e haiɾɯ" },
    { "本を三本ください。",
      "hoɴ o samboɴ kɯdasai." },
    { "東京は2020年に何度も雨が降った。",
      "toːkʲoː βa ɲiseɲɲiʥɨːneɴ ɲi nando mo ame ɡa ɸɯʔta." },
    { "彼は「はい」と言って、すぐ帰りました。",
      "kaɾe βa “hai” to iʔte, sɨɡɯ kaeɾʲi maɕita." },
    { "ファッションショーへようこそ！",
      "ɸaʔɕoɴɕoː e joːkoso!" },
    { "キャベツとニンジンとしょうゆ",
      "kʲabeʦɨ to ɲiɲʥiɴ to ɕoːjɯ" },
    { "新幹線で京都まで2時間15分かかります。",
      "ɕiŋkaɴseɴ de kʲoːto made ɲiʥikaɴ ʥɨːɡoɸɯɴ kakaɾʲimasɨ." },
    { "お母さんと一緒に映画を見ました。",
      "okaːsaɴ to iʔɕo ɲi eːɡa o mʲi maɕita." },
    { "これは何ですか？",
      "koɾe βa naɲi desɨ ka?" },
    { "ヴァイオリンとチェロ",
      "baioɾʲiɴ to ʨeɾo" },
    { "ありがとうございます。",
      "aɾʲiɡatoːɡoʣaimasɨ." },
    { "心配しないでください。",
      "ɕimpai ɕinaide kɯdasai." },
    { "ちょっと待って…",
      "ʨoʔto maʔte…" },
    { "Googleで検索する",
      "<Google> de keɴsakɯ sɨɾɯ" },
    { "今夜は雪が降るでしょう。",
      "koɴja βa jɯkʲi ɡa ɸɯɾɯ deɕoː." },
    { "電話番号は03-1234-5678です。",
      "deɴβabaŋɡoː βa ʣeɾosaɴ, iʨiɲiːsaɴjoɴ, ɡoːɾokɯnanahaʨi desɨ." },
    { "こんばんは",
      "kombaɴβa" },
    { "漢字",
      "kaɲʥi" },
    { "全然",
      "ʣeɴʣeɴ" },
    { "民族",
      "mʲiɴʣokɯ" },
    { "案内",
      "annai" },
    { "あんパン",
      "aɴ paɴ" },
};

static struct tb_ja *open_dictionary(void)
{
    char path[128];
    struct tb_ja *j;

    snprintf(path, sizeof path, "%s/sys.dic", dictionary);
    if (access(path, R_OK)) {
        printf("SKIPPED: sentences need %s (make setup)\n", path);
        skip();
    }
    assert_int_equal(tb_ja_open(dictionary, &j, NULL), TB_OK);
    return j;
}

static int say_all(const struct tb_ja *j, const struct tb_normaliser *normaliser)
{
    int wrong = 0;

    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        struct tb_bytes words = { 0 }, out = { 0 };

        if (tb_normalise(normaliser, tb_str_of(sentences[i].text), &words, NULL) ||
            tb_ja_phonemes(j, &foreign, tb_bytes_str(&words), &out, NULL) ||
            !tb_str_eq(tb_bytes_str(&out), sentences[i].phonemes)) {
            print_error("%s: %s, wanted %s\n", sentences[i].text, out.data ? (char *)out.data : "",
                        sentences[i].phonemes);
            wrong++;
        }
        tb_bytes_free(&words);
        tb_bytes_free(&out);
    }
    return wrong;
}

struct shared {
    const struct tb_ja *j;
    const struct tb_normaliser *normaliser;
    int wrong;
};

static void *say_all_often(void *ctx)
{
    struct shared *s = ctx;

    for (int round = 0; round < 5; round++)
        s->wrong += say_all(s->j, s->normaliser);
    return NULL;
}

static void sentences_are_said_as_the_model_learned(void **state)
{
    struct tb_ja *j = open_dictionary();
    struct tb_normaliser *normaliser;
    struct shared shared[3];
    pthread_t threads[3];

    (void)state;
    assert_int_equal(tb_normaliser_open(TB_LANG_JA, &normaliser, NULL), TB_OK);
    assert_int_equal(say_all(j, normaliser), 0);
    for (size_t i = 0; i < 3; i++) {
        shared[i] = (struct shared){ j, normaliser, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, say_all_often, &shared[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(shared[i].wrong, 0);
    }
    tb_normaliser_close(normaliser);
    tb_ja_close(j);
}

static void long_and_odd_texts_end(void **state)
{
    static const char *const odd[] = { "々々々", "ーーー", "っっっ", "ゝゞ", "〇〇", "。。。", "ゎゃゅょぁ", "がががががががが" };
    struct tb_ja *j = open_dictionary();
    struct tb_bytes text = { 0 }, out = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(tb_ja_phonemes(j, &foreign, tb_str_of(odd[i]), &out, NULL), TB_OK);
    for (int i = 0; i < 3000; i++)
        tb_bytes_addz(&text, i % 3 ? "漢" : "の");
    out.size = 0;
    assert_int_equal(tb_ja_phonemes(j, &foreign, tb_bytes_str(&text), &out, NULL), TB_OK);
    assert_true(out.size > 6000);
    tb_bytes_free(&text);
    tb_bytes_free(&out);
    tb_ja_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kana_become_symbols),
        cmocka_unit_test(random_kana_are_symbols),
        cmocka_unit_test(a_missing_dictionary_is_named),
        cmocka_unit_test(sentences_are_said_as_the_model_learned),
        cmocka_unit_test(long_and_odd_texts_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
