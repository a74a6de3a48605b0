/* statistics-table.c
 * The window with a line for each connection. Wireshark's simple tables know neither a double click nor
 * a menu of filters: so a line begins with the filter of its connection, to be copied or typed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include <epan/packet.h>
#include <epan/stat_groups.h>
#include <epan/stat_tap_ui.h>

#include "connection-set.h"
#include "shown.h"
#include "statistics-formats.h"

#define TITLE "TCP Lifecycle Connections"

enum {
    FIELDS_MAX = 32,
    OWN_FIELDS = 2, /* filter and verdict, before the columns of the lines */
};

static stat_tap_table_item fields[FIELDS_MAX];

static connection_set *seen; /* by the window that is being filled; NULL: none ever was */

/* Wireshark shows 6 digits behind the point, and sorts by the value. */
static stat_tap_table_item_enum type_of(const statistics_column *c)
{
    switch (c->value->kind) {
    case FACT_SPAN:
        return TABLE_ITEM_FLOAT;
    case FACT_NUMBER:
    case FACT_COUNT:
    case FACT_FRAME:
    case FACT_CONNECTION:
    case FACT_BYTES:
        return TABLE_ITEM_UINT;
    case FACT_TEXT:
    case FACT_ADDRESS:
    case FACT_FLAG:
    case FACT_MOMENT:
    case FACT_DIFFERENCE:
    case FACT_LIST:
    case FACT_KIND_COUNT:
        break;
    }
    return TABLE_ITEM_STRING;
}

/* The columns of the lines, of which the first is the number of the connection: the filter has it. */
static const statistics_column *further_columns(unsigned *count)
{
    const statistics_column *columns = statistics_columns(count);

    *count -= 1;
    return columns + 1;
}

static int digits_of(uint32_t number)
{
    return number < 10 ? 1 : 1 + digits_of(number / 10);
}

static stat_tap_table_item_type text_cell(char *text)
{
    return (stat_tap_table_item_type){.type = TABLE_ITEM_STRING, .value.string_value = text};
}

/* So wide that the filters of the capture sort by number. */
static stat_tap_table_item_type filter_cell(const stream_facts *row)
{
    char *filter = statistics_filter(row->connection, digits_of(streams_end() - 1));
    const stat_tap_table_item_type item = text_cell(wmem_strdup(NULL, filter));

    g_free(filter);
    return item;
}

static stat_tap_table_item_type verdict_cell(const stream_facts *row)
{
    return text_cell(wmem_strdup(NULL, row->verdict ? row->verdict : ""));
}

/* A cell without a value stays empty. */
static stat_tap_table_item_type cell(const statistics_column *c, const stream_facts *row)
{
    stat_tap_table_item_type item = {.type = TABLE_ITEM_NONE};
    char *text = statistics_cell(NULL, c, row);
    const double number = g_ascii_strtod(text, NULL);

    item.type = *text ? type_of(c) : TABLE_ITEM_NONE;
    if (item.type == TABLE_ITEM_STRING)
        return text_cell(text);
    if (item.type == TABLE_ITEM_UINT && number > UINT32_MAX)
        item.type = TABLE_ITEM_FLOAT;
    if (item.type == TABLE_ITEM_UINT)
        item.value.uint_value = (unsigned)number;
    else if (item.type == TABLE_ITEM_FLOAT)
        item.value.float_value = number;
    wmem_free(NULL, text);
    return item;
}

static void free_cell(stat_tap_table *table, unsigned row, unsigned column, stat_tap_table_item_type *item)
{
    (void)table, (void)row, (void)column;
    if (item->type == TABLE_ITEM_STRING)
        wmem_free(NULL, (char *)(uintptr_t)item->value.string_value);
    *item = (stat_tap_table_item_type){.type = TABLE_ITEM_NONE};
}

/* Windows that stay open show their rows from here, and go on to when the table is filled for another one. */
static GPtrArray *retired; /* rows, of stat_tap_table_item_type */

static void empty(stat_tap_table *table)
{
    for (unsigned row = 0; row < table->num_elements; row++)
        g_ptr_array_add(retired, table->elements[row]);
    table->num_elements = 0;
    g_byte_array_set_size(seen, 0);
}

static void free_retired(unsigned columns)
{
    for (guint i = 0; i < retired->len; i++) {
        stat_tap_table_item_type *row = g_ptr_array_index(retired, i);
        for (unsigned column = 0; column < columns; column++)
            free_cell(NULL, 0, column, &row[column]);
        g_free(row);
    }
    g_ptr_array_set_size(retired, 0);
}

static void begin(stat_tap_table_ui *ui)
{
    stat_tap_table *table = stat_tap_find_table(ui, TITLE);

    if (!seen) {
        seen = g_byte_array_new();
        retired = g_ptr_array_new();
    }
    if (table)
        empty(table);
    else
        stat_tap_add_table(ui, stat_tap_init_table(TITLE, (int)ui->nfields, 0, NULL));
    if (ui->refcount <= 1)
        free_retired((unsigned)ui->nfields);
    g_byte_array_set_size(seen, 0);
}

/* The capture has been read before the window is filled, so facts are final already. */
static tap_packet_status fill(void *own, packet_info *pinfo, epan_dissect_t *edt, const void *record,
                              tap_flags_t flags)
{
    (void)pinfo, (void)edt, (void)flags;
    const stat_data_t *data = own;
    stat_tap_table *table = g_array_index(data->stat_tap_data->tables, stat_tap_table *, 0);
    const tapped *what = record;
    stat_tap_table_item_type cells[FIELDS_MAX];
    stream_facts row;
    unsigned count;

    if (!connection_set_add(seen, what->stream))
        return TAP_PACKET_DONT_REDRAW;
    stream_facts_get(what->stream, what->view, &row);
    const statistics_column *columns = further_columns(&count);
    cells[0] = filter_cell(&row);
    cells[1] = verdict_cell(&row);
    for (unsigned i = 0; i < count; i++)
        cells[OWN_FIELDS + i] = cell(&columns[i], &row);
    stat_tap_init_table_row(table, table->num_elements, OWN_FIELDS + count, cells);
    return TAP_PACKET_REDRAW;
}

static stat_tap_table_item field_of(const char *title, stat_tap_table_item_enum type)
{
    return (stat_tap_table_item){
        .type = type,
        .align = type == TABLE_ITEM_STRING ? TAP_ALIGN_LEFT : TAP_ALIGN_RIGHT,
        .column_name = title,
        .field_format = type == TABLE_ITEM_STRING ? "%s"
                        : type == TABLE_ITEM_UINT ? "%u"
                                                  : "%f",
    };
}

void statistics_table_register(void)
{
    static stat_tap_table_ui ui = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = TITLE,
        .tap_name = STATISTICS_TAP,
        .cli_string = "tcplife,streams",
        .stat_tap_init_cb = begin,
        .packet_func = fill,
        .stat_tap_reset_table_cb = empty,
        .stat_tap_free_table_item_cb = free_cell,
        .fields = fields,
    };
    static tap_param filter = {.type = PARAM_FILTER, .name = "filter", .title = "Filter", .optional = true};
    unsigned count;
    const statistics_column *columns = further_columns(&count);

    fields[0] = field_of("Filter", TABLE_ITEM_STRING);
    fields[1] = field_of("Verdict", TABLE_ITEM_STRING);
    for (unsigned i = 0; i < count; i++)
        fields[OWN_FIELDS + i] = field_of(columns[i].title, type_of(&columns[i]));
    ui.nfields = OWN_FIELDS + count;
    ui.params = &filter;
    ui.nparams = 1;
    register_stat_tap_table_ui(&ui);
}
