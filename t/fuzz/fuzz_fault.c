
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_fault.h"

#include "fuzz.h"


/*
 * The first byte picks the status, the second one the room; the rest is both
 * an Accept header and the detail.
 */

static void
fuzz_json(glance_str_t body)
{
    bool    inside;
    size_t  i, quotes;

    inside = false;
    quotes = 0;

    for (i = 0; i < body.len; i++) {

        fuzz_assert(body.data[i] >= 0x20);

        if (inside && body.data[i] == '\\') {
            i++;

        } else if (body.data[i] == '"') {
            inside = !inside;
            quotes++;
        }
    }

    /* three keys and three values */

    fuzz_assert(!inside && quotes == 12 && i == body.len);
    fuzz_assert(body.data[0] == '{' && body.data[body.len - 1] == '}');
}


static void
fuzz_html(glance_str_t body)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < body.len; i++) {
        if (body.data[i] == '<') {
            n++;
        }
    }

    fuzz_assert(n == 12);
}


typedef void (*fuzz_render_pt)(glance_buf_t *b, glance_fault_e form,
    unsigned status, glance_str_t detail);


static void
fuzz_render(fuzz_render_pt render, glance_fault_e form, unsigned status,
    glance_str_t detail, size_t room)
{
    size_t          size;
    glance_buf_t    b;
    glance_str_t    body;
    unsigned char  *mem;

    size = detail.len * 6 + 1024;
    mem = fuzz_alloc(size);

    glance_buf_init(&b, mem, size);
    render(&b, form, status, detail);

    body = glance_buf_str(&b);

    fuzz_assert(!b.overflow && body.len > 0);
    fuzz_assert(glance_fault_content_type(form)[0] != '\0');

    switch (form) {

    case GLANCE_FAULT_JSON:
        fuzz_json(body);
        break;

    case GLANCE_FAULT_HTML:
        fuzz_html(body);
        break;

    default:
        fuzz_assert(memchr(body.data, '\n', body.len) != NULL);
        break;
    }

    free(mem);

    /* exactly enough, or too little */

    room = room % (body.len + 1);
    mem = fuzz_alloc(room);

    glance_buf_init(&b, mem, room);
    render(&b, form, status, detail);

    fuzz_assert(b.overflow == (room < body.len));
    fuzz_assert(glance_buf_str(&b).len <= room);

    free(mem);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i, room;
    unsigned        status;
    glance_str_t    s;
    glance_fault_e  form;

    static const glance_fault_e  forms[] = {
        GLANCE_FAULT_TEXT, GLANCE_FAULT_HTML, GLANCE_FAULT_JSON
    };

    if (size < 2) {
        return 0;
    }

    status = 300 + data[0];
    room = (size_t) data[1] * 4;

    s.len = size - 2;
    s.data = data + 2;

    form = glance_fault_form(s);

    fuzz_assert(form == GLANCE_FAULT_TEXT || s.len >= 3);

    for (i = 0; i < 3; i++) {
        fuzz_render(glance_fault_render, forms[i], status, s, room);
        fuzz_render(glance_fault_render_v2, forms[i], status, s, room);
    }

    return 0;
}
