#include "smtp/line.h"

namespace letterlock::smtp {

Line LineFinder::next(std::string_view octets, std::size_t octets_max) {
  if (searched_ > octets.size()) searched_ = 0;
  const std::size_t line_feed = octets.find('\n', searched_);
  if (line_feed == std::string_view::npos) {
    if (!skipping_ && octets.size() < octets_max) {
      searched_ = octets.size();
      return {};
    }
    skipping_ = true;
    searched_ = 0;
    return {Line::Kind::more, {}, octets.size()};
  }
  searched_ = 0;
  const std::size_t consumed = line_feed + 1;
  if (skipping_ || consumed > octets_max) {
    skipping_ = false;
    return {Line::Kind::too_long, {}, consumed};
  }
  std::string_view text = octets.substr(0, line_feed);
  const bool with_cr = text.ends_with('\r');
  if (with_cr) text.remove_suffix(1);
  // RFC 5321 §2.3.8: a CR or LF means nothing by itself and ends no line.
  const bool bare = (!with_cr && ends_ == LineEnds::strict) || text.contains('\r');
  return {bare ? Line::Kind::bare_end : Line::Kind::whole, text, consumed};
}

}  // namespace letterlock::smtp
