#include "sim/events.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"

namespace letterlock::sim {

namespace {
constexpr std::size_t events_max = 100'000;

std::string line(const Events::Seen& seen) {
  std::string text = base::to_rfc3339(seen.time);
  text.append(" ").append(base::name(seen.severity)).append(" ").append(seen.name);
  for (const auto& [key, value] : seen.fields) {
    text.append(" ").append(key).append("=").append(base::printable(value));
  }
  return text.append("\n");
}
}  // namespace

std::string_view Events::Seen::operator[](std::string_view key) const {
  for (const auto& [name_of_field, value] : fields) {
    if (name_of_field == key) return value;
  }
  return {};
}

void Events::emit(const base::Event& event) {
  Seen seen{clock_.now(), event.severity, std::string(event.name), {}};
  for (const auto& [key, value] : event.fields) seen.fields.emplace_back(std::string(key), value);
  digest_ = base::to_hex(base::sha256(digest_ + line(seen)));
  seen_.push_back(std::move(seen));
  if (seen_.size() > events_max) seen_.pop_front();
}

std::size_t Events::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count(seen_, name, &Seen::name));
}

const Events::Seen* Events::last(std::string_view name) const {
  const auto found = std::find_if(seen_.rbegin(), seen_.rend(),
                                  [&](const Seen& seen) { return seen.name == name; });
  return found == seen_.rend() ? nullptr : &*found;
}

std::string Events::text() const {
  std::string text;
  for (const auto& seen : seen_) text += line(seen);
  return text;
}

}  // namespace letterlock::sim
