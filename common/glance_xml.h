
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_XML_H_INCLUDED_
#define _GLANCE_XML_H_INCLUDED_


#include "glance_str.h"


/*
 * As much of XML as the answers of S3 need: elements by name, of which none
 * has one of the same name inside.  Comments and CDATA are not looked for.
 */

/* the first element of the text; empty: there is none */
glance_str_t glance_xml_root(glance_str_t text);

/* what is inside the next element of that name; text begins behind it then */
bool glance_xml_element(glance_str_t *text, const char *name,
    glance_str_t *inner);

/*
 * Text without its five entities and numbers of ASCII characters, into dst
 * (room for s.len bytes).  False: another entity, or an element.
 */
bool glance_xml_unescape(glance_str_t s, unsigned char *dst, size_t *len);


#endif /* _GLANCE_XML_H_INCLUDED_ */
