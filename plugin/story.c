/* story.c
 * Composes sentences from facts; it knows no sentence and no fact itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "story.h"

#include <string.h>

#include <glib.h>

#include <epan/to_str.h>

#include "statistics-formats.h"
#include "story-table.h"

/* ---- Facts by name ---- */

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

static const fact *find(const char *name, size_t length)
{
    char full[64] = "tcplife.";
    const size_t prefix = strlen(full);

    if (prefix + length >= sizeof full)
        return NULL;
    memcpy(full + prefix, name, length); /* the rest is 0 */
    const fact *f = statistics_fact(full);
    return f ? f : find_mark(full);
}

/* ---- Conditions ---- */

/* The value is one of these, which are separated by '|'. */
static bool is_one_of(const char *value, const char *list, size_t length)
{
    const size_t own = strlen(value);

    for (const char *end = list + length; list < end;) {
        const char *bar = memchr(list, '|', (size_t)(end - list));
        const size_t one = (size_t)((bar ? bar : end) - list);
        if (one == own && !memcmp(list, value, own))
            return true;
        list += one + 1;
    }
    return false;
}

/* One condition: fact, !fact, fact=values, fact=@fact, fact>number. */
static bool holds(wmem_allocator_t *scope, const stream_facts *facts, const char *when, size_t length)
{
    const bool is_absent = *when == '!';
    const char *name = when + is_absent, *end = when + length;
    const size_t own = strcspn(name, "=>;");
    const char *sign = name + own;
    const fact *f = find(name, own);
    const bool is_known = f && fact_is_known(f, facts);

    if (is_absent)
        return !is_known;
    if (!is_known || sign == end)
        return is_known;
    const char *with = sign + 1, *value = fact_text(scope, f, facts);
    if (*sign == '>')
        return g_ascii_strtod(value, NULL) > g_ascii_strtod(with, NULL);
    if (*with != '@')
        return is_one_of(value, with, (size_t)(end - with));
    const fact *other = find(with + 1, (size_t)(end - with - 1));
    return other && fact_is_known(other, facts) && !strcmp(value, fact_text(scope, other, facts));
}

static bool all_hold(wmem_allocator_t *scope, const stream_facts *facts, const char *when)
{
    while (*when) {
        const char *end = strstr(when, "; ");
        const size_t length = end ? (size_t)(end - when) : strlen(when);
        if (!holds(scope, facts, when, length))
            return false;
        when += length + (end ? 2 : 0);
    }
    return true;
}

/* ---- Sentences ---- */

static void put_end(wmem_strbuf_t *to, wmem_allocator_t *scope, const stream_facts *facts, tl_role role)
{
    char *host = address_to_str(scope, &facts->address[role]);

    wmem_strbuf_append_printf(to, strchr(host, ':') ? "%s [%s]:%u" : "%s %s:%u", tl_role_name(role), host,
                              facts->port[role]);
}

/* A time that is easily read. */
static void put_span(wmem_strbuf_t *to, int64_t ns)
{
    if (ns < INT64_C(1000000000))
        wmem_strbuf_append_printf(to, "%.3f ms", (double)ns / 1e6);
    else
        wmem_strbuf_append_printf(to, "%.3f s", (double)ns / 1e9);
}

static void put_other(wmem_strbuf_t *to, const char *role)
{
    wmem_strbuf_append(to, tl_role_name(!strcmp(role, tl_role_name(TL_CLIENT)) ? TL_SERVER : TL_CLIENT));
}

/* What stands between braces.
 * @return false if it is not known */
static bool put_fact(wmem_strbuf_t *to, wmem_allocator_t *scope, const stream_facts *facts, const char *name,
                     size_t length)
{
    const char *bar = memchr(name, '|', length);
    const bool is_other = *name == '!';
    const char *own = name + is_other;
    const size_t own_length = (bar ? (size_t)(bar - name) : length) - is_other;
    const fact *f = find(own, own_length);
    const char *value = f ? fact_text(scope, f, facts) : NULL;

    if (!f && (!strncmp(name, "client", length) || !strncmp(name, "server", length)))
        put_end(to, scope, facts, *name == 'c' ? TL_CLIENT : TL_SERVER);
    else if (!value && !bar)
        return false;
    else if (!value)
        wmem_strbuf_append_len(to, bar + 1, length - (size_t)(bar + 1 - name));
    else if (is_other)
        put_other(to, value);
    else if (f->kind == FACT_SPAN)
        put_span(to, *(const int64_t *)((const char *)facts + f->at));
    else
        wmem_strbuf_append(to, value);
    return true;
}

/* NULL if a fact that it needs is not known. */
static char *compose(wmem_allocator_t *scope, const stream_facts *facts, const char *text)
{
    wmem_strbuf_t *to = wmem_strbuf_new(scope, NULL);

    while (*text) {
        const size_t plain = strcspn(text, "{");
        wmem_strbuf_append_len(to, text, plain);
        text += plain;
        if (!*text)
            break;
        const size_t length = strcspn(text + 1, "}");
        if (!put_fact(to, scope, facts, text + 1, length))
            return NULL;
        text += length + 2;
    }
    char *sentence = wmem_strbuf_finalize(to);
    if (g_ascii_islower(*sentence))
        *sentence = g_ascii_toupper(*sentence);
    return sentence;
}

/* ---- The story ---- */

typedef enum {
#define X(id) PART_##id,
    STORY_PARTS(X)
#undef X
        PART_NEXT
} part;

static const struct {
    part part;
    const char *when, *text; /* NULL: nothing is said */
} sentences[] = {
#define X(part, when, text) {PART_##part, when, text},
    STORY_SENTENCES(X)
#undef X
#define X(when, text, source) {PART_NEXT, when, text},
        STORY_ADVICE(X)
#undef X
};

/* The first sentence of a part that fits; NULL: none. */
static char *tell_part(wmem_allocator_t *scope, const stream_facts *facts, part of)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sentences); i++) {
        if (sentences[i].part != of || !all_hold(scope, facts, sentences[i].when))
            continue;
        char *sentence = sentences[i].text ? compose(scope, facts, sentences[i].text) : NULL;
        if (sentence || !sentences[i].text)
            return sentence;
    }
    return NULL;
}

story story_tell(wmem_allocator_t *scope, const stream_facts *facts)
{
    story s = {.count = 0};

    for (int of = 0; of <= PART_NEXT; of++) {
        char *sentence = tell_part(scope, facts, (part)of);
        if (sentence)
            s.sentence[s.count++] = sentence;
    }
    return s;
}

char *story_text(wmem_allocator_t *scope, const stream_facts *facts)
{
    const story s = story_tell(scope, facts);
    wmem_strbuf_t *text = wmem_strbuf_new(scope, NULL);

    for (unsigned i = 0; i < s.count; i++)
        wmem_strbuf_append_printf(text, "%s%s", i ? " " : "", s.sentence[i]);
    return wmem_strbuf_finalize(text);
}
