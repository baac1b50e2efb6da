// A bounded memory: what was touched longest ago goes first. Ordered, not hashed, as strangers
// choose the keys. Not for several threads at once.
#pragma once

#include <list>
#include <map>
#include <string>
#include <string_view>

namespace letterlock::directory {

template <class Value>
class Recent {
 public:
  explicit Recent(std::size_t count_max) : count_max_(count_max) {}

  // Null if it isn't there. Touches it.
  Value* find(std::string_view key) {
    const auto at = places_.find(key);
    if (at == places_.end()) return nullptr;
    order_.splice(order_.begin(), order_, at->second.place);
    return &at->second.value;
  }
  // The one that is there, or a new one, for which the oldest may go.
  Value& get(std::string_view key) {
    if (auto* there = find(key)) return *there;
    if (places_.size() >= count_max_) {
      places_.erase(places_.find(order_.back()));
      order_.pop_back();
    }
    order_.emplace_front(key);
    return places_.emplace(std::string(key), Node{{}, order_.begin()}).first->second.value;
  }
  void erase(std::string_view key) {
    const auto at = places_.find(key);
    if (at == places_.end()) return;
    order_.erase(at->second.place);
    places_.erase(at);
  }
  std::size_t size() const { return places_.size(); }

 private:
  struct Node {
    Value value;
    std::list<std::string>::iterator place;
  };
  std::size_t count_max_;
  std::list<std::string> order_;  // touched last, first
  std::map<std::string, Node, std::less<>> places_;
};

}  // namespace letterlock::directory
