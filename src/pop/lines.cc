#include "pop/lines.h"

#include <algorithm>

namespace letterlock::pop {

std::optional<Line> LineReader::next() {
  const auto end = buffer_.find('\n', std::max(begin_, searched_));
  if (end == std::string::npos) {
    // An endless line costs no more memory than the longest one.
    if (buffer_.size() - begin_ > octets_max_) {
      overflowed_ = true;
      buffer_.clear();
      begin_ = 0;
    }
    searched_ = buffer_.size();
    compact();
    return std::nullopt;
  }
  Line line;
  std::string_view text(buffer_.data() + begin_, end - begin_);
  if (overflowed_ || text.size() + 1 > octets_max_) {
    line.fault = Line::Fault::too_long;
  } else if (!text.ends_with('\r')) {
    line.fault = Line::Fault::bare_lf;
    line.text = text;
  } else {
    line.text = text.substr(0, text.size() - 1);
  }
  overflowed_ = false;
  begin_ = end + 1;
  searched_ = begin_;
  return line;
}

std::string LineReader::take_rest() {
  auto rest = buffer_.substr(begin_);
  clear();
  return rest;
}

void LineReader::clear() {
  buffer_.clear();
  begin_ = 0;
  searched_ = 0;
  overflowed_ = false;
}

// Called only when no finished line is left, so that each octet is moved once at most.
void LineReader::compact() {
  buffer_.erase(0, begin_);
  searched_ -= std::min(searched_, begin_);
  begin_ = 0;
}

}  // namespace letterlock::pop
