// SASLprep (RFC 4013): names and passwords in the one form that is compared and hashed, whatever
// keyboard and system they were typed on. The tables and the normalisation are libidn's.
#include <cstdlib>
#include <memory>

#include <stringprep.h>

#include "sasl/keys.h"

namespace letterlock::sasl {

base::Result<std::string> prepare(std::string_view text) {
  using base::ErrorKind;
  if (text.size() > password_octets_max)
    return base::fail(ErrorKind::invalid, "name or password too long");
  // The library would end there. RFC 4013 §2.3: controls are prohibited output.
  if (text.contains('\0')) return base::fail(ErrorKind::invalid, "name or password holds a NUL");
  char* out = nullptr;
  const int status =
      stringprep_profile(std::string(text).c_str(), &out, "SASLprep", Stringprep_profile_flags{});
  const std::unique_ptr<char, decltype(&std::free)> owned(out, &std::free);
  if (status == STRINGPREP_ICONV_ERROR)
    return base::fail(ErrorKind::invalid, "name or password is not UTF-8");
  if (status != STRINGPREP_OK) {
    return base::fail(ErrorKind::invalid,
                      "name or password can't be prepared (RFC 4013): " +
                          std::string(stringprep_strerror(static_cast<Stringprep_rc>(status))));
  }
  std::string prepared(owned.get());
  if (prepared.empty()) return base::fail(ErrorKind::invalid, "name or password is empty");
  // Normalising may make up to eleven octets of one.
  if (prepared.size() > password_octets_max)
    return base::fail(ErrorKind::invalid, "name or password too long");
  return prepared;
}

}  // namespace letterlock::sasl
