// Octets that came in and aren't used yet, in one piece, so that they are parsed where they lie.
// Small while commands come, large while content does. Lives with its session.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace letterlock::drive {

class SmtpBuffer {
 public:
  // Octets held at most: one command line of a group, an AUTH line, content under way.
  static constexpr std::size_t small_octets = 4 * 1024;
  static constexpr std::size_t middle_octets = 16 * 1024;
  static constexpr std::size_t large_octets = 64 * 1024;

  std::string_view view() const { return {octets_.get() + begin_, end_ - begin_}; }
  std::span<char> octets() { return {octets_.get() + begin_, end_ - begin_}; }
  bool is_empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }

  void consume(std::size_t count);
  // Free octets behind those that are held, at least one, after making room for `octets_wanted` in
  // all. What view() gave is no longer valid.
  std::span<char> room(std::size_t octets_wanted);
  void filled(std::size_t count) { end_ += count; }
  // Throws all octets away, unseen.
  void clear() { begin_ = end_ = 0; }
  // Gives memory back, if nothing is held: a session that only waits costs its small size at most.
  void release(std::size_t octets_kept);

 private:
  std::unique_ptr<char[]> octets_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace letterlock::drive
