#include "drive/smtp_buffer.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace letterlock::drive {

void SmtpBuffer::consume(std::size_t count) {
  ASSERT(count <= end_ - begin_);
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

std::span<char> SmtpBuffer::room(std::size_t octets_wanted) {
  const std::size_t held = end_ - begin_;
  if (octets_wanted > capacity_) {
    auto larger = std::make_unique_for_overwrite<char[]>(octets_wanted);
    if (held > 0) std::memcpy(larger.get(), octets_.get() + begin_, held);
    octets_ = std::move(larger);
    capacity_ = octets_wanted;
    begin_ = 0;
    end_ = held;
  } else if (begin_ > 0) {
    std::memmove(octets_.get(), octets_.get() + begin_, held);
    begin_ = 0;
    end_ = held;
  }
  ASSERT(end_ < capacity_);
  return {octets_.get() + end_, capacity_ - end_};
}

void SmtpBuffer::release(std::size_t octets_kept) {
  if (!is_empty() || capacity_ <= octets_kept) return;
  octets_.reset();
  capacity_ = begin_ = end_ = 0;
}

}  // namespace letterlock::drive
