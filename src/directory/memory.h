// What was asked of the directory, kept until it changes. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "directory/recent.h"
#include "store/store.h"

namespace letterlock::directory {

// What is answered was true at a moment after the question: a change is counted before whoever made
// it is told. Limits: `count_max` answers; the one asked for longest ago goes first.
template <class Value>
class Memory {
 public:
  // `changes`: counts those of all that an answer depends on.
  Memory(store::Store::Count changes, std::size_t count_max)
      : changes_(std::move(changes)), count_max_(count_max), answers_(count_max) {}

  struct Answer {
    std::optional<Value> value;  // none: nobody knows
    std::uint64_t asked = 0;     // give it to keep(), with what the store says
  };
  Answer find(std::string_view key) {
    const std::scoped_lock lock(mutex_);
    const auto now = changes_->load();
    if (now != known_) {
      answers_ = Recent<Value>(count_max_);
      known_ = now;
    }
    const auto* value = answers_.find(key);
    return {value != nullptr ? std::optional<Value>(*value) : std::nullopt, now};
  }
  // What was read before a change must not be taken for what came after it.
  void keep(std::string_view key, const Value& value, std::uint64_t asked) {
    const std::scoped_lock lock(mutex_);
    if (known_ == asked) answers_.get(key) = value;
  }

 private:
  store::Store::Count changes_;
  std::size_t count_max_;
  std::mutex mutex_;
  Recent<Value> answers_;  // as of so many changes
  std::uint64_t known_ = 0;
};

}  // namespace letterlock::directory
