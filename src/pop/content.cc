#include "pop/content.h"

namespace letterlock::pop {

void DotStuffer::add(base::BytesView content, base::Bytes& wire) {
  std::size_t at = 0;
  while (at < content.size()) {
    const char c = content[at];
    if (carriage_return_ || c == '\n') {
      converted_ = converted_ || !carriage_return_ || c != '\n';
      carriage_return_ = false;
      wire += "\r\n";
      line_start_ = true;
      if (c == '\n') ++at;
      continue;
    }
    if (c == '\r') {
      carriage_return_ = true;
      ++at;
      continue;
    }
    // A run without line ends goes over in one piece.
    const auto end = content.find_first_of("\r\n", at);
    const auto run = content.substr(at, end == base::BytesView::npos ? end : end - at);
    if (line_start_ && c == '.') wire += '.';
    wire += run;
    line_start_ = false;
    at += run.size();
  }
}

void DotStuffer::finish(base::Bytes& wire) {
  converted_ = converted_ || carriage_return_;
  if (carriage_return_ || !line_start_) wire += "\r\n";
  wire += ".\r\n";
}

std::size_t DotUnstuffer::add(base::BytesView wire, base::Bytes& content) {
  std::size_t at = 0;
  for (; at < wire.size() && state_ != State::done; ++at) {
    const char c = wire[at];
    switch (state_) {
      case State::line_start:
        if (c == '.') {
          state_ = State::dot;
          continue;
        }
        break;
      case State::dot:
        if (c == '\r') {
          state_ = State::dot_cr;
          continue;
        }
        break;  // the stuffed dot is gone
      case State::dot_cr:
        if (c == '\n') {
          state_ = State::done;
          continue;
        }
        content += '\r';  // ". CR" and no LF: content after all
        break;
      case State::cr:
        if (c == '\n') {
          content += c;
          state_ = State::line_start;
          continue;
        }
        break;
      case State::middle:
      case State::done:
        break;
    }
    content += c;
    state_ = c == '\r' ? State::cr : State::middle;
  }
  return at;
}

std::size_t TopCutter::add(base::BytesView content) {
  std::size_t at = 0;
  while (at < content.size() && !done_) {
    const auto end = content.find('\n', at);
    const auto part = content.substr(at, end == base::BytesView::npos ? end : end - at);
    // Empty is a line of nothing, or of one CR.
    if (!part.empty()) {
      line_empty_ = line_empty_ && !carriage_return_ && part == "\r";
      carriage_return_ = true;
    }
    at += part.size();
    if (end == base::BytesView::npos) break;
    ++at;
    if (!in_header_) {
      --lines_left_;
    } else if (line_empty_) {
      in_header_ = false;
    }
    line_empty_ = true;
    carriage_return_ = false;
    done_ = !in_header_ && lines_left_ == 0;
  }
  return at;
}

}  // namespace letterlock::pop
