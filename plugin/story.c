/* story.c
 * Composes sentences from facts; it knows no sentence and no fact itself. The list of sentences is
 * compiled once: to look facts up by their names at each telling took 60,000 instructions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "story.h"

#include <string.h>

#include <wsutil/ws_assert.h>

#include "statistics-formats.h"
#include "story-table.h"
#include "text.h"

#define NS_PER_S INT64_C(1000000000)

typedef enum {
#define X(id) PART_##id,
    STORY_PARTS(X)
#undef X
        PART_NEXT
} part;

static const struct {
    part part;
    const char *when, *text; /* NULL: nothing is said */
} table[] = {
#define X(part, when, text) {PART_##part, when, text},
    STORY_SENTENCES(X)
#undef X
#define X(when, text, source) {PART_NEXT, when, text},
        STORY_ADVICE(X)
#undef X
};

/* ---- Compiled ---- */

typedef struct {
    const fact *fact;
    enum { KNOWN, UNKNOWN, ONE_OF, SAME, MORE, LESS } test;
    char **values;     /* of ONE_OF */
    const fact *other; /* of SAME */
    int64_t bound;     /* of MORE and LESS; ns, if the fact is a time */
} condition;

/* Plain text, and what follows it. */
typedef struct {
    const char *text;
    gsize length;
    enum { NOTHING, VALUE, OTHER_END, CLIENT, SERVER } kind;
    const fact *fact; /* the address of CLIENT and SERVER */
    char *otherwise;  /* where that is not known; NULL: the sentence is not told */
} piece;

/* Of most connections most is not known: so those that begin by asking for the same are passed over together. */
typedef struct {
    GArray *conditions; /* of condition */
    GArray *pieces;     /* of piece; NULL: nothing is said */
    const fact *needs;  /* what has to be known in any case; NULL: nothing */
    gsize past_needs;   /* the next sentence that does not need it */
    gsize past_part;    /* and the next that is of another part */
} sentence;

enum { SENTENCES = sizeof table / sizeof *table };

static sentence sentences[SENTENCES];

/* The events that a connection remembers, by their names: whose segments raised them. */
static const fact marks[] = {
#define X(id, event) \
    {.name = "tcplife." event, .kind = FACT_TEXT, .at = offsetof(stream_facts, told.marks[TL_MARK_##id])},
    TL_MARKS(X)
#undef X
};

static const fact *find_mark(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (!strcmp(marks[i].name, name))
            return &marks[i];
    }
    return NULL;
}

/* NULL: there is no such fact. */
static const fact *find(const char *name, gsize length)
{
    char *full = g_strdup_printf("tcplife.%.*s", (int)length, name);
    const fact *f = statistics_fact(full);

    if (!f)
        f = find_mark(full);
    g_free(full);
    return f;
}

static const fact *find_named(const char *name)
{
    return find(name, strlen(name));
}

static bool is_word(const fact *f)
{
    return f->kind == FACT_TEXT || f->kind == FACT_LIST;
}

/* One condition: fact, !fact, fact=values, fact=@fact, fact>number, fact<number. */
static condition compile_condition(const char *when)
{
    const bool is_unknown = *when == '!';
    const char *name = when + is_unknown;
    const gsize length = strcspn(name, "=><");
    const char *sign = name + length;
    condition c = {.fact = find(name, length), .test = is_unknown ? UNKNOWN : KNOWN};

    ws_assert(c.fact);
    if (*sign == '>' || *sign == '<') {
        c.test = *sign == '>' ? MORE : LESS;
        c.bound = g_ascii_strtoll(sign + 1, NULL, 10) * (c.fact->kind == FACT_SPAN ? NS_PER_S : 1);
    } else if (*sign == '=' && sign[1] == '@') {
        c.test = SAME;
        c.other = find_named(sign + 2);
    } else if (*sign == '=') {
        c.test = ONE_OF;
        c.values = g_strsplit(sign + 1, "|", 0);
    }
    ws_assert(c.test != ONE_OF || is_word(c.fact));
    ws_assert(c.test != SAME || (c.other && c.other->kind == c.fact->kind));
    return c;
}

static GArray *compile_conditions(const char *when)
{
    GArray *conditions = g_array_new(FALSE, FALSE, sizeof(condition));
    char **each = g_strsplit(when, "; ", 0);

    for (char **one = each; *one; one++) {
        const condition c = compile_condition(*one);
        g_array_append_val(conditions, c);
    }
    g_strfreev(each);
    return conditions;
}

/* What stands between braces. */
static void compile_fact(piece *p, const char *name, gsize length)
{
    const char *bar = memchr(name, '|', length);
    const bool is_other = *name == '!';

    p->kind = is_other ? OTHER_END : VALUE;
    p->fact = find(name + is_other, (bar ? (gsize)(bar - name) : length) - is_other);
    if (bar)
        p->otherwise = g_strndup(bar + 1, length - (gsize)(bar + 1 - name));
    if (p->fact)
        return;
    p->kind = *name == 'c' ? CLIENT : SERVER;
    p->fact = find_named(p->kind == CLIENT ? "client.addr" : "server.addr");
}

static GArray *compile_text(const char *text)
{
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(piece));

    while (*text) {
        piece p = {.text = text, .length = strcspn(text, "{"), .kind = NOTHING};
        text += p.length;
        if (*text) {
            const gsize length = strcspn(text, "}");
            compile_fact(&p, text + 1, length - 1);
            text += length + 1;
        }
        g_array_append_val(pieces, p);
    }
    return pieces;
}

static const fact *needs_of(const GArray *conditions)
{
    const condition *first = conditions->len ? &g_array_index(conditions, condition, 0) : NULL;

    return first && first->test != UNKNOWN ? first->fact : NULL;
}

static void compile(void)
{
    for (gsize i = SENTENCES; i-- > 0;) {
        sentence *s = &sentences[i];
        const sentence *next = i + 1 < SENTENCES ? s + 1 : NULL;
        s->conditions = compile_conditions(table[i].when);
        s->pieces = table[i].text ? compile_text(table[i].text) : NULL;
        s->needs = needs_of(s->conditions);
        s->past_needs = next && next->needs == s->needs ? next->past_needs : i + 1;
        s->past_part = next && table[i + 1].part == table[i].part ? next->past_part : i + 1;
    }
}

/* ---- Conditions ---- */

static const void *value_of(const fact *f, const stream_facts *facts)
{
    return (const char *)facts + f->at;
}

static const char *word_of(const fact *f, const stream_facts *facts)
{
    return *(const char *const *)value_of(f, facts);
}

static int64_t number_of(const fact *f, const stream_facts *facts)
{
    return f->kind == FACT_SPAN ? *(const int64_t *)value_of(f, facts)
                                : *(const uint32_t *)value_of(f, facts);
}

static bool is_one_of(const char *word, char *const *values)
{
    while (*values && strcmp(word, *values) != 0)
        values++;
    return *values != NULL;
}

static bool is_same(const fact *one, const fact *other, const stream_facts *facts)
{
    return fact_is_known(other, facts) && (is_word(one) ? !strcmp(word_of(one, facts), word_of(other, facts))
                                                        : number_of(one, facts) == number_of(other, facts));
}

static bool holds(const condition *c, const stream_facts *facts)
{
    if (!fact_is_known(c->fact, facts))
        return c->test == UNKNOWN;
    switch (c->test) {
    case KNOWN:
        return true;
    case UNKNOWN:
        return false;
    case ONE_OF:
        return is_one_of(word_of(c->fact, facts), c->values);
    case SAME:
        return is_same(c->fact, c->other, facts);
    case MORE:
        return number_of(c->fact, facts) > c->bound;
    case LESS:
        return number_of(c->fact, facts) < c->bound;
    }
    return false;
}

static bool all_hold(const GArray *conditions, const stream_facts *facts)
{
    for (guint i = 0; i < conditions->len; i++) {
        if (!holds(&g_array_index(conditions, condition, i), facts))
            return false;
    }
    return true;
}

/* ---- Sentences ---- */

static void put_end(GString *to, const stream_facts *facts, tl_role role, const fact *host)
{
    text_append(to, tl_role_name(role));
    g_string_append_c(to, ' ');
    const gsize begin = to->len;
    fact_append(to, host, facts);
    if (memchr(to->str + begin, ':', to->len - begin)) {
        g_string_insert_c(to, (gssize)begin, '[');
        g_string_append_c(to, ']');
    }
    g_string_append_c(to, ':');
    text_append_number(to, facts->port[role], 1);
}

/* A time that is easily read. */
static void put_span(GString *to, int64_t ns)
{
    const bool is_short = ns < NS_PER_S;
    const int64_t unit = is_short ? 1000 : 1000000;

    text_append_thousandths(to, (ns + unit / 2) / unit);
    text_append(to, is_short ? " ms" : " s");
}

static void put_other(GString *to, const char *role)
{
    text_append(to, tl_role_name(!strcmp(role, tl_role_name(TL_CLIENT)) ? TL_SERVER : TL_CLIENT));
}

/* @return false if it is not known */
static bool put_fact(GString *to, const piece *p, const stream_facts *facts)
{
    const bool is_known = fact_is_known(p->fact, facts);

    if (!is_known && !p->otherwise)
        return false;
    if (!is_known)
        text_append(to, p->otherwise);
    else if (p->kind == OTHER_END)
        put_other(to, word_of(p->fact, facts));
    else if (p->fact->kind == FACT_SPAN)
        put_span(to, *(const int64_t *)value_of(p->fact, facts));
    else
        fact_append(to, p->fact, facts);
    return true;
}

static bool put_piece(GString *to, const piece *p, const stream_facts *facts)
{
    text_append_len(to, p->text, p->length);
    switch (p->kind) {
    case NOTHING:
        break;
    case VALUE:
    case OTHER_END:
        return put_fact(to, p, facts);
    case CLIENT:
    case SERVER:
        put_end(to, facts, p->kind == CLIENT ? TL_CLIENT : TL_SERVER, p->fact);
        break;
    }
    return true;
}

/* @return false, and nothing is appended, if a fact that it needs is not known */
static bool compose(GString *to, const GArray *pieces, const stream_facts *facts)
{
    const gsize begin = to->len;

    for (guint i = 0; i < pieces->len; i++) {
        if (!put_piece(to, &g_array_index(pieces, piece, i), facts)) {
            g_string_truncate(to, begin);
            return false;
        }
    }
    to->str[begin] = g_ascii_toupper(to->str[begin]);
    return true;
}

/* ---- The story ---- */

/* @return whether it is the sentence of its part */
static bool tell(GString *to, gsize begin, const char *between, const sentence *s, const stream_facts *facts)
{
    const gsize before = to->len;

    if (!all_hold(s->conditions, facts))
        return false;
    if (!s->pieces)
        return true;
    if (before > begin)
        text_append(to, between);
    if (compose(to, s->pieces, facts))
        return true;
    g_string_truncate(to, before);
    return false;
}

/* The first sentence of each part that fits. */
void story_append(GString *to, const stream_facts *facts, const char *between)
{
    const gsize begin = to->len;

    if (!sentences[0].conditions)
        compile();
    for (gsize i = 0; i < SENTENCES;) {
        const sentence *s = &sentences[i];
        if (s->needs && !fact_is_known(s->needs, facts))
            i = s->past_needs;
        else if (tell(to, begin, between, s, facts))
            i = s->past_part;
        else
            i++;
    }
}
