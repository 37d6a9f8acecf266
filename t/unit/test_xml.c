
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_xml.h"

#include "tap.h"


static void
test_root(const char *xml, const char *name)
{
    ok(glance_str_eq(glance_xml_root(glance_str(xml)), glance_str(name)),
       "%s begins with %s", xml, name);
}


/* inner NULL: there is no such element */

static void
test_element(const char *xml, const char *name, const char *inner)
{
    bool          found;
    glance_str_t  got, text;

    text = glance_str(xml);
    found = glance_xml_element(&text, name, &got);

    ok(found == (inner != NULL), "%s of %s", name, xml);

    if (found && inner != NULL) {
        ok(glance_str_eq(got, glance_str(inner)), "it is %s", inner);
    }
}


static void
test_unescape(const char *text, const char *want)
{
    bool           done;
    size_t         len;
    glance_str_t   got;
    unsigned char  dst[128];

    done = glance_xml_unescape(glance_str(text), dst, &len);

    ok(done == (want != NULL), "%s", text);

    if (done && want != NULL) {
        got.data = dst;
        got.len = len;
        ok(glance_str_eq(got, glance_str(want)), "it is %s", want);
    }
}


int
main(void)
{
    unsigned      n;
    glance_str_t  inner, text;

    test_root("<?xml version='1.0'?>\n<Error><Code>x</Code></Error>", "Error");
    test_root("<!DOCTYPE a><a b='c'/>", "a");
    test_root("<a/>", "a");
    test_root("", "");
    test_root("text", "");
    test_root("<", "");
    test_root("<a", "");
    test_root("<>", "");

    test_element("<a><b>1</b><c>2</c></a>", "c", "2");
    test_element("<a xmlns='x'><b k=\"v\">1</b></a>", "b", "1");
    test_element("<a><bb>0</bb><b>1</b ></a>", "b", "1");
    test_element("<a><b><c/></b></a>", "b", "<c/>");
    test_element("<a><b/></a>", "b", "");
    test_element("<a><b /></a>", "b", "");
    test_element("<a><b></b></a>", "b", "");
    test_element("<a><b>1</b></a>", "a", "<b>1</b>");
    test_element("<a><b>1</a>", "b", NULL);
    test_element("<a><b>1</b", "b", NULL);
    test_element("<a>", "b", NULL);
    test_element("<><", "b", NULL);
    test_element("<b></>", "b", NULL);
    test_element("", "b", NULL);

    text = glance_str("<l><u>1</u><x/><u>22</u></l>");

    for (n = 0; glance_xml_element(&text, "u", &inner); n++) {
        ok(inner.len == n + 1, "element %u", n);
    }

    ok(n == 2, "two of them");

    test_unescape("", "");
    test_unescape("a", "a");
    test_unescape("&quot;a&amp;b&lt;&gt;&apos;", "\"a&b<>'");
    test_unescape("&#34;&#x22;&#x7e;&#x7E;", "\"\"~~");
    test_unescape("&", NULL);
    test_unescape("&;", NULL);
    test_unescape("&amp", NULL);
    test_unescape("&other;", NULL);
    test_unescape("&#10;", NULL);
    test_unescape("&#x;", NULL);
    test_unescape("&#;", NULL);
    test_unescape("&#xg;", NULL);
    test_unescape("&#127;", NULL);
    test_unescape("&#x100000022;", NULL);
    test_unescape("a<b", NULL);

    return tap_done();
}
