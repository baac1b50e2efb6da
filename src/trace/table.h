// A trace as people read it: headline, the hops of each recipient, who could have read it, the
// verdict. And as programs do: JSON with everything.
#pragma once

#include <string>

#include "protection/exposure.h"
#include "trace/trace.h"

namespace letterlock::trace {

enum class Colour { never, levels };  // levels: for terminals alone

struct TableOptions {
  std::size_t width = 100;  // columns; at least 80
  Colour colour = Colour::never;
  std::size_t recipients_max = 20;  // shown one by one; the rest is counted
};

// Ends with a newline.
// Strangers' words are printable: no control octets, nothing that turns the writing.
// `evidence`: of these hops.
std::string to_table(const LoadedTrace& trace, const protection::Evidence& evidence,
                     const TableOptions& options);

// One JSON object, every hop with all that is recorded of it.
std::string to_json(const LoadedTrace& trace, const protection::Evidence& evidence);

}  // namespace letterlock::trace
