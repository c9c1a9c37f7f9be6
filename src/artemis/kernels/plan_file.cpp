#include "artemis/kernels/plan_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace artemis {
namespace {

using Plans = std::map<std::string, std::string>;

// The first line, then one line a plan, then the checksum of all before it.
constexpr std::string_view heading = "artemis plans 1\n";
constexpr std::string_view closing = "checksum ";

// Fowler, Noll and Vo's hash (FNV-1a) of 64 bits.
std::uint64_t checksum(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

std::string sealed(const std::string& text) {
  return text + fmt::format("{}{:016x}\n", closing, checksum(text));
}

std::string written(const Plans& plans) {
  std::string text(heading);
  for (const auto& [name, plan] : plans) text += name + " " + plan + "\n";
  return sealed(text);
}

std::string all_bytes(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

// Nothing of a file that is not whole.
Plans read(const std::filesystem::path& file) {
  const std::string text = all_bytes(file);
  const std::size_t end = text.rfind(closing);
  if (!text.starts_with(heading) || end == text.npos || text != sealed(text.substr(0, end))) return {};
  Plans plans;
  std::istringstream lines(text.substr(heading.size(), end - heading.size()));
  for (std::string name, plan; lines >> name >> plan;) plans[name] = plan;
  return plans;
}

// Under a temporary name first. A cache needs no sync: what a crash damages is measured again.
void write(const std::filesystem::path& file, std::string_view text) {
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  const std::filesystem::path temporary = fmt::format("{}.{}", file.string(), getpid());
  std::ofstream stream(temporary, std::ios::binary);
  stream << text;
  stream.close();
  if (stream) std::filesystem::rename(temporary, file, failed);
  if (!stream || failed) std::filesystem::remove(temporary, failed);
}

std::filesystem::path folder_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::filesystem::path cache_folder() {
  if (const auto own = folder_of("ARTEMIS_CACHE_DIR"); !own.empty()) return own;
  if (const auto shared = folder_of("XDG_CACHE_HOME"); !shared.empty()) return shared / "artemis";
  const auto home = folder_of("HOME");
  return home.empty() ? home : home / ".cache" / "artemis";
}

PlanFile::PlanFile(std::filesystem::path file) : file_(std::move(file)) {
  if (!file_.empty()) plans_ = read(file_);
}

const std::string* PlanFile::find(const std::string& name) const {
  const auto found = plans_.find(name);
  return found == plans_.end() ? nullptr : &found->second;
}

void PlanFile::put(const std::string& name, const std::string& plan) {
  plans_[name] = plan;
  if (file_.empty()) return;
  Plans all = plans_;
  all.merge(read(file_));
  write(file_, written(all));
}

std::string to_hex(const void* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i)
    text += fmt::format("{:02x}", static_cast<const unsigned char*>(bytes)[i]);
  return text;
}

bool from_hex(std::string_view text, void* bytes, std::size_t size) {
  if (text.size() != 2 * size) return false;
  std::vector<unsigned char> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    values[i] = static_cast<unsigned char>(high * 16 + low);
  }
  std::copy(values.begin(), values.end(), static_cast<unsigned char*>(bytes));
  return true;
}

}  // namespace artemis
