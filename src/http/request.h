// One request's head as a value. Boost.Beast reads it; nothing of it leaves this room's .cc files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::http {

inline constexpr std::size_t head_octets_max = 8 * 1024;

struct Request {
  std::string method;  // as it was written: "GET"
  std::string target;  // "/metrics", with what stands behind "?" if anything does
};

// The head at the beginning of `octets`; nothing: it isn't complete yet. A request with a body is
// refused: nothing here wants one. Errors: invalid (no HTTP/1, a body), full (over 8 KiB).
base::Result<std::optional<Request>> read_head(std::string_view octets);

struct Response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// As it goes over the wire; the connection ends behind it. `head_only`: the answer to HEAD.
std::string write_response(const Response& response, bool head_only);

}  // namespace letterlock::http
