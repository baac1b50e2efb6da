#include "trace/table.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/bytes.h"
#include "trace/layout.h"
#include "trace/words.h"

namespace letterlock::trace {
namespace {

using hop::Hop;
using hop::Level;
using hop::Outcome;
using protection::Could;

constexpr std::size_t margin = 2;

Cell coloured(std::string text, const char* colour, const TableOptions& options) {
  if (options.colour == Colour::never) return {std::move(text)};
  return {std::move(text), {}, fmt::format("\x1b[{}m", colour), "\x1b[0m"};
}

Cell level_cell(Level level, const TableOptions& options) {
  const char* colour = level == Level::clear ? "1;31" : level == Level::encrypted ? "33" : "32";
  return coloured(std::string(hop::name(level)), colour, options);
}

Cell could_cell(Could could, const TableOptions& options) {
  std::string text(protection::name(could));
  if (could != Could::anyone) return {std::move(text)};
  return coloured(std::move(text), "1;31", options);
}

// All attempts at one hop.
using Attempts = std::vector<const Hop*>;

// The attempt that counts: the one that was taken, or may have been; of fetches also one that got a
// part.
const Hop* taken(const Attempts& attempts) {
  const Hop* found = nullptr;
  for (const Hop* hop : attempts) {
    const bool counts = hop->outcome != Outcome::failed ||
                        (hop->kind == hop::Kind::fetch && protection::gave_content(*hop));
    if (!counts) continue;
    if (found == nullptr || hop->outcome == Outcome::completed) found = hop;
  }
  return found;
}

// Those that did not end well, or not yet: a line for each kind.
void add_attempts(Table& table, const Attempts& attempts, base::Time day) {
  // Alike: the same host, the same words, the same given away; in the order of the first of each.
  std::vector<Attempts> groups;
  const auto alike = [](const Hop& a, const Hop& b) {
    return a.to.who == b.to.who && a.reason == b.reason && a.reply == b.reply &&
           a.given == b.given && a.outcome == b.outcome && a.protection.level == b.protection.level;
  };
  constexpr std::size_t groups_max = 12;
  std::size_t left_out = 0;
  for (const Hop* hop : attempts) {
    if (hop->outcome == Outcome::completed) continue;
    const auto group =
        std::ranges::find_if(groups, [&](const Attempts& g) { return alike(*g.front(), *hop); });
    if (group != groups.end()) {
      group->push_back(hop);
    } else if (groups.size() < groups_max) {
      groups.push_back({hop});
    } else {
      ++left_out;
    }
  }
  for (const Attempts& group : groups) table.across(attempts_in_words(group, day), 3);
  if (left_out > 0) {
    table.across(fmt::format("{} more attempts that ended otherwise", left_out), 3);
  }
}

void add_unknown(Table& table, std::string ends, std::string words) {
  table.row({{std::move(ends), "   "}, {"unknown"}, {std::move(words)}, {"-"}, {"-"}});
}

void add_hop(Table& table, const Attempts& attempts, base::Time day, const TableOptions& options) {
  const Hop* hop = taken(attempts);
  const Hop& shown = hop != nullptr ? *hop : *attempts.back();
  const Cell ends{ends_of(shown), fmt::format("{:<3}", shown.number)};
  if (hop == nullptr) {
    table.row({ends, {"not taken"}, {"-"}, {"-"}, {"recorded"}});
  } else {
    const bool is_local = hop->protection.level == Level::local;
    table.row({ends,
               level_cell(hop->protection.level, options),
               {protected_by(*hop)},
               {is_local ? "-" : std::string(hop::name(hop->protection.network))},
               {proof_of(*hop)}});
  }
  const std::string& calls_itself = shown.from.calls_itself;
  if (!calls_itself.empty()) {
    table.across(fmt::format("{} calls itself {}; nothing else says so",
                             plain(protection::short_name(shown.from)), plain(calls_itself)),
                 3);
  }
  add_attempts(table, attempts, day);
}

// Behind an expansion at a list: where its members' hops are to be found.
void add_members(Table& table, const Hop& hop, const protection::Evidence& evidence) {
  const std::string list = plain(protection::short_name(hop.to));
  for (const auto& child : evidence.children) {
    const bool is_it = child.what == protection::Child::What::expanded &&
                       base::equal_ignoring_case(child.name, hop.to.who);
    if (!is_it || !child.exposure) continue;
    table.across(fmt::format("{} -> its members: trace {}", list, plain(child.trace)), 3);
    return;
  }
  add_unknown(table, list + " -> its members", "from here on");
}

// The hops among `positions`, their attempts together, and what lies before and behind them.
void add_hops(Table& table, const LoadedTrace& trace, const protection::Evidence& evidence,
              const std::vector<std::size_t>& positions, const std::string& recipient,
              const TableOptions& options) {
  std::map<unsigned, Attempts> by_number;
  for (const std::size_t at : positions) {
    by_number[trace.hops[at].number].push_back(&trace.hops[at]);
  }
  for (const auto& [number, attempts] : by_number) {
    const Hop* hop = taken(attempts);
    const bool is_relay = hop != nullptr && hop->kind == hop::Kind::relay;
    if (is_relay && hop->from.role == hop::End::Role::mta) {
      add_unknown(table, "… -> " + plain(protection::short_name(hop->from)), "before here");
    }
    add_hop(table, attempts, trace.trace.accepted, options);
    if (hop != nullptr && hop->to.role == hop::End::Role::list) add_members(table, *hop, evidence);
    if (is_relay && hop->to.role == hop::End::Role::mta) {
      add_unknown(table,
                  fmt::format("{} -> {}", plain(protection::short_name(hop->to)),
                              plain(recipient.substr(0, recipient.rfind('@')))),
                  "from here on");
    }
  }
}

Table hop_table(const LoadedTrace& trace, const protection::Evidence& evidence,
                const TableOptions& options) {
  Table table({{"hop", 20, 2},
               {"level", 13, 3},
               {"protected by", 20, 0},
               {"network", 7, 3},
               {"proof", 10, 1}});
  if (trace.ways.size() <= 1) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < trace.hops.size(); ++i) all.push_back(i);
    const bool is_one = trace.ways.size() == 1;
    add_hops(table, trace, evidence, is_one ? trace.ways[0].hops : all,
             is_one ? trace.ways[0].recipient.address : "", options);
    return table;
  }
  std::vector<std::size_t> common;
  for (std::size_t i = 0; i < trace.hops.size(); ++i) {
    if (trace.hops[i].recipients.empty()) common.push_back(i);
  }
  add_hops(table, trace, evidence, common, "", options);
  const std::size_t shown = std::min(trace.ways.size(), options.recipients_max);
  for (std::size_t w = 0; w < shown; ++w) {
    const Way& way = trace.ways[w];
    table.across(fmt::format("to {}{}: {}", plain(way.recipient.address),
                             way.recipient.hidden ? " (not named in To or Cc)" : "",
                             standing_of(trace, way, evidence)),
                 0);
    std::vector<std::size_t> own;
    std::ranges::copy_if(way.hops, std::back_inserter(own),
                         [&](std::size_t at) { return !trace.hops[at].recipients.empty(); });
    add_hops(table, trace, evidence, own, way.recipient.address, options);
  }
  if (shown < trace.ways.size()) {
    table.across(fmt::format("and {} recipients more", trace.ways.size() - shown), 0);
  }
  return table;
}

std::string indented(const std::string& text, std::size_t width, std::size_t indent,
                     std::size_t hanging) {
  Table line({{""}});
  line.across(text, indent - std::min(indent, margin), hanging);
  return line.text(width, std::min(indent, margin));
}

std::string headline(const LoadedTrace& trace, const protection::Evidence& evidence,
                     const TableOptions& options) {
  const Trace& of = trace.trace;
  const std::string subject =
      of.subject.empty() ? "(no subject)" : fmt::format("\"{}\"", plain(of.subject));
  const std::string from = of.mail_from.empty() ? "<>" : plain(of.mail_from);
  std::string to = "nobody";
  if (trace.ways.size() == 1) to = plain(trace.ways[0].recipient.address);
  if (trace.ways.size() > 1) to = fmt::format("{} recipients", trace.ways.size());
  const std::string first = fmt::format("{}   {} -> {}", subject, from, to);
  std::string times = "sent " + moment(of.accepted);
  if (trace.ways.size() == 1) times += ", " + standing_of(trace, trace.ways[0], evidence);
  std::string text;
  // Wrapping would make one blank of several: only whole lines keep them.
  const std::size_t needed = margin + columns_of(first) + 5 + columns_of(times);
  const std::string blank(margin, ' ');
  if (needed <= options.width) {
    text = blank + first + "     " + times + "\n";
  } else {
    text = columns_of(first) + margin <= options.width ? blank + first + "\n"
                                                       : indented(first, options.width, margin, 2);
    text += indented(times, options.width, margin + 2, 2);
  }
  std::string id = "trace " + of.id.text();
  if (!of.message_id.empty()) id += ", Message-ID " + plain(of.message_id, 200);
  return text + indented(id, options.width, margin, 2);
}

std::string not_kept(const LoadedTrace& trace, const TableOptions& options) {
  std::string text;
  const auto add = [&](const std::string& line) { text += indented(line, options.width, 5, 2); };
  if (trace.quiet_attempts_not_kept > 0) {
    add(fmt::format("{} more attempts failed, and gave no content away: only counted",
                    trace.quiet_attempts_not_kept));
  }
  if (trace.fetches_not_kept > 0) {
    add(fmt::format("{} more fetches, none less protected than these: only counted",
                    trace.fetches_not_kept));
  }
  if (!trace.complete) add(fmt::format("only the first {} hops are shown", loaded_hops_max));
  return text;
}

std::string who_could(const protection::Exposure& exposure, const TableOptions& options) {
  Table table({{"", 20, 1}, {"", 3, 1}, {"", 20, 0}});
  for (const auto& party : exposure.parties) {
    table.row({{std::string(protection::title(party.party))},
               could_cell(party.could, options),
               {plain(party.reason, 2000)}});
  }
  return fmt::format("{:{}}Who could have read it\n{}", "", margin,
                     table.text(options.width, margin + 2));
}

// Where something went in clear, the decision and its reason; each once.
std::string reasons_of_clear(const LoadedTrace& trace, const TableOptions& options) {
  std::vector<std::string> seen;
  std::string text;
  for (const Hop& hop : trace.hops) {
    if (hop.protection.level != Level::clear || !protection::gave_content(hop)) continue;
    if (hop.reason.empty()) continue;
    std::string line = fmt::format("Hop {}: {}.", hop.number, plain(hop.reason, 500));
    if (std::ranges::find(seen, line) != seen.end() || seen.size() == 10) continue;
    text += indented(line, options.width, margin, 2);
    seen.push_back(std::move(line));
  }
  return text;
}

std::string verdicts(const LoadedTrace& trace, const protection::Evidence& evidence,
                     const TableOptions& options) {
  std::string text;
  const auto add = [&](const std::string& lead, const std::vector<Hop>& hops, bool came_back) {
    const auto fate = came_back ? protection::Fate::came_back : protection::Fate::going_on;
    const auto way = protection::of_way(evidence, hops);
    text += indented(lead + plain(protection::verdict(way, fate), 2000), options.width, margin, 2);
  };
  if (trace.ways.empty()) add("Verdict: ", trace.hops, false);
  const std::size_t shown = std::min(trace.ways.size(), options.recipients_max);
  for (std::size_t w = 0; w < shown; ++w) {
    const Way& way = trace.ways[w];
    const std::string lead = trace.ways.size() == 1
                                 ? "Verdict: "
                                 : fmt::format("Verdict for {}: ", plain(way.recipient.address));
    add(lead, trace.hops_of(way), way.ending.has_value());
  }
  return text;
}

}  // namespace

std::string to_table(const LoadedTrace& trace, const protection::Evidence& evidence,
                     const TableOptions& options) {
  TableOptions fitting = options;
  fitting.width = std::max<std::size_t>(options.width, 80);
  std::string text = "\n" + headline(trace, evidence, fitting) + "\n";
  text += hop_table(trace, evidence, fitting).text(fitting.width, margin);
  text += not_kept(trace, fitting);
  text += "\n" + who_could(protection::exposure(evidence), fitting);
  text += "\n" + verdicts(trace, evidence, fitting);
  text += reasons_of_clear(trace, fitting);
  return text;
}

}  // namespace letterlock::trace
