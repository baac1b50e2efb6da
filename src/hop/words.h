// Enumerations and their words, both ways: one table an enumeration.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"

namespace letterlock::hop {

template <class Value, std::size_t Count>
struct Words {
  struct Word {
    Value value;
    std::string_view text;
  };
  std::array<Word, Count> words;

  std::string_view name(Value value) const {
    for (const Word& word : words) {
      if (word.value == value) return word.text;
    }
    ASSERT(false && "an enumerator without a word");
  }
  std::optional<Value> from(std::string_view text) const {
    for (const Word& word : words) {
      if (word.text == text) return word.value;
    }
    return std::nullopt;
  }
  // "clear, encrypted, mutual": for errors that name what would have been known.
  std::string all() const {
    std::string list;
    for (const Word& word : words) {
      if (!list.empty()) list += ", ";
      list += word.text;
    }
    return list;
  }
};

}  // namespace letterlock::hop
