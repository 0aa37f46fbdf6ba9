/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a parameter is when its function begins: just the register, if it is in one. */
#ifndef BTFGEN_DWARF_LOCATION_H
#define BTFGEN_DWARF_LOCATION_H

#include "btfgen/dwarf-unit.h"

/* The DWARF number of the register that holds the parameter at the start of the
 * function; -1 when it is elsewhere or cannot be told. @value_size is the size in
 * bytes of the parameter. */
int dwarf_location_register(const struct unit_reader *reader, const struct die_location *location,
			    uint64_t value_size);

#endif
