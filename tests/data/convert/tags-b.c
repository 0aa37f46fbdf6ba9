/* SPDX-License-Identifier: BSD-2-Clause */
#define FILE_B
#include "tags.c"
