// The node's status as one screen: what is wrong first. What it prints is the node's own words and
// numbers; names of certificates and listeners go through printable().
#include <algorithm>
#include <limits>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "apps/cli.h"
#include "base/bytes.h"

namespace letterlock::apps {
namespace {

namespace json = boost::json;

constexpr std::size_t label_width = 14;

const json::object& part(const json::object& from, std::string_view name) {
  static const json::object nothing;
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : nothing;
}
const json::array& list(const json::object& from, std::string_view name) {
  static const json::array nothing;
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : nothing;
}
std::int64_t number(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  if (value == nullptr || !value->is_number()) return 0;
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64())
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value->get_uint64(), most));
  const double known = value->get_double();
  return known >= -9e18 && known <= 9e18 ? static_cast<std::int64_t>(known) : 0;
}
bool is_true(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}
std::string word(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_string()
             ? base::printable(std::string_view(value->get_string()), 200)
             : std::string();
}

// "3h 12m": two units say enough.
std::string age(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h {}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d {}h", seconds / 86400, seconds / 3600 % 24);
}

std::string size(std::int64_t octets) {
  constexpr std::array<std::string_view, 5> units{"octets", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(octets);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, units[unit]);
}

class Screen {
 public:
  explicit Screen(std::size_t width) : width_(std::max<std::size_t>(width, 40)) {}
  // What doesn't fit goes on below, under the text.
  void row(std::string_view label, const std::vector<std::string>& pieces) {
    std::string line = fmt::format("{:<{}}", label, label_width);
    bool has_any = false;
    for (const auto& piece : pieces) {
      if (has_any && line.size() + 3 + piece.size() > width_) {
        text_ += line + "\n";
        line.assign(label_width, ' ');
        has_any = false;
      }
      line += (has_any ? "   " : "") + piece;
      has_any = true;
    }
    text_ += line + "\n";
  }
  void line(std::string_view text) { text_ += std::string(text) + "\n"; }
  std::string take() { return std::move(text_); }

 private:
  std::size_t width_;
  std::string text_;
};

// A demonstration says nothing of it.
std::string_view readiness(const json::object& status) {
  if (!status.contains("ready")) return "running";
  return is_true(status, "ready") ? "ready" : "NOT READY";
}

void wrong(Screen& screen, const json::object& status) {
  const auto& problems = list(status, "problems");
  if (problems.empty()) {
    screen.row("wrong now", {"nothing"});
    return;
  }
  std::string_view label = "WRONG NOW";
  for (const auto& problem : problems) {
    std::vector<std::string> words;
    if (problem.is_string())
      words.push_back(base::printable(std::string_view(problem.get_string()), 400));
    screen.row(label, words);
    label = "";
  }
}

void listeners(Screen& screen, const json::object& status) {
  std::vector<std::string> pieces{
      fmt::format("{} of {}", number(status, "sessions"), number(status, "sessions-max"))};
  for (const auto& row : list(status, "listeners")) {
    if (!row.is_object()) continue;
    const auto& one = row.get_object();
    const auto named = fmt::format("{} {}", word(one, "kind"), word(one, "address"));
    pieces.push_back(one.contains("open")
                         ? fmt::format("{}: {} open, {} since start", named, number(one, "open"),
                                       number(one, "accepted"))
                         : named);
  }
  screen.row("sessions", pieces);
}

void queue(Screen& screen, const json::object& queue) {
  std::vector<std::string> pieces;
  for (const auto* state : {"new", "deferred", "held"}) {
    const auto& one = part(queue, state);
    if (one.empty()) continue;
    auto piece = fmt::format("{} {}", state, number(one, "recipients"));
    if (one.contains("oldest-seconds"))
      piece += fmt::format(" (oldest {})", age(number(one, "oldest-seconds")));
    pieces.push_back(std::move(piece));
  }
  if (pieces.empty()) pieces.emplace_back("not counted yet");
  pieces.push_back(fmt::format("in memory {}, under way {}", number(queue, "in-memory"),
                               number(queue, "under-way")));
  pieces.push_back(fmt::format("partitions {} of 64", number(queue, "partitions")));
  screen.row("queue", pieces);
}

void ways(Screen& screen, const json::object& ways) {
  std::vector<std::string> pieces;
  for (const auto& [name, way] :
       std::initializer_list<std::pair<const char*, const char*>>{{"submission", "submitted"},
                                                                  {"relay_in", "came in"},
                                                                  {"relay_out", "relayed"},
                                                                  {"fetch", "fetched"}}) {
    std::string piece;
    for (const auto& level : part(ways, name))
      piece += fmt::format("{}{} {}", piece.empty() ? "" : ", ", base::printable(level.key()),
                           number(part(ways, name), level.key()));
    if (!piece.empty()) pieces.push_back(fmt::format("{}: {}", way, piece));
  }
  if (pieces.empty()) pieces.emplace_back("no message yet");
  screen.row("protection", pieces);
}

void minute(Screen& screen, const json::object& minute) {
  std::vector<std::string> pieces;
  for (const auto& pair : minute) {
    if (pair.key() == "seconds") continue;
    pieces.push_back(fmt::format("{} {}", base::printable(pair.key()), number(minute, pair.key())));
  }
  if (pieces.empty()) pieces.emplace_back("not known yet");
  screen.row("last minute", pieces);
}

void certificates(Screen& screen, const json::object& status) {
  std::vector<std::string> pieces;
  for (const auto& row : list(status, "certificates")) {
    if (!row.is_object()) continue;
    const auto& names = list(row.get_object(), "names");
    const auto first = names.empty() || !names.front().is_string()
                           ? std::string("?")
                           : base::printable(std::string_view(names.front().get_string()), 100);
    pieces.push_back(fmt::format("{}: {} days left", first, number(row.get_object(), "days")));
  }
  screen.row("certificates", pieces);
}

}  // namespace

bool is_fine(const json::object& status) {
  return list(status, "problems").empty();
}

std::string status_screen(const json::object& status, std::size_t width) {
  Screen screen(width);
  screen.line(fmt::format("letterlock {} at {}, node {} ({}): {}, up {}", word(status, "version"),
                          word(status, "site"), word(status, "node"), word(status, "host-name"),
                          readiness(status), age(number(status, "uptime-seconds"))));
  wrong(screen, status);
  minute(screen, part(status, "minute"));
  listeners(screen, status);
  queue(screen, part(status, "queue"));
  ways(screen, part(status, "ways"));
  const auto& store = part(status, "store");
  screen.row("store", {is_true(store, "writes") ? "takes writes" : "TAKES NO WRITES",
                       fmt::format("{} on disk", size(number(store, "disk-octets"))),
                       fmt::format("{} free", size(number(store, "free-octets"))),
                       fmt::format("{} syncs", number(store, "syncs"))});
  certificates(screen, status);
  const auto& process = part(status, "process");
  screen.row("process", {fmt::format("{} of memory", size(number(process, "memory-octets"))),
                         fmt::format("{} descriptors", number(process, "descriptors")),
                         fmt::format("{} tenants", number(status, "tenants"))});
  return screen.take();
}

}  // namespace letterlock::apps
