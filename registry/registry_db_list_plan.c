
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_list_plan.h"

#include <string.h>


#define REGISTRY_PLAN_FEW  "999"        /* so many images are few */

/* a row, if there are more than that */

#define REGISTRY_PLAN_MANY(from)                                              \
    "SELECT 1 FROM " from " AND deleted = 0 LIMIT 1 OFFSET " REGISTRY_PLAN_FEW


static registry_index_e registry_plan_family(registry_tx_t *tx,
    const registry_list_t *list, const registry_plan_t *plan);
static void registry_plan_parts(const registry_list_t *list,
    registry_plan_t *plan);
static registry_rc_e registry_plan_rare(registry_tx_t *tx,
    const registry_list_t *list, registry_plan_t *plan, registry_err_t *err);
static registry_rc_e registry_plan_lead(registry_tx_t *tx,
    const registry_list_t *list, registry_plan_t *plan, registry_err_t *err);
static registry_rc_e registry_plan_ask(registry_tx_t *tx, const char *many,
    const registry_value_t *args, size_t n, bool *rare, registry_err_t *err);
static registry_rc_e registry_plan_many(void *arg,
    const registry_value_t *row);
static bool registry_plan_few(const registry_list_t *list);
static const registry_condition_t *registry_plan_equation(
    const registry_list_t *list, registry_where_e column);
static const registry_condition_t *registry_plan_condition(
    const registry_list_t *list, registry_where_e column,
    registry_operator_e op);


/* what few images may meet, in the order in which it is looked for */

static const struct {
    registry_where_e      column;
    registry_operator_e   op;
    const char           *many;
    const char           *index;
} registry_plan_leads[] = {

    { REGISTRY_WHERE_UPDATED_AT, REGISTRY_GE,
      REGISTRY_PLAN_MANY("images{force}ngx_glance_updated{/force}"
                         " WHERE updated_at >= ?"),
      "{force}ngx_glance_updated{/force}" },

    { REGISTRY_WHERE_UPDATED_AT, REGISTRY_GT,
      REGISTRY_PLAN_MANY("images{force}ngx_glance_updated{/force}"
                         " WHERE updated_at >= ?"),
      "{force}ngx_glance_updated{/force}" },

    { REGISTRY_WHERE_STATUS, REGISTRY_EQ,
      REGISTRY_PLAN_MANY("images{force}ngx_glance_status{/force}"
                         " WHERE status = ?"),
      "{force}ngx_glance_status{/force}" },

    { REGISTRY_WHERE_DISK_FORMAT, REGISTRY_EQ,
      REGISTRY_PLAN_MANY("images{force}ngx_glance_disk_format{/force}"
                         " WHERE disk_format = ?"),
      "{force}ngx_glance_disk_format{/force}" }
};

static const char  registry_plan_hidden[] =
    REGISTRY_PLAN_MANY("images{force}ngx_glance_hidden{/force}"
                       " WHERE os_hidden = 1");


/* the databases of others have their indexes, and a mind of their own */

registry_rc_e
registry_list_plan(registry_tx_t *tx, const registry_list_t *list,
    registry_plan_t *plan, registry_err_t *err)
{
    registry_rc_e  rc;

    memset(plan, 0, sizeof(registry_plan_t));

    if (tx->db->own_indexes) {
        rc = registry_plan_rare(tx, list, plan, err);

        if (rc == REGISTRY_OK && plan->rare == NULL) {
            rc = registry_plan_lead(tx, list, plan, err);
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    plan->owner = (registry_plan_equation(list, REGISTRY_WHERE_OWNER)
                   != NULL);
    plan->family = registry_plan_family(tx, list, plan);
    plan->scan = (plan->family == REGISTRY_INDEX_NONE
                  && tx->db->own_indexes
                  && plan->lead == NULL
                  && !list->dead_too
                  && !registry_plan_few(list));

    registry_plan_parts(list, plan);

    return REGISTRY_OK;
}


/*
 * An index of schema 003 or 004 that has the part's images in the order of
 * the list, or all of one name.  Where all rows have to be looked at MySQL
 * would rather go through an index and jump to each of them, which takes ten
 * times as long.
 */

const char *
registry_list_index(const registry_plan_t *plan, registry_part_e part)
{
    bool  owner;

    static const char *const  names[][2] = {
        [REGISTRY_INDEX_NONE] = { "", "" },
        [REGISTRY_INDEX_TIME] = {
            "{force}ngx_glance_visibility{/force}",
            "{force}ngx_glance_owner{/force}"
        },
        [REGISTRY_INDEX_NAME] = {
            "{force}ngx_glance_name{/force}",
            "{force}ngx_glance_owner_name{/force}"
        }
    };

    if (plan->rare != NULL) {
        return "{force}{primary}{/force}";
    }

    if (plan->lead != NULL) {
        return plan->lead;
    }

    owner = plan->owner;

    switch (part) {

    case REGISTRY_PART_WITH_ME:
        return "";

    case REGISTRY_PART_ALL:
    case REGISTRY_PART_LISTED:
    case REGISTRY_PART_NOT_PUBLIC:
        if (!owner && plan->family == REGISTRY_INDEX_TIME) {
            return "{force}ngx_glance_all{/force}";
        }

        if (!owner) {
            return plan->scan ? "{scan}" : "";
        }
        break;

    case REGISTRY_PART_PUBLIC:
    case REGISTRY_PART_PRIVATE:
    case REGISTRY_PART_SHARED:
    case REGISTRY_PART_COMMUNITY:
        break;

    default:
        owner = true;
        break;
    }

    return names[plan->family][owner];
}


bool
registry_list_default(const registry_list_t *list, size_t from)
{
    const registry_order_t  *o = &list->order[from];

    return list->n_order - from == 2
           && o[0].key == REGISTRY_SORT_CREATED_AT
           && o[1].key == REGISTRY_SORT_ID
           && o[0].ascending == o[1].ascending;
}


/* by a condition that few images meet the database finds them itself */

static registry_index_e
registry_plan_family(registry_tx_t *tx, const registry_list_t *list,
    const registry_plan_t *plan)
{
    const registry_condition_t  *status;

    if (!tx->db->own_indexes || list->dead_too || plan->rare != NULL
        || plan->lead != NULL || registry_plan_few(list))
    {
        return REGISTRY_INDEX_NONE;
    }

    if (registry_plan_equation(list, REGISTRY_WHERE_NAME) != NULL) {
        return REGISTRY_INDEX_NAME;
    }

    /* few images are not active: in any order it is long until one comes */

    status = registry_plan_equation(list, REGISTRY_WHERE_STATUS);

    if (status != NULL
        && (status->n != 1
            || !glance_str_case_eq(status->texts[0], glance_str("active"))))
    {
        return REGISTRY_INDEX_NONE;
    }

    if (registry_list_default(list, 0)) {
        return REGISTRY_INDEX_TIME;
    }

    if (list->order[0].key == REGISTRY_SORT_NAME
        && registry_list_default(list, 1)
        && list->order[0].ascending == list->order[1].ascending)
    {
        return REGISTRY_INDEX_NAME;
    }

    return REGISTRY_INDEX_NONE;
}


/*
 * The whole table as one part is read by no index that begins with the
 * visibility, so it is cut by it where such an index serves; where none
 * does, one pass is better than several.
 */

static void
registry_plan_parts(const registry_list_t *list, registry_plan_t *plan)
{
    registry_part_e  first = list->parts[0];

    if (plan->family == REGISTRY_INDEX_NONE
        || plan->owner
        || (first != REGISTRY_PART_LISTED
            && (first != REGISTRY_PART_ALL
                || plan->family != REGISTRY_INDEX_NAME)))
    {
        memcpy(plan->parts, list->parts,
               list->n_parts * sizeof(registry_part_e));
        plan->n_parts = list->n_parts;

        return;
    }

    plan->parts[plan->n_parts++] = REGISTRY_PART_PUBLIC;
    plan->parts[plan->n_parts++] = REGISTRY_PART_PRIVATE;
    plan->parts[plan->n_parts++] = REGISTRY_PART_SHARED;

    if (first == REGISTRY_PART_ALL) {
        plan->parts[plan->n_parts++] = REGISTRY_PART_COMMUNITY;

    } else if (list->tenant.data != NULL) {
        plan->parts[plan->n_parts++] = REGISTRY_PART_OWN_COMMUNITY;
    }
}


/*
 * A tag or a property that few images have leads to them at once; one that
 * many have is met soon on the way through the list.
 */

static registry_rc_e
registry_plan_rare(registry_tx_t *tx, const registry_list_t *list,
    registry_plan_t *plan, registry_err_t *err)
{
    bool              rare;
    registry_rc_e     rc;
    registry_value_t  args[2];

    rc = REGISTRY_OK;
    rare = false;

    for (const registry_filter_t *f = list->tags; f != NULL; f = f->next) {
        args[0] = registry_value_text(f->value);

        rc = registry_plan_ask(tx, REGISTRY_PLAN_MANY("image_tags"
                               "{force}ngx_glance_tag{/force}"
                               " WHERE value = ?"), args, 1, &rare, err);

        if (rc != REGISTRY_OK || rare) {
            plan->rare = f;
            return rc;
        }
    }

    for (const registry_filter_t *f = list->properties;
         f != NULL;
         f = f->next)
    {
        args[0] = registry_value_text(f->name);
        args[1] = registry_value_text(f->value);

        rc = registry_plan_ask(tx, REGISTRY_PLAN_MANY("image_properties"
                               "{force}ngx_glance_property{/force}"
                               " WHERE name = ? AND value = ?"), args, 2,
                               &rare, err);

        if (rc != REGISTRY_OK || rare) {
            plan->rare = f;
            return rc;
        }
    }

    return REGISTRY_OK;
}


/* a condition on the images themselves does so, too */

static registry_rc_e
registry_plan_lead(registry_tx_t *tx, const registry_list_t *list,
    registry_plan_t *plan, registry_err_t *err)
{
    bool                         rare;
    registry_rc_e                rc;
    unsigned char                time[REGISTRY_TX_TIME_LEN];
    glance_str_t                 text;
    registry_value_t             args[1];
    const registry_condition_t  *c;

    if (list->dead_too || list->dead_only) {
        return REGISTRY_OK;
    }

    /* images without a digest make SQLite believe that all have the same */

    if (registry_plan_condition(list, REGISTRY_WHERE_OS_HASH_VALUE,
                                REGISTRY_EQ) != NULL)
    {
        plan->lead = "{force}os_hash_value_image_idx{/force}";
        return REGISTRY_OK;
    }

    if (registry_plan_condition(list, REGISTRY_WHERE_CHECKSUM, REGISTRY_EQ)
        != NULL)
    {
        plan->lead = "{force}checksum_image_idx{/force}";
        return REGISTRY_OK;
    }

    if (registry_plan_few(list)) {
        return REGISTRY_OK;
    }

    rare = false;

    if (list->hidden) {
        rc = registry_plan_ask(tx, registry_plan_hidden, NULL, 0, &rare, err);

        if (rc != REGISTRY_OK || rare) {
            plan->lead = "{force}ngx_glance_hidden{/force}";
            return rc;
        }
    }

    for (size_t i = 0; i < sizeof(registry_plan_leads)
                           / sizeof(registry_plan_leads[0]); i++)
    {
        c = registry_plan_condition(list, registry_plan_leads[i].column,
                                    registry_plan_leads[i].op);
        if (c == NULL) {
            continue;
        }

        if (c->column == REGISTRY_WHERE_UPDATED_AT) {
            registry_tx_time(c->number, time);

            text.data = time;
            text.len = REGISTRY_TX_TIME_LEN;

        } else {
            text = c->texts[0];
        }

        /* not a few, in no cloud */

        if (c->column == REGISTRY_WHERE_STATUS
            && glance_str_case_eq(text, glance_str("active")))
        {
            continue;
        }

        args[0] = registry_value_text(text);

        rc = registry_plan_ask(tx, registry_plan_leads[i].many, args, 1,
                               &rare, err);

        if (rc != REGISTRY_OK || rare) {
            plan->lead = registry_plan_leads[i].index;
            return rc;
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_plan_ask(registry_tx_t *tx, const char *many,
    const registry_value_t *args, size_t n, bool *rare, registry_err_t *err)
{
    *rare = true;

    return registry_tx_query(tx, many, "i", args, n, registry_plan_many,
                             rare, err);
}


static registry_rc_e
registry_plan_many(void *arg, const registry_value_t *row)
{
    bool *rare = arg;

    (void) row;

    *rare = false;

    return REGISTRY_OK;
}


/* Glance's own indexes lead to a few images at once */

static bool
registry_plan_few(const registry_list_t *list)
{
    return registry_plan_equation(list, REGISTRY_WHERE_ID) != NULL
           || registry_plan_equation(list, REGISTRY_WHERE_CHECKSUM) != NULL
           || registry_plan_equation(list, REGISTRY_WHERE_OS_HASH_VALUE)
              != NULL;
}


/* one value or several */

static const registry_condition_t *
registry_plan_equation(const registry_list_t *list, registry_where_e column)
{
    const registry_condition_t  *c;

    c = registry_plan_condition(list, column, REGISTRY_EQ);

    return (c != NULL) ? c : registry_plan_condition(list, column,
                                                     REGISTRY_IN);
}


static const registry_condition_t *
registry_plan_condition(const registry_list_t *list, registry_where_e column,
    registry_operator_e op)
{
    const registry_condition_t  *c;

    for (c = list->conditions; c != NULL; c = c->next) {
        if (c->column == column && c->op == op) {
            break;
        }
    }

    return c;
}
