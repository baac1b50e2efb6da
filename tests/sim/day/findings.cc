#include "sim/day/findings.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace letterlock::day {
namespace {
constexpr std::size_t broken_max = 20;
}

void Findings::broken(std::string what) {
  write("BROKEN", what);
  if (broken_.size() < broken_max)
    broken_.push_back(base::to_rfc3339(clock_.now()) + " " + std::move(what));
}

void Findings::wrong(std::string what) {
  write("WRONG", what);
  if (wrong_.size() < broken_max)
    wrong_.push_back(base::to_rfc3339(clock_.now()) + " " + std::move(what));
}

void Findings::note(std::string_view line) {
  write("  day ", line);
}

void Findings::emit(const base::Event& event) {
  std::string line(event.name);
  for (const auto& [key, value] : event.fields) {
    line += ' ';
    line += key;
    line += '=';
    line += base::printable(value, 400);
  }
  write(base::name(event.severity), line);
}

void Findings::write(std::string_view mark, std::string_view line) {
  ++lines_;
  const auto add = [this](std::string_view text) {
    for (const char octet : text)
      digest_ = (digest_ ^ static_cast<unsigned char>(octet)) * 0x100000001b3U;
  };
  const auto time = base::to_milliseconds(clock_.now());
  add({reinterpret_cast<const char*>(&time), sizeof time});
  add(mark);
  add(line);
  if (print_ == Print::everything)
    fmt::print("{} {:7} {}\n", base::to_rfc3339(clock_.now()), mark, line);
}

std::string Findings::digest() const {
  return fmt::format("{:016x}", digest_);
}

}  // namespace letterlock::day
