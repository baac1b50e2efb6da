#include "base/event.h"

namespace letterlock::base {
std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::debug:
      return "debug";
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "unknown";
}
}  // namespace letterlock::base
