// Mutators that know what an input is made of, for fuzz targets: conversations in lines, and stored
// records in the form of base/pack.h. A target with one defines LLVMFuzzerCustomMutator by calling
// it. One change in four is libFuzzer's own, which knows nothing and so finds what nobody thought
// of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

namespace letterlock::fuzz {

class Dice {
 public:
  explicit Dice(unsigned seed) : word_(seed * 0x9E3779B97F4A7C15U + 0x2545F4914F6CDD1DU) {}
  std::size_t below(std::size_t limit) {
    word_ ^= word_ << 13;
    word_ ^= word_ >> 7;
    word_ ^= word_ << 17;
    return limit == 0 ? 0 : static_cast<std::size_t>(word_ >> 11) % limit;
  }
  template <class List>
  const auto& one_of(const List& list) {
    return *(std::begin(list) + static_cast<std::ptrdiff_t>(below(std::size(list))));
  }

 private:
  std::uint64_t word_;
};

inline std::size_t put_back(const std::string& input, std::uint8_t* data, std::size_t size_max) {
  const std::size_t size = std::min(input.size(), size_max);
  std::memcpy(data, input.data(), size);
  return size;
}

// Lines with their ends, whatever these are; the last may have none.
inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto length = end == std::string_view::npos ? text.size() : end + 1;
    lines.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

inline void change_line_end(std::string& line, Dice& dice) {
  static constexpr std::string_view ends[] = {
      "\r\n", "\r\n", "\n", "\r", "\r\r\n", "\n\r", std::string_view("\0\r\n", 3), "", " \r\n"};
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  line += dice.one_of(ends);
}

// Words of a line trade places, double or go.
inline void change_words(std::string& line, Dice& dice) {
  const auto space = line.find(' ');
  if (space == std::string::npos) return;
  switch (dice.below(3)) {
    case 0:
      line.insert(space, " ");
      break;
    case 1:
      line.erase(space, 1);
      break;
    default:
      line.insert(space, line.substr(0, std::min<std::size_t>(space, 40)));
  }
}

// A conversation: `head_octets` of options in front, then lines. `words` are lines worth saying.
inline std::size_t change_lines(std::span<std::uint8_t> room, std::size_t size, unsigned seed,
                                std::size_t head_octets, std::span<const std::string_view> words) {
  Dice dice(seed);
  if (size <= head_octets || dice.below(4) == 0)
    return LLVMFuzzerMutate(room.data(), size, room.size());
  const std::string_view whole(reinterpret_cast<const char*>(room.data()), size);
  auto lines = lines_of(whole.substr(head_octets));
  const std::size_t at = dice.below(lines.size());
  const auto place = lines.begin() + static_cast<std::ptrdiff_t>(at);
  switch (dice.below(7)) {
    case 0:
      std::swap(lines[at], lines[dice.below(lines.size())]);
      break;
    case 1:
      lines.erase(place);
      break;
    case 2:
      lines.insert(place, lines[dice.below(lines.size())]);
      break;
    case 3:
    case 4:
      lines.insert(place, std::string(dice.one_of(words)));
      break;
    case 5:
      change_line_end(lines[at], dice);
      break;
    default:
      change_words(lines[at], dice);
  }
  std::string changed(whole.substr(0, head_octets));
  for (const auto& line : lines) changed += line;
  return put_back(changed, room.data(), room.size());
}

// One field of a packed record: where its varint stands, and what it says.
struct Varint {
  std::size_t at = 0;
  std::size_t octets = 0;
  std::uint64_t value = 0;
};

inline std::string varint(std::uint64_t value) {
  std::string out;
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  return out + static_cast<char>(value);
}

// Reads from the front: each varint may be a number, a count, or the length of the text behind it;
// where it could be a length, half of the time it is taken for one.
inline std::vector<Varint> varints_of(std::string_view record, Dice& dice) {
  std::vector<Varint> found;
  std::size_t at = 0;
  while (at < record.size()) {
    Varint one{at, 0, 0};
    while (at < record.size() && one.octets < 10) {
      const auto octet = static_cast<unsigned char>(record[at++]);
      one.value |= std::uint64_t{octet & 0x7FU} << std::min<std::size_t>(7 * one.octets, 63);
      ++one.octets;
      if (octet < 0x80) break;
    }
    found.push_back(one);
    if (one.value > 0 && one.value <= record.size() - at && dice.below(2) == 0)
      at += static_cast<std::size_t>(one.value);
  }
  return found;
}

// A record: `head_octets` that choose its kind, then fields of base/pack.h. Numbers become those at
// the edges; texts grow and shrink with their lengths kept true; parts double, and go.
inline std::size_t change_record(std::span<std::uint8_t> room, std::size_t size, unsigned seed,
                                 std::size_t head_octets) {
  static constexpr std::uint64_t edges[] = {
      0, 1, 2, 3, 127, 128, 255, 256, 16383, 65536, 0x7FFFFFFF, 0xFFFFFFFF, 1ULL << 63, ~0ULL};
  static constexpr std::string_view texts[] = {
      "",         "a",    "bob@birch.example",       "x.example",
      "\xC3\xA4", "\xFF", std::string_view("\0", 1), "1.2.3",
      "{\"a\":1}"};
  Dice dice(seed);
  if (size <= head_octets || dice.below(4) == 0)
    return LLVMFuzzerMutate(room.data(), size, room.size());
  std::string record(reinterpret_cast<const char*>(room.data()), size);
  const auto fields = varints_of(std::string_view(record).substr(head_octets), dice);
  const Varint field = dice.one_of(fields);
  const std::size_t at = head_octets + field.at;
  const std::size_t behind = at + field.octets;
  const std::size_t text =
      std::min<std::uint64_t>(field.value, record.size() - std::min(behind, record.size()));
  switch (dice.below(6)) {
    case 0:
      record.replace(at, field.octets, varint(dice.one_of(edges)));
      break;
    case 1:
      record.replace(at, field.octets, varint(field.value + (dice.below(2) == 0 ? 1 : ~0ULL)));
      break;
    case 2: {
      const auto& word = dice.one_of(texts);
      record.replace(at, field.octets + text, varint(word.size()) + std::string(word));
      break;
    }
    case 3:
      record.insert(at, record.substr(at, field.octets + text));
      break;
    case 4:
      record.erase(at, field.octets + text);
      break;
    default:  // the same number in more octets than it needs
      record.replace(at, field.octets, varint(field.value));
      record[at + varint(field.value).size() - 1] |= static_cast<char>(0x80);
      record.insert(at + varint(field.value).size(), 1, '\0');
  }
  return put_back(record, room.data(), room.size());
}

}  // namespace letterlock::fuzz
