
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>


#define REGISTRY_INI_DEFAULT  "DEFAULT"


typedef struct {
    const char  *data;
    size_t       len;
} registry_ini_slice_t;

typedef struct {
    registry_ini_t        *ini;
    size_t                 allocated;
    registry_ini_slice_t   section;
    bool                   open;        /* the last entry may be continued */
} registry_ini_reader_t;


static registry_rc_e registry_ini_lines(registry_ini_reader_t *reader,
    const char *text, size_t len, registry_err_t *err);
static registry_rc_e registry_ini_line(registry_ini_reader_t *reader,
    registry_ini_slice_t line, unsigned number);
static registry_rc_e registry_ini_key(registry_ini_reader_t *reader,
    registry_ini_slice_t line, unsigned number);
static registry_rc_e registry_ini_add(registry_ini_reader_t *reader,
    const registry_ini_slice_t *key, registry_ini_slice_t value,
    unsigned number);
static registry_rc_e registry_ini_continue(registry_ini_reader_t *reader,
    registry_ini_slice_t more);
static void registry_ini_unquote(registry_ini_t *ini);
static registry_ini_slice_t registry_ini_trim(registry_ini_slice_t s);


registry_ini_t *
registry_ini_load(const char *path, registry_err_t *err)
{
    char            *text;
    FILE            *file;
    size_t           len;
    registry_ini_t  *ini;

    ini = NULL;
    text = NULL;

    file = fopen(path, "re");
    if (file == NULL) {
        (void) registry_err_set(err, (errno == ENOENT) ? REGISTRY_NOT_FOUND
                                                       : REGISTRY_ERROR,
                                "%s: %s", path, strerror(errno));
        return NULL;
    }

    text = malloc(REGISTRY_INI_SIZE_MAX + 1);
    if (text == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "%s: no memory", path);
        goto done;
    }

    len = fread(text, 1, REGISTRY_INI_SIZE_MAX + 1, file);

    if (ferror(file)) {
        (void) registry_err_set(err, REGISTRY_ERROR, "%s: %s", path,
                                strerror(errno));
        goto done;
    }

    if (len > REGISTRY_INI_SIZE_MAX) {
        (void) registry_err_set(err, REGISTRY_INVALID,
                                "%s: larger than %d bytes", path,
                                REGISTRY_INI_SIZE_MAX);
        goto done;
    }

    ini = registry_ini_parse(path, text, len, err);

done:

    free(text);
    (void) fclose(file);

    return ini;
}


registry_ini_t *
registry_ini_parse(const char *path, const char *text, size_t len,
    registry_err_t *err)
{
    registry_rc_e          rc;
    registry_ini_reader_t  reader;

    memset(&reader, 0, sizeof(registry_ini_reader_t));

    reader.section.data = REGISTRY_INI_DEFAULT;
    reader.section.len = sizeof(REGISTRY_INI_DEFAULT) - 1;

    reader.ini = calloc(1, sizeof(registry_ini_t));
    if (reader.ini == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "%s: no memory", path);
        return NULL;
    }

    reader.ini->path = strdup(path);
    if (reader.ini->path == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "%s: no memory", path);
        registry_ini_free(reader.ini);
        return NULL;
    }

    rc = registry_ini_lines(&reader, text, len, err);

    if (rc != REGISTRY_OK) {
        registry_ini_free(reader.ini);
        return NULL;
    }

    registry_ini_unquote(reader.ini);

    return reader.ini;
}


void
registry_ini_free(registry_ini_t *ini)
{
    if (ini == NULL) {
        return;
    }

    for (size_t i = 0; i < ini->n; i++) {
        free(ini->entries[i].section);
        free(ini->entries[i].key);
        free(ini->entries[i].value);
    }

    free(ini->entries);
    free(ini->path);
    free(ini);
}


const char *
registry_ini_get(const registry_ini_t *ini, const char *section,
    const char *key)
{
    const char  *value, *inherited;

    value = NULL;
    inherited = NULL;

    for (size_t i = 0; i < ini->n; i++) {
        const registry_ini_entry_t  *entry = &ini->entries[i];

        if (entry->key == NULL || strcmp(entry->key, key) != 0) {
            continue;
        }

        if (strcmp(entry->section, section) == 0) {
            value = entry->value;

        } else if (strcmp(entry->section, REGISTRY_INI_DEFAULT) == 0) {
            inherited = entry->value;
        }
    }

    return (value != NULL) ? value : inherited;
}


static registry_rc_e
registry_ini_lines(registry_ini_reader_t *reader, const char *text,
    size_t len, registry_err_t *err)
{
    unsigned              number;
    const char           *p, *end, *eol;
    const char           *path;
    registry_ini_slice_t  line;

    path = reader->ini->path;

    if (memchr(text, '\0', len) != NULL) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "%s: holds a NUL byte", path);
    }

    p = text;
    end = text + len;

    if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;                         /* byte order mark */
    }

    for (number = 1; p < end; number++) {
        eol = memchr(p, '\n', (size_t) (end - p));
        if (eol == NULL) {
            eol = end;
        }

        line.data = p;
        line.len = (size_t) (eol - p);

        if (registry_ini_line(reader, line, number) != REGISTRY_OK) {
            return registry_err_set(err, REGISTRY_ERROR, "%s:%u: no memory",
                                    path, number);
        }

        p = (eol < end) ? eol + 1 : end;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_ini_line(registry_ini_reader_t *reader, registry_ini_slice_t line,
    unsigned number)
{
    bool                  indented;
    const char           *close;
    registry_ini_slice_t  text;

    text = registry_ini_trim(line);

    if (text.len == 0) {
        reader->open = false;
        return REGISTRY_OK;
    }

    if (text.data[0] == '#' || text.data[0] == ';') {
        return REGISTRY_OK;
    }

    indented = (line.data[0] == ' ' || line.data[0] == '\t');

    if (indented && reader->open) {
        return registry_ini_continue(reader, text);
    }

    reader->open = false;

    if (text.data[0] == '[') {
        close = memchr(text.data, ']', text.len);

        if (close != NULL) {
            reader->section.data = text.data + 1;
            reader->section.len = (size_t) (close - text.data) - 1;
            reader->section = registry_ini_trim(reader->section);

            if (reader->section.len == sizeof(REGISTRY_INI_DEFAULT) - 1
                && strncasecmp(reader->section.data, REGISTRY_INI_DEFAULT,
                               reader->section.len)
                   == 0)
            {
                reader->section.data = REGISTRY_INI_DEFAULT;
            }

            return REGISTRY_OK;
        }
    }

    return registry_ini_key(reader, text, number);
}


static registry_rc_e
registry_ini_key(registry_ini_reader_t *reader, registry_ini_slice_t line,
    unsigned number)
{
    size_t                n;
    registry_rc_e         rc;
    registry_ini_slice_t  key, value;

    for (n = 0; n < line.len; n++) {
        if (line.data[n] == '=' || line.data[n] == ':') {
            break;
        }
    }

    key.data = line.data;
    key.len = n;
    key = registry_ini_trim(key);

    if (n == line.len || key.len == 0) {
        return registry_ini_add(reader, NULL, line, number);
    }

    value.data = line.data + n + 1;
    value.len = line.len - n - 1;
    value = registry_ini_trim(value);

    rc = registry_ini_add(reader, &key, value, number);

    reader->open = (rc == REGISTRY_OK);

    return rc;
}


static registry_rc_e
registry_ini_add(registry_ini_reader_t *reader,
    const registry_ini_slice_t *key, registry_ini_slice_t value,
    unsigned number)
{
    size_t                 n;
    registry_ini_t        *ini;
    registry_ini_entry_t  *entry;

    ini = reader->ini;

    if (ini->n == reader->allocated) {
        n = (reader->allocated == 0) ? 64 : reader->allocated * 2;

        entry = realloc(ini->entries, n * sizeof(registry_ini_entry_t));
        if (entry == NULL) {
            return REGISTRY_ERROR;
        }

        ini->entries = entry;
        reader->allocated = n;
    }

    entry = &ini->entries[ini->n];

    entry->line = number;
    entry->key = NULL;
    entry->section = strndup(reader->section.data, reader->section.len);
    entry->value = strndup(value.data, value.len);

    if (key != NULL) {
        entry->key = strndup(key->data, key->len);

        for (char *p = entry->key; p != NULL && *p != '\0'; p++) {
            *p = (char) tolower((unsigned char) *p);
        }
    }

    ini->n++;                           /* registry_ini_free() sees it */

    if (entry->section == NULL || entry->value == NULL
        || (key != NULL && entry->key == NULL))
    {
        return REGISTRY_ERROR;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_ini_continue(registry_ini_reader_t *reader,
    registry_ini_slice_t more)
{
    char    *value, **entry;
    size_t   len;

    entry = &reader->ini->entries[reader->ini->n - 1].value;
    len = strlen(*entry);

    value = realloc(*entry, len + 1 + more.len + 1);
    if (value == NULL) {
        return REGISTRY_ERROR;
    }

    *entry = value;

    if (len > 0) {
        value[len++] = ' ';
    }

    memcpy(value + len, more.data, more.len);
    value[len + more.len] = '\0';

    return REGISTRY_OK;
}


static void
registry_ini_unquote(registry_ini_t *ini)
{
    char    *value;
    size_t   len;

    for (size_t i = 0; i < ini->n; i++) {
        value = ini->entries[i].value;
        len = strlen(value);

        if (len >= 2 && (value[0] == '"' || value[0] == '\'')
            && value[len - 1] == value[0])
        {
            memmove(value, value + 1, len - 2);
            value[len - 2] = '\0';
        }
    }
}


static registry_ini_slice_t
registry_ini_trim(registry_ini_slice_t s)
{
    while (s.len > 0 && strchr(" \t\r\f\v", s.data[0]) != NULL) {
        s.data++;
        s.len--;
    }

    while (s.len > 0 && strchr(" \t\r\f\v", s.data[s.len - 1]) != NULL) {
        s.len--;
    }

    return s;
}
