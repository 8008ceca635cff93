/* english_tags.c - see english_tags.h.
 *
 * No tagger: words with several pronunciations are few, and mostly the word
 * before and the word after decide. After a determiner or preposition stands a
 * noun (or an adjective, when another plain word follows); after "to", a modal or
 * a personal pronoun stands a verb; a verb at the head of a clause takes an
 * object. */
#include "text/g2p/english_tags.h"

#include <stdio.h>
#include <string.h>

/* Lists hold words between spaces. */
static const char determiners[] =
    " the a an this that these those my your his her its our their some any each every no another one's what which "
    "whose much many few several all both either neither such own other same new old good bad great big small first "
    "second third last next final single whole entire certain following current given main high low long short two "
    "three four five six ";
static const char prepositions[] = " of in on at by for with from into about against between through during without "
                                   "under over after before per via than as like ";
static const char verb_openers[] = " to will would can could should shall may might must cannot can't won't wouldn't "
                                   "couldn't shouldn't don't didn't doesn't do did does let's please never always "
                                   "often not i'll you'll we'll they'll he'll she'll it'll i'd you'd we'd they'd he'd "
                                   "she'd ";
static const char pronouns[] = " i you we they who people ";
static const char singular_pronouns[] = " he she it who that which this ";
static const char be_forms[] = " is are was were be been being am isn't aren't wasn't weren't it's i'm you're we're "
                               "they're he's she's that's ";
static const char have_forms[] = " have has had haven't hasn't hadn't i've you've we've they've having ";
static const char degree[] = " very so too more most quite really rather as get gets got ";
static const char object_words[] = " the a an my your his her its our their it them me us him this these those all "
                                   "some any up down out off into everything something what how ";
static const char function_words[] = " the a an of in on at by for with from to and or but is are was were be been "
                                     "will would can could should has have had not that which who when where while as "
                                     "if than then so because it he she they we you i this these those there into "
                                     "about after before until between through during without may might must do does "
                                     "did ";

/* Words whose noun is rare. */
static const char mostly_verbs[] = " affect affects augment augmented augments consist consists ";

static bool in(const char *list, struct tb_str word)
{
    char spaced[40];

    if (word.n == 0 || word.n > sizeof spaced - 3)
        return false;
    snprintf(spaced, sizeof spaced, " %.*s ", (int)word.n, word.p);
    return strstr(list, spaced) != NULL;
}

static bool ends_in_s(struct tb_str word)
{
    return word.n > 2 && word.p[word.n - 1] == 's' && word.p[word.n - 2] != 's';
}

/* A word with a meaning of its own, which a noun before it may describe. */
static bool is_content(struct tb_str word)
{
    return word.n > 0 && !in(function_words, word);
}

static enum tb_word_tag tag_that(const struct tb_neighbours *near)
{
    if (near->after.n == 0 || (in(be_forms, near->after) && !is_content(near->before)))
        return TB_WORD_DETERMINER;
    if (near->before.n == 0 || in(prepositions, near->before) || in(" do did does and but is was to ", near->before))
        return in(function_words, near->after) ? TB_WORD_DEFAULT : TB_WORD_DETERMINER;
    return TB_WORD_DEFAULT;
}

/* "used to": a habit, or being accustomed. "is used to make" is the passive of use. */
static enum tb_word_tag tag_used(const struct tb_neighbours *near)
{
    if (!tb_str_eq(near->after, "to"))
        return TB_WORD_DEFAULT;
    return in(" is are be been being was were it's that's ", near->before) ? TB_WORD_DEFAULT : TB_WORD_PAST;
}

/* "read" and its like, whose past is spelled as the present. */
static enum tb_word_tag tag_past(const struct tb_neighbours *near)
{
    if (in(have_forms, near->before) || in(be_forms, near->before) || in(have_forms, near->before2))
        return TB_WORD_PARTICIPLE;
    if (in(verb_openers, near->before) || near->before.n == 0)
        return TB_WORD_DEFAULT;
    if (in(determiners, near->before))
        return TB_WORD_NOUN;
    return near->past || in(singular_pronouns, near->before) ? TB_WORD_PAST : TB_WORD_DEFAULT;
}

/* Verb or not, by the neighbours; TB_WORD_DEFAULT: no sign. */
static enum tb_word_tag tag_by_neighbours(struct tb_str word, const struct tb_neighbours *near)
{
    bool plural = ends_in_s(word);

    if (tb_str_eq(near->before, "to") && in(" due according thanks access subject ", near->before2))
        return TB_WORD_NOUN;
    if (in(verb_openers, near->before))
        return TB_WORD_VERB;
    if (in(plural ? singular_pronouns : pronouns, near->before))
        return TB_WORD_VERB;
    if (in(mostly_verbs, word))
        return TB_WORD_VERB;
    if (tb_str_eq(near->after, "of"))
        return TB_WORD_NOUN;
    if (in(determiners, near->before))
        return is_content(near->after) ? TB_WORD_ADJECTIVE : TB_WORD_NOUN;
    if (in(be_forms, near->before) || in(degree, near->before))
        return TB_WORD_ADJECTIVE;
    if (in(prepositions, near->before))
        return TB_WORD_NOUN;
    if (!plural && (near->before.n == 0 || in(" and then just also or ", near->before)) &&
        in(object_words, near->after))
        return TB_WORD_VERB;
    if (in(" in here there with on at near together against ", near->after) && ends_in_s(near->before) && !plural)
        return TB_WORD_VERB; /* "two cats live in" */
    if (is_content(near->before) && in(object_words, near->after))
        return TB_WORD_VERB; /* "farmers produce the" */
    if (tb_str_eq(word, "lives") && is_content(near->before) && in(prepositions, near->after))
        return TB_WORD_VERB;
    if (near->before.n > 2 && memcmp(near->before.p + near->before.n - 2, "'s", 2) == 0)
        return TB_WORD_NOUN;
    return TB_WORD_DEFAULT;
}

enum tb_word_tag tb_english_tag(const struct tb_lexicon *l, struct tb_str word, const struct tb_neighbours *near)
{
    enum tb_word_tag tag;

    if (near->after.n == 0 && tb_lexicon_has(l, word, TB_WORD_LAST))
        return TB_WORD_LAST;
    if (tb_str_eq(word, "that"))
        return tag_that(near);
    if (tb_str_eq(word, "used"))
        return tag_used(near);
    if (tb_lexicon_has(l, word, TB_WORD_PARTICIPLE))
        return tag_past(near);
    tag = tag_by_neighbours(word, near);
    /* Where the lexicon has no adjective, the noun's form stands before a noun: "use case". Not so for "close". */
    if (tag == TB_WORD_ADJECTIVE && !tb_lexicon_has(l, word, tag) && !tb_str_eq(word, "close") &&
        in(determiners, near->before))
        tag = TB_WORD_NOUN;
    return tag;
}

bool tb_english_speaks_of_past(struct tb_str word)
{
    return in(" yesterday ago last already once earlier previously was were had did ", word);
}
