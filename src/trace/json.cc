// A trace as one JSON object.
#include <boost/json.hpp>

#include "base/assert.h"
#include "trace/table.h"

namespace letterlock::trace {
namespace {

namespace json = boost::json;

json::string text(std::string_view value) {
  return json::string(value.data(), value.size());
}

std::string_view kind_of(const Ending& ending) {
  switch (ending.kind) {
    case Ending::Kind::bounced:
      return "bounced";
    case Ending::Kind::removed:
      return "removed";
    case Ending::Kind::went_on:
      return "went-on";
  }
  ASSERT(false && "an ending without a name");
}

json::value ending_json(const std::optional<Ending>& ending) {
  if (!ending) return nullptr;
  return json::object{{"kind", text(kind_of(*ending))},
                      {"status", text(ending->status)},
                      {"time", text(base::to_rfc3339(ending->time))}};
}

json::object trace_json(const Trace& trace) {
  return {{"id", text(trace.id.text())},
          {"owner", text(trace.owner.text())},
          {"message_id", text(trace.message_id)},
          {"subject", text(trace.subject)},
          {"mail_from", text(trace.mail_from)},
          {"header_from", text(trace.header_from)},
          {"accepted", text(base::to_rfc3339(trace.accepted))},
          {"expires", text(base::to_rfc3339(trace.expires))},
          {"begun_again", trace.begun_again},
          {"octets", trace.octets},
          {"digest", text(trace.digest)}};
}

json::array hops_json(const LoadedTrace& trace) {
  json::array hops;
  for (const hop::Hop& hop : trace.hops) {
    boost::system::error_code error;
    json::value value = json::parse(hop::to_json(hop), error);
    ASSERT(!error);
    hops.push_back(std::move(value));
  }
  return hops;
}

json::array ways_json(const LoadedTrace& trace, const protection::Evidence& evidence) {
  json::array ways;
  for (const Way& way : trace.ways) {
    json::array positions;
    for (const std::size_t at : way.hops) positions.push_back(at);
    const auto fate = way.came_back() ? protection::Fate::came_back : protection::Fate::going_on;
    ways.push_back(json::object{
        {"recipient", way.recipient.index},
        {"address", text(way.recipient.address)},
        {"hidden", trace.trace.begun_again ? json::value() : json::value(way.recipient.hidden)},
        {"hops", std::move(positions)},
        {"ending", ending_json(way.ending)},
        {"verdict",
         text(protection::verdict(protection::of_way(evidence, trace.hops_of(way)), fate))}});
  }
  return ways;
}

json::array exposure_json(const protection::Exposure& exposure) {
  json::array parties;
  for (const auto& party : exposure.parties) {
    json::array numbers;
    for (const unsigned number : party.hops) numbers.push_back(number);
    parties.push_back(json::object{{"party", text(protection::name(party.party))},
                                   {"could", text(protection::name(party.could))},
                                   {"reason", text(party.reason)},
                                   {"hops", std::move(numbers)}});
  }
  return parties;
}

}  // namespace

std::string to_json(const LoadedTrace& trace, const protection::Evidence& evidence) {
  const json::object all{
      {"trace", trace_json(trace.trace)},
      {"hops", hops_json(trace)},
      {"ways", ways_json(trace, evidence)},
      {"exposure", exposure_json(protection::exposure(evidence))},
      {"attempts_only_counted", trace.quiet_attempts_not_kept},
      {"fetches_only_counted", trace.fetches_not_kept},
      {"told_as_of",
       trace.told_as_of ? json::value(base::to_rfc3339(*trace.told_as_of)) : json::value()},
      {"complete", trace.complete}};
  return json::serialize(all);
}

}  // namespace letterlock::trace
