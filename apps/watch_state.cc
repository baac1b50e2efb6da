// What is wrong, and how things are, for people.
#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "apps/watch.h"

namespace letterlock::apps {
namespace {

namespace json = boost::json;
using Kind = queue::Counted::Kind;

constexpr auto certificate_soon = std::chrono::days(14);
constexpr base::Milliseconds never_tried_max = std::chrono::minutes(15);
constexpr double nearly = 0.9;

std::int64_t days_until(base::Time time, base::Time now) {
  return std::chrono::floor<std::chrono::days>(time - now).count();
}

std::string text_of(const std::vector<std::string>& names) {
  return names.size() == 1 ? names.front()
                           : fmt::format("{} and {} more", names.front(), names.size() - 1);
}

}  // namespace

std::vector<std::string> queue_problems(const queue::Counted& counted, base::Milliseconds lifetime,
                                        base::Time now) {
  std::vector<std::string> out;
  const auto age = [now](base::Time oldest) {
    return base::to_text(std::chrono::floor<std::chrono::minutes>(now - oldest));
  };
  if (const auto oldest = counted.oldest(Kind::fresh); oldest && now - *oldest > never_tried_max)
    out.push_back(
        fmt::format("mail waits for {} without having been tried: see queue.load_failed "
                    "and mda.failed in the log",
                    age(*oldest)));
  // A hold has no end of its own: past its lifetime its sender would have been told, and isn't.
  if (const auto oldest = counted.oldest(Kind::held); oldest && now - *oldest > lifetime)
    out.push_back(
        fmt::format("mail is held that came {} ago, past its lifetime, and its sender hears "
                    "nothing: letterlock queue list --state held; release it, or remove --bounce",
                    age(*oldest)));
  return out;
}

std::vector<std::string> Watch::problems() const {
  std::vector<std::string> out;
  if (stopping_) out.emplace_back("it is stopping: sessions have 10 seconds to end");
  const auto& store = parts_.world.store();
  if (store.stopped())
    out.emplace_back(
        "the store takes no writes since an error of the disk: see store.stopped in "
        "the log; nothing that was answered 250 is lost");
  for (auto& one : dead()) out.push_back(std::move(one));
  const auto free = store.free_octets();
  if (!free) out.push_back(free.error().what);
  if (free && *free == 0)
    out.emplace_back(
        "the disk is full (df, df -i): mail is answered 452 until there is room on it");
  const auto now = clock().now();
  for (const auto& serving : parts_.world.certificates()->serving()) {
    if (serving.expires - now > certificate_soon) continue;
    const auto days = days_until(serving.expires, now);
    out.push_back(serving.expires <= now
                      ? fmt::format("the certificate for {} has expired: replace its files",
                                    text_of(serving.names))
                      : fmt::format("the certificate for {} ends in {} days: renew it",
                                    text_of(serving.names), days));
  }
  const auto& leases = parts_.platform.leases();
  if (started_ && leases.count() < queue::keys::partition_count)
    out.push_back(
        fmt::format("{} of the queue's 64 partitions are this node's: after the crash of "
                    "another it takes 30 s; if it lasts, two nodes share a store",
                    leases.count()));
  if (const auto& counted = census_.last()) {
    for (auto& one : queue_problems(*counted, parts_.config.schedule.lifetime, now))
      out.push_back(std::move(one));
  }
  if (parts_.world.names_validate() == dns::Validation::State::does_not)
    out.emplace_back("DNSSEC is not validated: see dns.no_validation in the log");
  for (const auto purpose : {net::Purpose::mail, net::Purpose::submission, net::Purpose::fetch}) {
    const auto taken = parts_.platform.admission().taken(purpose);
    if (taken >= nearly)
      out.push_back(
          fmt::format("{:.0f} % of the sessions that strangers may have for {} are "
                      "taken: see limits.sessions",
                      100 * taken, net::name(purpose)));
  }
  return out;
}

json::object Watch::state() const {
  json::array wrong;
  for (const auto& problem : problems()) wrong.emplace_back(problem);
  json::object out{{"problems", std::move(wrong)},
                   {"ready", is_ready()},
                   {"site", parts_.config.site.name},
                   {"host-name", parts_.config.site.host_name},
                   {"uptime-seconds", (clock().steady() - begun_) / std::chrono::seconds(1)}};
  out["listeners"] = listeners();
  out["sessions-max"] = parts_.config.limits.sessions_max;
  out["queue"] = queue_state();
  out["minute"] = minutes_.last();
  out["ways"] = ways();
  out["store"] = store_state();
  out["certificates"] = certificates();
  out["process"] =
      json::object{{"memory-octets", static_cast<std::uint64_t>(process_->resident_octets())},
                   {"descriptors", static_cast<std::uint64_t>(process_->open_descriptors())}};
  return out;
}

json::array Watch::listeners() const {
  json::array rows;
  for (const auto& door : parts_.doors.doors())
    rows.push_back(json::object{{"kind", name(door.kind)},
                                {"address", door.at.text()},
                                {"open", door.open.value()},
                                {"accepted", door.accepted.value()}});
  for (const auto& listener : listeners_)
    rows.push_back(json::object{{"kind", name(ListenerConfig::Kind::metrics)},
                                {"address", listener->local().text()}});
  return rows;
}

json::object Watch::queue_state() const {
  const auto& dispatcher = parts_.platform.dispatcher();
  std::size_t under_way = 0;
  for (const auto lane : queue::all_lanes) under_way += dispatcher.under_way(lane);
  json::object out{{"in-memory", dispatcher.in_memory()},
                   {"under-way", under_way},
                   {"partitions", parts_.platform.leases().count()}};
  const auto& counted = census_.last();
  if (!counted) return out;
  const auto now = clock().now();
  for (const auto kind : {Kind::fresh, Kind::deferred, Kind::held}) {
    json::object one{{"recipients", counted->count(kind)}};
    if (const auto oldest = counted->oldest(kind))
      one["oldest-seconds"] = std::max<std::int64_t>((now - *oldest) / std::chrono::seconds(1), 0);
    out[queue::Counted::kind_names[static_cast<std::size_t>(kind)]] = std::move(one);
  }
  return out;
}

// Since the start: how many messages, by what guarded them on which way.
json::object Watch::ways() const {
  json::object out;
  for (const auto& sample : parts_.metrics.samples("letterlock_transfers_total")) {
    if (sample.value == 0) continue;
    std::string way;
    std::string level;
    for (const auto& [label, value] : sample.labels) (label == "way" ? way : level) = value;
    auto& levels = out[way];
    if (!levels.is_object()) levels = json::object();
    levels.get_object()[level] = static_cast<std::uint64_t>(sample.value);
  }
  return out;
}

json::object Watch::store_state() const {
  const auto& store = parts_.world.store();
  json::object out{
      {"writes", !store.stopped()},
      {"disk-octets", store.disk_octets()},
      {"syncs", static_cast<std::uint64_t>(parts_.metrics.total("letterlock_store_syncs_total"))}};
  if (const auto free = store.free_octets()) out["free-octets"] = *free;
  return out;
}

json::array Watch::certificates() const {
  json::array out;
  const auto now = clock().now();
  for (const auto& serving : parts_.world.certificates()->serving()) {
    json::array names;
    for (const auto& name : serving.names) names.emplace_back(name);
    out.push_back(json::object{{"names", std::move(names)},
                               {"expires", base::to_rfc3339(serving.expires)},
                               {"days", days_until(serving.expires, now)}});
  }
  return out;
}

}  // namespace letterlock::apps
