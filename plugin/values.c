/* values.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "values.h"

#include <stddef.h>

#define NAME(id, name, ...) name,

/* One function for each list. */
#define NAMES_OF(list, type, function)                   \
    const char *function(type value)                     \
    {                                                    \
        static const char *const names[] = {list(NAME)}; \
        return names[value];                             \
    }

NAMES_OF(TL_ROLES, tl_role, tl_role_name)
NAMES_OF(TL_STEPS, tl_step, tl_step_name)
NAMES_OF(TL_OPENINGS, tl_opening, tl_opening_name)
NAMES_OF(TL_CLOSINGS, tl_closing, tl_closing_name)
NAMES_OF(TL_CLOSERS, tl_closer, tl_closer_name)
NAMES_OF(TL_CAUSES, tl_cause, tl_cause_name)
NAMES_OF(TL_VERDICTS, tl_verdict, tl_verdict_name)
NAMES_OF(TL_FORMS, tl_form, tl_form_name)
NAMES_OF(TL_ANSWERED, tl_answered, tl_answered_name)
NAMES_OF(TL_EVIDENCE, tl_evidence, tl_evidence_name)

bool tl_opening_failed(tl_opening opening)
{
    static const bool failed[TL_OPEN_COUNT] = {
#define X(id, name, is_failure, ...) [TL_OPEN_##id] = is_failure,
        TL_OPENINGS(X)
#undef X
    };
    return failed[opening];
}

tl_event tl_cause_event(tl_cause cause)
{
    static const tl_event events[TL_CAUSE_COUNT] = {
#define X(id, name, event, ...) [TL_CAUSE_##id] = event,
        TL_CAUSES(X)
#undef X
    };
    return events[cause];
}

tl_event tl_evidence_event(tl_evidence evidence)
{
    static const tl_event events[TL_EVIDENCE_COUNT] = {
#define X(id, name, event, ...) [TL_EVIDENCE_##id] = event,
        TL_EVIDENCE(X)
#undef X
    };
    return events[evidence];
}
