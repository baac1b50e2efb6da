#include "smtp/content.h"

#include "base/utf8.h"
#include "smtp/line_end.h"

namespace letterlock::smtp {
namespace {

constexpr auto npos = std::string_view::npos;
using Kind = LineEnd::Kind;

bool is_line_octet(char c) {
  return c == '\r' || c == '\n';
}

}  // namespace

std::string_view name(Fault fault) {
  switch (fault) {
    case Fault::none:
      return "none";
    case Fault::bare_cr:
      return "bare CR";
    case Fault::bare_lf:
      return "bare LF";
    case Fault::nul:
      return "NUL";
    case Fault::line_long:
      return "line too long";
  }
  return "";
}

// Where the content is gathered: in place, moved down over removed dots, or in `widened`.
struct DataDecoder::Output {
  std::span<char> octets;
  std::string* widened = nullptr;
  std::size_t read = 0;     // octets consumed
  std::size_t written = 0;  // in place

  // Takes the next `count` octets over.
  void keep(std::size_t count) {
    if (widened != nullptr) {
      widened->append(octets.data() + read, count);
    } else {
      if (written != read && count > 0) {
        std::memmove(octets.data() + written, octets.data() + read, count);
      }
      written += count;
    }
    read += count;
  }
  std::string_view content() const {
    return widened != nullptr ? std::string_view(*widened)
                              : std::string_view(octets.data(), written);
  }
};

Piece DataDecoder::decode(std::span<char> octets) {
  const std::string_view all(octets.data(), octets.size());
  if (fault_ != Fault::none) return drain(all, 0);
  Output output{.octets = octets};
  if (ends_ == LineEnds::normalise) {
    widened_.clear();
    output.widened = &widened_;
  }
  const std::size_t nul = std::min(find_octet(all, '\0'), all.size());
  const std::string_view good = all.substr(0, nul);
  Go go = Go::on;
  while (go == Go::on && output.read < good.size()) {
    go = take_dot(good.substr(output.read), output);
    if (go == Go::on && output.read < good.size()) go = take_line(good.substr(output.read), output);
    if (fault_ != Fault::none) return drain(all, output.read);
  }
  if (go != Go::ended && nul < all.size()) {
    refuse(Fault::nul);
    return drain(all, output.read);
  }
  const std::string_view content = output.content();
  facts_.octets += content.size();
  facts_.eight_bit = facts_.eight_bit || !base::is_ascii(content);
  return {content, output.read, go == Go::ended, false};
}

// At the start of a line: a dot that ends the message, or one that stuffs it.
DataDecoder::Go DataDecoder::take_dot(std::string_view rest, Output& output) {
  if (line_octets_ != 0 || rest[0] != '.') return Go::on;
  if (rest.size() == 1 || rest == ".\r") return Go::need_more;
  if (rest.starts_with(".\r\n") && !after_bare_lf_) {
    output.read += 3;
    return Go::ended;
  }
  // RFC 5321 §4.5.2: a first dot is removed if there are other characters on the line.
  if (is_line_octet(rest[1])) return Go::on;
  output.read += 1;
  line_octets_ = 1;
  return Go::on;
}

// To the end of the line, or as far as it is there.
DataDecoder::Go DataDecoder::take_line(std::string_view rest, Output& output) {
  const LineEnd end = find_line_end(rest);
  if (line_octets_ + end.text_octets + 2 > line_octets_max_) {
    refuse(Fault::line_long);
    return Go::on;
  }
  switch (end.kind) {
    case Kind::none:
    case Kind::split_cr:
      output.keep(end.text_octets);
      line_octets_ += end.text_octets;
      return Go::need_more;
    case Kind::bare_lf:
      if (ends_ == LineEnds::strict) {
        refuse(Fault::bare_lf);
        return Go::on;
      }
      output.keep(end.text_octets);
      output.widened->append("\r\n");
      output.read += 1;
      line_octets_ = 0;
      after_bare_lf_ = true;
      return Go::on;
    case Kind::crlf:
      output.keep(end.next);
      line_octets_ = 0;
      after_bare_lf_ = false;
      return Go::on;
    case Kind::bare_cr:
      break;
  }
  // RFC 5321 §2.3.8: a CR or LF alone MUST NOT be taken for a line end.
  refuse(Fault::bare_cr);
  return Go::on;
}

void DataDecoder::refuse(Fault fault) {
  fault_ = fault;
  const bool within = line_octets_ != 0;
  strict_ = within || after_bare_lf_ ? Strict::within : Strict::line_start;
  careless_ = within ? Careless::within : Careless::line_start;
}

// Octet by octet, because two readers are watched at once. Only broken content comes here.
Piece DataDecoder::drain(std::string_view octets, std::size_t from) {
  for (std::size_t i = from; i < octets.size(); ++i) {
    const char c = octets[i];
    const Strict before = strict_;
    if (before == Strict::dot_cr && c == '\n') return {{}, i + 1, true, false};
    if (c == '\r') {
      strict_ = before == Strict::dot ? Strict::dot_cr : Strict::cr;
    } else if (before == Strict::cr && c == '\n') {
      strict_ = Strict::line_start;
    } else {
      strict_ = before == Strict::line_start && c == '.' ? Strict::dot : Strict::within;
    }
    if (c == '\0') continue;  // a careless reader never sees it
    // The careless reader's end, unless the very next octet makes it the true one.
    const bool dot_line = careless_ == Careless::dot && is_line_octet(c);
    if (before == Strict::dot_cr || (dot_line && strict_ != Strict::dot_cr)) {
      return {{}, i + 1, false, true};
    }
    if (dot_line) continue;
    if (is_line_octet(c)) {
      careless_ = Careless::line_start;
    } else {
      careless_ = careless_ == Careless::line_start && c == '.' ? Careless::dot : Careless::within;
    }
  }
  return {{}, octets.size(), false, false};
}

Piece ChunkDecoder::decode(std::string_view octets) {
  Piece piece{.consumed = octets.size()};
  widened_.clear();
  if (fault_ == Fault::none) scan(octets);
  if (fault_ != Fault::none) return piece;
  piece.content = ends_ == LineEnds::normalise ? std::string_view(widened_) : octets;
  facts_.octets += piece.content.size();
  facts_.eight_bit = facts_.eight_bit || !base::is_ascii(piece.content);
  return piece;
}

void ChunkDecoder::scan(std::string_view octets) {
  if (find_octet(octets, '\0') != npos) {
    fault_ = Fault::nul;
    return;
  }
  while (!octets.empty()) {
    LineEnd end = find_line_end(octets);
    if (after_cr_) {
      // The CR was the last octet of what came before.
      if (octets[0] != '\n') {
        fault_ = Fault::bare_cr;
        return;
      }
      end = {Kind::crlf, 0, 1};
      line_octets_ -= 1;
    }
    after_cr_ = end.kind == Kind::split_cr;
    if (end.kind == Kind::bare_cr) fault_ = Fault::bare_cr;
    if (end.kind == Kind::bare_lf && ends_ == LineEnds::strict) fault_ = Fault::bare_lf;
    if (line_octets_ + end.text_octets + 2 > line_octets_max_) fault_ = Fault::line_long;
    if (fault_ != Fault::none) return;
    const bool is_whole = end.kind == Kind::crlf || end.kind == Kind::bare_lf;
    line_octets_ = is_whole ? 0 : line_octets_ + end.text_octets + (after_cr_ ? 1 : 0);
    const std::size_t taken = end.next + (after_cr_ ? 1 : 0);
    if (ends_ == LineEnds::normalise) {
      widened_.append(octets.substr(0, end.kind == Kind::bare_lf ? end.text_octets : taken));
      if (end.kind == Kind::bare_lf) widened_.append("\r\n");
    }
    octets.remove_prefix(taken);
  }
}

Piece ChunkDecoder::finish() {
  if (after_cr_ && fault_ == Fault::none) fault_ = Fault::bare_cr;
  if (fault_ != Fault::none || line_octets_ == 0) return {.ended = true};
  line_octets_ = 0;
  facts_.octets += 2;
  return {.content = "\r\n", .ended = true};
}

base::Result<void> DataEncoder::encode(std::string_view content, std::string& out) {
  const auto refuse = [] {
    return base::fail(base::ErrorKind::invalid, "content with a bare CR or LF, or NUL");
  };
  if (find_octet(content, '\0') != npos) return refuse();
  std::string_view rest = content;
  while (!rest.empty()) {
    if (after_cr_) {
      if (rest[0] != '\n') return refuse();
      after_cr_ = false;
      at_line_start_ = true;
      out += '\n';
      rest.remove_prefix(1);
      continue;
    }
    if (at_line_start_ && rest[0] == '.') out += '.';  // RFC 5321 §4.5.2
    const LineEnd end = find_line_end(rest);
    if (end.kind == Kind::bare_cr || end.kind == Kind::bare_lf) return refuse();
    after_cr_ = end.kind == Kind::split_cr;
    at_line_start_ = end.kind == Kind::crlf;
    const std::size_t taken = end.next + (after_cr_ ? 1 : 0);
    out.append(rest.substr(0, taken));
    rest.remove_prefix(taken);
  }
  return {};
}

base::Result<void> DataEncoder::finish(std::string& out) {
  if (after_cr_) return base::fail(base::ErrorKind::invalid, "content that ends in a bare CR");
  out += at_line_start_ ? ".\r\n" : "\r\n.\r\n";
  return {};
}

}  // namespace letterlock::smtp
