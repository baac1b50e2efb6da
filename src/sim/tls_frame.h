// Frames of the TLS model on the wire: a type, a length, a check, the content.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/connection.h"

namespace letterlock::sim {

enum class FrameType : unsigned char { alert = 21, handshake = 22, data = 23 };

struct Frame {
  FrameType type = FrameType::data;
  std::string content;
};

inline constexpr std::size_t frame_content_octets_max = 16 * 1024;
inline constexpr std::string_view close_notify = "close_notify";

// One direction's frames. The check covers content, place and secret, so that a changed, lost,
// repeated or foreign frame is noticed.
class FrameCoder {
 public:
  // Frames before it are the handshake's, under the empty secret.
  void secret(std::string_view secret, std::string_view direction);
  std::string encode(FrameType type, std::string_view content);
  // Takes the first frame out of `octets`, if it is there in full. Errors: protocol.
  base::Result<bool> decode(std::string& octets, Frame& frame);

 private:
  std::uint64_t check(FrameType type, std::string_view content);
  std::uint64_t key_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace letterlock::sim
