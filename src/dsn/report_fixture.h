// Reports for this room's tests.
#pragma once

#include "dsn/report.h"

namespace letterlock::dsn::test {

inline const base::Time noon = base::from_milliseconds(1'795'428'131'000);  // 2026-11-23 10:02:11

inline address::Address at(std::string_view text) {
  return *address::Address::parse(text);
}

// As little as there may be, but for its recipients.
inline Report empty_report() {
  Report report;
  report.from = at("postmaster@acorn.example");
  report.to = at("alice@acorn.example");
  report.reporting_mta = "dublin-1.acorn.example";
  report.message_id = "<r1@acorn.example>";
  report.date = noon;
  report.boundary = "b0undary";
  return report;
}

}  // namespace letterlock::dsn::test
