// Every stored form of this room: octets of any kind are read without harm, and what is read is
// written as it was understood.
#include "trace/records.h"

#include <cstdint>

#include "base/assert.h"
#include "fuzz/mutators.h"

namespace {

using namespace letterlock::trace;

// What was read, written and read again is the same.
template <class Value>
void check(const letterlock::base::Result<Value>& value,
           letterlock::base::Result<Value> (*unpack)(std::string_view)) {
  if (!value) return;
  const auto again = unpack(pack(*value));
  ASSERT(again);
  ASSERT(*again == *value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  check<Trace>(unpack_trace(octets), unpack_trace);
  const auto trace = unpack_trace(octets);
  const auto first = unpack_first_hop(octets);
  if (trace && first && *first) ASSERT(unpack_first_hop(pack(*trace, &**first)) == first);
  check<State>(unpack_state(octets), unpack_state);
  check<Fetches>(unpack_fetches(octets), unpack_fetches);
  check<Attempts>(unpack_attempts(octets), unpack_attempts);
  check<Last>(unpack_last(octets), unpack_last);
  check<Ending>(unpack_ending(octets), unpack_ending);
  check<Link>(unpack_link(octets), unpack_link);
  check<Open>(unpack_open(octets), unpack_open);
  check<letterlock::hop::Hop>(unpack_hop(octets), unpack_hop);
  if (const auto event = unpack_event(octets)) {
    ASSERT(unpack_event(pack_event(event->first, event->second)) == *event);
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  return letterlock::fuzz::change_record({data, size_max}, size, seed, 0);
}
