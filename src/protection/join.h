// Requirements join: of each part the strictest wins and keeps its source.
#pragma once

#include <vector>

#include "hop/hop.h"
#include "hop/requirement.h"

namespace letterlock::protection {

// Of two equally strict parts the first keeps its source, unless nobody asked for it. The values
// don't depend on the order; nothing is ever lowered.
hop::Requirement join(const hop::Requirement& a, const hop::Requirement& b);

// As it goes with mail into another tenant: who asks stays, and why is for his own people.
hop::Requirement without_reasons(hop::Requirement requirement);

// The parts that must hold (what is only preferred isn't among them), as a hop's record keeps them:
// "level >= authenticated".
std::vector<hop::Required> in_words(const hop::Requirement& requirement);

// Who asked, in brackets of a sentence: `connector "bank"`, "set by acorn.example: contract".
std::string because(const hop::Source& source);

}  // namespace letterlock::protection
