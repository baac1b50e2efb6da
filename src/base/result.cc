#include "base/result.h"

namespace letterlock::base {

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::exists:
      return "exists";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::full:
      return "full";
    case ErrorKind::closed:
      return "closed";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::protocol:
      return "protocol";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::io:
      return "io";
  }
  return "unknown";
}

bool is_temporary(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::conflict:
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
    case ErrorKind::full:
    case ErrorKind::closed:
    case ErrorKind::cancelled:
    case ErrorKind::protocol:
    case ErrorKind::io:
      return true;
    case ErrorKind::invalid:
    case ErrorKind::not_found:
    case ErrorKind::exists:
    case ErrorKind::denied:
    case ErrorKind::corrupt:
      return false;
  }
  return false;
}

Error within(std::string_view doing, Error error) {
  error.what = std::string(doing) + ": " + error.what;
  return error;
}

}  // namespace letterlock::base
