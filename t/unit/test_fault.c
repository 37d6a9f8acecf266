
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_fault.h"

#include "tap.h"


static void
test_form(void)
{
    size_t        i;
    glance_str_t  null = glance_null_string;

    static const struct {
        const char      *accept;
        glance_fault_e   form;
    } cases[] = {
        { "", GLANCE_FAULT_TEXT },
        { "text/plain", GLANCE_FAULT_TEXT },
        { "image/png", GLANCE_FAULT_TEXT },
        { "text/htm", GLANCE_FAULT_TEXT },
        { "application/xhtml+xml", GLANCE_FAULT_HTML },
        { "*/", GLANCE_FAULT_TEXT },
        { "text/html", GLANCE_FAULT_HTML },
        { "Text/HTML;q=0.5", GLANCE_FAULT_HTML },
        { "*/*", GLANCE_FAULT_HTML },
        { "image/png, */*;q=0.1", GLANCE_FAULT_HTML },
        { "application/json, text/html", GLANCE_FAULT_HTML },
        { "application/json", GLANCE_FAULT_JSON },
        { "text/plain, Application/JSON", GLANCE_FAULT_JSON }
    };

    for (i = 0; i < tap_n(cases); i++) {
        ok(glance_fault_form(glance_str(cases[i].accept)) == cases[i].form,
           "Accept: \"%s\"", cases[i].accept);
    }

    ok(glance_fault_form(null) == GLANCE_FAULT_TEXT, "no Accept");

    is(glance_str(glance_fault_content_type(GLANCE_FAULT_TEXT)),
       "text/plain; charset=UTF-8", "type of text");
    is(glance_str(glance_fault_content_type(GLANCE_FAULT_HTML)),
       "text/html; charset=UTF-8", "type of HTML");
    is(glance_str(glance_fault_content_type(GLANCE_FAULT_JSON)),
       "application/json", "type of JSON");
}


static void
test_status(void)
{
    size_t  i;

    static const struct {
        unsigned     status;
        const char  *title;
    } cases[] = {
        { 300, "Multiple Choices" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 411, "Length Required" },
        { 413, "Request Entity Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 507, "Insufficient Storage" },
        { 0, "Error" },
        { 499, "Error" },
        { 4040, "Error" }
    };

    for (i = 0; i < tap_n(cases); i++) {
        is(glance_str(glance_fault_title(cases[i].status)), cases[i].title,
           cases[i].title);

        ok((glance_fault_explanation(cases[i].status)[0] == '\0')
           == (strcmp(cases[i].title, "Error") == 0),
           "%u is explained if it is known", cases[i].status);
    }

    is(glance_str(glance_fault_explanation(404)),
       "The resource could not be found.", "the sentence of 404");
    is(glance_str(glance_fault_explanation(200)), "", "no sentence for 200");
}


static void
test_render(void)
{
    char          mem[1024];
    size_t        i;
    glance_buf_t  b;
    glance_str_t  detail, null = glance_null_string;

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render(&b, GLANCE_FAULT_TEXT, 404,
                        glance_str("Image with identifier nope not found"));
    is(glance_buf_str(&b),
       "404 Not Found\n"
       "\n"
       "The resource could not be found.\n"
       "\n"
       " Image with identifier nope not found\n", "text");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render(&b, GLANCE_FAULT_TEXT, 499, null);
    is(glance_buf_str(&b), "499 Error\n\n", "text, nothing known");

    detail = glance_str("<b>\"x\"</b> & 'y'");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render(&b, GLANCE_FAULT_HTML, 404, detail);
    is(glance_buf_str(&b),
       "<html>\n"
       " <head>\n"
       "  <title>404 Not Found</title>\n"
       " </head>\n"
       " <body>\n"
       "  <h1>404 Not Found</h1>\n"
       "  The resource could not be found.<br /><br />\n"
       "&lt;b&gt;&quot;x&quot;&lt;/b&gt; &amp; &#39;y&#39;\n"
       "\n"
       "\n"
       " </body>\n"
       "</html>\n", "HTML");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render(&b, GLANCE_FAULT_JSON, 404, detail);
    is(glance_buf_str(&b),
       "{\"message\": \"The resource could not be found.<br /><br />\\n"
       "<b>\\\"x\\\"</b> & 'y'\\n\\n\\n\", "
       "\"code\": \"404 Not Found\", \"title\": \"Not Found\"}", "JSON");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render(&b, GLANCE_FAULT_JSON, 400,
                        glance_str("bad\r\n\xff name"));
    glance_buf_char(&b, '\0');
    ok(!b.overflow && strstr(mem, "bad\\u000d\\u000a\\ufffd name") != NULL,
       "JSON escapes what JSON cannot hold");

    for (i = 0; i < 300; i++) {
        glance_buf_init(&b, mem, i);
        mem[i] = '!';
        glance_fault_render(&b, (glance_fault_e) (i % 3), 404, detail);

        if (mem[i] != '!' || glance_buf_str(&b).len > i) {
            break;
        }
    }

    ok(i == 300, "into too little room, stopped at %u", (unsigned) i);
}


static void
test_render_v2(void)
{
    char          mem[1024];
    size_t        i;
    glance_buf_t  b;
    glance_str_t  message, null = glance_null_string;

    message = glance_str("No \"image\" <b>\n & 'x'");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render_v2(&b, GLANCE_FAULT_TEXT, 404, message);
    is(glance_buf_str(&b),
       "404 Not Found\n\nNo \"image\" <b>\n & 'x'\n\n   ", "v2, text");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render_v2(&b, GLANCE_FAULT_HTML, 404, null);
    is(glance_buf_str(&b),
       "<html>\n"
       " <head>\n"
       "  <title>404 Not Found</title>\n"
       " </head>\n"
       " <body>\n"
       "  <h1>404 Not Found</h1>\n"
       "  The resource could not be found.<br /><br />\n"
       "\n"
       "\n"
       "\n"
       " </body>\n"
       "</html>", "v2, HTML, the sentence of the status");
    ok(glance_buf_str(&b).len == 154, "as long as Glance's");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render_v2(&b, GLANCE_FAULT_HTML, 404, message);
    glance_buf_char(&b, '\0');
    ok(strstr(mem, "  No &quot;image&quot; &lt;b&gt;\n &amp; 'x'<br /><br />\n")
       != NULL, "v2, HTML, escaped");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render_v2(&b, GLANCE_FAULT_JSON, 404, message);
    is(glance_buf_str(&b),
       "{\"message\": \"No &quot;image&quot; &lt;b&gt;\\u000a &amp; 'x'"
       "<br /><br />\\n\\n\\n\", \"code\": \"404 Not Found\", "
       "\"title\": \"Not Found\"}", "v2, JSON");

    for (i = 0; i < 300; i++) {
        glance_buf_init(&b, mem, i);
        mem[i] = '!';
        glance_fault_render_v2(&b, (glance_fault_e) (i % 3), 404, message);

        if (mem[i] != '!' || glance_buf_str(&b).len > i) {
            break;
        }
    }

    ok(i == 300, "v2, into too little room, stopped at %u", (unsigned) i);
}


int
main(void)
{
    test_form();
    test_status();
    test_render();
    test_render_v2();

    return tap_done();
}
