/* Finds card and resident-registration numbers in lines. */
#ifndef SCANNER_H
#define SCANNER_H

#include "millstream.h"

typedef struct scanner {
    bool cards, residents;
    ms_text mask;
    size_t found_cards, found_residents;
} scanner;

/* The line with its numbers masked, in scratch memory; no text where it has none. */
ms_text scan(scanner *scanner, ms_text line);

#endif
