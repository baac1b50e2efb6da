// The part of a report that people read, and its subject. Used by report.cc alone.
#pragma once

#include <string>

#include "dsn/report.h"

namespace letterlock::dsn {

// Lines of at most 78 columns where words allow, ended by CRLF. UTF-8, ASCII if nobody's name
// isn't.
std::string report_text(const Report& report);
// Not yet encoded.
std::string report_subject(const Report& report);

}  // namespace letterlock::dsn
