/* test_zh.c - Chinese: syllables to symbols, the dictionary file whole and damaged, readings and tones of sentences.
 *
 * The sentences need the converted dictionary; where it is missing that part is skipped, and says so. */
#include "text/g2p/zh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "text/g2p/symbols.h"
#include "text/g2p/zh_pinyin.h"
#include "text/normalise.h"
#include "text/utf8.h"

static const char dictionary[] = "var/models/kokoro/lexicon-zh.bin";

static void syllables_become_symbols(void **state)
{
    static const char *const cases[][2] = {
        { "ma1", "ma→" }, { "ma2", "ma↗" }, { "ma3", "ma↓" }, { "ma4", "ma↘" }, { "ma5", "ma" }, { "zhuang4", "ꭧwa↘ŋ" },
        { "chi1", "ꭧʰɨ→" }, { "si4", "sɨ↘" }, { "ri4", "ɻɨ↘" }, { "xi1", "ɕi→" }, { "ju2", "ʨy↗" },
        { "quan2", "ʨʰɥɛ↗n" }, { "xue2", "ɕɥe↗" }, { "yun2", "y↗n" }, { "yuan2", "ɥɛ↗n" }, { "lv4", "ly↘" },
        { "nve4", "nɥe↘" }, { "lu4", "lu↘" }, { "you3", "jou↓" }, { "jiu3", "ʨjou↓" }, { "gui4", "kwei↘" },
        { "wei4", "wei↘" }, { "dun4", "twə↘n" }, { "wen4", "wə↘n" }, { "weng1", "wə→ŋ" }, { "bo1", "pwo→" },
        { "wo3", "wo↓" }, { "er4", "ɚ↘" }, { "xiong2", "ɕjʊ↗ŋ" }, { "yong4", "jʊ↘ŋ" }, { "yan2", "jɛ↗n" },
        { "an1", "a→n" }, { "e4", "ɤ↘" }, { "ying1", "i→ŋ" }, { "wu3", "u↓" }, { "qiang2", "ʨʰja↗ŋ" },
        { "huai4", "xwai↘" }, { "ei2", "ei↗" }, { "o2", "ɔ↗" }, { "n4", "n↘" },
    };
    static const char *const none[] = { "", "1", "ma", "ma0", "ma6", "xyz1", "zhuangg4", "zhua", "v1v1", "b1",
                                        "yzzzzz1" };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_bytes out = { 0 };
        enum tb_code rc;

        assert_true(tb_zh_symbols(tb_str_of(cases[i][0]), &out, &rc));
        assert_int_equal(rc, TB_OK);
        assert_string_equal((char *)out.data, cases[i][1]);
        for (size_t at = 0; at < out.size;)
            assert_true(tb_symbol_token(tb_utf8_next(tb_bytes_str(&out), &at)));
        tb_bytes_free(&out);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct tb_bytes out = { 0 };
        enum tb_code rc;

        assert_false(tb_zh_symbols(tb_str_of(none[i]), &out, &rc));
        assert_int_equal(out.size, 0);
    }
}

/* A dictionary made here: in byte order. */
static const struct {
    const char *word, *reading;
    unsigned cost;
} entries[] = {
    { "不", "bu4", 9000 }, { "北", "bei3", 12000 }, { "北京", "", 14000 }, { "北京人", "", 20000 },
    { "好", "hao3", 9000 }, { "行", "xing2", 12000 }, { "银行", "yin2hang2", 15000 }, { "银行长", "yin2hang2zhang3", 65535 },
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static void add_le(struct tb_bytes *b, size_t v, size_t n)
{
    for (; n > 0; n--, v >>= 8)
        tb_bytes_add(b, &(uint8_t){ (uint8_t)v }, 1);
}

static struct tb_bytes make_dictionary(void)
{
    struct tb_bytes file = { 0 }, pool = { 0 }, index = { 0 };

    for (size_t i = 0; i < ENTRIES; i++) {
        add_le(&index, pool.size, 4);
        add_le(&pool, strlen(entries[i].word), 1);
        tb_bytes_addz(&pool, entries[i].word);
        add_le(&pool, entries[i].cost, 2);
        add_le(&pool, 'n', 1);
        add_le(&pool, strlen(entries[i].reading), 1);
        tb_bytes_addz(&pool, entries[i].reading);
    }
    tb_bytes_add(&file, "TBZH\1\0\0\0", 8);
    add_le(&file, ENTRIES, 4);
    add_le(&file, pool.size, 4);
    tb_bytes_add(&file, index.data, index.size);
    tb_bytes_add(&file, pool.data, pool.size);
    tb_bytes_free(&pool);
    tb_bytes_free(&index);
    return file;
}

static void every_entry_is_found(void **state)
{
    struct tb_bytes file = make_dictionary();
    struct tb_zh_dict d;
    struct tb_zh_entry entry;
    uint32_t place = 0;
    bool longer;

    (void)state;
    assert_int_equal(tb_zh_dict_use(file.data, file.size, &d, NULL), TB_OK);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_true(tb_zh_dict_find(&d, tb_str_of(entries[i].word), &entry));
        assert_int_equal(entry.cost, entries[i].cost);
        assert_true(tb_str_eq(entry.reading, entries[i].reading));
    }
    assert_false(tb_zh_dict_find(&d, TB_STR("京"), &entry));
    assert_false(tb_zh_dict_find(&d, TB_STR("北京人人"), &entry));
    assert_true(tb_zh_dict_step(&d, TB_STR("北"), &place, &entry, &longer) && longer);
    assert_true(tb_zh_dict_step(&d, TB_STR("北京"), &place, &entry, &longer) && longer);
    assert_true(tb_zh_dict_step(&d, TB_STR("北京人"), &place, &entry, &longer) && !longer);
    tb_zh_dict_close(&d);
    tb_bytes_free(&file);
}

static enum tb_code say_nothing(void *ctx, struct tb_str text, struct tb_bytes *out, struct tb_error *err)
{
    (void)ctx, (void)text, (void)out, (void)err;
    return TB_OK;
}

static const struct tb_foreign foreign = { say_nothing, NULL };

static void a_damaged_dictionary_does_no_harm(void **state)
{
    struct tb_bytes file = make_dictionary();
    struct tb_zh_dict d;

    (void)state;
    for (size_t n = 0; n < file.size; n++) {
        uint8_t *copy = malloc(n ? n : 1); /* exact size, so that a read past the end is seen */

        memcpy(copy, file.data, n);
        assert_int_equal(tb_zh_dict_use(copy, n, &d, NULL), TB_EINVAL);
        free(copy);
    }
    for (size_t i = 16; i < file.size; i++)
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            uint8_t *copy = malloc(file.size);
            struct tb_bytes out = { 0 };

            memcpy(copy, file.data, file.size);
            copy[i] ^= (uint8_t)flip;
            assert_int_equal(tb_zh_dict_use(copy, file.size, &d, NULL), TB_OK);
            assert_int_equal(tb_zh_phonemes(&d, &foreign, TB_STR("北京人好不好,银行长 OK 行"), &out, NULL), TB_OK);
            tb_bytes_free(&out);
            free(copy);
        }
    tb_bytes_free(&file);
}

/* What is written; the readings, tones as spoken, _ inside words. */
static const char *const sentences[][2] = {
    { "你好，世界！",
      "ni2_hao3 shi4_jie4" },
    { "今天天气怎么样？",
      "jin1_tian1_tian1_qi4 zen3_me5_yang4" },
    { "我喜欢用Python写代码。",
      "wo2 xi3_huan5 yong4 xie3 dai4_ma3" },
    { "2024年5月12日下午3:45，我花了¥3.50买了2个苹果。",
      "er4 ling2 er4 si4_nian2 wu3_yue4 shi2_er4_ri4 xia4_wu3 san1_dian3 si4_shi2_wu3_fen1 wo3 hua1 le5 "
      "san1_dian3 wu3_yuan2 mai3 le5 liang3_ge4 ping2_guo3" },
    { "展览馆的小老虎很好。",
      "zhan2_lan2_guan3 de5 xiao3_lao2_hu3 hen2 hao3" },
    { "一个人一不小心跑了一百一十米。",
      "yi2_ge4 ren2 yi2_bu4_xiao3_xin1 pao3 le5 yi4_bai3_yi1_shi2 mi3" },
    { "银行行长重新长大了。",
      "yin2_hang2_hang2_zhang3 chong2_xin1 zhang3_da4 le5" },
    { "他还没还我的钱。",
      "ta1 hai2 mei2 huan2 wo3 de5 qian2" },
    { "这只猫只吃鱼。",
      "zhe4 zhi1 mao1 zhi3 chi1 yu2" },
    { "看一看，试试看。",
      "kan4_yi5_kan4 shi4_shi4_kan4" },
    { "你去不去？不去。",
      "ni3 qu4_bu5_qu4 bu2 qu4" },
    { "第一次一起去一万米。",
      "di4_yi1_ci4 yi4_qi3 qu4 yi2 wan4_mi3" },
    { "他跑得快，可是他得走了。",
      "ta1 pao3_de5_kuai4 ke3_shi4 ta1 dei2 zou3 le5" },
    { "妈妈慢慢地走过田地。",
      "ma1_ma5 man4_man4 de5 zou3_guo4 tian2_di4" },
    { "女儿在哪儿？一会儿就来。",
      "nv3_er2 zai4 na3_er5 yi2_hui4_er5 jiu4 lai2" },
    { "老师教我们音乐，大家很快乐。",
      "lao3_shi1 jiao1 wo3_men5 yin1_yue4 da4_jia1 hen3 kuai4_le4" },
    { "绿色的旅行，月亮和元旦，云和雨。",
      "lv4_se4 de5 lv3_xing2 yue4_liang5 he2 yuan2_dan4 yun2 he2 yu3" },
    { "儿子二十二岁。",
      "er2_zi5 er4_shi2_er4_sui4" },
    { "日子过得真好，自己知道自己的事。",
      "ri4_zi5 guo4 de5 zhen1 hao3 zi4_ji3 zhi1_dao5 zi4_ji3 de5 shi4" },
    { "“你好，”他说：“请坐！”",
      "ni2_hao3 ta1 shuo1 qing3 zuo4" },
    { "张三参加了英语四级考试。",
      "zhang1 san1 can1_jia1 le5 ying1_yu3 si4_ji2 kao3_shi4" },
    { "首都的夜都很美。",
      "shou3_du1 de5 ye4 dou1 hen2 mei3" },
    { "这本书有三百零二页。",
      "zhe4 ben3_shu1 you3 san1_bai3 ling2 er4_ye4" },
    { "他说他会 speak English，而且说得很好。",
      "ta1 shuo1 ta1 hui4 er2_qie3 shuo1 de5 hen2 hao3" },
    { "苹果公司发布了 iPhone 15 Pro。",
      "ping2_guo3_gong1_si1 fa1_bu4 le5 shi2_wu3" },
    { "重庆的长江大桥很长。",
      "chong2_qing4 de5 chang2_jiang1_da4_qiao2 hen3 chang2" },
    { "不，我不要一个，我要两个。",
      "bu4 wo3 bu2_yao4 yi2_ge4 wo3 yao4 liang3_ge4" },
    { "他一到家就睡着了。",
      "ta1 yi2 dao4 jia1 jiu4 shui4_zhao2 le5" },
    { "我们一边走一边说。",
      "wo3_men5 yi4_bian1 zou3 yi4_bian1 shuo1" },
    { "统一的标准是一月一日发布的。",
      "tong3_yi1 de5 biao1_zhun3 shi4 yi1_yue4 yi1_ri4 fa1_bu4 de5" },
    { "把房间打扫得干干净净。",
      "ba3 fang2_jian1 da3_sao5 de5 gan1_gan1_jing4_jing4" },
    { "电子、原子和桌子",
      "dian4_zi3 yuan2_zi3 he2 zhuo1_zi5" },
    { "公里、这里、家里",
      "gong1_li3 zhe4_li5 jia1_li5" },
    { "他买不了这种东西",
      "ta1 mai3 bu4_liao3 zhe4_zhong3 dong1_xi5" },
    { "人民为本，值为空",
      "ren2_min2 wei4 ben3 zhi2 wei2 kong1" },
    { "长了三米，长高了",
      "zhang3 le5 san1 mi3 zhang3 gao1 le5" },
    { "谢谢你们的帮助",
      "xie4_xie5_ni3_men5 de5 bang1_zhu4" },
    { "嗯，哦，哎哟",
      "en4 o2 ai1_yo1" },
    { "𠮷野家",
      "ye3 jia1" },
    { "他说“OK”，然后走了",
      "ta1 shuo1 ran2_hou4 zou3 le5" },
    { "HTTP 协议",
      "xie2_yi4" },
    { "我",
      "wo3" },
    { "吗",
      "ma5" },
};

static void sentences_are_read_with_the_tones_of_speech(void **state)
{
    struct tb_normaliser *normaliser;
    struct tb_zh_dict d;
    int wrong = 0;

    (void)state;
    if (access(dictionary, R_OK)) {
        printf("SKIPPED: readings of sentences need %s (make setup)\n", dictionary);
        skip();
    }
    assert_int_equal(tb_zh_dict_open(dictionary, &d, NULL), TB_OK);
    assert_int_equal(tb_normaliser_open(TB_LANG_ZH, &normaliser, NULL), TB_OK);
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        struct tb_bytes words = { 0 }, out = { 0 };

        assert_int_equal(tb_normalise(normaliser, tb_str_of(sentences[i][0]), &words, NULL), TB_OK);
        assert_int_equal(tb_zh_pinyin(&d, tb_bytes_str(&words), &out, NULL), TB_OK);
        if (!tb_str_eq(tb_bytes_str(&out), sentences[i][1])) {
            print_error("%s: %s, wanted %s\n", sentences[i][0], out.data ? (char *)out.data : "", sentences[i][1]);
            wrong++;
        }
        tb_bytes_free(&words);
        tb_bytes_free(&out);
    }
    tb_normaliser_close(normaliser);
    tb_zh_dict_close(&d);
    assert_int_equal(wrong, 0);
}

/* 2000 characters without a border, in one call. */
static void a_run_without_end_is_read_in_pieces(void **state)
{
    struct tb_bytes file = make_dictionary(), text = { 0 }, out = { 0 };
    struct tb_zh_dict d;
    size_t syllables = 0;

    (void)state;
    assert_int_equal(tb_zh_dict_use(file.data, file.size, &d, NULL), TB_OK);
    for (int i = 0; i < 1000; i++)
        tb_bytes_addz(&text, "北好");
    assert_int_equal(tb_zh_phonemes(&d, &foreign, tb_bytes_str(&text), &out, NULL), TB_OK);
    for (size_t at = 0; at < out.size;) {
        uint32_t c = tb_utf8_next(tb_bytes_str(&out), &at);

        syllables += c == 'p' || c == 'x';
    }
    assert_int_equal(syllables, 2000);
    tb_bytes_free(&out);
    tb_bytes_free(&text);
    tb_bytes_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syllables_become_symbols),
        cmocka_unit_test(every_entry_is_found),
        cmocka_unit_test(a_damaged_dictionary_does_no_harm),
        cmocka_unit_test(sentences_are_read_with_the_tones_of_speech),
        cmocka_unit_test(a_run_without_end_is_read_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
