#include <fmt/format.h>

#include <map>

#include "artemis/grammar/pattern.h"

namespace artemis {
namespace {

std::map<std::string, std::string, std::less<>> make_patterns() {
  // By the calendar: a 29th of February in leap years alone, and no year 0.
  const std::string year = R"((?:\d{3}[1-9]|\d{2}[1-9]\d|\d[1-9]\d{2}|[1-9]\d{3}))";
  const std::string day =
      R"((?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])))";
  const std::string leap_year =
      "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)";
  const std::string date = "(?:" + year + "-" + day + "|" + leap_year + "-02-29)";
  const std::string time =
      R"((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))";
  const std::string label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  const std::string byte = R"((?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))";
  // Groups of four hexadecimal digits, at one place of which `::` may stand for as many as are missing.
  const std::string group = "[0-9a-fA-F]{1,4}";
  std::string address =
      "(?:" + group + ":){7}" + group + "|(?:" + group + ":){1,7}:|:(?:(?::" + group + "){1,7}|:)";
  for (int before = 1; before <= 6; ++before) {
    address += fmt::format("|(?:{0}:){{1,{1}}}(?::{0}){{1,{2}}}", group, before, 7 - before);
  }
  const std::string days = R"((?:\d{1,9}Y(?:\d{1,9}M(?:\d{1,9}D)?)?|\d{1,9}M(?:\d{1,9}D)?|\d{1,9}D))";
  const std::string hours = R"(T(?:\d{1,9}H(?:\d{1,9}M(?:\d{1,9}S)?)?|\d{1,9}M(?:\d{1,9}S)?|\d{1,9}S))";
  const std::string uri_byte = R"((?:[A-Za-z0-9._~:\/?@!$&'()*+,;=\-]|%[0-9A-Fa-f]{2}))";
  return {
      {"date", "^" + date + "$"},
      {"time", "^" + time + "$"},
      {"date-time", "^" + date + "T" + time + "$"},
      {"uuid", "^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
      {"email", R"(^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@)" + label + R"((?:\.)" + label + ")+$"},
      {"hostname", "^" + label + R"((?:\.)" + label + ")*$"},
      {"ipv4", "^" + byte + R"((?:\.)" + byte + "){3}$"},
      {"ipv6", "^(?:" + address + ")$"},
      {"duration", "^P(?:" + days + "(?:" + hours + ")?|" + hours + R"(|\d{1,9}W)$)"},
      {"uri", R"(^[A-Za-z][A-Za-z0-9+.\-]*:[A-Za-z0-9\/])" + uri_byte + "*(?:#" + uri_byte + "*)?$"},
  };
}

}  // namespace

const std::string& format_pattern(std::string_view format) {
  static const auto patterns = make_patterns();
  static const std::string none;
  const auto found = patterns.find(format);
  return found == patterns.end() ? none : found->second;
}

}  // namespace artemis
