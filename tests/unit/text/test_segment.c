/* test_segment.c - where text is cut, that the way it arrives does not matter, and that nothing is lost. */
#include "text/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "text/utf8.h"

enum { COUNT_MOST = 1024 };

struct cut {
    char *segments[COUNT_MOST];
    size_t n;
};

static void take(struct tb_segmenter *s, struct cut *cut)
{
    struct tb_str segment;

    while (tb_segmenter_next(s, &segment)) {
        assert_true(segment.n > 0 && cut->n < COUNT_MOST);
        assert_true(tb_utf8_valid(segment));
        assert_true(tb_utf8_count(segment) <= TB_MAX_SEGMENT);
        cut->segments[cut->n++] = tb_str_dup(segment);
    }
}

/* Cut text that comes in pieces of `step` code points; 0: whole. */
static struct cut cut_text(const char *z, size_t step, bool streaming)
{
    struct tb_segmenter s;
    struct tb_str text = tb_str_of(z);
    struct cut cut = { .n = 0 };

    tb_segmenter_init(&s, streaming);
    for (size_t at = 0; at < text.n;) {
        size_t start = at;

        for (size_t i = 0; at < text.n && (step == 0 || i < step); i++)
            tb_utf8_next(text, &at);
        assert_int_equal(tb_segmenter_add(&s, (struct tb_str){ text.p + start, at - start }), TB_OK);
        take(&s, &cut);
    }
    tb_segmenter_flush(&s);
    take(&s, &cut);
    assert_int_equal(tb_segmenter_pending(&s), 0);
    tb_segmenter_free(&s);
    return cut;
}

static void free_cut(struct cut *cut)
{
    for (size_t i = 0; i < cut->n; i++)
        free(cut->segments[i]);
}

static char *join(const struct cut *cut, const char *between)
{
    struct tb_bytes all = { 0 };

    tb_bytes_addz(&all, "");
    for (size_t i = 0; i < cut->n; i++) {
        tb_bytes_addz(&all, i ? between : "");
        tb_bytes_addz(&all, cut->segments[i]);
    }
    return (char *)all.data;
}

static const struct {
    const char *text, *cut; /* borders shown as | */
    bool streaming;
} cases[] = {
    { "", "", false },
    { "Hello", "Hello", false },
    { "Hello. How are you? Fine!", "Hello.| How are you?| Fine!", false },
    { "你好。今天天气很好！是吗？好；走吧", "你好。|今天天气很好！|是吗？|好；|走吧", false },
    { "He said \"Stop.\" Then he left.", "He said \"Stop.\"| Then he left.", false },
    { "「行くよ。」と言った。", "「行くよ。」|と言った。", false },
    { "Pi is 3.14 and v2.0.1 of example.com is out. Yes", "Pi is 3.14 and v2.0.1 of example.com is out.| Yes", false },
    { "Dr. Smith met Mrs. Jones. They talked.", "Dr. Smith met Mrs. Jones.| They talked.", false },
    { "J. R. R. Tolkien wrote it. I read it.", "J. R. R. Tolkien wrote it.| I read it.", false },
    { "So do I. Then go.", "So do I.| Then go.", false },
    { "At 5 p.m. we go. At 6 p.m. They come.", "At 5 p.m. we go.| At 6 p.m.| They come.", false },
    { "Apples, pears, etc. are fruit. Also plums etc. Good.", "Apples, pears, etc. are fruit.| Also plums etc.| Good.",
      false },
    { "La Sra. García vive en EE. UU. y trabaja. Bien.", "La Sra. García vive en EE. UU. y trabaja.| Bien.", false },
    { "1. Do this. 2 more.", "1. Do this.| 2 more.", false },
    { "It was 1990. Then came more.", "It was 1990.| Then came more.", false },
    { "Is it No. 5? No. It is six.", "Is it No. 5?| No.| It is six.", false },
    { "Wait... What?! Really?", "Wait...| What?!| Really?", false },
    { "one\ntwo\n\n\nthree", "one\n|two\n|\n\nthree", false },
    { "a; b", "a;| b", false },
    { "see http://x.org/a?b=c;d now. Yes", "see http://x.org/a?b=c;d now.| Yes", false },
    { "Stop!Now", "Stop!|Now", false },
    { "Well, this is a long one, is it not. Yes, it is.", "Well, this is a long one,| is it not.| Yes, it is.", true },
    { "It costs 1,000,000 dollars. Yes", "It costs 1,000,000 dollars.| Yes", true },
    { "Well, this is a long one, is it not.", "Well, this is a long one, is it not.", false },
    { "春天来了，花都开了，真好。", "春天来了，花都开了，|真好。", true },
    { "Am 3. Mai ist Markt. Wir kommen.", "Am 3. Mai ist Markt.| Wir kommen.", false },
    { "I am 30. You are 40.", "I am 30.| You are 40.", false },
    { "Das ist z.B. hier. Gut, d.h. dort.", "Das ist z.B. hier.| Gut, d.h. dort.", false },
    { "Ludwig XIV. war da. Er ging.", "Ludwig XIV. war da.| Er ging.", false },
    { "Ca. 5 Mio. Euro bzw. Dollar. Ja.", "Ca. 5 Mio. Euro bzw. Dollar.| Ja.", false },
    { "Er sagte: „Ja.“ Dann ging er.", "Er sagte: „Ja.“| Dann ging er.", false },
    { "M. Dupont et Mme. Petit, cf. plus bas. Oui.", "M. Dupont et Mme. Petit, cf. plus bas.| Oui.", false },
    { "Il sig. Rossi e il dott. Verdi, ecc. ecc. Poi basta.", "Il sig. Rossi e il dott. Verdi, ecc. ecc.| Poi basta.",
      false },
    { "A Dra. Lima, pág. 5. Sim.", "A Dra. Lima, pág. 5.| Sim.", false },
    { "Это т.е. то и т.д. и т.п. Потом.", "Это т.е. то и т.д. и т.п.| Потом.", false },
    { "А. С. Пушкин родился в 1799 г. в Москве. Да.", "А. С. Пушкин родился в 1799 г. в Москве.| Да.", false },
    { "Ул. Ленина, см. стр. 5. Там.", "Ул. Ленина, см. стр. 5.| Там.", false },
    { "안녕하세요. 반갑습니다.", "안녕하세요.| 반갑습니다.", false },
};

static void borders_are_where_they_belong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cut cut = cut_text(cases[i].text, 0, cases[i].streaming);
        char *joined = join(&cut, "|");

        assert_string_equal(joined, cases[i].cut);
        free(joined);
        free_cut(&cut);
    }
}

static void the_way_it_arrives_does_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step < 12; step++) {
            struct cut cut = cut_text(cases[i].text, step, cases[i].streaming);
            char *joined = join(&cut, "|");

            assert_string_equal(joined, cases[i].cut);
            free(joined);
            free_cut(&cut);
        }
}

/* A text from an alphabet of all that means something to the segmenter. */
static void random_text(unsigned *seed, char *out, size_t pieces)
{
    static const char *const alphabet[] = { "a", "word ", " ", ".", ". ", "!", "?", "。", "，", ", ", "\n", "\"", "’",
                                            "5", "你", "é", "e\u0301", "etc. ", "No. ", "U.S. ", "I", "：", "😀", "long",
                                            "     " };

    out[0] = 0;
    for (size_t i = 0; i < pieces; i++) {
        *seed = *seed * 1103515245u + 12345u;
        strcat(out, alphabet[(*seed >> 16) % (sizeof alphabet / sizeof *alphabet)]);
    }
}

static void random_texts_lose_nothing_and_cut_alike(void **state)
{
    unsigned seed = 7;
    char text[8192];

    (void)state;
    for (int round = 0; round < 300; round++) {
        random_text(&seed, text, (size_t)round * 2 % 500);
        struct cut whole = cut_text(text, 0, round & 1), pieces = cut_text(text, 1 + seed % 7, round & 1);
        char *all = join(&whole, ""), *a = join(&whole, "|"), *b = join(&pieces, "|");

        assert_string_equal(all, text);
        assert_string_equal(a, b);
        free(all);
        free(a);
        free(b);
        free_cut(&whole);
        free_cut(&pieces);
    }
}

static void text_without_borders_is_cut_at_the_cap(void **state)
{
    static const char *const units[] = { "x", "words ", "你", "!", " ", "etc.  ", "clause, ", "e\u0301", "No. " };

    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char text[8192] = "";

        while (tb_utf8_count(tb_str_of(text)) < 3 * TB_MAX_SEGMENT)
            strcat(text, units[i]);
        struct cut cut = cut_text(text, 0, false), single = cut_text(text, 1, false);
        char *all = join(&cut, ""), *a = join(&cut, "|"), *b = join(&single, "|");

        assert_true(cut.n >= 3);
        assert_string_equal(all, text);
        assert_string_equal(a, b);
        free(all);
        free(a);
        free(b);
        free_cut(&cut);
        free_cut(&single);
    }
}

static void a_sentence_is_given_before_the_next_is_complete(void **state)
{
    struct tb_segmenter s;
    struct tb_str segment;

    (void)state;
    tb_segmenter_init(&s, true);
    tb_segmenter_add(&s, TB_STR("Good evening."));
    assert_false(tb_segmenter_next(&s, &segment)); /* could be "evening.5" */
    tb_segmenter_add(&s, TB_STR(" H"));
    assert_true(tb_segmenter_next(&s, &segment));
    assert_memory_equal(segment.p, "Good evening.", segment.n);
    assert_int_equal(tb_segmenter_pending(&s), 2);
    assert_false(tb_segmenter_next(&s, &segment));
    tb_segmenter_flush(&s);
    assert_true(tb_segmenter_next(&s, &segment));
    assert_int_equal(segment.n, 2);
    assert_false(tb_segmenter_next(&s, &segment));

    tb_segmenter_add(&s, TB_STR("After a flush, a comma may cut again"));
    assert_true(tb_segmenter_next(&s, &segment));
    assert_int_equal(segment.n, strlen("After a flush,"));
    tb_segmenter_free(&s);
}

static void too_much_is_refused(void **state)
{
    struct tb_segmenter s;
    char *lots = malloc(TB_MAX_PENDING_TEXT + 1);

    (void)state;
    memset(lots, 'x', TB_MAX_PENDING_TEXT + 1);
    tb_segmenter_init(&s, true);
    assert_int_equal(tb_segmenter_add(&s, (struct tb_str){ lots, TB_MAX_PENDING_TEXT + 1 }), TB_ETOOBIG);
    assert_int_equal(tb_segmenter_add(&s, (struct tb_str){ lots, TB_MAX_PENDING_TEXT }), TB_OK);
    assert_int_equal(tb_segmenter_add(&s, TB_STR("x")), TB_ETOOBIG);
    assert_int_equal(tb_segmenter_pending(&s), TB_MAX_PENDING_TEXT);
    tb_segmenter_free(&s);
    free(lots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borders_are_where_they_belong),
        cmocka_unit_test(the_way_it_arrives_does_not_matter),
        cmocka_unit_test(random_texts_lose_nothing_and_cut_alike),
        cmocka_unit_test(text_without_borders_is_cut_at_the_cap),
        cmocka_unit_test(a_sentence_is_given_before_the_next_is_complete),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
