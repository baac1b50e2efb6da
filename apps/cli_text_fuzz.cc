// A node's answer of any JSON, as the command line shows it: text that moves no cursor, whatever is
// missing, doubled or of another kind than this program would have sent.
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/parse.hpp>

#include "apps/cli.h"
#include "base/assert.h"
#include "base/bytes.h"

namespace {

using namespace letterlock;

// Lines that a terminal shows as they are, and does nothing else with.
void check_lines(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    ASSERT(base::printable(line, line.size() + 1) == line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  boost::system::error_code error;
  const auto value =
      boost::json::parse(std::string_view(reinterpret_cast<const char*>(data), size), error);
  if (error || !value.is_object()) return 0;
  const auto& answer = value.get_object();
  const auto* drawn = answer.if_contains("table");  // by the node, line by line
  const auto shown = apps::for_people(answer, 80);
  if (drawn == nullptr || !drawn->is_string()) check_lines(shown);
  (void)apps::is_fine(answer);
  for (const std::size_t width : {std::size_t{1}, std::size_t{80}})
    check_lines(apps::status_screen(answer, width));
  return 0;
}
