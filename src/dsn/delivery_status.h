// The part of a report that programs read. Used by report.cc alone. RFC: 3464 section 2, 6533
// section 4.
#pragma once

#include <string>

#include "dsn/report.h"

namespace letterlock::dsn {

// The fields per message, an empty line, then those of each recipient. ASCII, or with `utf8` UTF-8.
std::string delivery_status(const Report& report, Utf8 utf8);

// The recipient's status with the class that its action has. RFC: 3464 section 2.3.4.
Status status_of(const RecipientReport& recipient);

}  // namespace letterlock::dsn
