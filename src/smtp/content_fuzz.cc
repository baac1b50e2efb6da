// Content cut at random points reads as in one part; what is read is written so that it reads the
// same again; and nothing bare gets through.
#include "smtp/content.h"

#include <cstdint>
#include <string>

#include "base/assert.h"

namespace smtp = letterlock::smtp;

namespace {

struct Decoded {
  std::string content;
  smtp::Fault fault = smtp::Fault::none;
  bool ended = false;
  bool false_end = false;
  std::size_t consumed = 0;
};

Decoded decode(std::string_view octets, std::uint32_t cuts, smtp::LineEnds ends) {
  smtp::DataDecoder decoder(ends, 100);
  Decoded decoded;
  std::string buffer;
  while (!octets.empty() && !decoded.ended && !decoded.false_end) {
    cuts = cuts * 1664525 + 1013904223;
    const std::size_t part =
        cuts == 0 ? octets.size() : std::min<std::size_t>(octets.size(), 1 + (cuts >> 16) % 17);
    buffer += octets.substr(0, part);
    octets.remove_prefix(part);
    const smtp::Piece piece = decoder.decode(buffer);
    decoded.content += piece.content;
    decoded.ended = piece.ended;
    decoded.false_end = piece.false_end;
    decoded.consumed += piece.consumed;
    buffer.erase(0, piece.consumed);
    ASSERT(buffer.size() <= 3 || decoded.ended || decoded.false_end);
  }
  decoded.fault = decoder.fault();
  if (decoded.fault != smtp::Fault::none) decoded.content.clear();
  return decoded;
}

void check_clean(const std::string& content) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    ASSERT(content[i] != '\0');
    if (content[i] == '\n') ASSERT(i > 0 && content[i - 1] == '\r');
    if (content[i] == '\r') ASSERT(i + 1 < content.size() && content[i + 1] == '\n');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto ends = (data[0] & 1) != 0 ? smtp::LineEnds::normalise : smtp::LineEnds::strict;
  const Decoded one = decode(octets, data[1] * 256U + data[0], ends);
  const Decoded other = decode(octets, data[1] * 7919U + 3, ends);
  ASSERT(one.content == other.content && one.fault == other.fault && one.ended == other.ended);
  ASSERT(one.false_end == other.false_end);
  ASSERT(!one.ended || one.consumed == other.consumed);
  if (!one.ended || one.fault != smtp::Fault::none) return 0;
  check_clean(one.content);

  smtp::DataEncoder encoder;
  std::string wire;
  const std::size_t cut = one.content.empty() ? 0 : data[1] % one.content.size();
  ASSERT(encoder.encode(std::string_view(one.content).substr(0, cut), wire));
  ASSERT(encoder.encode(std::string_view(one.content).substr(cut), wire));
  ASSERT(encoder.finish(wire));
  const Decoded again = decode(wire, data[0], smtp::LineEnds::strict);
  ASSERT(again.ended && again.consumed == wire.size() && again.content == one.content);
  return 0;
}
