
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_COMPAT_H_INCLUDED_
#define _NGX_HTTP_GLANCE_COMPAT_H_INCLUDED_


/*
 * Every difference between the nginx versions that the module supports
 * (1.22.1 and up); nowhere else is the version looked at.
 */

#if (nginx_version >= 1023000)
#define ngx_http_glance_header_end(h)  (h)->next = NULL
#else
#define ngx_http_glance_header_end(h)
#endif

#if (nginx_version >= 1031005)
#define ngx_http_glance_early_read(cscf)                                      \
    ((cscf)->client_body_early_read != NULL)
#else
#define ngx_http_glance_early_read(cscf)  0
#endif


#endif /* _NGX_HTTP_GLANCE_COMPAT_H_INCLUDED_ */
