/* zh_tone.c - see zh_priv.h.
 *
 * Order matters: 一 and 不 follow the tones of the dictionary, and what they
 * become takes part in nothing else; third tones in a row change last. */
#include <string.h>

#include "text/g2p/zh_priv.h"

/* Words whose last syllable is neutral in speech, though their characters have tones. */
static const char neutral[] =
    " 谢谢 妈妈 爸爸 哥哥 弟弟 姐姐 妹妹 爷爷 奶奶 叔叔 伯伯 姑姑 舅舅 公公 婆婆 太太 宝宝 娃娃 星星 猩猩 朋友 东西 先生 学生 什么 怎么 "
    "衣服 意思 时候 告诉 地方 关系 头发 眼睛 事情 消息 便宜 舒服 明白 清楚 客气 麻烦 算盘 豆腐 月亮 窗户 休息 打扫 商量 漂亮 知道 "
    "喜欢 葡萄 石头 木头 骨头 馒头 舌头 枕头 拳头 罐头 码头 里头 外头 前头 后头 上头 下头 念头 干净 暖和 凉快 热闹 聪明 老实 厉害 "
    "结实 糊涂 新鲜 高兴 认识 认得 记得 晓得 懂得 觉得 值得 显得 舍得 多少 打听 打算 打量 招呼 收拾 照顾 耽误 佩服 吩咐 答应 "
    "心思 力气 脾气 福气 运气 名字 本事 故事 亲戚 亲家 大夫 丈夫 媳妇 姑娘 小伙子 老婆 老爷 少爷 师傅 徒弟 裁缝 太阳 云彩 耳朵 "
    "鼻涕 指甲 胳膊 嘴巴 下巴 尾巴 屁股 肚子 身子 帽子 蘑菇 萝卜 黄瓜 西瓜 庄稼 粮食 点心 烧饼 包袱 被窝 钥匙 扫帚 苍蝇 蚂蚱 "
    "牲口 骆驼 狐狸 玻璃 棉花 柴火 火候 行李 买卖 生意 工夫 功夫 薪水 利息 利落 利索 动静 动弹 规矩 笑话 废物 护士 大方 "
    "实在 自在 马虎 含糊 模糊 迷糊 疙瘩 窟窿 篱笆 胭脂 灯笼 风筝 喇叭 琵琶 唠叨 嘟囔 哆嗦 琢磨 折腾 挪动 溜达 凑合 将就 讲究 "
    "应酬 张罗 抱怨 埋怨 委屈 冤枉 欺负 糟蹋 祸害 咳嗽 喷嚏 使唤 伺候 体面 眉毛 眼镜 衙门 作坊 铺盖 簸箕 畜生 核桃 石榴 橘子 "
    "丫头 女婿 寡妇 爱人 主意 主人 客人 工人 部分 份量 分量 在乎 似的 为了 除了 算了 罢了 得了 来着 有的 别的 是的 好的 真的 我们 "
    "你们 他们 她们 它们 咱们 人们 这么 那么 要么 早上 晚上 身上 世上 路上 街上 地上 天上 手上 头上 脸上 桌上 车上 网上 "
    "哪儿 这儿 那儿 一会儿 一点儿 ";

/* 子 that is no ending. */
static const char full_zi[] = " 电子 原子 分子 离子 粒子 光子 量子 质子 中子 因子 种子 精子 卵子 孢子 女子 男子 弟子 君子 王子 公子 太子 "
                              "天子 才子 孔子 孟子 老子 庄子 荀子 墨子 韩非子 父子 母子 亲子 游子 学子 赤子 棋子 莲子 瓜子 松子 亚原子 "
                              "知识分子 积极分子 犯罪分子 恐怖分子 ";

/* 里 that is no ending, and 儿 that is a child. */
static const char full_li[] = " 公里 英里 海里 千里 万里 邻里 故里 平方公里 乡里 百里 华里 巴里 米里 ";
static const char full_er[] = " 女儿 婴儿 幼儿 少儿 孤儿 胎儿 患儿 新生儿 男儿 健儿 宠儿 侄儿 孙儿 妻儿 育儿 小儿 婴幼儿 混血儿 早产儿 弃儿 "
                              "儿 乞儿 托儿 生儿 ";

int tb_zh_tone(const struct tb_zh_run *r, size_t i)
{
    size_t n = i < r->n ? strlen(r->syllable[i]) : 0;

    return n ? r->syllable[i][n - 1] - '0' : 0;
}

void tb_zh_set_tone(struct tb_zh_run *r, size_t i, int tone)
{
    size_t n = strlen(r->syllable[i]);

    if (n)
        r->syllable[i][n - 1] = (char)('0' + tone);
}

/* 一 and 不 -------------------------------------------------------------------------------------------------------- */

/* 一 that counts off or names a place in a row keeps its tone. */
static bool is_ordinal(const struct tb_zh_run *r, size_t i, bool last_of_word)
{
    uint32_t before = i > 0 ? r->c[i - 1] : 0, after = tb_zh_char(r, i + 1);

    if (after == U'个')
        return before == U'第';
    return after == 0 || last_of_word || tb_zh_is_one(before, TB_ZH_DIGITS "第初期周点拜月") ||
           tb_zh_is_one(after, TB_ZH_DIGITS "月号楼") || (after == U'年' && tb_zh_char(r, i + 2) == U'级') ||
           (after == U'点' && tb_zh_is_one(tb_zh_char(r, i + 2), TB_ZH_DIGITS));
}

static void change_yi_bu(struct tb_zh_run *r, size_t i, bool last_of_word)
{
    bool yi = r->c[i] == U'一';
    int next = tb_zh_tone(r, i + 1);

    if (i > 0 && i + 1 < r->n && r->c[i - 1] == r->c[i + 1] && !tb_zh_is_one(r->c[i - 1], TB_ZH_DIGITS)) {
        tb_zh_set_tone(r, i, 5); /* 看一看, 去不去 */
        return;
    }
    if (yi && is_ordinal(r, i, last_of_word))
        return;
    if (next == 4 || (next == 5 && tb_zh_char(r, i + 1) == U'个'))
        tb_zh_set_tone(r, i, 2);
    else if (yi && next)
        tb_zh_set_tone(r, i, 4);
}

/* Neutral tones ---------------------------------------------------------------------------------------------------- */

static void soften_word(struct tb_zh_run *r, size_t w)
{
    size_t first = r->word[w], n = r->word[w + 1] - first, last = first + n - 1;
    struct tb_str word = tb_zh_span(r, first, n);

    if (n < 2)
        return;
    if (n > 2 && r->c[first] == r->c[first + 1] && tb_zh_listed(neutral, tb_zh_span(r, first, 2)))
        tb_zh_set_tone(r, first + 1, 5); /* 谢谢你们 is a word of the list */
    if (tb_zh_listed(neutral, word) || tb_zh_listed(neutral, tb_zh_span(r, last - 1, 2)) ||
        (n == 2 && r->c[first] == r->c[last] && r->class[w] == 'v'))
        tb_zh_set_tone(r, last, 5);
    else if (r->c[last] == U'子' && tb_zh_listed(full_zi, word))
        tb_zh_set_tone(r, last, 3);
    else if (r->c[last] == U'里' && r->class[w] != 'n' && !tb_zh_listed(full_li, word))
        tb_zh_set_tone(r, last, 5);
    else if (r->c[last] == U'儿' && !tb_zh_listed(full_er, word))
        tb_zh_set_tone(r, last, 5);
}

/* Third tones ------------------------------------------------------------------------------------------------------ */

static void raise_if_low(struct tb_zh_run *r, size_t i)
{
    if (tb_zh_tone(r, i) == 3 && tb_zh_tone(r, i + 1) == 3)
        tb_zh_set_tone(r, i, 2);
}

static unsigned cost_of(const struct tb_zh_run *r, size_t first, size_t n)
{
    struct tb_zh_entry entry;

    return tb_zh_dict_find(r->dict, tb_zh_span(r, first, n), &entry) ? entry.cost : TB_ZH_NO_WORD;
}

/* Inside a word the closer pair changes first: 展览-馆 is 2 2 3, 小-老虎 3 2 3. */
static void raise_in_word(struct tb_zh_run *r, size_t first, size_t n)
{
    if (n == 3 && cost_of(r, first, 2) > cost_of(r, first + 1, 2)) {
        raise_if_low(r, first + 1);
        raise_if_low(r, first);
    } else if (n == 3) {
        raise_if_low(r, first);
        raise_if_low(r, first + 1);
    } else {
        for (size_t i = 0; i + 1 < n; i += 2)
            raise_if_low(r, first + i);
        for (size_t i = 1; i + 1 < n; i += 2)
            raise_if_low(r, first + i);
    }
}

void tb_zh_tones(struct tb_zh_run *r)
{
    for (size_t w = 0; w < r->words; w++)
        for (size_t i = r->word[w]; i < r->word[w + 1]; i++)
            if (r->c[i] == U'一' || r->c[i] == U'不')
                change_yi_bu(r, i, i > r->word[w] && i + 1 == r->word[w + 1]);
    for (size_t w = 0; w < r->words; w++)
        soften_word(r, w);
    for (size_t w = 0; w < r->words; w++)
        raise_in_word(r, r->word[w], r->word[w + 1] - r->word[w]);
    for (size_t w = r->words; w-- > 0;) /* a lone character leans on the word behind it */
        if (r->word[w + 1] - r->word[w] == 1)
            raise_if_low(r, r->word[w]);
}
