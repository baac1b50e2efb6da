#include "directory/calendar.h"

#include "base/pack.h"
#include "directory/asking.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

constexpr std::uint64_t version = 1;
constexpr base::Milliseconds after_failure = std::chrono::seconds(10);

net::ResultTask<CalendarRecord> record_of(store::Transaction& tx, std::string node) {
  CO_TRY(const auto octets, co_await tx.get(keys::calendar(node)));
  if (!octets) co_return CalendarRecord();
  CO_TRY(auto record, decode_calendar(*octets));
  co_return record;
}

net::ResultTask<std::vector<CalendarRecord>> records(store::Transaction& tx) {
  std::vector<CalendarRecord> all;
  auto range = store::range_of(keys::calendars());
  while (true) {
    CO_TRY(const auto rows, co_await tx.scan(range, {.count_max = page_max}));
    for (const auto& row : rows) {
      CO_TRY(auto record, decode_calendar(row.second));
      all.push_back(std::move(record));
    }
    if (rows.size() < page_max) co_return all;
    range.first = rows.back().first + '\0';
  }
}

net::ResultTask<std::vector<base::Setback>> setbacks(store::Transaction& tx) {
  CO_TRY(const auto nodes, co_await records(tx));
  std::vector<base::Setback> all;
  for (const auto& record : nodes)
    all.insert(all.end(), record.setbacks.begin(), record.setbacks.end());
  co_return all;
}

}  // namespace

std::string encode(const CalendarRecord& record) {
  base::Packer out(version);
  out.time(record.not_after).number(record.setbacks.size());
  for (const auto& one : record.setbacks) out.time(one.to).time(one.from);
  return out.take();
}

base::Result<CalendarRecord> decode_calendar(std::string_view octets) {
  base::Unpacker in("calendar of a node", octets);
  CalendarRecord record;
  record.not_after = in.time();
  for (auto left = in.count(); left > 0 && !in.bad(); --left) {
    const auto to = in.time();
    record.setbacks.push_back({to, in.time()});
  }
  TRY(in.done(version));
  return record;
}

net::ResultTask<base::Time> latest_recorded(store::Transaction& tx) {
  CO_TRY(const auto nodes, co_await records(tx));
  base::Time latest;
  for (const auto& record : nodes) {
    latest = std::max(latest, record.not_after);
    for (const auto& one : record.setbacks) latest = std::max(latest, one.from);
  }
  co_return latest;
}

Calendar::Calendar(store::Store& store, const os::Clock& machine, net::Timers& timers,
                   base::EventSink& events, CalendarOptions options)
    : store_(store),
      timers_(timers),
      events_(events),
      options_(std::move(options)),
      clock_(machine, [this](base::Setback setback) { told(setback); }) {}

void Calendar::told(base::Setback setback) {
  keep(setback);
  say(setback);
  bell_.ring();
}

void Calendar::keep(base::Setback setback) {
  const std::scoped_lock lock(mutex_);
  unwritten_ = base::merged(std::move(unwritten_), setbacks_max - 1);
  unwritten_.push_back(setback);
}

void Calendar::say(const base::Setback& setback) const {
  events_.emit({base::Severity::warning,
                "clock.set_back",
                {{"node", options_.node},
                 {"from", base::to_rfc3339(setback.from)},
                 {"to", base::to_rfc3339(setback.to)}}});
}

std::vector<base::Setback> Calendar::unwritten() const {
  const std::scoped_lock lock(mutex_);
  return unwritten_;
}

net::ResultTask<> Calendar::open() {
  CO_TRY(const auto known,
         co_await ask<CalendarRecord>(store_, store::Scope::site(),
                                      [this](auto& tx) { return record_of(tx, options_.node); }));
  const base::Setback since{clock_.now(), known.not_after};
  if (since.to < since.from) keep(since);
  // After a crash it is so for a few minutes; more is the calendar's doing.
  if (since.from - since.to > options_.ahead) say(since);
  co_return co_await write(options_.ahead);
}

net::Task<> Calendar::run() {
  while (true) {
    const auto rung = co_await bell_.wait(timers_, options_.ahead / 2);
    if (!rung) co_return;
    auto written = co_await write(options_.ahead);
    while (!written) {
      if (written.error().kind == base::ErrorKind::cancelled) co_return;
      events_.emit({base::Severity::error,
                    "directory.failed",
                    {{"agent", "directory"},
                     {"doing", "writing down the calendar"},
                     {"reason", written.error().what}}});
      if (!co_await timers_.sleep(after_failure)) co_return;
      written = co_await write(options_.ahead);
    }
  }
}

net::ResultTask<> Calendar::close() {
  return write(base::Milliseconds(0));
}

net::ResultTask<> Calendar::write(base::Milliseconds ahead) {
  const auto written = unwritten();
  CO_CHECK(co_await store_.transact(store::Scope::site(),
                                    [&](store::Transaction& tx) { return write_in(tx, ahead); }));
  // What was told meanwhile may be in it or not: it stays.
  const std::scoped_lock lock(mutex_);
  if (unwritten_ == written) unwritten_.clear();
  co_return base::Result<>();
}

net::ResultTask<> Calendar::write_in(store::Transaction& tx, base::Milliseconds ahead) {
  CO_TRY(auto record, co_await record_of(tx, options_.node));
  for (const auto& one : unwritten()) record.setbacks.push_back(one);
  record.setbacks = base::merged(std::move(record.setbacks), setbacks_max);
  record.not_after = clock_.now() + ahead;
  tx.put(keys::calendar(options_.node), encode(record));
  co_return base::Result<>();
}

net::ResultTask<base::Order> Calendar::order() {
  // What is written before the rows are read is in them, what is not is here.
  auto all = unwritten();
  CO_TRY(const auto rows, co_await ask<std::vector<base::Setback>>(
                              store_, store::Scope::site(), [](auto& tx) { return setbacks(tx); }));
  all.insert(all.end(), rows.begin(), rows.end());
  co_return base::Order(std::move(all));
}

}  // namespace letterlock::directory
