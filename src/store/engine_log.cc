#include "store/engine_log.h"

#include <array>
#include <cstdarg>
#include <cstdio>

namespace letterlock::store {
namespace {

class EngineLog final : public rocksdb::Logger {
 public:
  explicit EngineLog(base::EventSink& events)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), events_(events) {}

  using Logger::Logv;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level >= rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    std::array<char, 1000> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    const auto severity = level >= rocksdb::InfoLogLevel::ERROR_LEVEL ? base::Severity::warning
                                                                      : base::Severity::debug;
    events_.emit({severity, "store.engine", {{"says", line.data()}}});
  }
  // Lines without a level are those of the first kind, which aren't made.
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}

 private:
  base::EventSink& events_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> engine_log(base::EventSink& events) {
  return std::make_shared<EngineLog>(events);
}

}  // namespace letterlock::store
