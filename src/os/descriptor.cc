#include "os/descriptor.h"

#include <unistd.h>

namespace letterlock::os {

void Descriptor::reset(int number) {
  // The number is free after close() whatever it returns; closing again could hit somebody else's.
  if (number_ >= 0) (void)::close(number_);
  number_ = number;
}

}  // namespace letterlock::os
