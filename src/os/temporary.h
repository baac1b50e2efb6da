// A folder that goes away with the object: for tests, the demonstration and the bench.
#pragma once

#include <string>

#include "base/result.h"

namespace letterlock::os {

class TemporaryFolder {
 public:
  // Below $TMPDIR or /tmp, readable by this user alone. Errors: io.
  static base::Result<TemporaryFolder> create(const std::string& prefix);
  ~TemporaryFolder();  // with all that is in it
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace letterlock::os
