// Octets as they come in, cut into lines, with a bound on what an unfinished line may hold.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace letterlock::pop {

struct Line {
  enum class Fault {
    none,
    too_long,  // longer than allowed; its octets are gone
    bare_lf,   // ended by LF alone
  };
  std::string text;  // without its end; none of a line that is too long
  Fault fault = Fault::none;
};

// Holds at most the unfinished line and what one add() brought.
class LineReader {
 public:
  // The longest line with its CRLF.
  explicit LineReader(std::size_t line_octets_max) : octets_max_(line_octets_max) {}
  void add(std::string_view octets) { buffer_.append(octets); }
  // The next finished line; none if more must come. A line too long is told once, when it has
  // ended.
  std::optional<Line> next();
  // What came and isn't a finished line's yet, taken out: for what follows a line that isn't lines.
  std::string take_rest();
  // All that came and wasn't taken is thrown away.
  void clear();
  std::size_t octets() const { return buffer_.size() - begin_; }
  bool has_line() const { return buffer_.find('\n', begin_) != std::string::npos; }

 private:
  void compact();

  std::size_t octets_max_;
  std::string buffer_;
  std::size_t begin_ = 0;     // of the line that is next
  std::size_t searched_ = 0;  // no LF before here
  bool overflowed_ = false;
};

}  // namespace letterlock::pop
