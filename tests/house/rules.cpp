#include "rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

namespace artemis::house {
namespace {

constexpr std::size_t max_lines = 600;
constexpr std::string_view rooms_root = "src/artemis/";

using Rooms = std::set<std::string, std::less<>>;

// For each room, the rooms that it may use beside itself. A new room needs a row here.
const std::map<std::string, Rooms, std::less<>>& floors() {
  static const std::map<std::string, Rooms, std::less<>> table{
      {"core", {}},
      {"io", {"core"}},
      {"text", {"core", "io"}},
      {"image", {"core", "io"}},
      {"kernels", {"core"}},
      {"nn", {"core", "kernels"}},
      {"model", {"core", "io", "kernels", "nn"}},
      {"processor", {"core", "io", "text", "image", "model"}},
      {"train", {"core", "io", "kernels", "nn", "model", "processor"}},
      {"lab", {"core", "io"}},
      {"grammar", {"core", "io", "text"}},
      {"report", {"core", "io"}},
      {"generate", {"core", "io", "kernels", "nn", "model", "processor", "grammar"}},
      {"serve",
       {"core", "io", "text", "image", "kernels", "nn", "model", "processor", "grammar", "generate"}},
      {"bench",
       {"core", "io", "text", "kernels", "nn", "model", "processor", "train", "grammar", "generate"}},
      {"evaluate",
       {"core", "io", "text", "kernels", "nn", "model", "processor", "train", "grammar", "generate", "lab"}},
      {"cli",
       {"core", "io", "text", "image", "kernels", "nn", "model", "processor", "train", "grammar", "generate",
        "bench", "lab", "evaluate", "report", "serve"}},
  };
  return table;
}

// A file under scrutiny and what was found in it.
struct Scrutiny {
  const SourceFile& file;
  std::string room;  // empty outside src/artemis
  std::vector<std::string_view> lines{};
  std::vector<std::string> found{};

  void add(std::size_t line, const std::string& what) {
    found.push_back(file.path + ":" + std::to_string(line) + ": " + what);
  }
  bool in(std::string_view folder) const { return file.path.starts_with(folder); }
  bool ends(std::string_view extension) const { return file.path.ends_with(extension); }
};

// "io" for io/json.h and for io; "" for a file that stands beside the rooms.
std::string first_folder(std::string_view path) {
  return std::string(path.substr(0, path.find('/') == path.npos ? 0 : path.find('/')));
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Calls visit(word, begin) for each identifier or number of a line.
template <typename Visit>
void for_each_word(std::string_view line, Visit visit) {
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = at;
    while (at < line.size() && is_word(line[at])) ++at;
    if (at > begin) visit(line.substr(begin, at - begin), begin);
    if (at == begin) ++at;
  }
}

// A floor is broken when `room` uses `other` without a right to it.
void check_floor(Scrutiny& scrutiny, std::size_t line, const std::string& other) {
  const Rooms& allowed = floors().find(scrutiny.room)->second;
  if (other != scrutiny.room && !allowed.contains(other)) {
    scrutiny.add(line,
                 scrutiny.room + " must not use " + (other.empty() ? "a file outside the rooms" : other));
  }
}

void check_vendor(Scrutiny& scrutiny, std::size_t line, std::string_view header) {
  const std::string_view name = header.substr(header.rfind('/') + 1);  // npos + 1 is 0
  const auto begins = [name](std::string_view prefix) { return name.starts_with(prefix); };
  static constexpr std::array gpu{"cuda", "cublas", "cudnn", "nccl", "mpi"};
  if (begins("dnnl") || name == "omp.h") {
    if (!scrutiny.in("src/artemis/kernels/cpu/")) {
      scrutiny.add(line, std::string(header) + " belongs in kernels/cpu alone");
    }
  } else if (std::any_of(gpu.begin(), gpu.end(), begins) || header.starts_with("cutlass/") ||
             header.starts_with("cute/")) {
    const bool core = scrutiny.room == "core" && scrutiny.ends(".cpp");
    if (!core && !scrutiny.in("src/artemis/kernels/cuda/") && !scrutiny.in("src/artemis/train/distributed")) {
      scrutiny.add(line,
                   std::string(header) + " belongs in core/*.cpp, kernels/cuda and train/distributed alone");
    }
  } else if (header.starts_with("boost/") || header.starts_with("openssl/")) {
    if (!(scrutiny.room == "serve" && scrutiny.ends(".cpp")) && !scrutiny.in("src/artemis/serve/http/")) {
      scrutiny.add(line, std::string(header) + " belongs in serve/*.cpp and serve/http alone");
    }
  }
}

// The header of an #include line, with its first quote or bracket; empty for any other line. `code` is the
// line with literals blanked, so that an include inside a literal or a comment is none.
std::string_view included(std::string_view code, std::string_view line) {
  std::size_t at = code.find_first_not_of(" \t");
  if (at == code.npos || code[at] != '#') return {};
  at = code.find_first_not_of(" \t", at + 1);
  if (at == code.npos || !code.substr(at).starts_with("include")) return {};
  const std::size_t open = line.find_first_of("\"<", at);
  if (open == line.npos) return {};
  const std::size_t close = line.find(line[open] == '<' ? '>' : '"', open + 1);
  return line.substr(open, std::min(close, line.size()) - open);
}

void check_include(Scrutiny& scrutiny, std::size_t line, std::string_view include) {
  const std::string_view header = include.substr(1);
  if (header == "regex") scrutiny.add(line, "no std::regex: its stack grows with the input");
  if (scrutiny.room.empty()) return;
  if (header.starts_with("artemis/")) {
    check_floor(scrutiny, line, first_folder(header.substr(8)));
  } else if (include.front() == '"') {
    scrutiny.add(line, "our own header is included as artemis/ROOM/FILE, a library's in <>");
  } else {
    check_vendor(scrutiny, line, header);
  }
}

// Printing and exiting belong to cli; the assertion of core/error.cpp is the exception.
void check_silence(Scrutiny& scrutiny, std::size_t number, std::string_view code) {
  static const std::set<std::string_view> streams{"cout", "cerr", "clog", "stdout", "stderr"};
  static const std::set<std::string_view> calls{"printf", "vprintf", "puts",  "putchar",   "exit",
                                                "_exit",  "_Exit",   "abort", "quick_exit"};
  for_each_word(code, [&](std::string_view word, std::size_t begin) {
    const std::string_view before = code.substr(0, begin);
    const std::string_view after = code.substr(begin + word.size());
    const bool member = before.ends_with('.') || before.ends_with("->");
    const bool call = after.starts_with('(') && !member;
    if (streams.contains(word) || (call && calls.contains(word)) ||
        (call && word == "print" && before.ends_with("fmt::"))) {
      scrutiny.add(number, std::string(word) + ": only cli prints or exits");
    }
  });
}

void check_code(Scrutiny& scrutiny) {
  const std::string blanked = blank_comments_and_literals(scrutiny.file.text);
  const std::vector<std::string_view> code = split_lines(blanked);
  const bool silent =
      !scrutiny.room.empty() && scrutiny.room != "cli" && scrutiny.file.path != "src/artemis/core/error.cpp";
  for (std::size_t i = 0; i < code.size(); ++i) {
    const std::string_view include = included(code[i], scrutiny.lines[i]);
    if (!include.empty()) check_include(scrutiny, i + 1, include);
    if (code[i].find("std::regex") != std::string_view::npos) {
      scrutiny.add(i + 1, "no std::regex: its stack grows with the input");
    }
    if (silent) check_silence(scrutiny, i + 1, code[i]);
  }
  const bool header = scrutiny.ends(".h") || scrutiny.ends(".cuh");
  if (header && std::find(code.begin(), code.end(), "#pragma once") == code.end()) {
    scrutiny.add(1, "no #pragma once");
  }
}

// A target of one room links the targets of the rooms below it only.
void check_links(Scrutiny& scrutiny) {
  static constexpr std::string_view prefix = "artemis_";
  for (std::size_t i = 0; i < scrutiny.lines.size(); ++i) {
    const std::string_view line = scrutiny.lines[i];
    for_each_word(line.substr(0, line.find('#')), [&](std::string_view word, std::size_t) {
      if (!word.starts_with(prefix)) return;
      const auto room = floors().find(word.substr(prefix.size()));
      if (room != floors().end()) check_floor(scrutiny, i + 1, room->first);
    });
  }
}

// The name of the class that a line at the first level begins to define, or nothing.
std::string class_defined_by(std::string_view line) {
  for (const std::string_view keyword : {"struct ", "class "}) {
    if (!line.starts_with(keyword) || line.find(';') < line.find('{')) continue;
    line.remove_prefix(keyword.size());
    if (line.starts_with("alignas(")) line.remove_prefix(std::min(line.size(), line.find(") ") + 2));
    const auto ends = [](char c) { return c == ' ' || c == '<'; };
    const auto end = std::find_if(line.begin(), line.end(), ends);
    if (end != line.end() && *end == '<') return {};  // a specialisation
    return {line.begin(), end};
  }
  return {};
}

}  // namespace

std::vector<std::string> violations(const SourceFile& file) {
  Scrutiny scrutiny{file, {}};
  scrutiny.lines = split_lines(file.text);
  if (scrutiny.lines.size() > max_lines) {
    scrutiny.add(scrutiny.lines.size(), "more than " + std::to_string(max_lines) + " lines");
  }
  if (scrutiny.in(rooms_root)) {
    scrutiny.room = first_folder(std::string_view(file.path).substr(rooms_root.size()));
    if (!floors().contains(scrutiny.room)) {
      scrutiny.add(1, "stands in no room that tests/house knows");
      return scrutiny.found;
    }
  }
  static constexpr std::array code{".h", ".cpp", ".cu", ".cuh", ".inc"};
  if (std::any_of(code.begin(), code.end(), [&](const char* e) { return scrutiny.ends(e); })) {
    check_code(scrutiny);
  } else if (!scrutiny.room.empty() && scrutiny.ends("CMakeLists.txt")) {
    check_links(scrutiny);
  }
  return scrutiny.found;
}

std::vector<std::string> defined_twice(const std::vector<SourceFile>& files) {
  std::vector<std::string> found;
  std::map<std::string, std::string> first;  // the path by the name
  for (const SourceFile& file : files) {
    const std::vector<std::string_view> lines = split_lines(file.text);
    std::vector<std::string> spaces;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string_view line = lines[i];
      if (line.starts_with("namespace ") && line.ends_with("{")) {
        spaces.emplace_back(line.substr(10, line.size() - 11));
      } else if (line.starts_with("}  // namespace") && !spaces.empty()) {
        spaces.pop_back();
      }
      const std::string name = class_defined_by(line);
      const bool unnamed = std::find(spaces.begin(), spaces.end(), "") != spaces.end();
      // The class around a nested one is defined once.
      if (name.empty() || unnamed || name.find(':') != std::string::npos) continue;
      std::string full;
      for (const std::string& space : spaces) full += space + "::";
      const auto& [known, path] = *first.emplace(full + name, file.path).first;
      if (path != file.path) {
        found.push_back(file.path + ":" + std::to_string(i + 1) + ": " + path + " has a class " + name +
                        " too");
      }
    }
  }
  return found;
}

}  // namespace artemis::house
