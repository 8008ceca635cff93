/* test_g2p_symbols.c - the model's vocabulary, IPA turned into it, and the lexicon file, whole and damaged. */
#include "text/g2p/symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/g2p/english_words.h"
#include "text/g2p/lexicon.h"
#include "text/g2p/phones.h"
#include "text/utf8.h"

/* The model's own list, in token order. */
static const char vocabulary[] = 
    ";:,.!?—…\"()“” \u0303ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnop"
    "qrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊ"
    "ʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ";

static void the_114_symbols_are_known_and_no_other(void **state)
{
    struct tb_str all = tb_str_of(vocabulary);
    int known = 0, last = 0;

    (void)state;
    assert_int_equal(tb_utf8_count(all), 114);
    for (size_t at = 0; at < all.n;) {
        uint32_t c = tb_utf8_next(all, &at);
        int token = tb_symbol_token(c);

        assert_true(token > last);
        assert_int_equal(tb_symbol_of(token), c);
        last = token;
    }
    for (uint32_t c = 0; c < 0x20000; c++)
        known += tb_symbol_token(c) != 0;
    assert_int_equal(known, 114);
    assert_int_equal(tb_symbol_token('$'), 0);
    assert_int_equal(tb_symbol_token(0x361), 0);
    assert_int_equal(tb_symbol_of(0), 0);
}

static void ipa_becomes_the_models_symbols(void **state)
{
    static const struct {
        enum tb_lang lang;
        const char *ipa, *symbols;
    } cases[] = {
        { TB_LANG_EN, "həlˈo͡ʊ wˈɜːld", "həlˈO wˈɜɹld" },
        { TB_LANG_EN, "fˈa͡ɪ͡ɚ", "fˈIəɹ" },
        { TB_LANG_EN, "bˈʌʔn̩ wˈɔːɾɚ lˈɪɾə͡l", "bˈʌtn wˈɔTəɹ lˈɪTᵊl" },
        { TB_LANG_EN, "d͡ʒˈʌd͡ʒ t͡ʃˈɜːt͡ʃ kˈɑ͡ɹ", "ʤˈʌʤ ʧˈɜɹʧ kˈɑɹ" },
        { TB_LANG_EN, "  a\u0303 \u0361 ", "a" },
        { TB_LANG_ES, "ˈola seɲˈoɾ βe͡ɪntjˈun", "ˈola seɲˈoɾ βAntjˈun" },
        { TB_LANG_ES, "t͡ʃˈiko θaɣˈal", "ʧˈiko θaɣˈal" },
        { TB_LANG_FR, "bˈɔ̃ vɛ̃", "bˈɔ̃ vɛ̃" },
        { TB_LANG_PT, "nˌɐ\u0303ʊ\u0303 põ", "nˌɐ\u0303ʊ\u0303 po\u0303" },
        { TB_LANG_ES, "", "" },
        { TB_LANG_ES, "\xF0\x9F\x98\x80$_-", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_bytes out = { 0 };

        assert_int_equal(tb_symbols_from_ipa(tb_str_of(cases[i].ipa), cases[i].lang, &out), TB_OK);
        tb_bytes_addz(&out, "");
        if (!tb_str_eq(tb_bytes_str(&out), cases[i].symbols))
            fail_msg("%s: %s", cases[i].ipa, out.data ? (char *)out.data : "");
        tb_bytes_free(&out);
    }
}

/* A lexicon of the words of `entries`, which must be in byte order. */
struct entry {
    const char *word, *phones, *verb; /* verb: NULL, or the variant for verbs */
};

static const struct entry entries[] = {
    { "A", "ˈA", NULL },         { "B", "bˈi", NULL },         { "F", "ˈɛf", NULL },      { "I", "ˈI", NULL },
    { "Paris", "pˈɛɹəs", NULL }, { "bake", "bˈAk", NULL },     { "box", "bˈɑks", NULL },  { "cat", "kˈæt", NULL },
    { "dog", "dˈɔɡ", NULL },     { "happy", "hˈæpi", NULL },   { "live", "lˈIv", "lˈɪv" }, { "rest", "ɹˈɛst", NULL },
    { "stop", "stˈɑp", NULL },   { "study", "stˈʌdi", NULL },  { "wait", "wˈAt", NULL },
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static void add_le32(struct tb_bytes *b, size_t v)
{
    uint8_t bytes[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

    tb_bytes_add(b, bytes, 4);
}

static void add_span(struct tb_bytes *b, const char *z)
{
    uint8_t n = (uint8_t)strlen(z);

    tb_bytes_add(b, &n, 1);
    tb_bytes_add(b, z, n);
}

static struct tb_bytes make_lexicon(void)
{
    struct tb_bytes file = { 0 }, pool = { 0 }, index = { 0 };

    for (size_t i = 0; i < ENTRIES; i++) {
        add_le32(&index, pool.size);
        add_span(&pool, entries[i].word);
        tb_bytes_add(&pool, entries[i].verb ? "\2\0" : "\1\0", 2);
        add_span(&pool, entries[i].phones);
        if (entries[i].verb) {
            tb_bytes_add(&pool, "\1", 1);
            add_span(&pool, entries[i].verb);
        }
    }
    tb_bytes_add(&file, "TBLX\1\0\0\0", 8);
    add_le32(&file, ENTRIES);
    add_le32(&file, pool.size);
    tb_bytes_add(&file, index.data, index.size);
    tb_bytes_add(&file, pool.data, pool.size);
    tb_bytes_free(&pool);
    tb_bytes_free(&index);
    return file;
}

static void every_word_of_a_lexicon_is_found(void **state)
{
    struct tb_bytes file = make_lexicon();
    struct tb_lexicon l;
    struct tb_str phones;

    (void)state;
    assert_int_equal(tb_lexicon_use(file.data, file.size, &l, NULL), TB_OK);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_true(tb_lexicon_find(&l, tb_str_of(entries[i].word), TB_WORD_NOUN, &phones));
        assert_true(tb_str_eq(phones, entries[i].phones));
        assert_int_equal(tb_lexicon_has(&l, tb_str_of(entries[i].word), TB_WORD_VERB), entries[i].verb != NULL);
    }
    assert_true(tb_lexicon_find(&l, TB_STR("live"), TB_WORD_VERB, &phones));
    assert_true(tb_str_eq(phones, "lˈɪv"));
    assert_false(tb_lexicon_find(&l, TB_STR("dogma"), TB_WORD_DEFAULT, &phones));
    assert_false(tb_lexicon_find(&l, TB_STR(""), TB_WORD_DEFAULT, &phones));
    tb_lexicon_close(&l);
    tb_bytes_free(&file);
}

static void forms_of_words_are_made(void **state)
{
    static const char *const cases[][2] = {
        { "cats", "kˈæts" }, { "dogs", "dˈɔɡz" }, { "boxes", "bˈɑksᵻz" }, { "dog's", "dˈɔɡz" }, { "dogs'", "dˈɔɡz" },
        { "DOG", "dˈɔɡ" }, { "Dog", "dˈɔɡ" }, { "paris", "pˈɛɹəs" }, { "baked", "bˈAkt" }, { "baking", "bˈAkɪŋ" },
        { "stopped", "stˈɑpt" }, { "stopping", "stˈɑpɪŋ" }, { "studies", "stˈʌdiz" }, { "studied", "stˈʌdid" },
        { "waited", "wˈATᵻd" }, { "waiting", "wˈATɪŋ" }, { "waitin'", "wˈATɪn" }, { "rested", "ɹˈɛstᵻd" },
        { "happily", "hˈæpili" }, { "happiness", "hˈæpinəs" }, { "cat'll", "kˈætᵊl" }, { "cat'd", "kˈætᵻd" },
        { "'dog", "dˈɔɡ" }, { "lived", "lˈɪvd" },
    };
    struct tb_bytes file = make_lexicon();
    struct tb_lexicon l;
    struct tb_phones ph;

    (void)state;
    assert_int_equal(tb_lexicon_use(file.data, file.size, &l, NULL), TB_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_bytes out = { 0 };

        if (!tb_english_word(&l, tb_str_of(cases[i][0]), TB_WORD_DEFAULT, &ph))
            fail_msg("%s is not known", cases[i][0]);
        assert_int_equal(tb_phones_write(&ph, &out), TB_OK);
        assert_string_equal((char *)out.data, cases[i][1]);
        tb_bytes_free(&out);
    }
    assert_false(tb_english_word(&l, TB_STR("xyzzy"), TB_WORD_DEFAULT, &ph));
    assert_false(tb_english_word(&l, TB_STR("s"), TB_WORD_DEFAULT, &ph));
    assert_false(tb_english_word(&l, TB_STR("'"), TB_WORD_DEFAULT, &ph));
    assert_true(tb_english_letters(&l, TB_STR("fbi"), &ph));
    assert_int_equal(ph.n, strlen("ebiI") + 4); /* ˌɛfbˌiˈI */
    tb_bytes_free(&file);
}

/* Each truncation, and each byte changed, must be refused or read within bounds. */
static void a_damaged_lexicon_does_no_harm(void **state)
{
    struct tb_bytes file = make_lexicon();
    struct tb_error err;
    struct tb_phones ph;

    (void)state;
    for (size_t n = 0; n < file.size; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        struct tb_lexicon l;

        memcpy(copy, file.data, n);
        assert_int_equal(tb_lexicon_use(copy, n, &l, &err), TB_EINVAL);
        assert_true(err.text[0]);
        free(copy);
    }
    for (size_t i = 0; i < file.size; i++)
        for (int change = 1; change < 256; change += 50) {
            uint8_t *copy = malloc(file.size);
            struct tb_lexicon l;

            memcpy(copy, file.data, file.size);
            copy[i] ^= (uint8_t)change;
            if (tb_lexicon_use(copy, file.size, &l, NULL) == TB_OK)
                for (size_t word = 0; word < ENTRIES; word++)
                    tb_english_word(&l, tb_str_of(entries[word].word), TB_WORD_VERB, &ph);
            free(copy);
        }
    tb_bytes_free(&file);
}

static void a_missing_lexicon_is_named(void **state)
{
    struct tb_lexicon l;
    struct tb_error err = { 0 };

    (void)state;
    assert_int_equal(tb_lexicon_open("/nonexistent/lexicon-en.bin", &l, &err), TB_EIO);
    assert_non_null(strstr(err.text, "/nonexistent/lexicon-en.bin"));
    tb_lexicon_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_114_symbols_are_known_and_no_other), cmocka_unit_test(ipa_becomes_the_models_symbols),
        cmocka_unit_test(every_word_of_a_lexicon_is_found),       cmocka_unit_test(forms_of_words_are_made),
        cmocka_unit_test(a_damaged_lexicon_does_no_harm),         cmocka_unit_test(a_missing_lexicon_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
