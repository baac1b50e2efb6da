#include "sim/tls_frame.h"

#include "base/pack.h"

namespace letterlock::sim {

namespace {
constexpr std::size_t head_octets = 1 + 8 + 8;

// FNV-1a: enough to notice what the network changes, and nothing more.
std::uint64_t hash(std::uint64_t state, std::string_view octets) {
  for (const char octet : octets)
    state = (state ^ static_cast<unsigned char>(octet)) * 0x100000001b3U;
  return state;
}
}  // namespace

void FrameCoder::secret(std::string_view secret, std::string_view direction) {
  key_ = hash(hash(0xcbf29ce484222325U, secret), direction);
  number_ = 0;
}

std::uint64_t FrameCoder::check(FrameType type, std::string_view content) {
  const auto start = key_ ^ (number_++ * 0x9e3779b97f4a7c15U);
  return hash(start ^ static_cast<unsigned char>(type), content);
}

std::string FrameCoder::encode(FrameType type, std::string_view content) {
  std::string octets(1, static_cast<char>(type));
  octets += base::key_number(content.size());
  octets += base::key_number(check(type, content));
  return octets.append(content);
}

base::Result<bool> FrameCoder::decode(std::string& octets, Frame& frame) {
  const auto broken = [](std::string what) {
    return base::fail(base::ErrorKind::protocol, std::move(what));
  };
  if (octets.empty()) return false;
  const auto type = static_cast<unsigned char>(octets[0]);
  if (type < 21 || type > 23) return broken("what came is no TLS");
  if (octets.size() < head_octets) return false;
  const auto size = TRY(base::from_key_number(std::string_view(octets).substr(1, 8)));
  const auto expected = TRY(base::from_key_number(std::string_view(octets).substr(9, 8)));
  if (size > frame_content_octets_max) return broken("a TLS record is too long");
  if (octets.size() < head_octets + size) return false;
  frame.type = static_cast<FrameType>(type);
  frame.content = octets.substr(head_octets, size);
  if (check(frame.type, frame.content) != expected)
    return broken("a TLS record was changed on the way");
  octets.erase(0, head_octets + size);
  return true;
}

}  // namespace letterlock::sim
