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
  return {
      {"date", "^" + date + "$"},
      {"time", "^" + time + "$"},
      {"date-time", "^" + date + "T" + time + "$"},
      {"uuid", "^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
      {"email", R"(^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@)" + label + R"((?:\.)" + label + ")+$"},
      {"hostname", "^" + label + R"((?:\.)" + label + ")*$"},
      {"ipv4", "^" + byte + R"((?:\.)" + byte + "){3}$"},
      {"uri", R"(^[A-Za-z][A-Za-z0-9+.\-]*:[A-Za-z0-9\/][A-Za-z0-9._~:\/?#@!$&'()*+,;=%\-]*$)"},
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
