/**
 * @file core/sheet_cells.h
 * Values of the model as people read them.
 *
 * Layer core, for sheet*.c alone.
 */
#ifndef AO2_CORE_SHEET_CELLS_H
#define AO2_CORE_SHEET_CELLS_H

#include "core/sheet.h"

typedef enum {
    AO2_CELL_TEXT,
    AO2_CELL_LONG,    /**< text that may be long */
    AO2_CELL_NUMBER,
    AO2_CELL_TIME,    /**< seconds since the epoch */
    AO2_CELL_SECONDS, /**< how long */
    AO2_CELL_MICROS,  /**< how long */
    AO2_CELL_BYTES,
    AO2_CELL_YES,     /**< true is good, false bad */
    AO2_CELL_NO,      /**< true is bad */
    AO2_CELL_STATE,   /**< a word that may be good or bad */
    AO2_CELL_RATE     /**< "hit" of the object's "hit" and "miss" */
} ao2_cell_kind_t;

/**
 * The cell for a member of an object.
 * @param member  a path: members of objects separated by dots
 */
ao2_cell_t ao2_cell_make(ao2_cell_kind_t kind, json_t *object,
                         const char *member, apr_pool_t *pool);

/** Seconds since the epoch as "2026-11-25 03:10:11". */
const char *ao2_cell_time(json_int_t seconds, apr_pool_t *pool);

#endif
