#include "os/temporary.h"

#include <cstdlib>
#include <filesystem>

namespace letterlock::os {

base::Result<TemporaryFolder> TemporaryFolder::create(const std::string& prefix) {
  std::error_code error;
  auto path = (std::filesystem::temp_directory_path(error) / (prefix + "-XXXXXX")).string();
  if (error || mkdtemp(path.data()) == nullptr)
    return base::fail(base::ErrorKind::io, "no temporary folder can be made: " + path);
  return TemporaryFolder(std::move(path));
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace letterlock::os
