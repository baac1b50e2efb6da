#include "http/request.h"

#include <sstream>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>

namespace letterlock::http {
namespace {

namespace beast = boost::beast::http;
using base::ErrorKind;
using base::fail;

}  // namespace

base::Result<std::optional<Request>> read_head(std::string_view octets) {
  beast::request_parser<beast::empty_body> parser;
  parser.header_limit(head_octets_max);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(octets.data(), octets.size()), error);
  if (error == beast::error::header_limit ||
      (!parser.is_header_done() && !error && octets.size() > head_octets_max))
    return fail(ErrorKind::full, "the request's head is longer than 8 KiB");
  if (error == beast::error::need_more) return std::optional<Request>();
  if (error) return fail(ErrorKind::invalid, "no request of HTTP/1: " + error.message());
  if (!parser.is_header_done()) return std::optional<Request>();
  const auto& head = parser.get();
  const bool has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
  if (has_body) return fail(ErrorKind::invalid, "a request with a body");
  return std::optional(Request{std::string(head.method_string()), std::string(head.target())});
}

std::string write_response(const Response& response, bool head_only) {
  beast::response<beast::string_body> message(static_cast<beast::status>(response.status), 11);
  message.set(beast::field::content_type, response.content_type);
  message.set(beast::field::cache_control, "no-store");
  message.set(beast::field::connection, "close");
  if (response.status == 405) message.set(beast::field::allow, "GET, HEAD");
  message.content_length(response.body.size());
  std::ostringstream out;
  out << message.base();
  if (!head_only) out << response.body;
  return out.str();
}

}  // namespace letterlock::http
