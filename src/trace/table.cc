#include "trace/table.h"

#include <algorithm>
#include <array>
#include <functional>
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

// It was taken, or may have been; a fetch also where it got a part.
bool counts(const Hop& hop) {
  return hop.outcome != Outcome::failed ||
         (hop.kind == hop::Kind::fetch && protection::gave_content(hop));
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

std::vector<Cell> cells_of(const Hop& hop, const TableOptions& options) {
  const bool is_local = hop.protection.level == Level::local;
  return {{ends_of(hop), fmt::format("{:<3}", hop.number)},
          level_cell(hop.protection.level, options),
          {protected_by(hop)},
          {is_local ? "-" : std::string(hop::name(hop.protection.network))},
          {proof_of(hop)}};
}

// What has a row of its own, with the attempts that are told below it.
struct HopRow {
  const Hop* hop = nullptr;
  std::vector<Cell> cells;
  Attempts attempts;
};

// Each that counts has a row: of several at once, to targets of an alias, and of those whose
// outcome isn't known, none hides another. Those that look alike share one.
std::vector<HopRow> rows_of(const Attempts& attempts, const TableOptions& options) {
  std::vector<HopRow> rows;
  const auto looks = [](const std::vector<Cell>& a, const std::vector<Cell>& b) {
    return std::ranges::equal(a, b, {}, &Cell::text, &Cell::text);
  };
  for (const Hop* hop : attempts) {
    if (!counts(*hop)) continue;
    auto cells = cells_of(*hop, options);
    if (std::ranges::any_of(rows, [&](const HopRow& row) { return looks(row.cells, cells); }))
      continue;
    rows.push_back({hop, std::move(cells), {}});
  }
  if (rows.empty()) {
    const Hop& last = *attempts.back();
    const Cell ends{ends_of(last), fmt::format("{:<3}", last.number)};
    rows.push_back({&last, {ends, {"not taken"}, {"-"}, {"-"}, {"recorded"}}, attempts});
    return rows;
  }
  for (const Hop* hop : attempts) {
    const auto its = std::ranges::find_if(
        rows, [&](const HopRow& row) { return row.hop->to.who == hop->to.who; });
    (its == rows.end() ? rows.back() : *its).attempts.push_back(hop);
  }
  return rows;
}

void add_hop(Table& table, const HopRow& row, base::Time day) {
  table.row(row.cells);
  const std::string& calls_itself = row.hop->from.calls_itself;
  if (!calls_itself.empty()) {
    table.across(fmt::format("{} calls itself {}; nothing else says so",
                             plain(protection::short_name(row.hop->from)), word(calls_itself)),
                 3);
  }
  add_attempts(table, row.attempts, day);
}

// Behind an expansion at a list: where its members' hops are to be found.
void add_members(Table& table, const Hop& hop, const protection::Evidence& evidence) {
  const std::string beyond = plain(protection::short_name(hop.to)) +
                             (was_there_before(hop) ? " has it by another way" : " -> its members");
  for (const auto& child : evidence.children) {
    const bool is_it = child.what == protection::Child::What::expanded &&
                       base::equal_ignoring_case(child.name, hop.to.who);
    if (!is_it || !child.exposure) continue;
    table.across(fmt::format("{}: trace {}", beyond, plain(child.trace)), 3);
    return;
  }
  add_unknown(table, beyond, "from here on");
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
    for (const HopRow& row : rows_of(attempts, options)) {
      const Hop& hop = *row.hop;
      const bool is_relay = hop.kind == hop::Kind::relay && counts(hop);
      if (is_relay && hop.from.role == hop::End::Role::mta) {
        add_unknown(table, "… -> " + plain(protection::short_name(hop.from)), "before here");
      }
      add_hop(table, row, trace.trace.accepted);
      const bool is_list = hop.to.role == hop::End::Role::list && counts(hop);
      if (is_list) add_members(table, hop, evidence);
      if (is_relay && hop.to.role == hop::End::Role::mta) {
        add_unknown(table,
                    fmt::format("{} -> {}", plain(protection::short_name(hop.to)),
                                word(recipient.substr(0, recipient.rfind('@')))),
                    "from here on");
      }
    }
  }
}

// How bad it is for these hops: who on the network could read it.
using Badness = std::array<Could, 3>;
Badness badness_of(const protection::Evidence& way) {
  using protection::Party;
  const auto all = protection::exposure(way);
  const auto could = [&](Party party) {
    return all.parties[static_cast<std::size_t>(party)].could;
  };
  return {could(Party::listener), could(Party::interferer), could(Party::recorder)};
}

// The ways by their places in the trace. Where not all can be shown, the worst are.
std::vector<std::size_t> worst_first(const LoadedTrace& trace,
                                     const protection::Evidence& evidence) {
  // Reports concern all ways alike.
  protection::Evidence own = evidence;
  std::erase_if(own.children, [](const protection::Child& child) {
    return child.what != protection::Child::What::expanded;
  });
  std::vector<std::size_t> order;
  std::vector<Badness> badness;
  for (std::size_t w = 0; w < trace.ways.size(); ++w) {
    order.push_back(w);
    badness.push_back(badness_of(protection::of_way(own, trace.hops_of(trace.ways[w]))));
  }
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return badness[a] != badness[b] ? badness[a] > badness[b] : a < b;
  });
  return order;
}

// What this screen says, and of whom.
struct Screen {
  const LoadedTrace& trace;
  const protection::Evidence& evidence;
  const TableOptions& options;
  std::vector<std::size_t> shown;  // ways, the worst first
  std::vector<std::size_t> rest;
};

Screen screen_of(const LoadedTrace& trace, const protection::Evidence& evidence,
                 const TableOptions& options) {
  Screen screen{trace, evidence, options, worst_first(trace, evidence), {}};
  const std::size_t count = std::min(screen.shown.size(), options.recipients_max);
  screen.rest.assign(screen.shown.begin() + static_cast<std::ptrdiff_t>(count), screen.shown.end());
  screen.shown.resize(count);
  return screen;
}

Table hop_table(const Screen& screen) {
  const auto& [trace, evidence, options, shown, rest] = screen;
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
  std::vector<std::size_t> in_order = shown;
  std::ranges::sort(in_order);
  for (const std::size_t w : in_order) {
    const Way& way = trace.ways[w];
    const bool is_hidden = way.recipient.hidden && !trace.trace.begun_again;
    table.across(
        fmt::format("to {}{}: {}", word(way.recipient.address),
                    is_hidden ? " (not named in To or Cc)" : "", standing_of(trace, way, evidence)),
        0);
    std::vector<std::size_t> own;
    std::ranges::copy_if(way.hops, std::back_inserter(own),
                         [&](std::size_t at) { return !trace.hops[at].recipients.empty(); });
    add_hops(table, trace, evidence, own, way.recipient.address, options);
  }
  if (!rest.empty()) table.across(fmt::format("and {} recipients more", rest.size()), 0);
  return table;
}

std::string indented(const std::string& text, std::size_t width, std::size_t indent,
                     std::size_t hanging) {
  Table line({{""}});
  line.across(text, indent - std::min(indent, margin), hanging);
  return line.text(width, std::min(indent, margin));
}

// Up to the first blank, and no more than a line has room for: a stranger begins no line of ours.
std::string first_word(const std::string& text, std::size_t columns) {
  return wrapped(plain(text), columns).front().substr(0, text.find(' '));
}

std::string headline(const LoadedTrace& trace, const protection::Evidence& evidence,
                     const TableOptions& options) {
  const Trace& of = trace.trace;
  const std::string subject = of.subject.empty() ? "(no subject)" : quoted(of.subject);
  const std::string from = of.mail_from.empty() ? "<>" : word(of.mail_from);
  std::string to = "nobody";
  if (trace.ways.size() == 1) to = word(trace.ways[0].recipient.address);
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
  const std::string message_id = first_word(of.message_id, options.width - margin - 2);
  if (!message_id.empty()) id += ", Message-ID " + message_id;
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

std::string verdicts(const Screen& screen) {
  const auto& [trace, evidence, options, shown, rest] = screen;
  std::string text;
  const auto add = [&](const std::string& line) {
    text += indented(line, options.width, margin, 2);
  };
  const auto verdict_on = [&](const std::vector<Hop>& hops, bool came_back) {
    const auto fate = came_back ? protection::Fate::came_back : protection::Fate::going_on;
    return plain(protection::verdict(protection::of_way(evidence, hops), fate), 2000);
  };
  if (trace.ways.empty()) add("Verdict: " + verdict_on(trace.hops, false));
  for (const std::size_t w : shown) {
    const Way& way = trace.ways[w];
    const std::string lead = trace.ways.size() == 1
                                 ? "Verdict: "
                                 : fmt::format("Verdict for {}: ", word(way.recipient.address));
    add(lead + verdict_on(trace.hops_of(way), way.came_back()));
  }
  if (rest.empty()) return text;
  std::vector<Hop> hops;
  for (const std::size_t w : rest) {
    for (Hop& hop : trace.hops_of(trace.ways[w])) hops.push_back(std::move(hop));
  }
  const auto worst = badness_of(protection::of_way(evidence, std::move(hops)));
  add(
      fmt::format("Verdict for {} recipients more, at worst: listening on the network: {}; "
                  "interfering: {}.",
                  rest.size(), protection::name(worst[0]), protection::name(worst[1])));
  return text;
}

}  // namespace

std::string to_table(const LoadedTrace& trace, const protection::Evidence& evidence,
                     const TableOptions& options) {
  TableOptions fitting = options;
  fitting.width = std::max<std::size_t>(options.width, 80);
  const Screen screen = screen_of(trace, evidence, fitting);
  std::string text = "\n" + headline(trace, evidence, fitting) + "\n";
  text += hop_table(screen).text(fitting.width, margin);
  text += not_kept(trace, fitting);
  text += "\n" + who_could(protection::exposure(evidence), fitting);
  text += "\n" + verdicts(screen);
  text += reasons_of_clear(trace, fitting);
  return text;
}

}  // namespace letterlock::trace
