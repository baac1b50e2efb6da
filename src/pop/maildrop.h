// The messages that one session sees: a snapshot taken at sign-in, numbered from 1, with the marks
// of DELE. Eight octets and a bit a message, so that the session stays within its bound.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace letterlock::pop {

// One session shows so many at most: whoever fills it gives the newest ones.
inline constexpr std::size_t messages_max = 16'384;

class Maildrop {
 public:
  Maildrop() = default;
  // `id_prefix` stands before each unique-id: what changes when uids begin anew (UIDVALIDITY).
  explicit Maildrop(std::string id_prefix) : id_prefix_(std::move(id_prefix)) {}
  // In the order that clients see. False once there are messages_max.
  bool add(std::uint32_t uid, std::uint64_t octets);

  std::size_t size() const { return messages_.size(); }
  // Of those not marked.
  std::size_t count() const { return messages_.size() - marked_count_; }
  std::uint64_t octets() const { return octets_; }

  // True for a number that is here and not marked. All below ASSERT it.
  bool has(std::uint32_t number) const {
    return number >= 1 && number <= messages_.size() && !marked_[number - 1];
  }
  std::uint32_t uid(std::uint32_t number) const;
  std::uint64_t octets(std::uint32_t number) const;
  // "1764000000.17": at most 70 characters. RFC: 1939 section 7, UIDL.
  std::string unique_id(std::uint32_t number) const;

  void mark(std::uint32_t number);
  void unmark_all();
  // The uids of those marked, in order.
  std::vector<std::uint32_t> marked() const;

 private:
  struct Message {
    std::uint32_t uid;
    std::uint32_t octets;  // 4 GiB and more are told as 4 GiB
  };
  std::string id_prefix_;
  std::vector<Message> messages_;
  std::vector<bool> marked_;
  std::size_t marked_count_ = 0;
  std::uint64_t octets_ = 0;
};

}  // namespace letterlock::pop
