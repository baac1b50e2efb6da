// OpenSSL's reasons in plain sentences, one each.
#pragma once

#include <string>

namespace letterlock::tls {

// Why the last operation of this thread failed; empties OpenSSL's queue of errors.
std::string failure_sentence();

}  // namespace letterlock::tls
