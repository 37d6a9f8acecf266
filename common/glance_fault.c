
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_fault.h"


typedef struct {
    unsigned     status;
    const char  *title;
    const char  *explanation;
} glance_fault_status_t;


static bool glance_fault_accepts(glance_str_t accept, const char *type);
static const glance_fault_status_t *glance_fault_find(unsigned status);
static void glance_fault_status(glance_buf_t *b, unsigned status);
static void glance_fault_html(glance_buf_t *b, unsigned status,
    glance_str_t detail);
static void glance_fault_json(glance_buf_t *b, unsigned status,
    glance_str_t detail);
static void glance_fault_text(glance_buf_t *b, unsigned status,
    glance_str_t detail);
static void glance_fault_escape(glance_buf_t *b, glance_fault_e form,
    glance_str_t s);


/* the sentences are those that clients of Glance have always been shown */

static const glance_fault_status_t  glance_fault_statuses[] = {
    { 200, "OK", "" },
    { 201, "Created", "" },
    { 202, "Accepted", "" },
    { 204, "No Content", "" },
    { 206, "Partial Content", "" },
    { 300, "Multiple Choices",
      "The resource has been moved to one of several places." },
    { 301, "Moved Permanently", "The resource has been moved." },
    { 302, "Found", "The resource was found." },
    { 304, "Not Modified", "" },
    { 400, "Bad Request",
      "The server could not comply with the request since it is either "
      "malformed or otherwise incorrect." },
    { 401, "Unauthorized",
      "This server could not verify that you are authorized to access the "
      "document you requested. Either you supplied the wrong credentials "
      "(e.g., bad password), or your browser does not understand how to "
      "supply the credentials required." },
    { 402, "Payment Required", "Access was denied for financial reasons." },
    { 403, "Forbidden", "Access was denied to this resource." },
    { 404, "Not Found", "The resource could not be found." },
    { 405, "Method Not Allowed",
      "The method is not allowed for this resource." },
    { 406, "Not Acceptable",
      "The resource could not be generated that was acceptable to your "
      "browser." },
    { 408, "Request Timeout",
      "The server has waited too long for the request to be sent by the "
      "client." },
    { 409, "Conflict",
      "There was a conflict when trying to complete your request." },
    { 410, "Gone",
      "This resource is no longer available. No forwarding address is "
      "given." },
    { 411, "Length Required", "Content-Length header required." },
    { 412, "Precondition Failed", "Request precondition failed." },
    { 413, "Request Entity Too Large",
      "The body of your request was too large for this server." },
    { 414, "Request-URI Too Long",
      "The request URI was too long for this server." },
    { 415, "Unsupported Media Type",
      "The request media type is not supported by this server." },
    { 416, "Request Range Not Satisfiable",
      "The Range requested is not available." },
    { 417, "Expectation Failed", "Expectation failed." },
    { 422, "Unprocessable Entity",
      "Unable to process the contained instructions." },
    { 423, "Locked", "The resource is locked." },
    { 428, "Precondition Required",
      "This request is required to be conditional." },
    { 429, "Too Many Requests",
      "The client has sent too many requests in a given amount of time." },
    { 431, "Request Header Fields Too Large",
      "The header of the request was too large for this server." },
    { 500, "Internal Server Error",
      "The server has either erred or is incapable of performing the "
      "requested operation." },
    { 501, "Not Implemented",
      "The request method is not implemented for this server." },
    { 502, "Bad Gateway", "Bad gateway." },
    { 503, "Service Unavailable",
      "The server is currently unavailable. Please try again at a later "
      "time." },
    { 504, "Gateway Timeout", "The gateway has timed out." },
    { 505, "HTTP Version Not Supported",
      "The HTTP version is not supported." },
    { 507, "Insufficient Storage",
      "There was not enough space to save the resource." },
    { 0, "Error", "" }
};


glance_fault_e
glance_fault_form(glance_str_t accept)
{
    if (glance_fault_accepts(accept, "html")
        || glance_fault_accepts(accept, "*/*"))
    {
        return GLANCE_FAULT_HTML;
    }

    if (glance_fault_accepts(accept, "application/json")) {
        return GLANCE_FAULT_JSON;
    }

    return GLANCE_FAULT_TEXT;
}


const char *
glance_fault_content_type(glance_fault_e form)
{
    switch (form) {

    case GLANCE_FAULT_HTML:
        return "text/html; charset=UTF-8";

    case GLANCE_FAULT_JSON:
        return "application/json";

    default:
        return "text/plain; charset=UTF-8";
    }
}


const char *
glance_fault_title(unsigned status)
{
    return glance_fault_find(status)->title;
}


const char *
glance_fault_explanation(unsigned status)
{
    return glance_fault_find(status)->explanation;
}


void
glance_fault_render(glance_buf_t *b, glance_fault_e form, unsigned status,
    glance_str_t detail)
{
    switch (form) {

    case GLANCE_FAULT_HTML:
        glance_fault_html(b, status, detail);
        break;

    case GLANCE_FAULT_JSON:
        glance_fault_json(b, status, detail);
        break;

    default:
        glance_fault_text(b, status, detail);
        break;
    }
}


void
glance_fault_render_v2(glance_buf_t *b, glance_fault_e form, unsigned status,
    glance_str_t message)
{
    if (message.len == 0) {
        message = glance_str(glance_fault_explanation(status));
    }

    switch (form) {

    case GLANCE_FAULT_HTML:
        glance_buf_text(b, "<html>\n <head>\n  <title>");
        glance_fault_status(b, status);
        glance_buf_text(b, "</title>\n </head>\n <body>\n  <h1>");
        glance_fault_status(b, status);
        glance_buf_text(b, "</h1>\n  ");
        glance_fault_escape(b, form, message);
        glance_buf_text(b, "<br /><br />\n\n\n\n </body>\n</html>");
        break;

    case GLANCE_FAULT_JSON:
        glance_buf_text(b, "{\"message\": \"");
        glance_fault_escape(b, form, message);
        glance_buf_text(b, "<br /><br />\\n\\n\\n\", \"code\": \"");
        glance_fault_status(b, status);
        glance_buf_text(b, "\", \"title\": \"");
        glance_buf_text(b, glance_fault_title(status));
        glance_buf_text(b, "\"}");
        break;

    default:
        glance_fault_status(b, status);
        glance_buf_text(b, "\n\n");
        glance_buf_put(b, message);
        glance_buf_text(b, "\n\n   ");
        break;
    }
}


static bool
glance_fault_accepts(glance_str_t accept, const char *type)
{
    glance_str_t  word;

    word = glance_str(type);

    while (accept.len >= word.len) {
        if (glance_str_case_starts(accept, word)) {
            return true;
        }

        accept.data++;
        accept.len--;
    }

    return false;
}


/* the closing entry serves everything that is not in the table */

static const glance_fault_status_t *
glance_fault_find(unsigned status)
{
    const glance_fault_status_t  *s;

    for (s = glance_fault_statuses; s->status != 0; s++) {
        if (s->status == status) {
            break;
        }
    }

    return s;
}


static void
glance_fault_status(glance_buf_t *b, unsigned status)
{
    glance_buf_u64(b, status);
    glance_buf_char(b, ' ');
    glance_buf_text(b, glance_fault_title(status));
}


static void
glance_fault_html(glance_buf_t *b, unsigned status, glance_str_t detail)
{
    glance_buf_text(b, "<html>\n <head>\n  <title>");
    glance_fault_status(b, status);
    glance_buf_text(b, "</title>\n </head>\n <body>\n  <h1>");
    glance_fault_status(b, status);
    glance_buf_text(b, "</h1>\n  ");
    glance_buf_html(b, glance_str(glance_fault_explanation(status)));
    glance_buf_text(b, "<br /><br />\n");
    glance_buf_html(b, detail);
    glance_buf_text(b, "\n\n\n </body>\n</html>\n");
}


/* the line breaks of the page are a part of the message, too */

static void
glance_fault_json(glance_buf_t *b, unsigned status, glance_str_t detail)
{
    glance_buf_text(b, "{\"message\": \"");
    glance_buf_json(b, glance_str(glance_fault_explanation(status)));
    glance_buf_text(b, "<br /><br />\\n");
    glance_buf_json(b, detail);
    glance_buf_text(b, "\\n\\n\\n\", \"code\": \"");
    glance_fault_status(b, status);
    glance_buf_text(b, "\", \"title\": \"");
    glance_buf_text(b, glance_fault_title(status));
    glance_buf_text(b, "\"}");
}


static void
glance_fault_text(glance_buf_t *b, unsigned status, glance_str_t detail)
{
    glance_str_t  explanation;

    explanation = glance_str(glance_fault_explanation(status));

    glance_fault_status(b, status);
    glance_buf_text(b, "\n\n");

    if (explanation.len > 0) {
        glance_buf_put(b, explanation);
        glance_buf_text(b, "\n\n");
    }

    if (detail.len > 0) {
        glance_buf_char(b, ' ');
        glance_buf_put(b, detail);
        glance_buf_char(b, '\n');
    }
}


/*
 * The message is HTML inside of JSON as well.  An apostrophe stays: messages
 * are full of them, and clients show them as they are.
 */

static void
glance_fault_escape(glance_buf_t *b, glance_fault_e form, glance_str_t s)
{
    size_t        i;
    const char   *entity;
    glance_str_t  run;

    run.data = s.data;

    for (i = 0; i <= s.len; i++) {
        entity = "";

        if (i < s.len) {
            switch (s.data[i]) {

            case '&':
                entity = "&amp;";
                break;

            case '<':
                entity = "&lt;";
                break;

            case '>':
                entity = "&gt;";
                break;

            case '"':
                entity = "&quot;";
                break;

            case '\'':
                entity = "'";
                break;

            default:
                continue;
            }
        }

        run.len = (size_t) (s.data + i - run.data);

        if (form == GLANCE_FAULT_JSON) {
            glance_buf_json(b, run);

        } else {
            glance_buf_html(b, run);
        }

        glance_buf_text(b, entity);
        run.data = s.data + i + 1;
    }
}
